// A real server of one's own to replay histories on: embedded PostgreSQL in a temporary folder, which goes with it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Effects } from '../../src/core/effects.ts'
import { programMigrations } from '../../src/programs/index.ts'
import { endServer } from '../../src/store/embedded/postmaster.ts'
import { startEmbedded } from '../../src/store/embedded/start.ts'
import { migrate } from '../../src/store/migrate.ts'
import { createPool } from '../../src/store/pool.ts'
import { applyGrants, ensureRoles } from '../../src/store/roles.ts'
import type { Host } from './host.ts'
import { openServer } from './server.ts'

const DATABASE = 'simulation'

/** Nothing in it outlives the run, so nothing waits for the disk. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/** Starts one, migrated and granted. `close` ends it and removes its folder. */
export async function openEmbedded(effects: Pick<Effects, 'now' | 'sleep' | 'random'>): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'apportion-simulation-'))
  const server = await startEmbedded({ dataDirectory: join(folder, 'database'), effects, settings: FAST, dieWithParent: true })
  const address = new URL(server.url)
  address.pathname = `/${DATABASE}`
  const owner = address.href
  const first = createPool({ url: server.url, max: 1, applicationName: 'simulation' })
  await first.query(`create database ${DATABASE}`)
  await first.end()
  const { appUrl: app, signerUrl: signer, ...roles } = await ensureRoles(owner)
  const pool = createPool({ url: owner, max: 1, applicationName: 'simulation' })
  await migrate(pool, { programs: programMigrations })
  await applyGrants(pool, roles)
  await pool.end()
  const host = await openServer({ owner, app, signer })
  return {
    ...host,
    close: async () => {
      await host.close()
      await endServer(server.pid, 'SIGINT', effects)
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}
