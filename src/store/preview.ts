// Reading the past for a preview: where a span begins and ends in each lane, its events in order, and what stood there before it. Nothing
// is written here.

import type { Announced } from '../core/preview/timeline.ts'
import { newestBalance } from './balance.ts'
import type { StateRow } from './rule-state.ts'
import { overLanes } from './over-lanes.ts'
import { plainArray, rows, type Queryable } from './statement.ts'
import { linePages, type Bounds, type Snapshot } from './verify.ts'

/** The end of a block: the last event and transfer up to it. All zero, and no hash, before the first. */
export type BlockEnd = { readonly lane: bigint; readonly block: bigint; readonly event: bigint; readonly transfer: bigint; readonly hash: string }

const END = `coalesce(block.number, 0) as block, coalesce(block.last_event, 0) as event, coalesce(block.last_transfer, 0) as transfer,
    coalesce(encode(block.hash, 'hex'), '') as hash`

/** The last block of each lane that was recorded before an instant, in the order of the lanes given. */
export async function blocksBefore(on: Queryable, lanes: readonly bigint[], instant: Temporal.Instant): Promise<BlockEnd[]> {
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    part: (edge) => `select edge.place, edge.lane, ${END}
      from ${edge}
      left join lateral (
        select number, last_event, last_transfer, hash from apportion.block
        where block.lane = edge.lane and block.recorded_at < $2
        order by block.recorded_at desc, block.number desc
        limit 1
      ) block on true`,
    whole: (parts) => `select lane, block, event, transfer, hash from ${parts} order by place`,
    values: [plainArray(lanes), instant.toString()],
  })
}

/** Blocks by number; one that there is not has its number and no hash. */
export async function blockEnds(on: Queryable, wanted: readonly { readonly lane: bigint; readonly block: bigint }[]): Promise<BlockEnd[]> {
  return await overLanes(on, {
    edge: ['lane bigint', 'number bigint'],
    lanes: wanted.length,
    part: (edge) => `select edge.place, edge.lane, ${END}
      from ${edge}
      left join apportion.block on block.lane = edge.lane and block.number = edge.number`,
    whole: (parts) => `select lane, block, event, transfer, hash from ${parts} order by place`,
    values: [plainArray(wanted.map(({ lane }) => lane)), plainArray(wanted.map(({ block }) => block))],
  })
}

/** An event as a preview reads it. */
export type PastEvent = {
  readonly units: bigint
  readonly plan: number
  readonly event_at: string
  /** Empty where it was not asked for. */
  readonly recorded_at: string
  readonly reversal: boolean
  readonly content: readonly [
    asset: string,
    reference: string,
    parties: Readonly<Record<string, string>>,
    claimed: Readonly<Record<string, string>> | null,
    facts: PastFacts | null,
    standing: PastFacts | null,
  ]
}

type PastFacts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Events by number, a page in one text; what may hold any character stands in one JSON list at the end. */
export function pastEvents(on: Snapshot, lane: bigint, { bounds, recordedAt }: { bounds: Bounds; recordedAt: boolean }): AsyncGenerator<readonly string[], undefined> {
  const recorded = recordedAt ? `(select recorded_at::text from apportion.block where block.lane = $1 and block.number = event.block)` : `''`
  return linePages(on, { lane, bounds }, `select number,
      concat_ws(E'\\t', units, plan, event_at, ${recorded}, reverses is not null, json_build_array(asset, reference, parties, claimed, facts, standing)) as line
    from apportion.event where lane = $1 and number > $2 and number <= $3 order by number limit $4`)
}

/** A line of `pastEvents`. */
export function pastEventOf(line: string): PastEvent {
  const [units = '', plan = '', at = '', recorded = '', reversal = ''] = line.split('\t', 5)
  const content = line.slice(units.length + plan.length + at.length + recorded.length + reversal.length + 5)
  return { units: BigInt(units), plan: Number(plan), event_at: at, recorded_at: recorded, reversal: reversal === 't', content: JSON.parse(content) as PastEvent['content'] }
}

/** What the rules of these steps remembered once an event of a lane had been recorded. */
export async function statesOfSteps(on: Queryable, { lane, event, steps }: { lane: bigint; event: bigint; steps: readonly string[] }): Promise<StateRow[]> {
  return await rows(on, {
    // Keys begin with the step's name and a slash, and the digit 0 comes after it.
    text: `select found.key, found.value
      from unnest($3::text[]) as step (name)
      cross join lateral (
        select distinct on (key) key, value from apportion.rule_state
        where lane = $1 and key >= step.name || '/' and key < step.name || '0' and event <= $2
        order by key, event desc
      ) found`,
    values: [lane, event, steps],
  })
}

/** What stood in the accounts of these roles once a transfer of a lane had been recorded: credits less debits. */
export async function standingIn(
  on: Queryable,
  { lane, transfer, roles }: { lane: bigint; transfer: bigint; roles: readonly string[] },
): Promise<{ name: string; asset: string; units: bigint }[]> {
  return await rows(on, {
    text: `select account.name, account.asset, last.credits - last.debits as units
      from unnest($3::text[]) as role (name)
      cross join lateral (
        select number, name, asset from apportion.account where lane = $1 and account.name >= role.name || ':' and account.name < role.name || ';'
      ) account
      cross join lateral (${newestBalance({ lane: '$1::bigint', account: 'account.number', upTo: '$2::bigint' })}) last`,
    values: [lane, transfer, roles],
  })
}

/** All announcements of these facts, at most so many. */
export async function announcementsOf(on: Queryable, { ledger, names, limit }: { ledger: string; names: readonly string[]; limit: number }): Promise<Announced[]> {
  return await rows(on, {
    text: `select name, subject, number, value, effective_from, announced_at, dropped_at from apportion.fact
      where ledger = $1 and name = any ($2::text[]) limit $3`,
    values: [ledger, names, limit],
  })
}
