// Opening a database that is as this version left it writes nothing; anything else about it is put right.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { machine } from '../../test/effects.ts'
import { openDatabase } from './database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(async () => await database.drop())

async function open(): Promise<void> {
  const urls = { databaseUrl: database.url, appDatabaseUrl: database.appUrl, signerDatabaseUrl: database.signerUrl }
  await (await openDatabase(machine, { ...urls, dataDirectory: '/nowhere' })).stop()
}

/** The transactions that last wrote the engine's schema and its table of transfers, as the catalogue has them. */
async function writers(): Promise<unknown> {
  const { rows } = await database.pool.query(
    `select (select xmin::text from pg_namespace where nspname = 'apportion') as schema,
      (select xmin::text from pg_class where oid = 'apportion.transfer'::regclass) as grants`,
  )
  return rows[0]
}

describe('a database', () => {
  it('that is opened again is not written', async () => {
    await open()
    const before = await writers()
    await open()
    expect(await writers()).toEqual(before)
  })

  it.each([
    ['was migrated by another version', `comment on schema apportion is 'apportion ${'0'.repeat(64)}'`],
    ['has lost its mark', 'comment on schema apportion is null'],
  ])('that %s is granted anew', async (_, change) => {
    await open()
    await database.pool.query('revoke select on apportion.transfer from test_app')
    await database.pool.query(change)
    await open()
    await expect(database.appPool.query('select count(*) from apportion.transfer')).resolves.toBeDefined()
  })

  it('with an edited migration is refused, marked or not', async () => {
    await open()
    await database.pool.query(`update apportion.migration set sha256 = 'other' where name like '0001%'`)
    await expect(open()).rejects.toMatchObject({ code: 'migration_conflict' })
  })
})
