// Large distributions: how far each is, its chunks, and the shares of those that do not count yet. A row moves in the transaction that
// posts a chunk, under the lane's lock.

import { newestBalance } from './balance.ts'
import type { StoredEvent } from './event.ts'
import { WITH_DESTINATIONS, type NewShare } from './payout.ts'
import type { Statement } from './statement.ts'
import { maybeRow, plainArray, rows, type Ask, type Queryable } from './statement.ts'

export type DistributionRow = {
  readonly lane: bigint
  readonly event: bigint
  readonly digest: string
  readonly part: number
  readonly plan: number
  /** Hash of the snapshot, in hex. */
  readonly snapshot: string
  readonly recipients: number
  readonly asset: string
  readonly units: bigint
  readonly state: 'running' | 'complete'
  readonly chunk: number
  readonly next_place: number
  readonly given: bigint
  readonly shares: number
  readonly first_transfer: bigint | null
  readonly last_transfer: bigint | null
  readonly threshold: string | null
  readonly ties: number | null
  readonly root: string | null
  readonly completed_at: Temporal.Instant | null
  readonly payout_transfer: bigint
  /** The event whose distribution it takes back; null for one that gives. */
  readonly reverses: bigint | null
}

export const DISTRIBUTION_COLUMNS = `distribution.lane, distribution.event, distribution.digest, distribution.part, distribution.plan, encode(distribution.snapshot, 'hex') as snapshot,
  distribution.recipients, distribution.asset, distribution.units, distribution.state, distribution.chunk, distribution.next_place, distribution.given, distribution.shares,
  distribution.first_transfer, distribution.last_transfer, distribution.threshold::text as threshold, distribution.ties, encode(distribution.root, 'hex') as root,
  distribution.completed_at, distribution.payout_transfer, distribution.reverses`

/** Distributions of a lane ($1) to be carried on, and complete ones whose shares are not all payouts yet. */
export const RUNNING = `lane = $1 and state = 'running'`
export const UNPAID = `lane = $1 and state = 'complete' and payout_transfer < last_transfer`

/** The one to be carried on: distributions of a lane are posted one after the other. */
export function runningDistribution(lane: bigint): Statement {
  return {
    name: 'running-distribution',
    text: `select ${DISTRIBUTION_COLUMNS} from apportion.distribution where ${RUNNING} order by event limit 1`,
    values: [lane],
  }
}

export async function distributionsOf(on: Queryable, lane: bigint, events: readonly bigint[]): Promise<DistributionRow[]> {
  return await rows(on, {
    text: `select ${DISTRIBUTION_COLUMNS} from apportion.distribution where lane = $1 and event = any ($2::bigint[]) order by event`,
    values: [lane, plainArray(events)],
  })
}

/** The complete one whose shares are not all payouts yet. */
export async function unpaidDistribution(on: Queryable, lane: bigint, before: Temporal.Instant | null): Promise<DistributionRow | null> {
  return await maybeRow(on, {
    text: `select ${DISTRIBUTION_COLUMNS} from apportion.distribution
      where ${UNPAID} and ($2::timestamptz is null or completed_at < $2)
      order by event limit 1`,
    values: [lane, before?.toString() ?? null],
  })
}

/** Accounts between a chunk's first and last recipient, for each of its recipients, up to which all of them are read in one go. */
const MOST_BETWEEN = 2

/**
 * The accounts of a chunk's recipients, who stand in order: number, debits and credits between tabs, a line each. As one text, because rows of
 * the driver's cost more than all that is done with them. Where few others stand between them, theirs come too: a range costs half of as many
 * look-ups. Where many do (a few recipients in a ledger of millions), each is looked up.
 */
export function standingBetween(lane: bigint, { asset, recipients }: { readonly asset: string; readonly recipients: readonly string[] }): Statement {
  return {
    name: 'standing-between',
    text: `with few as materialized (
        select count(*) <= $6::bigint as are from (
          select from apportion.account where lane = $1 and name >= 'payable:' || $3 and name <= 'payable:' || $4 limit $6::bigint + 1
        ) near
      )
      select string_agg(concat(substr(own.name, 9), E'\\t', own.number, E'\\t', balance.debits, E'\\t', balance.credits), E'\\n') as lines
      from (
        select name, number from apportion.account
        where lane = $1 and asset = $2 and name >= 'payable:' || $3 and name <= 'payable:' || $4 and (select are from few)
        union all
        select found.name, found.number from unnest($5::text[]) as wanted (recipient)
        cross join lateral (select name, number from apportion.account where lane = $1 and name = 'payable:' || wanted.recipient and asset = $2 limit 1) found
        where not (select are from few)
      ) own
      cross join lateral (
        ${newestBalance({ lane: '$1', account: 'own.number' })}
      ) balance`,
    values: [lane, asset, recipients[0] ?? '', recipients.at(-1) ?? '', recipients, recipients.length * MOST_BETWEEN],
  }
}

