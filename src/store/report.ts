// Questions over all recipients, answered by the database: only the answers cross into memory here. Nothing is written.

import type { Pool, PoolClient } from 'pg'
import { newestBalance } from './balance.ts'
import type { Edge } from './history.ts'
import { openShares } from './open-shares.ts'
import { overEdges, overLanes } from './over-lanes.ts'
import { inSnapshot, plainArray, rows, type Queryable } from './statement.ts'

/** For sums over a million recipients: with the usual 4 MB they are sorted on disk in many runs. */
const WORK_MEMORY = '64MB'

/** Reads of one moment, with the memory that sums over everybody need. */
export async function inReport<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return await inSnapshot(pool, async (client) => {
    await client.query(`select set_config('work_mem', '${WORK_MEMORY}', true)`)
    return await work(client)
  })
}

export type RoleTotal = {
  readonly role: string
  readonly asset: string
  /** How many accounts have a balance other than zero; those of each lane count for themselves. */
  readonly accounts: bigint
  readonly debits: bigint
  readonly credits: bigint
}

/** What stands in all accounts of each role, up to a place of each lane. */
export async function roleTotals(on: Queryable, edges: readonly Edge[]): Promise<RoleTotal[]> {
  return await overEdges(on, edges, {
    part: (edge) => `select split_part(account.name, ':', 1) as role, account.asset, count(*) filter (where balance.debits <> balance.credits) as accounts,
        sum(balance.debits) as debits, sum(balance.credits) as credits
      from ${edge}
      join apportion.account on account.lane = edge.lane
      cross join lateral (${newestBalance({ lane: 'edge.lane', account: 'account.number', upTo: 'edge.transfer' })}) balance
      group by role, account.asset`,
    whole: (parts) => `select role, asset, sum(accounts) as accounts, sum(debits) as debits, sum(credits) as credits
      from ${parts} group by role, asset order by role, asset`,
  })
}

export type RankedRecipient = { readonly recipient: string; readonly asset: string; readonly units: bigint; readonly rank: bigint }

/** The first of each asset above zero; at equal units by the recipient's id. Only those are sorted: a million would take seconds more. */
const ranked = (limit: string) => (parts: string): string => `with owned as materialized (
        select recipient, asset, sum(units) as units from ${parts} group by recipient, asset
      )
      select first.recipient, each.asset, first.units, first.rank
      from (select distinct asset from owned) each
      cross join lateral (
        select recipient, units, row_number() over () as rank from (
          select recipient, units from owned where owned.asset = each.asset and units > 0 order by units desc, recipient limit ${limit}
        ) sorted
      ) first
      order by each.asset, first.rank`

/** The recipients in whose accounts of one role most stands, up to a place of each lane. */
export async function topByBalance(on: Queryable, { edges, role, limit }: { edges: readonly Edge[]; role: string; limit: number }): Promise<RankedRecipient[]> {
  return await overEdges(on, edges, {
    part: (edge) => `with open_share as materialized (
          ${openShares(edge)}
        )
        select substr(account.name, length($4) + 2) as recipient, account.asset, sum(balance.credits - balance.debits - coalesce(open_share.units, 0)) as units
        from ${edge}
        join apportion.account on account.lane = edge.lane and account.name >= $4 || ':' and account.name < $4 || ';'
        cross join lateral (${newestBalance({ lane: 'edge.lane', account: 'account.number', upTo: 'edge.transfer' })}) balance
        left join open_share on open_share.lane = account.lane and open_share.account = account.number
        group by account.name, account.asset`,
    whole: ranked('$3'),
    values: [limit, role],
  })
}

/**
 * The recipients to whom (`sign` 1) or from whom (`sign` -1) most went by transfers of some kinds between two places of each lane. Linear in
 * the transfers between them.
 */
