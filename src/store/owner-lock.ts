// The lock under which the owner changes schema, roles and grants, so that servers starting together take turns.

import type { Pool, PoolClient } from 'pg'
import { inTransaction } from './statement.ts'

// Any fixed number will do, as long as every version of the program uses the same.
const OWNER_LOCK = '7021894226104151'

/** Runs `work` in one transaction of the owner's while nobody else changes schema, roles or grants of this database. */
export async function asOwner<T>(ownerPool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(ownerPool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [OWNER_LOCK])
    return work(client)
  })
}
