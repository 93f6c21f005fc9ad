// The bench's database: the embedded server with the product's own settings, in a folder of its own that is removed afterwards.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { openDatabase, type Database } from '../src/boot/database.ts'
import type { Effects } from '../src/core/effects.ts'
import { createPool } from '../src/store/pool.ts'
import { openStore, type Store } from '../src/store/store.ts'

export type BenchDatabase = Database & { readonly owner: Pool; readonly store: Store; readonly close: () => Promise<void> }

export async function openBenchDatabase(effects: Effects): Promise<BenchDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-bench-'))
  const database = await openDatabase(effects, { dataDirectory: directory })
  const owner = createPool({ url: database.ownerUrl, max: 4, applicationName: 'bench' })
  const store = openStore(database.appUrl, 'bench')
  return {
    ...database,
    owner,
    store,
    close: async () => {
      await Promise.all([owner.end(), store.close()])
      await database.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
