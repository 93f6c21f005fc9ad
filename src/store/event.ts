// Reading events with their shares. A share is its transfer; nothing else holds its figure.

import type { EventInput } from '../core/event.ts'
import type { FactSets } from '../core/rules/rule.ts'
import { overLanes } from './over-lanes.ts'
import { maybeRow, plainArray, rows, type Queryable } from './statement.ts'
import type { JsonObject } from '../core/effects.ts'

type Row = {
  lane: bigint
  number: bigint
  reference: string
  event_at: Temporal.Instant
  recorded_at: Temporal.Instant
  asset: string
  units: bigint
  parties: Record<string, string>
  claimed: Record<string, string> | null
  details: JsonObject | null
  facts: FactSets | null
  standing: FactSets | null
  reverses: bigint | null
  plan: number
  door: string
  backdated: boolean
  first_transfer: bigint
  transfers: number
  shares: { part: number; from: string; account: string; units: string; transfer: string }[]
}

/** An event as it is stored, with the shares that the ledger holds for it (those of zero units make no transfer). */
export type StoredEvent = EventInput & {
  readonly lane: bigint
  readonly number: bigint
  readonly eventAt: Temporal.Instant
  readonly recordedAt: Temporal.Instant
  readonly plan: number
  readonly door: string
  /** Facts that the ledger kept, as they were for this event. */
  readonly standing: FactSets
  /** Number of the event that it reverses; null for all others. */
  readonly reverses: bigint | null
  readonly backdated: boolean
  readonly firstTransfer: bigint
  readonly transfers: number
  readonly shares: readonly { readonly part: number; readonly from: string; readonly account: string; readonly units: bigint; readonly transfer: bigint }[]
}

const EVENT = `event.lane, event.number, event.reference, event.event_at, block.recorded_at, event.asset, event.units,
    event.parties, event.claimed, event.details, event.facts, event.standing, event.reverses, event.plan, event.door, event.backdated, event.first_transfer, event.transfers,
    coalesce(shares.shares, '[]') as shares`

const eventTables = (lane: string): string => `join apportion.block on block.lane = ${lane} and block.number = event.block
  left join lateral (
    select jsonb_agg(
      jsonb_build_object(
        'part', transfer.part,
        -- One look-up for each account, whatever the planner thinks of how many there are: a join would read those of the whole lane.
        'from', (select name from apportion.account where account.lane = ${lane} and account.number = transfer.debit),
        'account', (select name from apportion.account where account.lane = ${lane} and account.number = transfer.credit),
        'units', transfer.units::text,
        'transfer', transfer.number::text
      ) order by transfer.number
    ) as shares
    from apportion.transfer
    where transfer.lane = ${lane}
      and transfer.number between event.first_transfer and event.first_transfer + event.transfers - 1
      and transfer.kind = 'share'
  ) shares on true`

const SELECT_EVENT = `select ${EVENT} from apportion.event ${eventTables('event.lane')}`

export async function eventsByNumber(on: Queryable, lane: bigint, numbers: readonly bigint[]): Promise<StoredEvent[]> {
  const found = await rows<Row>(on, {
    text: `${SELECT_EVENT} where event.lane = $1 and event.number = any ($2::bigint[]) order by event.number`,
    values: [lane, plainArray(numbers)],
  })
  return found.map(stored)
}

export async function eventByDigest(on: Queryable, lane: bigint, digest: string): Promise<StoredEvent | null> {
  const found = await maybeRow<Row>(on, {
    text: `${SELECT_EVENT} where event.lane = $1
      and event.number = (select reference.event from apportion.reference where lane = $1 and digest = $2)`,
    values: [lane, digest],
  })
  return found === null ? null : stored(found)
}

/** The newest events of these lanes: from the highest number down, at equal numbers by lane, beginning after a place. */
export async function listEvents(
  on: Queryable,
  { lanes, after, limit }: { lanes: readonly bigint[]; after: { number: bigint; lane: bigint } | null; limit: number },
): Promise<StoredEvent[]> {
  const found = await overLanes<Row>(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    // Each lane gives its newest from its key's index; all lanes at once would be read whole to be sorted.
    part: (edge, laneOf) => `select ${EVENT}
      from (
        select edge.lane, found.number
        from ${edge}
        cross join lateral (
          select number from apportion.event
          where event.lane = edge.lane
            and ($2::bigint is null or (event.number <= $2 and (event.number < $2 or event.lane > $3::bigint)))
          order by number desc
          limit $4
        ) found
        order by found.number desc, edge.lane
        limit $4
      ) newest
      join apportion.event on event.lane = ${laneOf('newest.lane')} and event.number = newest.number
      ${eventTables(laneOf('event.lane'))}`,
    whole: (parts) => `select * from ${parts} order by number desc, lane limit $4`,
    values: [plainArray(lanes), after?.number ?? null, after?.lane ?? null, limit],
  })
  return found.map(stored)
}

function stored(row: Row): StoredEvent {
  const { event_at: eventAt, recorded_at: recordedAt, first_transfer: firstTransfer, claimed, facts, standing, shares, ...rest } = row
  return {
    ...rest,
    eventAt,
    recordedAt,
    firstTransfer,
    facts: facts ?? {},
    standing: standing ?? {},
    claimed: claimed === null ? null : Object.fromEntries(Object.entries(claimed).map(([role, units]) => [role, BigInt(units)])),
    shares: shares.map(({ units, transfer, ...share }) => ({ ...share, units: BigInt(units), transfer: BigInt(transfer) })),
  }
}
