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
    const missing = [...tablesOf('reference'), ...tablesOf('lane')].filter((table) => !distributed.has(table))
    const [mode, ...statements] = distribution(distributed)
    if (mode === undefined) return []
    await client.query(mode)
    // A local table that one would tie to a copied table would become one of Citus's own, with a trigger on something else than itself.
    const loose = await foreignKeys(client, { from: tablesOf('local'), to: tablesOf('reference') })
    // Citus takes no table from which, or to which, one that is not spread yet has a key: they are away meanwhile.
    const keys = (await foreignKeys(client, { from: tablesOf('lane'), to: tablesOf('lane') })).filter(({ from, to }) => missing.includes(from) || missing.includes(to))
    for (const { drop } of [...loose, ...keys]) await client.query(drop)
    for (const text of statements) await client.query(text)
    for (const { add } of keys) await client.query(add)
    return missing
  })
}

type ForeignKey = { readonly from: string; readonly to: string; readonly drop: string; readonly add: string }

async function foreignKeys(on: Queryable, { from, to }: { readonly from: readonly string[]; readonly to: readonly string[] }): Promise<ForeignKey[]> {
  return await rows(on, {
    text: `select own.relname as from, other.relname as to, format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
        format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)) as add
      from pg_constraint
      join pg_class own on own.oid = conrelid
      join pg_class other on other.oid = confrelid
      where contype = 'f' and own.relname = any ($1::text[]) and other.relname = any ($2::text[])
        and own.relnamespace = 'apportion'::regnamespace and other.relnamespace = 'apportion'::regnamespace
      order by conrelid::regclass::text, conname`,
    values: [[...from], [...to]],
  })
}
