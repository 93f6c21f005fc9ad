// One PostgreSQL for the whole run, in a temporary folder, with a migrated template from which tests clone databases.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { endServer, isServing, readPostmaster } from '../src/store/embedded/postmaster.ts'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { machine } from './effects.ts'
import { copyServer } from './copy-server.ts'
import { dropTemplate, makeTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's own database, as the superuser. */
    databaseUrl: string
    /** A stopped server's folder with the template in it, to copy; null where there is none. */
    madeServer: string | null
  }
}

const PREFIX = 'apportion-test-'

// Nothing here has to survive a crash of the machine.
// Tests that abandon a process' connections in mid-work leave them to the server for a while.
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300', max_wal_size: '512MB' }

/** Files in memory, where a system has them: databases are copied hundreds of times, and servers as the product starts them wait for the disk
 * at each commit, start and stop, up to 13 s of a test's 14. What a killed process has written stays there as on a disk. */
const MEMORY = '/dev/shm'
/** A run needs a gigabyte at most, and others need some too. */
const MEMORY_NEEDED_BYTES = 2 * 1024 ** 3

/** With TEST_DATABASE_URL (a superuser's) the tests run on that server instead: to see them on an older PostgreSQL. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweep()
  const folder = mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), PREFIX))
  writeFileSync(join(folder, 'pid'), String(process.pid))
  // Tests that start a server as another user need to pass through.
  chmodSync(folder, 0o711)
  // What tests put into temporary folders goes with this one, also after kill -9.
  process.env['TMPDIR'] = folder
  // As the launcher does: what tests start loads compiled code.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '..', 'node_modules', '.cache', 'compile')
  const given = process.env['CITUS_URL'] ?? process.env['TEST_DATABASE_URL']
  if (given !== undefined) await dropTemplate(given)
  const { url, made, end } = given === undefined ? await startServer(folder) : { url: given, made: null, end: () => dropTemplate(given) }
  if (given !== undefined) await makeTemplate(given)
  project.provide('databaseUrl', url)
  project.provide('madeServer', made)
  return async () => {
    await end()
    remove(folder)
  }
}

function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize > MEMORY_NEEDED_BYTES
  } catch {
    return false
  }
}

/** A server with the template, made once: tests that kill theirs start with a copy of it, which takes a tenth of making it. */
async function startServer(home: string): Promise<{ url: string; made: string | null; end: () => Promise<void> }> {
  mkdirSync(join(home, 'server'))
  const start = () => startEmbedded({ dataDirectory: join(home, 'server', 'database'), effects: machine, settings: FAST, dieWithParent: true })
  const first = await start()
  await makeTemplate(first.url)
  await first.stop()
  const made = copyServer(join(home, 'server'), join(home, 'made')) ? join(home, 'made') : null
  const { url, pid } = await start()
  // Stopping in order would first write out every test's database.
  const end = async (): Promise<void> => await endServer(pid, 'SIGQUIT', machine)
  return { url, made, end }
}

// Folders of runs that were killed, and the servers that did not end with them.
async function sweep(): Promise<void> {
  const folders = [tmpdir(), MEMORY].flatMap((home) => (existsSync(home) ? readdirSync(home).map((name) => join(home, name)) : []))
  for (const folder of folders.filter((path) => basename(path).startsWith(PREFIX))) {
    if (isOwnerAlive(folder)) continue
    for (const entry of readdirSync(folder)) {
      const dataDirectory = join(folder, entry, 'database')
      const left = readPostmaster(dataDirectory)
      if (left !== undefined && isServing(left.pid, dataDirectory)) await endServer(left.pid, 'SIGQUIT', machine)
    }
    remove(folder)
  }
}

function isOwnerAlive(folder: string): boolean {
  try {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