export type ChunkRow = {
  readonly first_place: number
  readonly places: number
  readonly account: number
  readonly first_transfer: bigint
  readonly shares: number
  readonly units: bigint
  readonly ties_before: number
  /** Of a reversal: of its units, those that are owed. */
  readonly owed: bigint
}

export function insertChunk({ lane, event }: Pick<DistributionRow, 'lane' | 'event'>, row: ChunkRow): Statement {
  const { first_place: place, places, account, first_transfer: transfer, shares, units, ties_before: ties, owed } = row
  return {
    name: 'insert-chunk',
    text: `insert into apportion.distribution_chunk (lane, event, first_place, places, account, first_transfer, shares, units, ties_before, owed)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [lane, event, place, places, account, transfer, shares, units, ties, owed],
  }
}

/** Its chunks in order. */
export async function chunksOf(ask: Ask, { lane, event }: Pick<DistributionRow, 'lane' | 'event'>): Promise<ChunkRow[]> {
  return await ask({
    text: `select first_place, places, account, first_transfer, shares, units, ties_before, owed
      from apportion.distribution_chunk where lane = $1 and event = $2 order by first_place`,
    values: [lane, event],
  })
}

export type DistributionStep = {
  readonly nextPlace: number
  readonly given: bigint
  readonly shares: number
  readonly firstTransfer: bigint | null
  readonly lastTransfer: bigint | null
  readonly cut: { readonly threshold: bigint; readonly ties: number } | null
  /** Null while it goes on. */
  readonly completedAt: Temporal.Instant | null
}

/** Fails with the whole posting when somebody else has moved it. */
export function moveDistribution({ lane, event, next_place: place }: DistributionRow, step: DistributionStep): Statement {
  const { nextPlace, given, shares, firstTransfer, lastTransfer, cut, completedAt } = step
  return {
    name: 'move-distribution',
    text: `with moved as (
        update apportion.distribution
        set next_place = $4, given = $5, shares = $6, first_transfer = $7::bigint, last_transfer = $8::bigint, threshold = $9, ties = $10,
          state = case when $11::timestamptz is null then 'running' else 'complete' end, completed_at = $11,
          -- A reversal makes no payouts.
          payout_transfer = case when reverses is null then coalesce($7::bigint - 1, 0) else coalesce($8::bigint, 0) end
        where lane = $1 and event = $2 and next_place = $3 and state = 'running'
        returning lane
      )
      select 1 / count(*) as moved from moved`,
    values: [lane, event, place, nextPlace, given, shares, firstTransfer, lastTransfer, cut?.threshold ?? null, cut?.ties ?? null, completedAt?.toString() ?? null],
  }
}

/** Locks a distribution and answers how far its shares have become payouts, as `transfer`. */
export function lockDistribution({ lane, event }: Pick<DistributionRow, 'lane' | 'event'>): Statement {
  return { text: `select payout_transfer as transfer from apportion.distribution where lane = $1 and event = $2 for update`, values: [lane, event] }
}

export function movePayoutTransfer({ lane, event }: Pick<DistributionRow, 'lane' | 'event'>, transfer: bigint): Statement {
  return { text: `update apportion.distribution set payout_transfer = $3 where lane = $1 and event = $2`, values: [lane, event, transfer] }
}

/** The shares of a complete distribution, as other events have theirs. */
export async function distributedShares(on: Queryable, { lane, digest, first_transfer: first, last_transfer: last }: DistributionRow): Promise<StoredEvent['shares'][number][]> {
  return await rows(on, {
    text: `select transfer.number as transfer, transfer.part, transfer.units, 'distributing' as from, account.name as account
      from apportion.transfer join apportion.account on account.lane = $1 and account.number = transfer.credit
      where transfer.lane = $1 and transfer.number between $3 and $4 and transfer.kind = 'distributed' and transfer.subject = $2
      order by transfer.number`,
    values: [lane, digest, first ?? 0n, last ?? 0n],
  })
}

/** Shares of a complete distribution in order, with the destination that counts for its event. */
export async function newLargeShares(
  on: Queryable,
  { ledger, lane, event, digest, after, upTo, limit }: { ledger: string; lane: bigint; event: bigint; digest: string; after: bigint; upTo: bigint; limit: number },
): Promise<NewShare[]> {
  return await rows(on, {
    text: `with share as materialized (
        select transfer.number as transfer, event.number as event, transfer.part, event.plan, event.event_at, transfer.units, account.asset,
          (select coalesce(sum(units), 0) from apportion.deduction where lane = $2 and share = transfer.number) as deducted,
          substr(account.name, 9) as recipient
        from (
          select number, credit, part, units from apportion.transfer
          where lane = $2 and number > $3 and number <= $4 and kind = 'distributed' and subject = $5
          order by number
          limit $7
        ) transfer
        join apportion.event on event.lane = $2 and event.number = $6
        cross join lateral (select name, asset from apportion.account where account.lane = $2 and account.number = transfer.credit limit 1) account
      )
      ${WITH_DESTINATIONS}`,
    values: [ledger, lane, after, upTo, digest, event, limit],
  })
}
