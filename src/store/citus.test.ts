// Citus: what would be run to spread the tables, that nothing is run without it, and all of it for real where CITUS_URL names a server.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { addressOf, onServer } from '../../test/template.ts'
import { citusOf, distributeTables, distribution } from './citus.ts'
import { migrate } from './migrate.ts'
import { createPool } from './pool.ts'
import { TABLES, tablesOf } from './tables.ts'

const LANES = `'lane', colocate_with => 'apportion.head')`

describe('on plain PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(async () => await database.drop())

  it('there is no Citus, as the owner and as the server see it', async () => {
    expect(await citusOf(database.pool)).toBeNull()
    expect(await citusOf(database.appPool)).toBeNull()
  })

  it('nothing is distributed', async () => {
    expect(await distributeTables(database.pool)).toEqual([])
  })
})

describe('distributing', () => {
  it('copies server tables first and spreads lane tables beside their head', () => {
    const [mode, ...statements] = distribution(new Set())
    expect(mode).toBe(`set local citus.multi_shard_modify_mode to 'sequential'`)
    expect(statements.slice(0, 2)).toEqual([`select create_reference_table('apportion.ledger')`, `select create_reference_table('apportion.lane')`])
    const [head, ...others] = statements.slice(tablesOf('reference').length)
    expect(head).toBe(`select create_distributed_table('apportion.head', 'lane', colocate_with => 'none')`)
    expect(others).toEqual(tablesOf('lane').slice(1).map((table) => `select create_distributed_table('apportion.${table}', ${LANES}`))
  })

  it('leaves local tables where they are', () => {
    const named = distribution(new Set()).join('\n')
    expect(tablesOf('local').filter((table) => named.includes(`'apportion.${table}'`))).toEqual([])
  })

  it('goes on with what a later version adds', () => {
    const all = new Set(Object.keys(TABLES))
    expect(distribution(all)).toEqual([])
    all.delete('movement')
    expect(distribution(all).slice(1)).toEqual([`select create_distributed_table('apportion.movement', ${LANES}`])
  })
})

const server = process.env['CITUS_URL']

describe.skipIf(server === undefined)('on Citus', () => {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  const url = addressOf(server ?? 'postgresql://none', { database: name })
  const pool = createPool({ url, max: 2, applicationName: 'test' })
  beforeAll(async () => {
    await onServer(server ?? '', (client) => client.query(`create database ${name}`))
    await pool.query('create extension citus')
    await migrate(pool)
  })
  afterAll(async () => {
    await pool.end()
    await onServer(server ?? '', (client) => client.query(`drop database ${name}`))
  })

  it('all tables are distributed once, and lane tables together', async () => {
    expect(await citusOf(pool)).toMatchObject({ version: expect.any(String), workers: expect.any(Number) })
    expect(await distributeTables(pool)).toEqual([...tablesOf('reference'), ...tablesOf('lane')])
    expect(await distributeTables(pool)).toEqual([])
    const { rows } = await pool.query<{ groups: bigint }>(
      `select count(distinct colocationid) as groups from pg_dist_partition where partmethod = 'h'`,
    )
    expect(rows[0]?.groups).toBe(1n)
  })
})
