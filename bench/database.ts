// The bench's databases: embedded servers with the product's own settings, each in a folder of its own that is removed afterwards.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { openDatabase, type Database } from '../src/boot/database.ts'
import type { Effects } from '../src/core/effects.ts'
import { createPool } from '../src/store/pool.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { tablesOf } from '../src/store/tables.ts'

export type BenchDatabase = Database & {
  readonly owner: Pool
  readonly store: Store
  /** How often the server's log says something. */
  readonly logged: (text: string) => number
  readonly close: () => Promise<void>
}

export async function openBenchDatabase(effects: Effects): Promise<BenchDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-bench-'))
  const database = await openDatabase(effects, { dataDirectory: directory })
  const owner = createPool({ url: database.ownerUrl, max: 4, applicationName: 'bench' })
  const store = openStore(database.appUrl, 'bench')
  return {
    ...database,
    owner,
    store,
    logged: (text) => readFileSync(join(directory, 'postgres.log'), 'utf8').split(text).length - 1,
    close: async () => {
      await Promise.all([owner.end(), store.close()])
      await database.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** A new server for as long as the work lasts. Each part has its own: a worker pays whatever ledgers it finds. */
export async function inDatabase<T>(effects: Effects, work: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const database = await openBenchDatabase(effects)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Empties all that grows and writes the rest out, so that each run begins as the one before it did. Ledgers made before are of no more use. */
export async function emptyLanes(owner: Pool): Promise<void> {
  await owner.query(`truncate ${tablesOf('lane').map((name) => `apportion.${name}`).join(', ')}`)
  await owner.query('checkpoint')
}

/** Bytes of tables with all that belongs to them: indexes, long values, partitions. */
export async function bytesOf(owner: Pool, tables: readonly string[]): Promise<number> {
  const { rows } = await owner.query<{ bytes: bigint }>(
    `with recursive part (relation) as (
        select unnest($1::regclass[])::oid
        union all
        select inhrelid from pg_inherits join part on inhparent = relation
      )
      select sum(pg_total_relation_size(relation))::bigint as bytes from part`,
    [tables],
  )
  return Number(rows[0]?.bytes ?? 0n)
}
