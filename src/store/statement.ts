// A statement with its values, and the few ways to run one. Texts are constants; nothing is ever put into them by hand.

import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { assert, present } from '../core/assert.ts'

/** A named statement is parsed once a connection: for the hot path. */
export type Statement = { readonly name?: string; readonly text: string; readonly values: readonly unknown[] }

export type Queryable = Pool | PoolClient

export async function rows<Row extends QueryResultRow>(on: Queryable, { name, text, values }: Statement): Promise<Row[]> {
  const result = await on.query<Row>({ ...(name !== undefined && { name }), text, values: [...values] })
  return result.rows
}

/** Asks of one place, whatever it is: a pool, a connection, or one whose questions are put in turn. */
export type Ask = <Row extends QueryResultRow>(statement: Statement) => Promise<Row[]>

export function asking(on: Queryable): Ask {
  return async (statement) => await rows(on, statement)
}

/** The only row, or null. */
export async function maybeRow<Row extends QueryResultRow>(on: Queryable, statement: Statement): Promise<Row | null> {
  return (await rows<Row>(on, statement))[0] ?? null
}

export async function oneRow<Row extends QueryResultRow>(on: Queryable, statement: Statement): Promise<Row> {
  return present(await maybeRow<Row>(on, statement), 'a row')
}

/** A PostgreSQL array of values that need no quoting (numbers, UUIDs, hex): cheaper than the driver's general form. */
export function plainArray(values: readonly (string | number | bigint | boolean | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`
}

/** A PostgreSQL array of byte strings. */
export function bytesArray(values: readonly Uint8Array[]): string {
  return `{${values.map((value) => `"\\\\x${value.toHex()}"`).join(',')}}`
}

/** A transaction on one connection of the pool: committed when `work` resolves, rolled back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return await within(pool, 'begin', work)
}

/** Reads that all see the database as it stood at the first of them, while others go on writing. */
export async function inSnapshot<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return await within(pool, 'begin isolation level repeatable read, read only', work)
}

/** The snapshot's name, by which other connections may read the same instant while this transaction is open. */
export async function exportSnapshot(client: PoolClient): Promise<string> {
  return (await oneRow<{ name: string }>(client, { text: 'select pg_export_snapshot() as name', values: [] })).name
}

/** Reads at the instant of a snapshot that another connection has exported. */
export async function inSnapshotOf<T>(pool: Pool, name: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  assert(/^[0-9A-F-]+$/.test(name), `${name} is no name of a snapshot`)
  return await within(pool, `begin isolation level repeatable read, read only; set transaction snapshot '${name}'`, work)
}

async function within<T>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // A connection that cannot even roll back is thrown away; the server ends its transaction.
    await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    client.release(broken)
  }
}
