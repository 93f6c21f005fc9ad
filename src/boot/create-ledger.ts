// Creating a ledger takes the owner's database role, which no running part holds: it is opened for this and closed again.

import { createLedger, type NewLedger } from '../engine/create-ledger.ts'
import type { World } from '../engine/world.ts'
import { createPool } from '../store/pool.ts'
import type { Database } from './database.ts'

/** Refuses as `createLedger` does; then nothing was made. */
export async function createLedgerAsOwner(
  world: Pick<World, 'now' | 'id' | 'random' | 'programs' | 'rails'>,
  { ownerUrl, app }: Pick<Database, 'ownerUrl' | 'app'>,
  given: NewLedger,
): Promise<void> {
  const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion create ledger' })
  try {
    await createLedger({ ...world, owner, appRole: app }, given)
  } finally {
    await owner.end()
  }
}
