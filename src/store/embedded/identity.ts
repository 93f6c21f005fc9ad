// As whom PostgreSQL runs. It refuses to be root, so root either enters a user namespace of its own or becomes nobody.

import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from '../../core/refusal.ts'
import { USE_OWN_SERVER, type Binaries } from './binaries.ts'

export type Identity = {
  /** Stands before the command; each part replaces itself by the next, so the child's pid is PostgreSQL's. */
  readonly prefix: readonly string[]
  /** For spawn. Another user's process must not start in a folder that it may not read. */
  readonly spawn: { readonly uid?: number; readonly gid?: number; readonly cwd?: string }
  /** Hands files to that user. */
  readonly own: (path: string) => void
}

const NOBODY = 65_534

/** @throws Refusal database_unavailable when root can neither make a user namespace nor run the binaries as nobody. */
export function chooseIdentity(dataDirectory: string, binaries: Binaries): Identity {
  if (process.getuid?.() !== 0) return { prefix: [], spawn: {}, own: () => {} }
  // Files made by nobody would belong to nobody known inside a namespace.
  const belongsToNobody = existsSync(dataDirectory) && lstatSync(dataDirectory).uid === NOBODY
  const namespace = belongsToNobody ? 'not tried' : tryNamespace(binaries)
  if (typeof namespace !== 'string') return namespace
  const nobody = { uid: NOBODY, gid: NOBODY, cwd: '/' }
  const { error, status, stderr } = spawnSync(binaries.postgres, ['--version'], { ...nobody, env: binaries.environment })
  if (status === 0) return { prefix: [], spawn: nobody, own: ownByNobody }
  throw new Refusal(
    'database_unavailable',
    `PostgreSQL does not run as root, and here root can neither make a user namespace (${namespace}) nor run ` +
      `${binaries.postgres} as user ${NOBODY} (${reasonOf(error, stderr)}). Start as a normal user. ${USE_OWN_SERVER}`,
  )
}

function tryNamespace(binaries: Binaries): Identity | string {
  const args = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--']
  const probe = spawnSync('unshare', [...args, binaries.postgres, '--version'], { env: binaries.environment })
  if (probe.status === 0) return { prefix: ['unshare', ...args], spawn: {}, own: () => {} }
  return reasonOf(probe.error, probe.stderr)
}

function reasonOf(error: Error | undefined, stderr: Buffer | null): string {
  return error?.message ?? String(stderr).trim()
}

function ownByNobody(path: string): void {
  chownSync(path, NOBODY, NOBODY)
  if (!lstatSync(path).isDirectory()) return
  for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(path, entry), NOBODY, NOBODY)
  }
}
