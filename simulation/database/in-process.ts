// PostgreSQL in this process (PGlite, in memory): one backend for all sessions. Only one session's transaction is open at a time, so what
// is left to keep apart is who speaks, what they set, what they prepared and the locks they hold beyond a transaction.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { assert } from '../../src/core/assert.ts'
import { migrate } from '../../src/store/migrate.ts'
import { createPool } from '../../src/store/pool.ts'
import { applyGrants } from '../../src/store/roles.ts'
import { programMigrations } from '../../src/programs/index.ts'
import type { Host, Line, Startup } from './host.ts'
import { BODY, CODE, message, queryMessage, splitMessages, statusOf, SYNC, textBytes, type Status } from './messages.ts'
import { takeImage } from './image.ts'
import { createSessions } from './sessions.ts'
import { createSharedStatements, type Learned, type SharedStatements } from './shared-statements.ts'

export const SIMULATED_ROLES = { owner: 'postgres', app: 'simulated_app', signer: 'simulated_signer' } as const

type Backend = {
  readonly run: (bytes: Uint8Array) => Uint8Array
  readonly statements: SharedStatements
  /** Who speaks now, and what they set. */
  face: string
  /** The session that functions of a session's number see. */
  marked: number
}

/** Opens a migrated database with its roles: some seconds, once a process. */
export async function openInProcess(): Promise<Host> {
  const database = await createWithoutTimers()
  const backend: Backend = { run: speaker(database), statements: createSharedStatements(), face: '', marked: 0 }
  say(backend, await readFile(join(import.meta.dirname, 'advisory.sql'), 'utf8'))
  for (const role of [SIMULATED_ROLES.app, SIMULATED_ROLES.signer]) say(backend, `create role ${role} login`)
  const address = (role: string): string => `postgresql://${role}@simulated/postgres`
  const urls = { owner: address(SIMULATED_ROLES.owner), app: address(SIMULATED_ROLES.app), signer: address(SIMULATED_ROLES.signer) }
  const open = (startup: Startup, number: number): Line => openLine(backend, startup, number)
  // The owner's own connection beside all histories.
  const sessions = createSessions({ open }, () => Promise.resolve('run'))
  const owner = createPool({ url: urls.owner, max: 1, applicationName: 'simulation', stream: sessions.streams('owner') })
  await migrate(owner, { programs: programMigrations })
  await applyGrants(owner, SIMULATED_ROLES)
  await owner.end()
  let kept = keep(database, backend)
  return {
    urls,
    open,
    keep: () => {
      kept = keep(database, backend)
      return Promise.resolve()
    },
    reset: () => {
      kept()
      return Promise.resolve()
    },
    learn: () => {
      const learned = backend.statements.learned()
      kept()
      prepareAll(backend, backend.statements.unknown(learned))
      kept = keep(database, backend)
      return Promise.resolve()
    },
    close: async () => await database.close(),
  }
}

/**
 * Hands PGlite bytes and takes its answer, all before it returns: its own reading of answers, which it keeps for ever, is passed by. It asks
 * for timers, to write statistics for instance; none is made, because one would run whenever the machine pleases.
 */
function speaker(database: PGlite): (bytes: Uint8Array) => Uint8Array {
  let failure: Error | null = null
  const fail = (error: Error): void => void (failure = error)
  return (bytes) => {
    if (failure !== null) throw failure
    const answers: Uint8Array[] = []
    const { setTimeout: timer } = globalThis
    globalThis.setTimeout = NO_TIMER
    try {
      database.execProtocolRawStream(bytes, { syncToFs: false, onRawData: (data) => answers.push(data.slice()) }).catch(fail)
    } finally {
      globalThis.setTimeout = timer
    }
    const [first] = answers
    return answers.length === 1 && first !== undefined ? first : Buffer.concat(answers)
  }
}

/** Opening takes turns with others, whose timers are theirs: only those of PostgreSQL are not made. */
async function createWithoutTimers(): Promise<PGlite> {
  const { setTimeout: timer } = globalThis
  const others = (...given: Parameters<typeof timer>): unknown => (new Error().stack?.includes('setitimer') === true ? 0 : timer(...given))
  globalThis.setTimeout = others as typeof setTimeout
  try {
    return await PGlite.create({ startParams: [...START, '-c', `search_path=simulated, pg_catalog, public`] })
  } finally {
    globalThis.setTimeout = timer
  }
}

const NO_TIMER = (() => 0) as unknown as typeof setTimeout

/** What stands now; the answer brings it back. */
function keep(database: PGlite, backend: Backend): () => void {
  const image = takeImage(database)
  const forget = backend.statements.keep()
  const { face, marked } = backend
  return () => {
    image.restore()
    forget()
    Object.assign(backend, { face, marked })
  }
}

