// What a reversal of a large distribution reads: the shares that were given, chunk by chunk, with what is left of each and how it stands.

import { balanceRows, newestBalance } from './balance.ts'
import { plainArray, type Ask, type Statement } from './statement.ts'
import type { ChunkRow, DistributionRow } from './distribution.ts'
import type { Deduction } from './reversal.ts'
import type { CopyRows } from './unit.ts'

type Of = Pick<DistributionRow, 'lane' | 'event'> & { readonly reverses: bigint }

/** A chunk that gave, by its place and its transfers. */
export type GivenChunk = Pick<ChunkRow, 'first_place' | 'places' | 'first_transfer' | 'shares'>

/** A share that was given, and what of it reversals before this one have left. */
export type LeftShare = { readonly share: bigint; readonly part: number; readonly recipient: string; readonly left: bigint }

// As texts: rows of the driver's cost more than all that is done with them, and to be put together here they need no join, which the planner
// would make a bad one of in new tables.

/** What reversals before this one ($2, $3) took back of the shares of a chunk, by its place ($4). */
const BACK = `select string_agg(concat(back.part, E'\\t', back.units), E'\\n')
        from apportion.distribution earlier
        cross join lateral (
          select first_transfer, shares from apportion.distribution_chunk where lane = $1 and event = earlier.event and first_place = $4 offset 0
        ) chunk
        cross join lateral (
          select part, units from apportion.transfer where lane = $1 and number >= chunk.first_transfer and number < chunk.first_transfer + chunk.shares offset 0
        ) back
        where earlier.lane = $1 and earlier.reverses = $2 and earlier.event < $3`

/** The shares of a chunk in order, less what reversals before this one took back of each. */
export async function leftOfChunk(ask: Ask, of: Of, chunk: GivenChunk): Promise<LeftShare[]> {
  const [found] = await ask<{ shares: string | null; back: string | null }>({
    name: 'left-of-chunk',
    text: `select (
        select string_agg(concat(share.number, E'\\t', share.part, E'\\t', share.units, E'\\t', substr(account.name, 9)), E'\\n' order by share.number)
        from apportion.transfer share
        cross join lateral (select name from apportion.account where account.lane = $1 and account.number = share.credit limit 1) account
        where share.lane = $1 and share.number >= $5 and share.number < $6
      ) as shares, (${BACK}) as back`,
    values: valuesOf(of, chunk),
  })
  const back = readBack(found?.back ?? null)
  return linesOf(found?.shares ?? null, ([share = '', part = '', units = '', recipient = '']) => {
    return { share: BigInt(share), part: Number(part), recipient, left: BigInt(units) - (back.get(part) ?? 0n) }
  })
}

/** What is left of them alone, in the same order: nobody is looked up. */
export async function unitsLeftOfChunk(ask: Ask, of: Of, chunk: GivenChunk): Promise<bigint[]> {
  const [found] = await ask<{ shares: string | null; back: string | null }>({
    name: 'units-left-of-chunk',
    text: `select (
        select string_agg(concat(part, E'\\t', units), E'\\n' order by number) from apportion.transfer where lane = $1 and number >= $5 and number < $6
      ) as shares, (${BACK}) as back`,
    values: valuesOf(of, chunk),
  })
  const back = readBack(found?.back ?? null)
  return linesOf(found?.shares ?? null, ([part = '', units = '']) => BigInt(units) - (back.get(part) ?? 0n))
}

function valuesOf({ lane, event, reverses }: Of, { first_place: place, first_transfer: first, shares }: GivenChunk): Statement['values'] {
  return [lane, reverses, event, place, first, first + BigInt(shares)]
}

function readBack(lines: string | null): ReadonlyMap<string, bigint> {
  const back = new Map<string, bigint>()
  for (const [part = '', units = ''] of linesOf(lines, (fields) => fields)) back.set(part, (back.get(part) ?? 0n) + BigInt(units))
  return back
}

type Account = { readonly number: number; readonly debits: bigint; readonly credits: bigint }

/** How a share stands now. `left`: less what reversals and recoupments took of it before it was paid. */
export type ShareStanding = { readonly share: bigint; readonly left: bigint; readonly payout: string | null; readonly state: string | null; readonly payable: Account }

/** How a chunk's shares stand, in order, and the accounts of those who owe, by recipient. */
export type ChunkStanding = { readonly shares: readonly ShareStanding[]; readonly owing: ReadonlyMap<string, Account> }

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

