// Creating a ledger takes the owner's database role, which serves no request: it is opened for this alone and closed again.

import { escapeIdentifier, type Pool } from 'pg'
import { Refusal } from '../core/refusal.ts'
import { createLedger, type NewLedger } from '../engine/create-ledger.ts'
import type { World } from '../engine/world.ts'
import { createPool } from '../store/pool.ts'
import { oneRow } from '../store/statement.ts'
import type { Database } from './database.ts'

/** Refuses as `createLedger` does, and `database_role_forbidden` naming the grant that the owner's role lacks; then nothing was made. */
export async function createLedgerAsOwner(
  world: Pick<World, 'now' | 'id' | 'random' | 'programs' | 'rails'>,
  { ownerUrl, app }: Pick<Database, 'ownerUrl' | 'app'>,
  given: NewLedger,
): Promise<void> {
  const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion create ledger' })
  try {
    await createLedger({ ...world, owner, appRole: app }, given)
  } catch (error) {
    throw notAllowed(error) ? await grantMissing(owner, given, error) : error
  } finally {
    await owner.end()
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

function notAllowed(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE
}

async function grantMissing(owner: Pool, { inboxSchema }: NewLedger, cause: Error): Promise<Refusal> {
  const { role } = await oneRow<{ role: string }>(owner, { text: 'select current_user::text as role', values: [] })
  const schema = inboxSchema ?? 'public'
  return Object.assign(
    new Refusal(
      'database_role_forbidden',
      `The role ${role} of DATABASE_URL may not make the ledger's table in the schema ${schema} (${cause.message}). An administrator can allow it:\n\n` +
        `  grant usage, create on schema ${escapeIdentifier(schema)} to ${escapeIdentifier(role)};\n`,
      { role, schema },
    ),
    { cause },
  )
}
