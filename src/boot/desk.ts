// What a command works with: the database (started when it does not run), the ledgers, and only when asked for the signer.

import type { Writable } from 'node:stream'
import { createKeyAsOwner } from './create-key.ts'
import { createLedgerAsOwner } from './create-ledger.ts'
import { importAsOwner } from './import-journal.ts'
import { openDatabase, type Database } from './database.ts'
import { masterKeyOf, namingTheFile } from './master-key.ts'
import { networksOf } from './networks.ts'
import { startVerifyThreads } from './verify-threads.ts'
import { readConfig, type Environment } from '../config.ts'
import type { createKey, NewKey } from '../engine/api-key.ts'
import type { NewLedger } from '../engine/create-ledger.ts'
import type { Imported, JournalProgress } from '../engine/import-journal.ts'
import { createLedgers, type Ledger, type Ledgers } from '../engine/ledger.ts'
import { createRecorder, type Recorder } from '../engine/recorder.ts'
import type { RangeChecker } from '../engine/verify/checker.ts'
import type { Desk, World } from '../engine/world.ts'
import { programs } from '../programs/index.ts'
import { rails } from '../rails/index.ts'
import { startSigner } from '../signer/client.ts'
import { citusOf, type Citus } from '../store/citus.ts'
import { listLedgers } from '../store/ledger.ts'
import { oneRow } from '../store/statement.ts'
import { openStore } from '../store/store.ts'
import { machineEffects, stderrLog } from '../world.ts'
import type { Signer } from '../signer/signer.ts'

export type CommandDesk = Desk &
  Pick<World, 'connect'> & {
    readonly database: Database
    readonly ledgers: Ledgers
    readonly recorder: Recorder
    /** The version of the database server. */
    readonly databaseVersion: () => Promise<string>
    /** Null on plain PostgreSQL. */
    readonly citus: () => Promise<Citus | null>
    /** The key of whoever runs the command; null: the owner. */
    readonly key: string | null
    /** Makes a key with the owner's database role: also one that may approve. */
    readonly createKey: (ledger: Ledger, given: NewKey) => ReturnType<typeof createKey>
    /** Installs a ledger with the owner's database role. */
    readonly createLedger: (given: NewLedger) => Promise<void>
    /** Imports a journal into an empty ledger with the owner's database role. */
    readonly importJournal: (ledger: Ledger, lines: AsyncIterable<string>, onProgress: (progress: JournalProgress) => void) => Promise<Imported>
    /** Checks ranges of a journal on all cores, by threads that end with this command. */
    readonly verifyRanges: RangeChecker
    /** Starts the signer's process for this command. */
    readonly signer: () => Promise<Signer>
  }

/** A command without a database answers although there is none. */
export type Needs = 'database' | 'nothing'

const SERVER_VERSION = { text: `select current_setting('server_version') as version`, values: [] }

export type DeskSettings = {
  readonly needs: Needs
  readonly environment: Environment
  readonly asked: AbortSignal
  /** Where the log goes. */
  readonly err: Writable
}

/** Opens what a command needs, runs it, and leaves nothing open behind it, also when `asked` is aborted: then it rejects with its reason. */
export async function withDesk({ needs, environment, asked, err }: DeskSettings, work: (desk: CommandDesk) => Promise<void>): Promise<void> {
  const config = readConfig(environment)
  const key = config.key ?? null
  const effects = machineEffects(stderrLog(config.logLevel === 'info' ? 'warn' : config.logLevel, err))
  if (needs === 'nothing') return await work({ ...effects, programs, rails, key } as CommandDesk)
  const database = await openDatabase(effects, config)
  const store = openStore(database.appUrl, 'apportion command')
  const threads = startVerifyThreads({ url: database.appUrl })
  let signer: Promise<Signer> | null = null
  try {
    const networks = networksOf(effects, config.dataDirectory)
    const desk = { ...effects, store, programs, rails, connect: networks.connect }
    const openSigner = async (): Promise<Signer> => {
      const settings = { signerUrl: database.signerUrl, ...masterKeyOf(config, await listLedgers(store.pool)) }
      return await startSigner(effects, settings).catch((error: unknown) => {
        throw namingTheFile(error, config)
      })
    }
    await unlessAsked(asked, async () => {
      await work({
        ...desk,
        database,
        databaseVersion: async () => (await oneRow<{ version: string }>(store.pool, SERVER_VERSION)).version,
        citus: async () => await citusOf(store.pool),
        key,
        createKey: async (ledger, given) => await createKeyAsOwner(desk, database, ledger, given),
        createLedger: async (given) => await createLedgerAsOwner(desk, database, given),
        ledgers: createLedgers(desk),
        recorder: createRecorder(desk),
        verifyRanges: threads.check,
        importJournal: async (ledger, lines, onProgress) => await importAsOwner(desk, database, { ledger, lines, onProgress }),
        signer: async () => await (signer ??= openSigner()),
      })
    })
  } finally {
    // `?.` does not see that the closure may have set it.
    const started = signer as Promise<Signer> | null
    if (started !== null) await started.then(async (running) => await running.stop()).catch(() => {})
    await threads.close()
    await store.close()
    await database.stop()
  }
}

/** Waits for the work, or for the signal: what is under way then loses its connections, and nobody waits for it any more. */
async function unlessAsked(asked: AbortSignal, work: () => Promise<void>): Promise<void> {
  asked.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(asked.reason as Error)
  asked.addEventListener('abort', end, { once: true })
  try {
    await Promise.race([work(), promise])
  } finally {
    asked.removeEventListener('abort', end)
  }
}
