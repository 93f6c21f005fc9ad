// Making a key with the owner's database role, which alone may add a person who is believed: opened for this and closed again.

import { createKey, type NewKey } from '../engine/api-key.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { Desk } from '../engine/world.ts'
import { createPool } from '../store/pool.ts'
import type { Database } from './database.ts'

/** Refuses as `createKey` does. */
export async function createKeyAsOwner(desk: Desk, { ownerUrl }: Pick<Database, 'ownerUrl'>, ledger: Ledger, given: NewKey): ReturnType<typeof createKey> {
  const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion create key' })
  try {
    return await createKey({ ...desk, owner }, ledger, given)
  } finally {
    await owner.end()
  }
}
