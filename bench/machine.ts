// What the figures were measured on: the machine, Node, and the database's settings on which durability and speed depend.

import { cpus, totalmem } from 'node:os'
import type { Pool } from 'pg'

export type Machine = { readonly cpus: number; readonly model: string; readonly memoryGiB: number; readonly system: string; readonly node: string }

export function machine(): Machine {
  const system = `${process.platform} ${process.arch}`
  return { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', memoryGiB: Math.round(totalmem() / 2 ** 30), system, node: process.version }
}

const SETTINGS = [
  ...['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'wal_compression', 'wal_sync_method'],
  ...['max_wal_size', 'checkpoint_timeout', 'shared_buffers', 'max_connections', 'jit', 'autovacuum'],
]

/** The settings of a server as it shows them. */
export async function databaseSettings(owner: Pool): Promise<Readonly<Record<string, string>>> {
  const { rows } = await owner.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) with ordinality as wanted (name, place) order by place',
    [SETTINGS],
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}
