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
  /** Of one that takes back: the event that its event reverses. */
  readonly event_reverses: bigint | null
}

/** In the order of their events; after one of them. */
export async function distributionsToVerify(on: Snapshot, lane: bigint, { after, limit }: { after: bigint; limit: number }): Promise<DistributionToVerify[]> {
  return await on.rows({
    text: `select ${DISTRIBUTION_COLUMNS}, event.digest as event_digest, event.plan as event_plan, event.facts as event_facts, passage.units as passed, event.reverses as event_reverses
      from (select * from apportion.distribution where lane = $1 and event > $2 order by event limit $3) distribution
      left join lateral (
        select digest, plan, facts, reverses, first_transfer, transfers from apportion.event where event.lane = $1 and number = distribution.event limit 1
      ) event on true
      left join lateral (
        select units from apportion.transfer
        where transfer.lane = $1 and transfer.number >= event.first_transfer and transfer.number < event.first_transfer + event.transfers
          and transfer.kind = case when distribution.reverses is null then 'share' else 'reversed' end and transfer.part = distribution.part
        limit 1
      ) passage on true
      order by distribution.event`,
    values: [lane, after, limit],
  })
}

/** Events that passed something on, to be given out or taken back, of which there is no row. */
export async function lostDistributions(on: Snapshot, lane: bigint, limit: number): Promise<{ event: bigint | null; transfer: bigint; units: string }[]> {
  return await on.rows({
    text: `select transfer.event, transfer.number as transfer, transfer.units::text as units
      from apportion.account
      join apportion.transfer on transfer.lane = account.lane
        and (transfer.credit = account.number and transfer.kind = 'share' or transfer.debit = account.number and transfer.kind = 'reversed')
      left join apportion.distribution on distribution.lane = transfer.lane and distribution.event = transfer.event
      where account.lane = $1 and account.name in ('distributing', 'reversing') and distribution.event is null
      order by transfer.number
      limit $2`,
    values: [lane, limit],
  })
}

/** Shares that were given or taken back in chunks, by no distribution that there is, or beyond its bounds. */
export async function strayDistributed(on: Snapshot, lane: bigint, limit: number): Promise<{ transfer: bigint; subject: string | null }[]> {
  return await on.rows({
    text: `select transfer.number as transfer, transfer.subject
      from apportion.transfer
      left join apportion.distribution on distribution.lane = transfer.lane and distribution.digest = transfer.subject
        and transfer.number between distribution.first_transfer and distribution.last_transfer
      where transfer.lane = $1 and transfer.kind in ('distributed', 'taken_back')
        and (distribution.event is null or (distribution.reverses is null) <> (transfer.kind = 'distributed'))
      order by transfer.number
      limit $2`,
    values: [lane, limit],
  })
}

/** Its shares, or what it took back of shares, by number, a page in one text. Fields: number, part, units, account. */
export function sharePages(on: Snapshot, { lane, digest, reverses, first_transfer: first, last_transfer: last }: DistributionRow): AsyncGenerator<readonly string[], undefined> {
  const bounds = { after: (first ?? 1n) - 1n, upTo: last ?? 0n }
  const [kind, side] = reverses === null ? ['distributed', 'credit'] : ['taken_back', 'debit']
  return linePages(on, { lane, bounds, more: [digest, kind] }, `select number, concat(number, E'\\t', part, E'\\t', units, E'\\t', account.name) as line
    from (
      select number, part, units, ${side} as side from apportion.transfer
      where lane = $1 and number > $2 and number <= $3 and kind = $6 and subject = $5::uuid order by number limit $4
    ) transfer
    cross join lateral (select name from apportion.account where account.lane = $1 and account.number = transfer.side limit 1) account`)
}

/** Roots that were kept of its chunks, in hex, by first place. */
export async function rootsToVerify(on: Snapshot, { lane, event }: DistributionRow): Promise<ReadonlyMap<number, string>> {
  const found = await on.rows<{ first_place: number; root: string }>({
    text: `select first_place, encode(root, 'hex') as root from apportion.distribution_root where lane = $1 and event = $2`,
    values: [lane, event],
  })
  return new Map(found.map(({ first_place: place, root }) => [place, root]))
}
