// What a reversal of a large distribution reads: the shares that were given, chunk by chunk, with what is left of each and how it stands.

import { plainArray, type Ask, type Statement } from './statement.ts'
import type { ChunkRow, DistributionRow } from './distribution.ts'

type Of = Pick<DistributionRow, 'lane' | 'event'> & { readonly reverses: bigint }

/** A chunk that gave, by its place and its transfers. */
export type GivenChunk = Pick<ChunkRow, 'first_place' | 'places' | 'first_transfer' | 'shares'>

/** A share that was given, and what of it reversals before this one have left. */
export type LeftShare = { readonly share: bigint; readonly part: number; readonly recipient: string; readonly left: bigint }

/**
 * The shares of a chunk in order, less what reversals before this one took back of each. As texts: rows of the driver's cost more than
 * all that is done with them, and to be put together here they need no join, which the planner would make a bad one of in new tables.
 */
export async function leftOfChunk(ask: Ask, { lane, event, reverses }: Of, { first_place: place, first_transfer: first, shares }: GivenChunk): Promise<LeftShare[]> {
  const [found] = await ask<{ shares: string | null; back: string | null }>({
    name: 'left-of-chunk',
    text: `select (
        select string_agg(concat(share.number, E'\\t', share.part, E'\\t', share.units, E'\\t', substr(account.name, 9)), E'\\n' order by share.number)
        from apportion.transfer share
        cross join lateral (select name from apportion.account where account.lane = $1 and account.number = share.credit limit 1) account
        where share.lane = $1 and share.number >= $5 and share.number < $6
      ) as shares, (
        select string_agg(concat(back.part, E'\\t', back.units), E'\\n')
        from apportion.distribution earlier
        cross join lateral (
          select first_transfer, shares from apportion.distribution_chunk where lane = $1 and event = earlier.event and first_place = $4 offset 0
        ) chunk
        cross join lateral (
          select part, units from apportion.transfer where lane = $1 and number >= chunk.first_transfer and number < chunk.first_transfer + chunk.shares offset 0
        ) back
        where earlier.lane = $1 and earlier.reverses = $2 and earlier.event < $3
      ) as back`,
    values: [lane, reverses, event, place, first, first + BigInt(shares)],
  })
  const back = new Map<string, bigint>()
  for (const [part = '', units = ''] of linesOf(found?.back ?? null, (fields) => fields)) back.set(part, (back.get(part) ?? 0n) + BigInt(units))
  return linesOf(found?.shares ?? null, ([share = '', part = '', units = '', recipient = '']) => {
    return { share: BigInt(share), part: Number(part), recipient, left: BigInt(units) - (back.get(part) ?? 0n) }
  })
}

/** How a share stands now. `left`: less what reversals and recoupments took of it before it was paid. */
export type ShareStanding = {
  readonly share: bigint
  readonly left: bigint
  readonly payout: string | null
  readonly state: string | null
  readonly payable: { readonly number: number; readonly debits: bigint; readonly credits: bigint }
  readonly owed: ShareStanding['payable'] | null
}

/** Locks the payouts of a chunk's shares, of which each has one at most. */
export function lockPayoutsOfChunk({ lane }: Pick<DistributionRow, 'lane'>, { first_transfer: first, shares }: GivenChunk): Statement {
  return {
    name: 'lock-payouts-of-chunk',
    text: `select count(*) from (
        select from apportion.payout
        where lane = $1 and payout = any (array (select payout from apportion.payout_share where lane = $1 and transfer >= $2 and transfer < $3))
        order by payout for update
      ) locked`,
    values: [lane, first, first + BigInt(shares)],
  }
}

