// Databases for tests: a clone of the migrated template for each file, or a whole server for those that kill it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { inject } from 'vitest'
import { endServer } from '../src/store/embedded/postmaster.ts'
import { startEmbedded, type EmbeddedOptions, type EmbeddedServer } from '../src/store/embedded/start.ts'
import { createPool } from '../src/store/pool.ts'
import { copyServer } from './copy-server.ts'
import { machine } from './effects.ts'
import { addressOf, makeTemplate, onAllServers, onServer, ROLES, serversOf, TEMPLATE } from './template.ts'

export type TestDatabase = {
  readonly name: string
  /** As the owner of all tables. */
  readonly url: string
  /** As the server's role. */
  readonly appUrl: string
  readonly signerUrl: string
  /** Pools of a few connections each, closed by `drop`. */
  readonly pool: Pool
  readonly appPool: Pool
  readonly signerPool: Pool
  /** Closes the pools above and drops the database; whatever else the test opened it closes first. */
  readonly drop: () => Promise<void>
}

/** A database of its own, cloned from the template: copied file by file, which takes the processor a tenth of what logging every page does. Call it in beforeAll and `drop` in afterAll. */
export async function testDatabase(serverUrl: string = inject('databaseUrl')): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await onAllServers(serverUrl, (client) => client.query(`create database ${name} template ${TEMPLATE} strategy file_copy`))
  const isSpread = (await serversOf(serverUrl)).length > 1
  const url = addressOf(serverUrl, { database: name })
  const appUrl = addressOf(serverUrl, { database: name, role: ROLES.app })
  const signerUrl = addressOf(serverUrl, { database: name, role: ROLES.signer })
  const [pool, appPool, signerPool] = [url, appUrl, signerUrl].map((address) =>
    createPool({ url: address, max: 4, applicationName: 'test' }),
  ) as [Pool, Pool, Pool]
  return {
    ...{ name, url, appUrl, signerUrl, pool, appPool, signerPool },
    drop: async () => {
      await Promise.all([pool.end(), appPool.end(), signerPool.end()])
      // Not `with (force)`, which sends errors to connections that are just closing; the plain form waits for them. Citus keeps its own.
      await onAllServers(serverUrl, (client) => client.query(`drop database ${name}${isSpread ? ' with (force)' : ''}`))
    },
  }
}

export type OwnServer = EmbeddedServer & {
  readonly dataDirectory: string
  /** Starts it again on the same folder after it was stopped or killed; the address changes. */
  readonly restart: () => Promise<EmbeddedServer>
  /** kill -9 of the server and of every session. */
  readonly kill: () => Promise<void>
  /** Ends whatever runs on the folder and removes it. */
  readonly remove: () => Promise<void>
}

/** A server with the product's own settings (durable), for tests that stop or kill PostgreSQL; its template is ready to clone. */
export async function startOwnServer(settings: EmbeddedOptions['settings'] = {}): Promise<OwnServer> {
  const home = mkdtempSync(join(tmpdir(), 'apportion-own-'))
  const folder = join(home, 'server')
  const made = inject('madeServer')
  const isCopy = made !== null && copyServer(made, folder)
  const dataDirectory = join(folder, 'database')
  const start = () => startEmbedded({ dataDirectory, effects: machine, settings, dieWithParent: true })
  const first = await start()
  if (!isCopy) await makeTemplate(first.url)
  let { pid, url: address } = first
  return {
    ...first,
    dataDirectory,
    restart: async () => {
      const again = await start()
      pid = again.pid
      address = again.url
      return again
    },
    kill: () => killAll(address, pid),
    remove: async () => {
      await endServer(pid, 'SIGQUIT', machine)
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** Kills a server with all its sessions: of one killed alone, they live on for some milliseconds, answer, and may even commit. */
export async function killAll(url: string, pid: number): Promise<void> {
  const { rows } = await onServer(url, (client) =>
    client.query<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`),
  )
  await endServer(pid, 'SIGKILL', machine)
  for (const session of rows) await endServer(session.pid, 'SIGKILL', machine)
}
