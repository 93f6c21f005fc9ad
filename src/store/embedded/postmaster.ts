// One running server process: whether it lives, starting it, ending it. Decides nothing about who may do so.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Effects } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import { USE_OWN_SERVER } from './binaries.ts'
import { beside, type Folder } from './folder.ts'
import { bufferSettings, sharedMemorySettings } from './shared-memory.ts'

export type Postmaster = { readonly pid: number; readonly port: number; readonly status: string }

export type StartOptions = {
  /** Server settings, over the defaults below. */
  readonly settings: Readonly<Record<string, string>>
  /** Ends the server when the thread that started it ends (Linux only): for servers of tests. */
  readonly dieWithParent: boolean
  /** Says which port to try next; a free one by default. */
  readonly findPort?: () => Promise<number>
}

type Clock = Pick<Effects, 'now' | 'sleep'>

const POLL_MS = 5
// Recovery after a crash reads up to max_wal_size; on a slow disk that takes minutes.
const START_LIMIT_MS = 10 * 60_000
const STOP_LIMIT_MS = 60_000
const ATTEMPTS = 20
const RETRY_MS = 50
const LOG_LIMIT_BYTES = 16 * 1024 * 1024

// Few, large checkpoints: the journal only grows, and every checkpoint makes whole pages be logged again.
const SETTINGS: Readonly<Record<string, string>> = {
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  // To compress a page takes the posting 150 to 240 µs, and spares its log 3 kB (docs/decisions/0012-writing-a-batch.md).
  wal_compression: 'off',
  // What a large posting has logged goes to the disk while it is written: its commit then waits for the last of it alone (the same page).
  wal_writer_delay: '10ms',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A statement that fails holds people's data, and is told to whoever sent it.
  log_min_error_statement: 'panic',
}

/** What postmaster.pid says, if it is complete; undefined when no server has been started or it ended in order. */
export function readPostmaster(dataDirectory: string): Postmaster | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const [pid = '', , , port = '', , , , status = ''] = lines
  return pid === '' ? undefined : { pid: Number(pid), port: Number(port), status: status.trim() }
}

/** Whether that process lives and (as far as the system tells) serves this folder: pids are used again. */
export function isServing(pid: number, dataDirectory: string): boolean {
  if (!isAlive(pid)) return false
  if (process.platform !== 'linux') return true
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDirectory)
  } catch {
    // Another user's process hides its folder. PostgreSQL itself will refuse the folder if it is in use.
    return false
  }
}

/** Removes the trace of a server that was killed and whose pid now belongs to somebody else. */
export function forgetDead({ pid }: Postmaster, dataDirectory: string): void {
  if (process.platform === 'linux' && isAlive(pid)) rmSync(join(dataDirectory, 'postmaster.pid'), { force: true })
}

/** Waits until the server is ready; false when it ended instead. */
export async function untilReady(dataDirectory: string, pid: number, clock: Clock): Promise<boolean> {
  return poll(clock, START_LIMIT_MS, 'starting', () => {
    const found = readPostmaster(dataDirectory)
    if (found?.pid === pid && found.status === 'ready') return true
    return isAlive(pid) ? undefined : false
  })
}

/** SIGINT disconnects everybody and stops in order; SIGQUIT stops at once, as a crash does. */
export async function endServer(pid: number, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL', clock: Clock): Promise<void> {
  if (!isAlive(pid)) return
  process.kill(pid, signal)
  await poll(clock, STOP_LIMIT_MS, 'stopping', () => (isAlive(pid) ? undefined : true))
}

/** Starts a server on a free port of 127.0.0.1 and waits until it is ready. */
export async function startServer(folder: Folder, options: StartOptions, clock: Clock): Promise<Postmaster> {
  let failure = ''
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    // The port it had last, so that people's clients find it again; any free one when that is taken.
    const port = options.findPort === undefined && attempt === 1 ? (lastPort(folder.dataDirectory) ?? (await findFreePort())) : await (options.findPort ?? findFreePort)()
    const { pid, output } = await spawnServer(folder, options, port)
    if (pid !== undefined && (await untilReady(folder.dataDirectory, pid, clock))) {
      const found = readPostmaster(folder.dataDirectory)
      if (found !== undefined) return found
    }
    failure = output()
    if (!PASSING.test(failure)) break
    await clock.sleep(RETRY_MS)
  }
  throw new Refusal(
    'database_unavailable',
    `The embedded PostgreSQL did not start: ${failure} (its log is ${beside(folder.dataDirectory, 'log')}). ${USE_OWN_SERVER}`,
  )
}

// Somebody took the port meanwhile; or the processes of a killed server are still going.
const PASSING = /could not bind|Address already in use|pre-existing shared memory block|lock file "postmaster.pid" already exists/

async function spawnServer(folder: Folder, options: StartOptions, port: number): Promise<{ pid: number | undefined; output: () => string }> {
  const { dataDirectory, binaries, identity } = folder
  const settings = { ...SETTINGS, ...bufferSettings(), ...sharedMemorySettings(), ...options.settings, port: String(port) }
  const [command = '', ...args] = [
    ...identity.prefix,
    ...(options.dieWithParent && process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'INT', '--'] : []),
    ...[binaries.postgres, '-D', dataDirectory],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const file = beside(dataDirectory, 'log')
  const log = openSync(file, 'a', 0o600)
  if (fstatSync(log).size > LOG_LIMIT_BYTES) ftruncateSync(log)
  const before = fstatSync(log).size
  // A session of its own: Ctrl-C in the terminal must not reach the server, its clients stop first.
  const child = spawn(command, args, {
    ...identity.spawn,
    env: binaries.environment,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let problem = ''
  child.on('error', (error) => {
    problem = error.message
  })
  child.unref()
  return { pid: child.pid, output: () => `${problem}${readFileSync(file).subarray(before).toString()}`.trim() }
}

/** The server keeps the line that it was started with. */
function lastPort(dataDirectory: string): number | undefined {
  const file = join(dataDirectory, 'postmaster.opts')
  const port = existsSync(file) ? /\bport=(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return port === undefined ? undefined : Number(port)
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return !isZombie(pid)
}

// A process that ended and whose parent has not asked for its result yet still takes signals.
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}

async function poll<T>(clock: Clock, limitMs: number, what: string, look: () => T | undefined): Promise<T> {
  const deadline = clock.now().add({ milliseconds: limitMs })
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Temporal.Instant.compare(clock.now(), deadline) > 0) {
      throw new Refusal('database_unavailable', `The embedded PostgreSQL is still ${what} after ${limitMs} ms. ${USE_OWN_SERVER}`)
    }
    await clock.sleep(POLL_MS)
  }
}
