// Snapshots as they are kept: written whole in one transaction or not at all, in order of recipients, and read a few blocks at a time.

import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { present } from '../core/assert.ts'
import { asking, maybeRow, rows, type Ask, type Queryable } from './statement.ts'

export type SnapshotRow = {
  readonly snapshot: string
  readonly name: string
  readonly record_at: Temporal.Instant
  readonly recipients: number
  readonly decimals: number
  readonly weights: string
  readonly hash: string
  readonly source: string
  readonly created_at: Temporal.Instant
}

const COLUMNS = `snapshot, name, record_at, recipients, decimals, weights, encode(hash, 'hex') as hash, source, created_at`

export async function snapshotNamed(on: Queryable, ledger: string, name: string): Promise<SnapshotRow | null> {
  return await maybeRow(on, { text: `select ${COLUMNS} from apportion.snapshot where ledger = $1 and name = $2`, values: [ledger, name] })
}

export async function snapshotsHashed(ask: Ask, ledger: string, hashes: readonly string[]): Promise<SnapshotRow[]> {
  return await ask({
    text: `select ${COLUMNS} from apportion.snapshot where ledger = $1 and hash = any (select decode(hash, 'hex') from unnest($2::text[]) as hash)`,
    values: [ledger, hashes],
  })
}

/** Snapshots by name, after one of them. */
export async function listSnapshots(on: Queryable, ledger: string, { after, limit }: { after: string | null; limit: number }): Promise<SnapshotRow[]> {
  return await rows(on, {
    text: `select ${COLUMNS} from apportion.snapshot where ledger = $1 and ($2::text is null or name > $2) order by name limit $3`,
    values: [ledger, after, limit],
  })
}

/** Takes lines of COPY's text form: snapshot, line, recipient, weight. */
export async function copySnapshotLines(client: PoolClient, lines: AsyncIterable<string>): Promise<void> {
  await pipeline(Readable.from(lines), client.query(copyFrom('copy apportion.snapshot_line (snapshot, line, recipient, weight) from stdin')))
}

/** A recipient that stands there twice, with the first two of its lines. */
export async function doubledLine(client: PoolClient, snapshot: string): Promise<{ recipient: string; first: number; second: number } | null> {
  return await maybeRow(client, {
    text: `select recipient, min(line) as first, max(line) as second from (
        select recipient, line, row_number() over (partition by recipient order by line) as turn from apportion.snapshot_line where snapshot = $1
      ) told
      where turn <= 2 group by recipient having count(*) > 1 order by second limit 1`,
    values: [snapshot],
  })
}

/** Lines are put in order in memory up to this, else on disk. */
const SORT_MEMORY = '64MB'

/** Recipients with their weights, by recipient; so many at a time. */
export async function* sortedLines(client: PoolClient, snapshot: string, { page }: { page: number }): AsyncGenerator<readonly (readonly [recipient: string, weight: string])[], undefined> {
  await client.query(`select set_config('work_mem', '${SORT_MEMORY}', true)`)
  // A cursor's declaration takes no parameters; a UUID of ours prints as hex and dashes alone.
  await client.query(`declare snapshot_lines no scroll cursor for select recipient || E'\\t' || weight as line from apportion.snapshot_line where snapshot = '${snapshot}' order by recipient`)
  for (;;) {
    const found = await rows<{ line: string }>(client, { text: `fetch ${page} from snapshot_lines`, values: [] })
    if (found.length === 0) break
    yield found.map(({ line }) => {
      const tab = line.indexOf('\t')
      return [line.slice(0, tab), line.slice(tab + 1)] as const
    })
  }
  await client.query('close snapshot_lines')
}

export async function dropSnapshotLines(client: PoolClient, snapshot: string): Promise<void> {
  await rows(client, { text: 'delete from apportion.snapshot_line where snapshot = $1', values: [snapshot] })
}

export type SnapshotBlock = { readonly first_place: number; readonly entries: number; readonly first_recipient: string; readonly weights_before: bigint; readonly lines: string }

export async function insertSnapshotBlocks(client: PoolClient, snapshot: string, blocks: readonly SnapshotBlock[]): Promise<void> {
  await rows(client, {
    text: `insert into apportion.snapshot_block (snapshot, first_place, entries, first_recipient, weights_before, lines)
      select $1, first_place, entries, first_recipient, weights_before, lines
      from unnest($2::integer[], $3::integer[], $4::text[], $5::numeric[], $6::text[]) as row (first_place, entries, first_recipient, weights_before, lines)`,
    values: [
      snapshot,
      blocks.map(({ first_place: place }) => place),
      blocks.map(({ entries }) => entries),
      blocks.map(({ first_recipient: recipient }) => recipient),
      blocks.map(({ weights_before: before }) => before.toString()),
      blocks.map(({ lines }) => lines),
    ],
  })
}

export type NewSnapshot = Omit<SnapshotRow, 'hash'> & { readonly ledger: string; readonly hash: Uint8Array }

/** False when the ledger has one of that name already. */
export async function insertSnapshot(client: PoolClient, { hash, record_at: recordAt, created_at: createdAt, ...given }: NewSnapshot): Promise<boolean> {
  const { snapshot, ledger, name, recipients, decimals, weights, source } = given
  const made = await rows(client, {
    text: `insert into apportion.snapshot (snapshot, ledger, name, record_at, recipients, decimals, weights, hash, source, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (ledger, name) do nothing returning snapshot`,
    values: [snapshot, ledger, name, recordAt.toString(), recipients, decimals, weights, Buffer.from(hash), source, createdAt.toString()],
  })
  return made.length === 1
}

/** Blocks from a place on, in order. */
export async function snapshotBlocks(ask: Ask, snapshot: string, { from, limit }: { from: number; limit: number }): Promise<SnapshotBlock[]> {
  const found = await ask<Omit<SnapshotBlock, 'weights_before'> & { weights_before: bigint | string }>({
    name: 'snapshot-blocks',
    text: `select first_place, entries, first_recipient, weights_before::text as weights_before, lines from apportion.snapshot_block
      where snapshot = $1 and first_place >= $2 order by first_place limit $3`,
    values: [snapshot, from, limit],
  })
  return found.map((block) => ({ ...block, weights_before: BigInt(block.weights_before) }))
}

/** The block in which a recipient would stand, and the place it begins at; null before the first. */
export async function blockOfRecipient(on: Queryable, snapshot: string, recipient: string): Promise<SnapshotBlock | null> {
  const found = await maybeRow<{ first_place: number }>(on, {
    text: `select first_place from apportion.snapshot_block where snapshot = $1 and first_recipient <= $2 order by first_recipient desc limit 1`,
    values: [snapshot, recipient],
  })
  return found === null ? null : present((await snapshotBlocks(asking(on), snapshot, { from: found.first_place, limit: 1 }))[0], 'block')
}