const NEWEST = newestBalance({ lane: '$1', account: 'own.account' })

/**
 * How a chunk's shares stand, as texts. Each share's account is looked up by its key, whatever the planner thinks of how many there are; what
 * most of them do not have (payouts, deductions, debts) is read in a range of its own, which costs nothing where there is none.
 */
export function standingOfChunk({ lane, asset }: Pick<DistributionRow, 'lane' | 'asset'>, { first_transfer: first, shares }: GivenChunk, recipients: readonly string[]): Statement {
  return {
    name: 'standing-of-chunk',
    text: `select (
        select string_agg(concat(own.number, E'\\t', own.units, E'\\t', own.account, E'\\t', payable.debits, E'\\t', payable.credits), E'\\n' order by own.number)
        from (select number, units, credit as account from apportion.transfer where lane = $1 and number >= $2 and number < $3) own
        cross join lateral (${NEWEST}) payable
      ) as shares, (
        select string_agg(concat(share, E'\\t', units), E'\\n') from apportion.deduction where lane = $1 and share >= $2 and share < $3
      ) as taken, (
        select string_agg(concat(own.transfer, E'\\t', own.payout, E'\\t', payout.state), E'\\n')
        from (select transfer, payout from apportion.payout_share where lane = $1 and transfer >= $2 and transfer < $3 offset 0) own
        cross join lateral (select state from apportion.payout where payout.lane = $1 and payout.payout = own.payout limit 1) payout
      ) as drawn, (
        select string_agg(concat(own.recipient, E'\\t', own.account, E'\\t', owed.debits, E'\\t', owed.credits), E'\\n')
        from (
          select substr(name, 9) as recipient, number as account from apportion.account
          where lane = $1 and name >= 'owed_by:' || $5::text and name <= 'owed_by:' || $6::text and asset = $4 offset 0
        ) own
        cross join lateral (${NEWEST}) owed
      ) as owing`,
    values: [lane, first, first + BigInt(shares), asset, recipients[0] ?? '', recipients.at(-1) ?? ''],
  }
}

export function readStanding([found]: readonly unknown[]): ChunkStanding {
  const { shares, taken, drawn, owing } = found as Readonly<Record<'shares' | 'taken' | 'drawn' | 'owing', string | null>>
  const account = (number: string, debits: string, credits: string): Account => ({ number: Number(number), debits: BigInt(debits), credits: BigInt(credits) })
  const less = new Map<string, bigint>()
  for (const [share = '', units = ''] of linesOf(taken, (fields) => fields)) less.set(share, (less.get(share) ?? 0n) + BigInt(units))
  const payouts = new Map(linesOf(drawn, ([share = '', payout = '', state = '']) => [share, { payout, state }]))
  return {
    shares: linesOf(shares, ([share = '', units = '', number = '', debits = '', credits = '']) => {
      const { payout, state } = payouts.get(share) ?? UNDRAWN
      return { share: BigInt(share), left: BigInt(units) - (less.get(share) ?? 0n), payout, state, payable: account(number, debits, credits) }
    }),
    owing: new Map(linesOf(owing, ([recipient = '', number = '', debits = '', credits = '']) => [recipient, account(number, debits, credits)])),
  }
}

const UNDRAWN = { payout: null, state: null }

function linesOf<Line>(lines: string | null, read: (fields: readonly string[]) => Line): Line[] {
  return lines === null ? [] : lines.split('\n').map((line) => read(line.split('\t')))
}

/** What a chunk took from shares that are not paid, as rows of `deduction`. */
export function deductionRows(lane: bigint, deductions: readonly Deduction[]): CopyRows {
  let lines = ''
  for (const { share, transfer, units } of deductions) lines += `${lane}\t${share}\t${transfer}\t${units}\n`
  return { name: 'copy-deduction', copy: 'copy apportion.deduction (lane, share, transfer, units) from stdin', lines }
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
        ${balanceRows({ lane: '$1', account: 'account.number', above: 'open.first_transfer - 1' })}
      ) touched
      join apportion.transfer on transfer.lane = $1 and transfer.number = touched.transfer and transfer.kind = 'taken_back' and transfer.subject = open.digest
      where open.lane = $1 and open.state = 'running' and open.reverses is not null
      group by account.name, account.asset`,
    values: [lane, plainArray(accounts)],
  }
}
