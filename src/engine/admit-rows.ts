// Admits rows of an inbox table that waited for an operator because their instant takes a right that SQL cannot carry.

import { admitInbox } from '../store/inbox.ts'
import type { Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** Queues rows again, with the right to lie in the past. Answers those that did wait. */
export async function admitRows({ store }: Pick<Desk, 'store'>, ledger: Ledger, references: readonly string[]): Promise<readonly string[]> {
  return await admitInbox(store.pool, ledger.id, references)
}
