// The embedded server: started when nobody runs it, adopted when somebody does, stopped by whoever leaves last.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Client } from 'pg'
import type { Effects } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import { findBinaries, USE_OWN_SERVER } from './binaries.ts'
import { beside, openFolder, OWNER, readPassword, type Folder } from './folder.ts'
import { chooseIdentity } from './identity.ts'
import { withLock } from './lock.ts'
import { endServer, forgetDead, isServing, readPostmaster, startServer, untilReady } from './postmaster.ts'

export type EmbeddedOptions = {
  /** The database; its password, log and lock stand beside it. Made when it is not there. */
  readonly dataDirectory: string
  readonly effects: Pick<Effects, 'now' | 'sleep' | 'random'>
  /** Server settings over the usual ones. With `fsync: 'off'` a new folder is not synced either. */
  readonly settings?: Readonly<Record<string, string>>
  /** Ends the server with the thread that starts it (Linux): for servers of tests. */
  readonly dieWithParent?: boolean
}

export type EmbeddedServer = {
  /** As the owner, a superuser. Holds the password. */
  readonly url: string
  readonly pid: number
  /** Whether the server was running already. */
  readonly adopted: boolean
  readonly ms: number
  /** Leaves the server, and stops it if no other client is connected; close the pools first. True when it stopped. */
  readonly stop: () => Promise<boolean>
}

// pool.end() resolves before the server has noticed; so long other connections may still be our own.
const LEAVE_LIMIT_MS = 1_000
const LEAVE_POLL_MS = 10

/** Marks the connection by which each process that uses the server shows that it does. */
const KEEPER = 'apportion keeper'

/**
 * Gives a running server on `dataDirectory`, on a port of 127.0.0.1. Safe to call from several processes at once.
 * @throws Refusal database_unavailable, database_version_unsupported; both say to set DATABASE_URL.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { effects } = options
  const began = effects.now()
  const dataDirectory = resolve(options.dataDirectory)
  const lock = beside(dataDirectory, 'lock')
  const { pid, adopted, keeper, url } = await refusing(dataDirectory, () => {
    mkdirSync(dirname(dataDirectory), { recursive: true })
    return withLock(lock, effects, () => open(dataDirectory, options))
  })
  return {
    url,
    pid,
    adopted,
    ms: Math.round(effects.now().since(began).total('milliseconds')),
    stop: () => withLock(lock, effects, () => leave({ keeper, pid, dataDirectory, effects })),
  }
}

// Of the system's own errors only these are somebody's to mend: a folder of another user, a file in its place, a full or read-only disk.
const MENDABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EEXIST', 'ENOTDIR'])

async function refusing<T>(dataDirectory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === undefined || !MENDABLE.has(code)) throw cause
    const text = `The database's folder ${dataDirectory} cannot be used as this user: ${message}. Choose another folder. ${USE_OWN_SERVER}`
    throw Object.assign(new Refusal('database_unavailable', text), { cause })
  }
}

type Open = { pid: number; adopted: boolean; keeper: Client; url: string }

async function open(dataDirectory: string, options: EmbeddedOptions): Promise<Open> {
  const { effects, settings = {} } = options
  const running = await adopt(dataDirectory, effects)
  if (running !== undefined) return { ...running, adopted: true }
  const binaries = findBinaries(beside(dataDirectory, 'links'))
  const identity = chooseIdentity(dataDirectory, binaries)
  const folder: Folder = { dataDirectory, binaries, identity }
  await openFolder(folder, { random: effects.random, durable: settings['fsync'] !== 'off' })
  const { pid, port } = await startServer(folder, { settings, dieWithParent: options.dieWithParent ?? false }, effects)
  return { pid, adopted: false, ...(await keep(dataDirectory, port)) }
}

async function adopt(dataDirectory: string, effects: EmbeddedOptions['effects']): Promise<Omit<Open, 'adopted'> | undefined> {
  if (!existsSync(dataDirectory)) return undefined
  const found = readPostmaster(dataDirectory)
  if (found === undefined) return undefined
  // Whoever was starting or stopping it held the lock and is gone: wait for what becomes of it.
  if (isServing(found.pid, dataDirectory) && (await untilReady(dataDirectory, found.pid, effects))) {
    const { pid, port } = readPostmaster(dataDirectory) ?? found
    return { pid, ...(await keep(dataDirectory, port)) }
  }
  forgetDead(found, dataDirectory)
  return undefined
}

// The keeper's connection tells other processes, through pg_stat_activity, that the server is in use. It keeps no process alive.
async function keep(dataDirectory: string, port: number): Promise<{ keeper: Client; url: string }> {
  const server = `postgresql://${OWNER}:${readPassword(dataDirectory)}@127.0.0.1:${port}`
  await ensureDatabase(`${server}/postgres`)
  const url = `${server}/${OWNER}`
  const keeper = new Client({ connectionString: url, application_name: KEEPER, keepAlive: true })
  keeper.on('error', () => {})
  await keeper.connect()
  ;(keeper as Client & { unref(): void }).unref()
  return { keeper, url }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [OWNER])
    if (rows.length > 0) return
    await client.query(`create database ${OWNER}`)
    // The owner is called like the engine's schema: without this its own tables would land among the engine's.
    await client.query(`alter database ${OWNER} set search_path = public`)
  } finally {
    await client.end()
  }
}

type Leave = Pick<EmbeddedOptions, 'dataDirectory' | 'effects'> & { readonly keeper: Client; readonly pid: number }

async function leave({ keeper, pid, dataDirectory, effects }: Leave): Promise<boolean> {
  // Whoever waits for the end must not be ended by an empty event loop before the answer is there.
  ;(keeper as Client & { ref(): void }).ref()
  const inUse = await isInUse(keeper, effects)
  await keeper.end().catch(() => {})
  if (inUse) return false
  // The server may have been killed long ago, and its pid given to somebody else.
  if (isServing(pid, dataDirectory)) await endServer(pid, 'SIGINT', effects)
  return true
}

async function isInUse(keeper: Client, effects: EmbeddedOptions['effects']): Promise<boolean> {
  const deadline = effects.now().add({ milliseconds: LEAVE_LIMIT_MS })
  for (;;) {
    const others = await otherClients(keeper)
    if (others === undefined || others.length === 0) return false
    if (others.includes(KEEPER) || Temporal.Instant.compare(effects.now(), deadline) > 0) return true
    await effects.sleep(LEAVE_POLL_MS)
  }
}

// Undefined when the server does not answer: it is gone or going.
async function otherClients(keeper: Client): Promise<string[] | undefined> {
  const query = `select application_name from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
  try {
    const { rows } = await keeper.query<{ application_name: string }>(query)
    return rows.map((row) => row.application_name)
  } catch {
    return undefined
  }
}
