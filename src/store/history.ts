// The journal read back by account: what stood in accounts at a place of each lane, and what moved in them between two places. The
// balance rows (one for an account and a block that touched it) lead to the blocks, and of a block only its own transfers are read, so
// that a page costs the same however long the history and however many the accounts. Nothing is written here.

import { balanceRows, newestBalance } from './balance.ts'
import { overLanes, type LaneOf } from './over-lanes.ts'
import { maybeRow, plainArray, type Queryable } from './statement.ts'

/**
 * A place in a lane: everything up to this transfer. `end` is the last transfer of the block that holds it, which is the same where
 * the place is a block's end.
 */
export type Edge = { readonly lane: bigint; readonly transfer: bigint; readonly end: bigint }

/** An edge at a block's end, with that block's place in the chain; number 0 and no hash before the first block. */
export type BlockEdge = Edge & { readonly block: bigint; readonly hash: string | null; readonly recorded_at: Temporal.Instant | null }

/** The last block of each lane that was recorded at or before an instant. Instants are whole microseconds. */
export async function edgesAt(on: Queryable, wanted: readonly { readonly lane: bigint; readonly at: Temporal.Instant }[]): Promise<BlockEdge[]> {
  return await overLanes(on, {
    edge: ['lane bigint', 'at timestamptz'],
    lanes: wanted.length,
    part: (edge) => `select edge.place, edge.lane, coalesce(block.last_transfer, 0) as transfer, coalesce(block.last_transfer, 0) as end,
        coalesce(block.number, 0) as block, encode(block.hash, 'hex') as hash, block.recorded_at
      from ${edge}
      left join lateral (
        select number, last_transfer, hash, recorded_at from apportion.block
        where block.lane = edge.lane and block.recorded_at <= edge.at
        order by block.recorded_at desc, block.number desc
        limit 1
      ) block on true`,
    whole: (parts) => `select lane, transfer, "end", block, hash, recorded_at from ${parts} order by place`,
    values: [plainArray(wanted.map(({ lane }) => lane)), plainArray(wanted.map(({ at }) => at.toString()))],
  })
}

export type HoldingBlock = { readonly last_transfer: bigint; readonly recorded_at: Temporal.Instant }

/** The block that holds a transfer; null when there is no such transfer. */
export async function blockOfTransfer(on: Queryable, lane: bigint, transfer: bigint): Promise<HoldingBlock | null> {
  return await maybeRow(on, {
    text: `select last_transfer, recorded_at from apportion.block where lane = $1 and last_transfer >= $2 order by last_transfer, number limit 1`,
    values: [lane, transfer],
  })
}

/** The accounts of these names in the lane of `edge`. The fence keeps the planner from reading the accounts of all names. */
function accountsNamed(names: string): string {
  return `unnest(${names}::text[]) as wanted (name)
      cross join lateral (
        select number, name, asset from apportion.account where account.lane = edge.lane and account.name = wanted.name offset 0
      ) account`
}

export type Sums = { readonly name: string; readonly asset: string; readonly debits: bigint; readonly credits: bigint }

/** What was debited and credited to accounts up to a place of each lane, summed over the lanes. */
export async function sumsAt(on: Queryable, edges: readonly Edge[], accounts: readonly string[]): Promise<Sums[]> {
  return await overLanes(on, {
    edge: ['lane bigint', 'transfer bigint', 'ending bigint'],
    lanes: edges.length,
    // Where a place lies inside a block, the newest row before it may stand before that block: the transfers between are added.
    part: (edge) => `select account.name, account.asset, standing.debits + inside.debits as debits, standing.credits + inside.credits as credits
      from ${edge}
      cross join ${accountsNamed('$4')}
      cross join lateral (
        select coalesce(max(last.transfer), 0) as transfer, coalesce(max(last.debits), 0) as debits, coalesce(max(last.credits), 0) as credits
        from (${newestBalance({ lane: 'edge.lane', account: 'account.number', upTo: 'edge.transfer' })}) last
      ) standing
      cross join lateral (
        select coalesce(sum(transfer.units) filter (where transfer.debit = account.number), 0) as debits,
          coalesce(sum(transfer.units) filter (where transfer.credit = account.number), 0) as credits
        from (
          select first_transfer from apportion.block
          where block.lane = edge.lane and block.last_transfer = edge.ending and block.first_transfer <= block.last_transfer and edge.transfer < edge.ending
        ) block
        join apportion.transfer on transfer.lane = edge.lane and transfer.number between block.first_transfer and edge.transfer
          and (transfer.debit = account.number or transfer.credit = account.number)
        where standing.transfer < block.first_transfer
      ) inside`,
    whole: (parts) => `select name, asset, sum(debits) as debits, sum(credits) as credits from ${parts} group by name, asset order by asset, name`,
    values: [...edgeArrays(edges), accounts],
  })
}

