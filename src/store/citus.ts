// Past one machine: where the extension citus is present, lane tables are spread by their lane and server tables copied to every machine.
// On plain PostgreSQL nothing of this happens.

import type { Pool } from 'pg'
import { asOwner } from './owner-lock.ts'
import { maybeRow, rows, type Queryable } from './statement.ts'
import { tablesOf, TABLES } from './tables.ts'

/** A database that Citus runs; `workers` are the machines beside the one that is connected to. */
export type Citus = { readonly version: string; readonly workers: number }

/** Null on plain PostgreSQL. */
export async function citusOf(on: Queryable): Promise<Citus | null> {
  const found = await maybeRow<{ version: string }>(on, { text: `select extversion as version from pg_extension where extname = 'citus'`, values: [] })
  if (found === null) return null
  const workers = await rows<{ workers: bigint }>(on, {
    text: `select count(*) as workers from pg_dist_node where isactive and noderole = 'primary' and groupid <> 0`,
    values: [],
  })
  return { ...found, workers: Number(workers[0]?.workers ?? 0n) }
}

/** Lanes are spread with each other: whatever one posting touches lies on one machine. */
const LEADER = 'head'

/** What distributes the tables that are not distributed yet, in the order in which their foreign keys allow it. */
export function distribution(distributed: ReadonlySet<string>): readonly string[] {
  const missing = (kind: 'lane' | 'reference'): readonly string[] => tablesOf(kind).filter((table) => !distributed.has(table))
  const statements = [
    ...missing('reference').map((table) => `select create_reference_table('apportion.${table}')`),
    ...missing('lane').map((table) => {
      return `select create_distributed_table('apportion.${table}', 'lane', colocate_with => '${table === LEADER ? 'none' : `apportion.${LEADER}`}')`
    }),
  ]
  // Foreign keys tie the tables together: in one transaction Citus then takes one shard after the other.
  return statements.length === 0 ? [] : [`set local citus.multi_shard_modify_mode to 'sequential'`, ...statements]
}

/** Distributes what is not distributed yet; does nothing on plain PostgreSQL. Answers the tables that were distributed now. */
export async function distributeTables(owner: Pool): Promise<readonly string[]> {
  if ((await citusOf(owner)) === null) return []
  return await asOwner(owner, async (client) => {
    const found = await rows<{ name: string }>(client, {
      text: `select pg_class.relname as name from pg_dist_partition join pg_class on pg_class.oid = logicalrelid
        where relnamespace = 'apportion'::regnamespace and relname = any ($1::text[]) and (partmethod = 'h' or repmodel = 't')`,
      values: [Object.keys(TABLES)],
    })
    // Others that are known to Citus are local tables that a foreign key ties to a reference table.
    const distributed = new Set(found.map(({ name }) => name))
    for (const text of distribution(distributed)) await client.query(text)
    return [...tablesOf('reference'), ...tablesOf('lane')].filter((table) => !distributed.has(table))
  })
}
