// Importing a journal takes the owner's database role, as making a ledger does: it is opened for this alone and closed again.

import { importJournal, type Imported, type JournalProgress } from '../engine/import-journal.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { Desk } from '../engine/world.ts'
import { createPool } from '../store/pool.ts'
import type { Database } from './database.ts'

/** Refuses as `importJournal` does; then nothing was imported. */
export async function importAsOwner(
  desk: Pick<Desk, 'now' | 'random' | 'rails'>,
  { ownerUrl }: Pick<Database, 'ownerUrl'>,
  { ledger, lines, onProgress }: { ledger: Ledger; lines: AsyncIterable<string>; onProgress: (progress: JournalProgress) => void },
): Promise<Imported> {
  const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion import' })
  try {
    return await importJournal({ ...desk, owner }, ledger, lines, onProgress)
  } finally {
    await owner.end()
  }
}