/** Transfers after `low` up to `high`, by lane. */
export type Range = { readonly low: readonly Edge[]; readonly high: readonly Edge[] }

/** A transfer as an account's history shows it. */
export type Entry = {
  readonly lane: bigint
  readonly transfer: bigint
  readonly recorded_at: Temporal.Instant
  readonly kind: string
  readonly debit: string
  readonly credit: string
  readonly asset: string
  readonly units: bigint
  readonly part: number | null
  readonly subject: string | null
  /** Null for transfers that belong to no event. */
  readonly event: bigint | null
  readonly reference: string | null
  readonly event_at: Temporal.Instant | null
  readonly plan: number | null
}

type Direction = 'asc' | 'desc'

/**
 * Transfers that touch accounts, each once an account. Parameters 1 to 5: lanes, low, high and ending of each lane, names of accounts;
 * 6, where there is a limit, how many of each account. Most blocks touch a recipient once: then the row's growth is that one transfer,
 * which is read by its key. Else the block's own transfers are. Every row has a transfer in the range, but for the block in which the range
 * begins or ends, so one row more than the limit is enough. The subqueries' order keeps them as they stand: planned as one join, they were
 * worked through from the transfers on.
 */
function touches(edge: string, direction: Direction, isLimited: boolean): string {
  const limit = (count: string): string => (isLimited ? `limit ${count}` : '')
  return `select edge.place, edge.lane, touch.number, touch.recorded_at
    from ${edge}
    cross join ${accountsNamed('$5')}
    cross join lateral (
      select transfer.number, block.recorded_at
      from (
        ${balanceRows({ lane: 'edge.lane', account: 'account.number', above: 'edge.low', upTo: 'edge.ending', direction, ...(isLimited && { limit: '$6 + 1' }) })}
      ) touched
      cross join lateral (
        select coalesce(sum(earlier.debits + earlier.credits), 0) as turnover
        from (${newestBalance({ lane: 'edge.lane', account: 'account.number', upTo: 'touched.transfer - 1' })}) earlier
      ) before
      cross join lateral (
        select first_transfer, recorded_at from apportion.block
        where block.lane = edge.lane and block.last_transfer >= touched.transfer
        order by block.last_transfer, block.number
        limit 1
      ) block
      cross join lateral (
        select units from apportion.transfer where transfer.lane = edge.lane and transfer.number = touched.transfer limit 1
      ) newest
      cross join lateral (
        select number from apportion.transfer
        where transfer.lane = edge.lane
          and transfer.number >= case when newest.units = touched.debits + touched.credits - before.turnover then touched.transfer else block.first_transfer end
          and transfer.number <= touched.transfer and transfer.number > edge.low and transfer.number <= edge.high
          and (transfer.debit = account.number or transfer.credit = account.number)
        order by number ${direction}
        ${limit('$6')}
      ) transfer
      order by touched.transfer ${direction}, transfer.number ${direction}
      ${limit('$6')}
    ) touch`
}

const ENTRY = `transfer.lane, transfer.number as transfer, entry.recorded_at, transfer.kind, debit.name as debit, credit.name as credit,
    debit.asset, transfer.units, transfer.part, transfer.subject, owner.event, event.reference, event.event_at, event.plan`