export async function topByFlow(
  on: Queryable,
  { low, high, kinds, sign, roles, limit }: {
    low: readonly Edge[]
    high: readonly Edge[]
    kinds: readonly string[]
    sign: 1 | -1
    roles: readonly string[]
    limit: number
  },
): Promise<RankedRecipient[]> {
  const moved = (edge: string, side: 'debit' | 'credit', direction: string): string => `select edge.lane, transfer.${side} as account, ${direction}sum(transfer.units) as units
          from ${edge}
          join apportion.transfer on transfer.lane = edge.lane and transfer.number > edge.low and transfer.number <= edge.high
          where transfer.kind = any ($4::text[])
          group by edge.lane, transfer.${side}`
  return await overLanes(on, {
    edge: ['lane bigint', 'low bigint', 'high bigint'],
    lanes: high.length,
    part: (edge, laneOf) => `select substr(account.name, strpos(account.name, ':') + 1) as recipient, account.asset, $6::integer * sum(moved.units) as units
      from (
        ${moved(edge, 'credit', '')}
        union all
        ${moved(edge, 'debit', '-')}
        union all
        -- What was posted before and counts since, and what is posted and does not count yet.
        select lane, account, units from (${openShares(`(select edge.lane, edge.low as transfer from ${edge}) as edge`)}) before where kind = any ($4::text[])
        union all
        select lane, account, -units from (${openShares(`(select edge.lane, edge.high as transfer from ${edge}) as edge`)}) after where kind = any ($4::text[])
      ) moved
      join apportion.account on account.lane = ${laneOf('moved.lane')} and account.number = moved.account
      where split_part(account.name, ':', 1) = any ($7::text[]) and strpos(account.name, ':') > 0
      group by recipient, account.asset`,
    whole: ranked('$5'),
    values: [
      plainArray(high.map(({ lane }) => lane)),
      plainArray(low.map(({ transfer }) => transfer)),
      plainArray(high.map(({ transfer }) => transfer)),
      kinds,
      limit,
      sign,
      roles,
    ],
  })
}

export type Aged = {
  readonly state: string
  readonly reason: string | null
  readonly asset: string
  /** 0 is older than the first bound, 1 older than the second, and so on. */
  readonly age: number
  readonly payouts: bigint
  readonly units: bigint
  readonly since: Temporal.Instant
}

/** A queued payout whose plan does not let it be paid yet is locked. */
function shownState(now: string): string {
  return `case when state = 'queued' and locked_until > ${now}::timestamptz then 'locked' else state end`
}

/** Payouts that have not arrived, by state, reason and age. Bounds rise. */
export async function ageOpenPayouts(
  on: Queryable,
  { lanes, bounds, now }: { lanes: readonly bigint[]; bounds: readonly Temporal.Instant[]; now: Temporal.Instant },
): Promise<Aged[]> {
  return await rows(on, {
    text: `select ${shownState('$3')} as state, reason, asset, width_bucket(created_at, $2::timestamptz[]) as age, count(*) as payouts, sum(units) as units, min(created_at) as since
      from apportion.payout
      where lane = any ($1::bigint[]) and state not in ('settled', 'cancelled')
      group by 1, reason, asset, age
      order by 1, reason, asset, age`,
    values: [plainArray(lanes), plainArray(bounds.map(String)), now.toString()],
  })
}

/** Shares of which no payout has been made yet, by age. A running worker leaves few. */
export async function ageNewShares(
  on: Queryable,
  { lanes, kinds, bounds }: { lanes: readonly bigint[]; kinds: readonly string[]; bounds: readonly Temporal.Instant[] },
): Promise<Aged[]> {
  return await rows(on, {
    text: `select 'payable' as state, null as reason, account.asset, width_bucket(block.recorded_at, $3::timestamptz[]) as age,
        count(*) as payouts, min(block.recorded_at) as since, sum(transfer.units - coalesce((
          select sum(units) from apportion.deduction where deduction.lane = transfer.lane and deduction.share = transfer.number), 0)) as units
      from apportion.payout_cursor
      join apportion.block on block.lane = payout_cursor.lane and block.last_transfer > payout_cursor.transfer
      join apportion.transfer on transfer.lane = block.lane and transfer.number between block.first_transfer and block.last_transfer
        and transfer.number > payout_cursor.transfer
      join apportion.account on account.lane = transfer.lane and account.number = transfer.credit
      where payout_cursor.lane = any ($1::bigint[]) and transfer.kind = any ($2::text[]) and account.name >= 'payable:' and account.name < 'payable;'
      group by account.asset, age
      order by account.asset, age`,
    values: [plainArray(lanes), kinds, plainArray(bounds.map(String))],
  })
}

