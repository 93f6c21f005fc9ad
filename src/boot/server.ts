// One server: database, networks, signer, API and worker, started in order and stopped in the opposite one.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Effects } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { createLedgers, type Ledgers } from '../engine/ledger.ts'
import { createRecorder, type Recorder } from '../engine/recorder.ts'
import type { World } from '../engine/world.ts'
import { createApp } from '../http/app.ts'
import { programs } from '../programs/index.ts'
import { rails } from '../rails/index.ts'
import { startSigner, type ForkedSigner } from '../signer/client.ts'
import { listLedgers } from '../store/ledger.ts'
import { openStore } from '../store/store.ts'
import { createWorker } from '../worker/worker.ts'
import { openDatabase, type Database } from './database.ts'
import { importAsOwner } from './import-journal.ts'
import { masterKeyOf, namingTheFile } from './master-key.ts'
import { runNetworks, type RunningNetworks } from './networks.ts'
import { startVerifyThreads } from './verify-threads.ts'

export type Server = {
  readonly world: World
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  readonly database: Database
  readonly networks: RunningNetworks
  readonly signer: ForkedSigner
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Things to end, last begun first. Each is ended although another one failed to. */
type Cleanup = { readonly name: string; readonly end: () => Promise<unknown> }

/**
 * Starts everything or nothing: what had begun when a part refused, or when `asked` was aborted, is ended again. An aborted start begins
 * nothing more and rejects with the signal's reason.
 */
export async function startServer(effects: Effects, config: Config, asked?: AbortSignal): Promise<Server> {
  const cleanups: Cleanup[] = []
  const stop = async (): Promise<void> => {
    for (const { name, end } of cleanups.splice(0).reverse()) {
      await end().catch((error: unknown) => effects.log('error', `${name} did not end in order`, { reason: String(error) }))
    }
  }
  const begun = (name: string, end: () => Promise<unknown>): void => {
    cleanups.push({ name, end })
    asked?.throwIfAborted()
  }
  try {
    asked?.throwIfAborted()
    const lock = lockFolder(config.dataDirectory)
    begun('the data folder', async () => lock.close())
    const database = await openDatabase(effects, config)
    begun('the database', database.stop)
    const store = openStore(database.appUrl, 'apportion')
    begun('the connections', store.close)
    const ledgerRows = await listLedgers(store.pool)
    const networks = runNetworks(effects, config.dataDirectory)
    begun('the networks', networks.stop)
    for (const rail of sandboxRails(ledgerRows)) {
      asked?.throwIfAborted()
      await networks.startSandbox(rail)
    }
    asked?.throwIfAborted()
    const signer = await startSigner(effects, { signerUrl: database.signerUrl, ...masterKeyOf(config, ledgerRows) }).catch((error: unknown) => {
      throw namingTheFile(error, config)
    })
    begun('the signer', signer.stop)
    const world: World = { ...effects, store, programs, rails, connect: networks.connect, signer }
    const ledgers = createLedgers(world)
    const recorder = createRecorder(world)
    const worker = createWorker(world, { ledgers, recorder })
    const threads = startVerifyThreads({ url: database.appUrl })
    begun('the threads of verify', threads.close)
    const app = await createApp(world, {
      ...{ ledgers, recorder, faults: worker.faults, verifyRanges: threads.check },
      importJournal: async (ledger, lines) => await importAsOwner(world, database, { ledger, lines, onProgress: () => {} }),
    })
    const url = await listen(app, config)
    begun('the API', async () => await app.close())
    worker.start()
    begun('the worker', worker.stop)
    return { world, ledgers, recorder, database, networks, signer, url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const SQLITE_BUSY = 5

/** One server a data folder; the operating system frees the lock whatever ends the process. */
function lockFolder(dataDirectory: string): DatabaseSync {
  let lock: DatabaseSync | null = null
  try {
    mkdirSync(dataDirectory, { recursive: true })
    lock = new DatabaseSync(join(dataDirectory, 'server.lock'))
    lock.exec('pragma busy_timeout = 0; begin exclusive')
    return lock
  } catch (error) {
    lock?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) throw runsAlready(dataDirectory)
    const why = error instanceof Error ? error.message : String(error)
    throw new Refusal(
      'configuration_invalid',
      `the data folder ${dataDirectory} cannot be used (${why}): set APPORTION_DATA to a folder that this user may write in`,
      { setting: 'APPORTION_DATA' },
    )
  }
}

function runsAlready(dataDirectory: string): Refusal {
  const running = readPort(dataDirectory)
  const where = running === null ? '' : ` at http://127.0.0.1:${running}`
  return new Refusal('configuration_invalid', `a server runs already with this data folder${where}: stop it, or set APPORTION_DATA to another folder`)
}

function sandboxRails(ledgers: readonly { readonly sandbox: boolean; readonly rail: string; readonly rail_url: string | null }[]): ReadonlySet<string> {
  return new Set(ledgers.filter(({ sandbox, rail_url: url }) => sandbox && url === null).map(({ rail }) => rail))
}

const portFile = (dataDirectory: string): string => join(dataDirectory, 'port')

function readPort(dataDirectory: string): number | null {
  try {
    const port = Number(readFileSync(portFile(dataDirectory), 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null
  } catch {
    return null
  }
}

const notHere = ({ host }: { readonly host: string }): string =>
  `HOST ${host} is no address of this machine: set it to one that is, such as 127.0.0.1, or leave it out`

/** What the system says when it cannot listen, in words about the settings. */
const LISTEN_PROBLEMS: Readonly<Record<string, (given: { readonly host: string; readonly port: number }) => string>> = {
  EADDRNOTAVAIL: notHere,
  ENOTFOUND: notHere,
  EAI_AGAIN: notHere,
  EINVAL: notHere,
  EACCES: ({ port }) => `this user may not open port ${port}: set PORT to one above 1023, or leave it out`,
}

/** Listens on the port of the settings, else on the one used last, else on any free one, and remembers it. */
async function listen(app: FastifyInstance, { host, port, dataDirectory }: Config): Promise<string> {
  const tries = port === undefined ? [readPort(dataDirectory) ?? 0, 0] : [port]
  for (const [index, candidate] of tries.entries()) {
    try {
      const url = await app.listen({ host, port: candidate })
      writeFileSync(portFile(dataDirectory), new URL(url).port)
      return url
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      const taken = code === 'EADDRINUSE'
      if (taken && index < tries.length - 1) continue
      if (taken) throw new Refusal('configuration_invalid', `port ${candidate} is taken by another program: set PORT to a free one, or leave it out`)
      const problem = LISTEN_PROBLEMS[code]
      if (problem === undefined) throw error
      throw new Refusal('configuration_invalid', problem({ host, port: candidate }))
    }
  }
  throw new Refusal('configuration_invalid', 'no port could be opened')
}

