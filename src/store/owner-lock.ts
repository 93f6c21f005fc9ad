// The lock under which the owner changes schema, roles and grants, so that servers starting together take turns.

import type { Pool, PoolClient } from 'pg'

// Any fixed number will do, as long as every version of the program uses the same.
const OWNER_LOCK = '7021894226104151'

/** Runs `work` in one transaction of the owner's while nobody else changes schema, roles or grants of this database. */
export async function asOwner<T>(ownerPool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await ownerPool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [OWNER_LOCK])
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure))
    })
    throw error
  } finally {
    client.release(broken)
  }
}
