// The data folder: made beside its place and renamed when whole, so that a half-made one is never taken for a database.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Effects } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import { USE_OWN_SERVER, type Binaries } from './binaries.ts'
import type { Identity } from './identity.ts'
import { sharedMemorySettings } from './shared-memory.ts'

/** The superuser of an embedded server, and the name of its database. */
export const OWNER = 'apportion'

export type Folder = {
  readonly dataDirectory: string
  readonly binaries: Binaries
  readonly identity: Identity
}

/** Everything that stands beside the data folder carries its name. */
export function beside(dataDirectory: string, what: 'password' | 'log' | 'lock' | 'links'): string {
  return `${dataDirectory}.${what}`
}

/** Checks the data folder's version, or makes the folder. The caller holds the lock. */
export async function openFolder(
  folder: Folder,
  options: { readonly random: Effects['random']; readonly durable: boolean },
): Promise<void> {
  sweepUnfinished(folder.dataDirectory)
  if (existsSync(folder.dataDirectory)) checkVersion(folder)
  else await createFolder(folder, options)
}

const UNFINISHED = '.new-'

// Left by launchers that were killed. Their initdb may still be at work and win this time; then the next start removes it.
function sweepUnfinished(dataDirectory: string): void {
  const parent = dirname(dataDirectory)
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(basename(dataDirectory) + UNFINISHED)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    }
  }
}

/** @throws Refusal database_unavailable when the file is gone: the folder's password is nowhere else. */
export function readPassword(dataDirectory: string): string {
  const file = beside(dataDirectory, 'password')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const message = `The password of the database in ${dataDirectory} cannot be read from ${file}. Restore that file, or delete both to start empty.`
    throw Object.assign(new Refusal('database_unavailable', message), { cause })
  }
}

function checkVersion({ dataDirectory, binaries }: Folder): void {
  const file = join(dataDirectory, 'PG_VERSION')
  const found = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown'
  if (found === binaries.major) return
  throw new Refusal(
    'database_version_unsupported',
    `${dataDirectory} belongs to PostgreSQL ${found}; the embedded server is ${binaries.major}. ` +
      `Run the version of Apportion that made it, or another data folder. ${USE_OWN_SERVER}`,
    { found, expected: binaries.major },
  )
}

async function createFolder(
  { dataDirectory, binaries, identity }: Folder,
  { random, durable }: { readonly random: Effects['random']; readonly durable: boolean },
): Promise<void> {
  // A name of its own each time: the initdb of a killed launcher runs on, in its folder.
  const unfinished = `${dataDirectory}${UNFINISHED}${random(4).toHex()}`
  const password = beside(dataDirectory, 'password')
  mkdirSync(unfinished, { mode: 0o700 })
  identity.own(unfinished)
  writePassword(password, random)
  identity.own(password)
  const initdb = (args: readonly string[]) => run([...identity.prefix, binaries.initdb, '-D', unfinished, ...args], { binaries, identity })
  await initdb([
    ...['-U', OWNER, '--pwfile', password, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
    ...['--no-sync', '--no-instructions'],
    ...Object.entries(sharedMemorySettings()).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  // All at once at the end takes 130 ms; file by file it takes seconds.
  if (durable) await initdb(['--sync-only'])
  renameSync(unfinished, dataDirectory)
  if (durable && process.platform !== 'win32') sync(dirname(dataDirectory))
}

// On disk before the folder gets its name: a database whose password was lost in a power cut would be closed for ever.
function writePassword(file: string, random: Effects['random']): void {
  rmSync(file, { force: true })
  const descriptor = openSync(file, 'wx', 0o600)
  writeSync(descriptor, random(32).toHex())
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

async function run(
  [command = '', ...args]: readonly string[],
  { binaries, identity }: Pick<Folder, 'binaries' | 'identity'>,
): Promise<void> {
  const child = spawn(command, args, { ...identity.spawn, env: binaries.environment, stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const code = await new Promise<number | string | null>((resolve) => {
    child.on('close', resolve)
    child.on('error', (error) => resolve(error.message))
  })
  if (code === 0) return
  throw new Refusal(
    'database_unavailable',
    `The embedded PostgreSQL could not make its data folder (${command} ended with ${code}): ${output.trim()}. ${USE_OWN_SERVER}`,
  )
}