// Each by its key, however many the planner believes there are: a join would read all transfers and accounts there are.
const entryTables = (lane: string): string => `cross join lateral (
      select lane, number, event, debit, credit, part, units, kind, subject from apportion.transfer
      where transfer.lane = ${lane} and transfer.number = entry.number limit 1
    ) transfer
    cross join lateral (select name, asset from apportion.account where account.lane = ${lane} and account.number = transfer.debit limit 1) debit
    cross join lateral (select name from apportion.account where account.lane = ${lane} and account.number = transfer.credit limit 1) credit
    left join lateral (
      -- A share of a large distribution, and what takes it back, names its event by the digest of its reference.
      select coalesce(transfer.event, (
        select reference.event from apportion.reference
        where transfer.kind in ('distributed', 'taken_back') and reference.lane = ${lane} and reference.digest = transfer.subject
      )) as event
    ) owner on true
    left join lateral (
      select reference, event_at, plan from apportion.event where event.lane = ${lane} and event.number = owner.event limit 1
    ) event on true`

/** The lanes of a range as `touches` takes them. */
const RANGE_EDGE = ['lane bigint', 'low bigint', 'high bigint', 'ending bigint']

const SHOWN = `lane, transfer, recorded_at, kind, debit, credit, asset, units, part, subject, event, reference, event_at, plan`

/** The first transfers of a range that touch any of these accounts: by the instant of recording, at equal ones by the lane's place. */
export async function entriesOf(
  on: Queryable,
  { range, accounts, newestFirst, limit }: { range: Range; accounts: readonly string[]; newestFirst: boolean; limit: number },
): Promise<Entry[]> {
  const direction = newestFirst ? 'desc' : 'asc'
  const order = (number: string): string => `recorded_at ${direction}, place ${direction}, ${number} ${direction}`
  return await overLanes(on, {
    edge: RANGE_EDGE,
    lanes: range.high.length,
    part: (edge, laneOf) => `select ${ENTRY}, entry.place
      from (select distinct recorded_at, place, lane, number from (${touches(edge, direction, true)}) touched order by ${order('number')} limit $6) entry
      ${entryTables(laneOf('entry.lane'))}`,
    whole: (parts) => `select ${SHOWN} from ${parts} order by ${order('transfer')} limit $6`,
    values: [...rangeArrays(range), accounts, limit],
  })
}

/**
 * What moved between a set of accounts and the rest by transfers of one kind; what stayed inside the set counts in neither. Events before,
 * within and after a span are told apart.
 */
export type Flow = {
  readonly kind: string
  readonly asset: string
  readonly period: 'before' | 'within' | 'after'
  readonly entries: bigint
  readonly into: bigint
  readonly out_of: bigint
  /** When the first of them was recorded. */
  readonly since: Temporal.Instant
}

const flowsOfEdge = (edge: string, laneOf: LaneOf): string => `select kind, asset, case when at < $6::timestamptz then 'before' when at >= $7::timestamptz then 'after' else 'within' end as period,
      count(*) as entries, coalesce(sum(units) filter (where enters and not leaves), 0) as into,
      coalesce(sum(units) filter (where leaves and not enters), 0) as out_of, min(recorded_at) as since
    from (
      select transfer.kind, debit.asset, transfer.units, debit.name = any ($5::text[]) as leaves, credit.name = any ($5::text[]) as enters,
        entry.recorded_at, coalesce(event.event_at, entry.recorded_at) as at
      from (select distinct place, lane, number, recorded_at from (${touches(edge, 'asc', false)}) touched) entry ${entryTables(laneOf('entry.lane'))}
    ) moved
    group by kind, asset, period`

/**
 * The sums of a range by kind. Where a span is given, events count as of when they happened, and everything else as of when it was recorded;
 * else all are within. Linear in the entries of these accounts in the range.
 */