/** The same of distributions that are complete: as old as they are. */
export async function ageUnpaidDistributions(on: Queryable, { lanes, bounds }: { lanes: readonly bigint[]; bounds: readonly Temporal.Instant[] }): Promise<Aged[]> {
  return await rows(on, {
    text: `select 'payable' as state, null as reason, distribution.asset, width_bucket(distribution.completed_at, $2::timestamptz[]) as age,
        count(*) as payouts, min(distribution.completed_at) as since, sum(transfer.units - coalesce((
          select sum(units) from apportion.deduction where deduction.lane = transfer.lane and deduction.share = transfer.number), 0)) as units
      from apportion.distribution
      join apportion.transfer on transfer.lane = distribution.lane and transfer.kind = 'distributed' and transfer.subject = distribution.digest
        and transfer.number > distribution.payout_transfer and transfer.number <= distribution.last_transfer
      where distribution.lane = any ($1::bigint[]) and distribution.state = 'complete' and distribution.payout_transfer < distribution.last_transfer
      group by distribution.asset, age
      order by distribution.asset, age`,
    values: [plainArray(lanes), plainArray(bounds.map(String))],
  })
}

/** What has become of a recipient's payouts, by state and reason. Linear in them. */
export type RecipientStanding = Pick<Aged, 'state' | 'reason' | 'asset' | 'payouts' | 'units' | 'since'>

type OfRecipient = { readonly lanes: readonly bigint[]; readonly recipient: string; readonly now: Temporal.Instant }

/** Those of which nothing is left are told by what was taken from them. */
export async function payoutsOfRecipient(on: Queryable, { lanes, recipient, now }: OfRecipient): Promise<RecipientStanding[]> {
  return await rows(on, {
    text: `select ${shownState('$3')} as state, reason, asset, count(*) as payouts, sum(units) as units, min(created_at) as since from apportion.payout
      where lane = any ($1::bigint[]) and recipient = $2 and state <> 'cancelled'
      group by 1, reason, asset
      order by 1, reason, asset`,
    values: [plainArray(lanes), recipient, now.toString()],
  })
}

/** What reversals and recoupments took from a recipient's shares before they were paid. `payouts` counts the shares. */
export async function takenFromRecipient(on: Queryable, lanes: readonly bigint[], recipient: string): Promise<RecipientStanding[]> {
  return await rows(on, {
    text: `select case transfer.kind when 'recouped' then 'recouped' else 'reversed' end as state, null as reason, payout.asset, count(distinct (payout.lane, deduction.share)) as payouts,
        sum(deduction.units) as units, min(payout.created_at) as since
      from apportion.payout
      join apportion.payout_share on payout_share.lane = payout.lane and payout_share.payout = payout.payout
      join apportion.deduction on deduction.lane = payout.lane and deduction.share = payout_share.transfer
      join apportion.transfer on transfer.lane = payout.lane and transfer.number = deduction.transfer
      where payout.lane = any ($1::bigint[]) and payout.recipient = $2
      group by 1, payout.asset
      order by 1 desc, payout.asset`,
    values: [plainArray(lanes), recipient],
  })
}

/** What reversals took from a recipient's shares of which no payout has been made yet: those after a place of each lane. */
export async function takenFromNew(on: Queryable, { after, recipient }: { after: readonly Edge[]; recipient: string }): Promise<RecipientStanding[]> {
  return await overEdges(on, after, {
    part: (edge) => `select account.asset, count(distinct (edge.lane, deduction.share)) as payouts,
        sum(deduction.units) as units, min(block.recorded_at) as since
      from ${edge}
      join apportion.deduction on deduction.lane = edge.lane and deduction.share > edge.transfer
      join apportion.transfer on transfer.lane = edge.lane and transfer.number = deduction.share
      join apportion.account on account.lane = edge.lane and account.number = transfer.credit and account.name = 'payable:' || $3
      join apportion.event on event.lane = edge.lane and event.number = transfer.event
      join apportion.block on block.lane = edge.lane and block.number = event.block
      group by account.asset`,
    whole: (parts) => `select 'reversed' as state, null as reason, asset, sum(payouts) as payouts, sum(units) as units, min(since) as since
      from ${parts} group by asset order by asset`,
    values: [recipient],
  })
}

/** How far the shares of each lane have become payouts, as places. */
export async function payoutEdges(on: Queryable, lanes: readonly bigint[]): Promise<Edge[]> {
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    part: (edge) => `select edge.place, edge.lane, coalesce(payout_cursor.transfer, 0) as transfer
      from ${edge}
      left join apportion.payout_cursor on payout_cursor.lane = edge.lane`,
    whole: (parts) => `select lane, transfer, transfer as end from ${parts} order by place`,
    values: [plainArray(lanes)],
  })
}