/** How a chunk's shares stand, as one text `lines`; each of their rows by its key, whatever the planner thinks of how many there are. */
export function standingOfChunk({ lane, asset }: Pick<DistributionRow, 'lane' | 'asset'>, { first_transfer: first, shares }: GivenChunk): Statement {
  const newest = (account: string): string => `cross join lateral (
          select debits, credits from apportion.balance where balance.lane = $1 and balance.account = ${account}.number order by transfer desc limit 1
        ) balance`
  return {
    name: 'standing-of-chunk',
    text: `select string_agg(concat(share.number, E'\\t', share.units - taken.units, E'\\t', drawn.payout, E'\\t', drawn.state, E'\\t',
        payable.number, E'\\t', payable.debits, E'\\t', payable.credits, E'\\t', owed.number, E'\\t', owed.debits, E'\\t', owed.credits), E'\\n' order by share.number) as lines
      from apportion.transfer share
      cross join lateral (
        select own.number, own.name, balance.debits, balance.credits
        from (select number, name from apportion.account where account.lane = $1 and account.number = share.credit limit 1) own
        ${newest('own')}
      ) payable
      cross join lateral (select coalesce(sum(units), 0) as units from apportion.deduction where deduction.lane = $1 and deduction.share = share.number) taken
      left join lateral (
        select own.number, balance.debits, balance.credits
        from (select number from apportion.account where account.lane = $1 and account.name = 'owed_by:' || substr(payable.name, 9) and account.asset = $4 limit 1) own
        ${newest('own')}
      ) owed on true
      left join lateral (
        select payout.payout, payout.state
        from (select payout from apportion.payout_share where payout_share.lane = $1 and payout_share.transfer = share.number limit 1) own
        cross join lateral (select payout, state from apportion.payout where payout.lane = $1 and payout.payout = own.payout limit 1) payout
      ) drawn on true
      where share.lane = $1 and share.number >= $2 and share.number < $3`,
    values: [lane, first, first + BigInt(shares), asset],
  }
}

export function readStanding(lines: string | null): ShareStanding[] {
  return linesOf(lines, ([share = '', left = '', payout = '', state = '', ...accounts]) => {
    const [number = '', debits = '', credits = '', debtor = '', owedDebits = '', owedCredits = ''] = accounts
    return {
      ...{ share: BigInt(share), left: BigInt(left), payout: payout === '' ? null : payout, state: state === '' ? null : state },
      payable: { number: Number(number), debits: BigInt(debits), credits: BigInt(credits) },
      owed: debtor === '' ? null : { number: Number(debtor), debits: BigInt(owedDebits), credits: BigInt(owedCredits) },
    }
  })
}

function linesOf<Line>(lines: string | null, read: (fields: readonly string[]) => Line): Line[] {
  return lines === null ? [] : lines.split('\n').map((line) => read(line.split('\t')))
}

export type NewTakeBack = Pick<DistributionRow, 'lane' | 'event' | 'digest' | 'part' | 'units'> & { readonly of: DistributionRow }

/** The row of a reversal in chunks, which is running from now on. It has the places and chunks of what it takes back. */
export function insertTakeBack({ lane, event, digest, part, units, of }: NewTakeBack): Statement {
  return {
    text: `insert into apportion.distribution (lane, event, digest, part, plan, snapshot, recipients, asset, units, chunk, reverses)
      values ($1, $2, $3, $4, $5, decode($6, 'hex'), $7, $8, $9, $10, $11)`,
    values: [lane, event, digest, part, of.plan, of.snapshot, of.recipients, of.asset, units, of.chunk, of.event],
  }
}

/** The reversal of a distribution that is being posted, by its reference: at most one. */
export function runningTakeBack(lane: bigint, event: bigint): Statement {
  return {
    text: `select event.reference, distribution.next_place, distribution.recipients
      from apportion.distribution join apportion.event on event.lane = $1 and event.number = distribution.event
      where distribution.lane = $1 and distribution.reverses = $2 and distribution.state = 'running'`,
    values: [lane, event],
  }
}

/** What recipients owe by reversals that are not complete, by name of their `owed_by` account: nobody owes it yet. */
export function uncountedDebts(lane: bigint, accounts: readonly string[]): Statement {
  return {
    text: `select account.name, account.asset, sum(transfer.units) as units
      from apportion.distribution open
      join apportion.account on account.lane = $1 and account.name = any ($2::text[]) and account.asset = open.asset
      cross join lateral (
        select transfer from apportion.balance
        where balance.lane = $1 and balance.account = account.number and balance.transfer >= open.first_transfer
        offset 0
      ) touched
      join apportion.transfer on transfer.lane = $1 and transfer.number = touched.transfer and transfer.kind = 'taken_back' and transfer.subject = open.digest
      where open.lane = $1 and open.state = 'running' and open.reverses is not null
      group by account.name, account.asset`,
    values: [lane, plainArray(accounts)],
  }
}
