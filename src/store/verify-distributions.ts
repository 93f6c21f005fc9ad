// Large distributions beside the journal, for `verify`. Nothing is written here.

import type { DistributionRow } from './distribution.ts'
import { DISTRIBUTION_COLUMNS } from './distribution.ts'
import { linePages, type Snapshot } from './verify.ts'

/** A distribution with what the journal says of its event. */
export type DistributionToVerify = DistributionRow & {
  readonly event_digest: string | null
  readonly event_plan: number | null
  readonly event_facts: unknown
  /** Units that the event passed on, in the part that says so. */
  readonly passed: bigint | null
}

/** In the order of their events; after one of them. */
export async function distributionsToVerify(on: Snapshot, lane: bigint, { after, limit }: { after: bigint; limit: number }): Promise<DistributionToVerify[]> {
  return await on.rows({
    text: `select ${DISTRIBUTION_COLUMNS}, event.digest as event_digest, event.plan as event_plan, event.facts as event_facts, passage.units as passed
      from (select * from apportion.distribution where lane = $1 and event > $2 order by event limit $3) distribution
      left join lateral (
        select digest, plan, facts, first_transfer, transfers from apportion.event where event.lane = $1 and number = distribution.event limit 1
      ) event on true
      left join lateral (
        select units from apportion.transfer
        where transfer.lane = $1 and transfer.number >= event.first_transfer and transfer.number < event.first_transfer + event.transfers
          and transfer.kind = 'share' and transfer.part = distribution.part
        limit 1
      ) passage on true
      order by distribution.event`,
    values: [lane, after, limit],
  })
}

/** Events that passed something on to a distribution of which there is no row. */
export async function lostDistributions(on: Snapshot, lane: bigint, limit: number): Promise<{ event: bigint | null; transfer: bigint; units: string }[]> {
  return await on.rows({
    text: `select transfer.event, transfer.number as transfer, transfer.units::text as units
      from apportion.account
      join apportion.transfer on transfer.lane = account.lane and transfer.credit = account.number and transfer.kind = 'share'
      left join apportion.distribution on distribution.lane = transfer.lane and distribution.event = transfer.event
      where account.lane = $1 and account.name = 'distributing' and distribution.event is null
      order by transfer.number
      limit $2`,
    values: [lane, limit],
  })
}

/** Shares that were taken from what is being distributed, by no distribution that there is, or beyond its bounds. */
export async function strayDistributed(on: Snapshot, lane: bigint, limit: number): Promise<{ transfer: bigint; subject: string | null }[]> {
  return await on.rows({
    text: `select transfer.number as transfer, transfer.subject
      from apportion.transfer
      left join apportion.distribution on distribution.lane = transfer.lane and distribution.digest = transfer.subject
        and transfer.number between distribution.first_transfer and distribution.last_transfer
      where transfer.lane = $1 and transfer.kind = 'distributed' and distribution.event is null
      order by transfer.number
      limit $2`,
    values: [lane, limit],
  })
}

/** Its shares by number, a page in one text. Fields: number, part, units, account. */
export function sharePages(on: Snapshot, { lane, digest, first_transfer: first, last_transfer: last }: DistributionRow): AsyncGenerator<readonly string[], undefined> {
  const bounds = { after: (first ?? 1n) - 1n, upTo: last ?? 0n }
  return linePages(on, { lane, bounds, more: [digest] }, `select number, concat(number, E'\\t', part, E'\\t', units, E'\\t', account.name) as line
    from (
      select number, part, units, credit from apportion.transfer
      where lane = $1 and number > $2 and number <= $3 and kind = 'distributed' and subject = $5::uuid order by number limit $4
    ) transfer
    cross join lateral (select name from apportion.account where account.lane = $1 and account.number = transfer.credit limit 1) account`)
}

/** Roots that were kept of its chunks, in hex, by first place. */
export async function rootsToVerify(on: Snapshot, { lane, event }: DistributionRow): Promise<ReadonlyMap<number, string>> {
  const found = await on.rows<{ first_place: number; root: string }>({
    text: `select first_place, encode(root, 'hex') as root from apportion.distribution_root where lane = $1 and event = $2`,
    values: [lane, event],
  })
  return new Map(found.map(({ first_place: place, root }) => [place, root]))
}
