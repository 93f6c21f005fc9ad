// What tests are given: databases of their own, and servers of their own to kill.

import { expect, it } from 'vitest'
import { createPool } from '../src/store/pool.ts'
import { startOwnServer, testDatabase } from './database.ts'

it('a test’s database has the tables, three roles, and nobody else’s rows', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()])
  await one.pool.query('create table mine (n int)')
  await expect(one.appPool.query('select count(*) from apportion.event')).resolves.toMatchObject({ rows: [{ count: 0n }] })
  await expect(one.signerPool.query('select count(*) from apportion.wallet_key')).resolves.toMatchObject({ rows: [{ count: 0n }] })
  await expect(other.pool.query('select from mine')).rejects.toThrow('does not exist')
  await Promise.all([one.drop(), other.drop()])
})

it('a server that is killed keeps what was committed, and connections to it fail without ending the process', async () => {
  const server = await startOwnServer()
  const database = await testDatabase(server.url)
  await database.pool.query('create table kept as select 1 as n')
  const client = await database.pool.connect()
  await server.kill()
  await expect(client.query('select 1')).rejects.toThrow()
  client.release(true)
  await expect(database.pool.query('select 1')).rejects.toThrow()
  const again = await server.restart()
  const pool = createPool({ url: new URL(database.name, again.url).href, max: 1, applicationName: 'test' })
  await expect(pool.query('select n from kept')).resolves.toMatchObject({ rows: [{ n: 1 }] })
  await Promise.all([pool.end(), database.pool.end(), database.appPool.end(), database.signerPool.end()])
  await server.remove()
})
