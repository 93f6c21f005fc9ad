// A lock between processes, held by an open SQLite transaction: the system frees it even after kill -9.

import { DatabaseSync } from 'node:sqlite'
import { Refusal } from '../../core/refusal.ts'
import type { Effects } from '../../core/effects.ts'

const RETRY_MS = 10
// Another process may be making a new data folder on a slow disk, or waiting for crash recovery.
const LIMIT_MS = 10 * 60_000

/** Runs `work` while no other process (nor another caller in this one) holds the lock on `file`. */
export async function withLock<T>(
  file: string,
  effects: Pick<Effects, 'now' | 'sleep'>,
  work: () => Promise<T>,
): Promise<T> {
  const lock = new DatabaseSync(file)
  try {
    lock.exec('pragma busy_timeout=0')
    const deadline = effects.now().add({ milliseconds: LIMIT_MS })
    while (!acquire(lock)) {
      if (Temporal.Instant.compare(effects.now(), deadline) > 0) {
        throw new Refusal('database_unavailable', `Another process holds ${file} for more than ${LIMIT_MS} ms.`)
      }
      await effects.sleep(RETRY_MS)
    }
    return await work()
  } finally {
    lock.close()
  }
}

const SQLITE_BUSY = 5

// Not with SQLite's own waiting: that would block the event loop, and with it a holder in the same process.
function acquire(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false
    throw error
  }
}