/** Parses and plans each statement once. One that cannot be, because its tables were taken away with their history, is left to who asks it. */
function prepareAll(backend: Backend, learned: readonly Learned[]): void {
  const sorted = learned.toSorted((one, other) => (one.role < other.role ? -1 : one.role > other.role ? 1 : 0))
  for (const statement of sorted) {
    turnTo(backend, statement.role, [])
    const name = backend.statements.freshName()
    const parsed = backend.run(Buffer.concat([message(CODE.parse, textBytes(name), statement.content), message(CODE.describe, Buffer.from('S'), textBytes(name)), SYNC]))
    if (parsed[0] === CODE.error) continue
    const parameters = splitMessages(Buffer.from(parsed)).messages.find(({ code }) => code === PARAMETERS)?.bytes.readUInt16BE(BODY) ?? 0
    // Bound to nothing and never carried out: to bind is to plan.
    backend.run(Buffer.concat([bindNulls(name, parameters), SYNC]))
    backend.statements.know(statement, name)
  }
}

/** ParameterDescription, the server's. */
const PARAMETERS = 0x74

function bindNulls(name: string, count: number): Buffer {
  const values = Buffer.alloc(2 + 2 + count * 4 + 2)
  values.writeUInt16BE(count, 2)
  for (let place = 0; place < count; place += 1) values.writeInt32BE(-1, 4 + place * 4)
  return message(CODE.bind, textBytes(''), textBytes(name), values)
}

// PGlite's own, without its search path; then what every session of ours sets, and one plan a statement: planning anew each time costs more
// than it saves on the small tables of a history.
const START = [
  ...['--single', '-F', '-O', '-j', '-c', 'exit_on_error=false', '-c', 'log_checkpoints=false', '-c', 'io_method=sync'],
  ...['-c', 'max_worker_processes=0', '-c', 'max_parallel_workers=0', '-c', 'max_parallel_workers_per_gather=0', '-c', 'max_parallel_maintenance_workers=0'],
  ...['-c', 'timezone=UTC', '-c', 'DateStyle=ISO', '-c', 'plan_cache_mode=force_generic_plan', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
  // Memory that is brought back for each history: a history's rows fit into a fraction of this.
  ...['-c', 'shared_buffers=16MB', '-c', 'wal_buffers=1MB', '-c', 'wal_level=minimal', '-c', 'max_wal_senders=0', '-c', 'max_connections=10', '-c', 'max_locks_per_transaction=256'],
  // Nobody reads its statistics, and what it would log is answered.
  ...['-c', 'track_counts=off', '-c', 'track_activities=off', '-c', 'log_min_messages=panic', '-c', 'log_min_error_statement=panic'],
]

function openLine(backend: Backend, { user }: Startup, number: number): Line {
  const prepared = backend.statements.session(user)
  const settings: string[] = []
  let hasLocks = false
  let status: Status = 'I'
  return {
    run: (batch) => {
      if (status === 'I') turnTo(backend, user, settings)
      if (batch.statements.some((text) => OF_SESSION.test(text))) {
        hasLocks = true
        mark(backend, number)
      }
      const { bytes, complete } = prepared.rename(batch.messages)
      const answer = backend.run(bytes)
      const setting = batch.statements.find((text) => SETTING.test(text))
      if (setting !== undefined && status === 'I') {
        settings.push(setting)
        backend.face = faceOf(user, settings)
      }
      status = statusOf(answer)
      return complete(answer)
    },
    end: () => {
      if (status !== 'I') say(backend, 'rollback')
      status = 'I'
      if (!hasLocks) return
      turnTo(backend, SIMULATED_ROLES.owner, [])
      say(backend, `delete from simulated.held where session = ${number}`)
    },
  }
}

const OF_SESSION = /\bpg_(backend_pid|locks|try_advisory_lock|advisory_unlock)/
const SETTING = /^\s*set\s+(?!local\b|transaction\b)/i

function faceOf(user: string, settings: readonly string[]): string {
  return [user, ...settings].join('; ')
}

function turnTo(backend: Backend, user: string, settings: readonly string[]): void {
  const face = faceOf(user, settings)
  if (backend.face === face) return
  const before = backend.face.includes(';') ? ['reset all'] : []
  say(backend, [...before, `set session authorization ${user}`, ...settings].join('; '))
  if (before.length > 0) backend.marked = 0
  backend.face = face
}

function mark(backend: Backend, number: number): void {
  if (backend.marked === number) return
  say(backend, `set simulated.session = ${number}`)
  backend.marked = number
}

function say(backend: Backend, text: string): void {
  const answer = backend.run(queryMessage(text))
  assert(answer[0] !== CODE.error, `the simulated database can ${text}`)
}
