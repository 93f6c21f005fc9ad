// Migrations: plain numbered SQL files, forward only. A file that has been applied is never edited: that is refused.

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pool, PoolClient } from 'pg'
import { assert } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { asOwner } from './owner-lock.ts'

export type MigrationFolder = {
  /** Stands before the file's name in apportion.migration, so that two programs can both have a 0001. */
  readonly name: string
  readonly directory: string
}

export type MigrateOptions = {
  /** The engine's own files; src/store/migrations by default. */
  readonly directory?: string
  /** Programs' files, applied after the engine's, in this order. */
  readonly programs?: readonly MigrationFolder[]
}

export type Migrated = {
  /** Names applied now, in order; empty when the database was up to date. */
  readonly applied: readonly string[]
}

type Migration = { readonly name: string; readonly text: string; readonly sha256: string }

const FILE_NAME = /^(\d{4})_[a-z0-9]+(?:[_-][a-z0-9]+)*\.sql$/

const ENGINE_DIRECTORY = join(import.meta.dirname, 'migrations')

/**
 * Brings the database up to date in one transaction. Several may run at once: one applies, the others find it done.
 * @throws Refusal migration_conflict when an applied file was edited, or the database knows files that this version lacks.
 */
export async function migrate(ownerPool: Pool, options: MigrateOptions = {}): Promise<Migrated> {
  const migrations = await readMigrations(options)
  return asOwner(ownerPool, async (client) => {
    const done = await readApplied(client)
    refuseDifferent(migrations, done)
    const missing = migrations.filter(({ name }) => !done.has(name))
    for (const migration of missing) await apply(client, migration)
    return { applied: missing.map(({ name }) => name) }
  })
}

/** All migrations of this version, in their order. */
export async function readMigrations(options: MigrateOptions = {}): Promise<readonly Migration[]> {
  const folders = [{ name: '', directory: options.directory ?? ENGINE_DIRECTORY }, ...(options.programs ?? [])]
  return (await Promise.all(folders.map(readFolder))).flat()
}

async function readFolder({ name, directory }: MigrationFolder): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).toSorted()
  files.forEach((file, index) => {
    const number = FILE_NAME.exec(file)?.[1]
    assert(Number(number) === index + 1, `migration ${file} is named NNNN_name.sql and numbered without a gap`)
  })
  return Promise.all(
    files.map(async (file) => {
      // A checkout on Windows may end lines otherwise; it is the same migration.
      const text = (await readFile(join(directory, file), 'utf8')).replaceAll('\r\n', '\n')
      const sha256 = createHash('sha256').update(text).digest('hex')
      return { name: name === '' ? file : `${name}/${file}`, text, sha256 }
    }),
  )
}

async function readApplied(client: PoolClient): Promise<Map<string, string>> {
  // Not `if not exists`: a session that waited for the lock may still remember that there was none.
  const { rowCount } = await client.query(`select from pg_namespace where nspname = 'apportion'`)
  if (rowCount === 0) await client.query('create schema apportion')
  await client.query(`
    create table if not exists apportion.migration (
      name text collate "C" primary key,
      sha256 text not null,
      applied_at timestamptz not null default now()
    )`)
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'select name, sha256 from apportion.migration order by name',
  )
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]))
}

// Every applied migration must still be there, unchanged. Of a folder that was not passed nothing is known or said:
// a program that is not installed any more keeps its tables.
function refuseDifferent(migrations: readonly Migration[], done: ReadonlyMap<string, string>): void {
  const edited = migrations.find(({ name, sha256 }) => done.has(name) && done.get(name) !== sha256)
  if (edited !== undefined) {
    throw new Refusal(
      'migration_conflict',
      `The migration ${edited.name} was edited after it had been applied to this database ` +
        `(SHA-256 was ${done.get(edited.name)}, is ${edited.sha256}). Restore the file and put the change into a new migration.`,
      { name: edited.name, sha256: edited.sha256 },
    )
  }
  const known = new Set(migrations.map(({ name }) => name))
  const folders = new Set(migrations.map(({ name }) => folderOf(name)))
  const newer = [...done.keys()].find((name) => !known.has(name) && folders.has(folderOf(name)))
  if (newer !== undefined) {
    throw new Refusal(
      'migration_conflict',
      `This database was migrated by a newer version: it has ${newer}, which this one does not know. Update the program.`,
      { name: newer },
    )
  }
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1)
}

async function apply(client: PoolClient, { name, text, sha256 }: Migration): Promise<void> {
  try {
    await client.query(text)
  } catch (error) {
    throw new Error(`migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  await client.query('insert into apportion.migration (name, sha256) values ($1, $2)', [name, sha256])
}
