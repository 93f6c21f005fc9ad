// The Merkle tree of a large distribution: what its leaves are made of, and the roots of its chunks, which are subtrees.

import { DISTRIBUTION_COLUMNS, type ChunkRow, type DistributionRow } from './distribution.ts'
import { maybeRow, rows, type Queryable } from './statement.ts'

/** Complete distributions of a lane ($1) whose tree is not made yet: what takes shares back has none. */
export const ROOTLESS = `lane = $1 and state = 'complete' and root is null and reverses is null`

/** The first complete distribution of a lane whose tree is not made yet. */
export async function rootlessDistribution(on: Queryable, lane: bigint): Promise<DistributionRow | null> {
  return await maybeRow(on, {
    text: `select ${DISTRIBUTION_COLUMNS} from apportion.distribution where ${ROOTLESS} order by event limit 1`,
    values: [lane],
  })
}

type Of = Pick<DistributionRow, 'lane' | 'event'>

/** The first chunk without a root; null when all have one. */
export async function rootlessChunk(on: Queryable, { lane, event }: Of): Promise<ChunkRow | null> {
  return await maybeRow(on, {
    text: `select first_place, places, account, first_transfer, shares, units, ties_before, owed from apportion.distribution_chunk
      where lane = $1 and event = $2
        and first_place > coalesce((select max(first_place) from apportion.distribution_root where lane = $1 and event = $2), -1)
      order by first_place limit 1`,
    values: [lane, event],
  })
}

/** The chunk that holds a place. */
export async function chunkOfPlace(on: Queryable, { lane, event }: Of, place: number): Promise<ChunkRow | null> {
  return await maybeRow(on, {
    text: `select first_place, places, account, first_transfer, shares, units, ties_before, owed from apportion.distribution_chunk
      where lane = $1 and event = $2 and first_place <= $3 order by first_place desc limit 1`,
    values: [lane, event, place],
  })
}

/** Units by part, of the transfers of one chunk, which stand one after the other. */
export async function unitsOfChunk(on: Queryable, { lane, digest }: Pick<DistributionRow, 'lane' | 'digest'>, { first_transfer: first, shares }: ChunkRow): Promise<ReadonlyMap<number, bigint>> {
  const found = await maybeRow<{ lines: string | null }>(on, {
    text: `select string_agg(concat(part, E'\\t', units), E'\\n') as lines from apportion.transfer
      where lane = $1 and number >= $2 and number < $3 and kind = 'distributed' and subject = $4`,
    values: [lane, first, first + BigInt(shares), digest],
  })
  const lines = found?.lines ?? null
  if (lines === null) return new Map()
  return new Map(
    lines.split('\n').map((line) => {
      const tab = line.indexOf('\t')
      return [Number(line.slice(0, tab)), BigInt(line.slice(tab + 1))]
    }),
  )
}

/** Another process may have written it just now. */
export async function insertRoot(on: Queryable, { lane, event }: Of, { place, root }: { place: number; root: Uint8Array }): Promise<void> {
  await rows(on, {
    text: `insert into apportion.distribution_root (lane, event, first_place, root) values ($1, $2, $3, $4) on conflict do nothing`,
    values: [lane, event, place, Buffer.from(root)],
  })
}

/** The roots of all chunks, in order. */
export async function rootsOf(on: Queryable, { lane, event }: Of): Promise<readonly Uint8Array[]> {
  const found = await rows<{ root: Buffer }>(on, {
    text: `select root from apportion.distribution_root where lane = $1 and event = $2 order by first_place`,
    values: [lane, event],
  })
  return found.map(({ root }) => new Uint8Array(root))
}

export async function setRoot(on: Queryable, { lane, event }: Of, root: Uint8Array): Promise<void> {
  await rows(on, { text: `update apportion.distribution set root = $3 where lane = $1 and event = $2 and root is null`, values: [lane, event, Buffer.from(root)] })
}
