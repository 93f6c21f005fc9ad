// The store as the engine holds it: two pools on one database, with the server's role.

import type { Pool } from 'pg'
import { createLanes, type Lanes } from './lane.ts'
import { createPool, type PoolOptions } from './pool.ts'

export type Store = {
  /** For the posting path: statements of a transaction are written together. No streams, no cursors. */
  readonly hot: Pool
  /** Each lane that this process posts to, and what it remembers of it. */
  readonly lanes: Lanes
  /** For everything else. */
  readonly pool: Pool
  readonly close: () => Promise<void>
}

// One posting at a time holds a lane; the second connection serves another lane meanwhile.
const HOT_CONNECTIONS = 4
const OTHER_CONNECTIONS = 8
// A posting takes milliseconds, waiting for the lane included; a page of a report or of `verify` seconds.
const HOT_TIMEOUT_MS = 30_000
const OTHER_TIMEOUT_MS = 300_000

/** Connects lazily: a wrong address shows at the first statement. */
export function openStore(url: string, applicationName: string, { stream }: Pick<PoolOptions, 'stream'> = {}): Store {
  const hot = createPool({ url, max: HOT_CONNECTIONS, applicationName: `${applicationName} posting`, pipeline: true, statementTimeoutMs: HOT_TIMEOUT_MS, stream })
  const pool = createPool({ url, max: OTHER_CONNECTIONS, applicationName, statementTimeoutMs: OTHER_TIMEOUT_MS, stream })
  return {
    hot,
    lanes: createLanes(),
    pool,
    close: async () => {
      await Promise.all([hot.end(), pool.end()])
    },
  }
}
