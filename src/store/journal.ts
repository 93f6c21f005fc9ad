// Reading the journal: heads, balances, and its lines as an export prints them.

import { overLanes } from './over-lanes.ts'
import { oneRow, plainArray, type Queryable } from './statement.ts'
import { linePages, type Bounds, type Snapshot } from './verify.ts'

/** The newest hash of a lane's chain, in hex. */
export async function headHash(on: Queryable, lane: bigint): Promise<string> {
  const { hash } = await oneRow<{ hash: string }>(on, {
    text: `select encode(hash, 'hex') as hash from apportion.head where lane = $1`,
    values: [lane],
  })
  return hash
}

/** The number of the last transfer of a lane. */
export async function lastTransfer(on: Queryable, lane: bigint): Promise<bigint> {
  const { transfer } = await oneRow<{ transfer: bigint }>(on, { text: `select transfer from apportion.head where lane = $1`, values: [lane] })
  return transfer
}

export type BlockRow = {
  readonly lane: bigint
  readonly number: bigint
  readonly first_transfer: bigint
  readonly last_transfer: bigint
  readonly first_event: bigint
  readonly last_event: bigint
  readonly recorded_at: Temporal.Instant
  readonly hash: string
}

/** The newest blocks of these lanes: from the highest number down, at equal numbers by lane, beginning after a place. */
export async function listBlocks(
  on: Queryable,
  { lanes, after, limit }: { lanes: readonly bigint[]; after: { number: bigint; lane: bigint } | null; limit: number },
): Promise<BlockRow[]> {
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    part: (edge) => `select found.lane, found.number, found.first_transfer, found.last_transfer, found.first_event, found.last_event, found.recorded_at,
        encode(found.hash, 'hex') as hash
      from ${edge}
      cross join lateral (
        select lane, number, first_transfer, last_transfer, first_event, last_event, recorded_at, hash from apportion.block
        where block.lane = edge.lane and ($2::bigint is null or (number <= $2 and (number < $2 or lane > $3::bigint)))
        order by number desc
        limit $4
      ) found
      order by found.number desc, found.lane
      limit $4`,
    whole: (parts) => `select * from ${parts} order by number desc, lane limit $4`,
    values: [plainArray(lanes), after?.number ?? null, after?.lane ?? null, limit],
  })
}

/** An instant as the journal's lines have it. */
function instantOf(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

/**
 * Events by number, a page in one text. Fields: number, then those of the journal's line up to the plan's hash, then what was recorded with
 * the event as JSON, in the digits in which it was given.
 */
export function recordedPages(on: Snapshot, { ledger, lane, bounds }: { ledger: string; lane: bigint; bounds: Bounds }): AsyncGenerator<readonly string[], undefined> {
  return linePages(on, { lane, bounds, more: [ledger] }, `select event.number,
      concat(event.number, E'\\t', event.digest, E'\\t', encode(reference.fingerprint, 'hex'), E'\\t', ${instantOf('event.event_at')}, E'\\t',
        translate(event.asset, E'\\n\\t', '  '), E'\\t', event.units, E'\\t', event.plan, E'\\t', plan_version.hash, E'\\t',
        json_build_object('backdated', event.backdated, 'claimed', event.claimed, 'details', event.details, 'door', event.door, 'facts', event.facts,
          'standing', event.standing, 'reverses', event.reverses::text, 'reversed', (
            select reversed.digest from apportion.event reversed where reversed.lane = $1 and reversed.number = event.reverses),
          'parties', event.parties, 'reference', event.reference)) as line
    from (
      select * from apportion.event where lane = $1 and number > $2 and number <= $3 order by number limit $4
    ) event
    left join lateral (
      select fingerprint from apportion.reference where lane = $1 and digest = event.digest limit 1
    ) reference on true
    left join apportion.plan_version on plan_version.ledger = $5 and plan_version.version = event.plan`)
}

/** The plan versions as an export prints them: number, from when and when it was added, hash, and the content as it is stored. */
export async function planLines(
  on: Snapshot,
  ledger: string,
): Promise<{ version: number; effective_from: string | null; added_at: string; hash: string; content: unknown }[]> {
  return await on.rows({
    text: `select version, ${instantOf('effective_from')} as effective_from, ${instantOf('created_at')} as added_at, hash, content
      from apportion.plan_version where ledger = $1 order by version`,
    values: [ledger],
  })
}

/** Blocks by number: what a line of the journal holds, where the block ends, and its hash. */
export type BlockLine = { readonly number: bigint; readonly recorded_at: string; readonly last_event: bigint; readonly last_transfer: bigint; readonly hash: string }

export function blockLines(lane: bigint, { after, upTo }: Bounds): string {
  return `select number, ${instantOf('recorded_at')} as recorded_at, last_event, last_transfer, encode(hash, 'hex') as hash
    from apportion.block where lane = ${lane} and number > ${after} and number <= ${upTo} order by number`
}
