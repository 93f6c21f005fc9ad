// Reading the journal: heads, blocks and their lines.

import { oneRow, plainArray, rows, type Queryable } from './statement.ts'

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
  return await rows(on, {
    text: `select found.lane, found.number, found.first_transfer, found.last_transfer, found.first_event, found.last_event, found.recorded_at,
        encode(found.hash, 'hex') as hash
      from unnest($1::bigint[]) as given (lane)
      cross join lateral (
        select lane, number, first_transfer, last_transfer, first_event, last_event, recorded_at, hash from apportion.block
        where block.lane = given.lane and ($2::bigint is null or (number <= $2 and (number < $2 or lane > $3::bigint)))
        order by number desc
        limit $4
      ) found
      order by found.number desc, found.lane
      limit $4`,
    values: [plainArray(lanes), after?.number ?? null, after?.lane ?? null, limit],
  })
}