export async function flowsOf(
  on: Queryable,
  { range, accounts, span }: { range: Range; accounts: readonly string[]; span: { readonly from: Temporal.Instant; readonly to: Temporal.Instant } | null },
): Promise<Flow[]> {
  return await overLanes(on, {
    edge: RANGE_EDGE,
    lanes: range.high.length,
    part: flowsOfEdge,
    whole: (parts) => `select kind, asset, period, sum(entries) as entries, sum("into") as "into", sum(out_of) as out_of, min(since) as since
      from ${parts} group by kind, asset, period order by kind, asset, period`,
    values: [...rangeArrays(range), accounts, span?.from.toString() ?? null, span?.to.toString() ?? null],
  })
}

/** A place among entries in the order of their events' instants. */
export type EventPlace = { readonly at: Temporal.Instant; readonly place: bigint; readonly transfer: bigint }

/** The instant of a transfer in that order; null when there is no such transfer. */
export async function eventInstantOf(on: Queryable, lane: bigint, transfer: bigint): Promise<Temporal.Instant | null> {
  const found = await maybeRow<{ at: Temporal.Instant }>(on, {
    text: `select coalesce(event.event_at, block.recorded_at) as at
      from apportion.transfer
      cross join lateral (
        select recorded_at from apportion.block
        where block.lane = transfer.lane and block.last_transfer >= transfer.number
        order by block.last_transfer
        limit 1
      ) block
      left join apportion.event on event.lane = transfer.lane and event.number = coalesce(transfer.event, (
        select reference.event from apportion.reference
        where transfer.kind in ('distributed', 'taken_back') and reference.lane = transfer.lane and reference.digest = transfer.subject
      ))
      where transfer.lane = $1 and transfer.number = $2`,
    values: [lane, transfer],
  })
  return found?.at ?? null
}

const toldOfEdge = (edge: string, laneOf: LaneOf): string => `select ${ENTRY}, entry.place, coalesce(event.event_at, entry.recorded_at) as at,
      ((credit.name = any ($5::text[]))::integer - (debit.name = any ($5::text[]))::integer) * transfer.units as change
    from (select distinct place, lane, number, recorded_at from (${touches(edge, 'asc', false)}) touched) entry ${entryTables(laneOf('entry.lane'))}`

const toldInOrder = (parts: string): string => `select ${SHOWN}, place, at, balance
    from (select *, sum(change) over (partition by asset order by at, place, transfer) as balance from ${parts}) told
    where at >= $6 and at < $7 and ($8::timestamptz is null or (at, place, transfer) > ($8, $9::bigint, $10::bigint))
    order by at, place, transfer
    limit $11`

/**
 * The entries of a range whose events happened in a span, oldest event first, after a place; `balance` is what stands on the credit side of
 * all these accounts in this order. No index knows when events happened, so each page reads all entries of these accounts.
 */
export async function entriesByEvent(
  on: Queryable,
  { range, accounts, span, after, limit }: {
    range: Range
    accounts: readonly string[]
    span: { readonly from: Temporal.Instant; readonly to: Temporal.Instant }
    after: EventPlace | null
    limit: number
  },
): Promise<(Entry & EventPlace & { readonly balance: bigint })[]> {
  const place = [after?.at.toString() ?? null, after?.place ?? null, after?.transfer ?? null]
  return await overLanes(on, {
    edge: RANGE_EDGE,
    lanes: range.high.length,
    part: toldOfEdge,
    whole: toldInOrder,
    values: [...rangeArrays(range), accounts, span.from.toString(), span.to.toString(), ...place, limit],
  })
}

function edgeArrays(edges: readonly Edge[]): readonly string[] {
  return [edges.map(({ lane }) => lane), edges.map(({ transfer }) => transfer), edges.map(({ end }) => end)].map(plainArray)
}

function rangeArrays({ low, high }: Range): readonly string[] {
  const [lanes = '', highs = '', ends = ''] = edgeArrays(high)
  return [lanes, plainArray(low.map(({ transfer }) => transfer)), highs, ends]
}
