// The program and its commands as processes of their own, as people start them, for tests. Never leaves one behind: `endAll` ends them.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

export type Run = {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Resolves with the exit code when the process has ended and everything it wrote was read. */
  readonly ended: Promise<number | null>
}

const runs = new Set<Run>()

/** Starts `node <program> …words` with nothing of the settings around but those given. */
export function run(program: 'src/main.ts' | 'src/cli/main.ts', words: readonly string[], settings: Readonly<Record<string, string>>): Run {
  // Without compiled code, which the launcher keeps for people, a process spends most of its time on reading TypeScript.
  const { PATH = '', TMPDIR = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(process.execPath, [join(ROOT, program), ...words], { cwd: ROOT, env: { PATH, TMPDIR, HOME, NODE_COMPILE_CACHE, ...settings }, stdio: 'pipe' })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.on('error', () => {})
  child.once('close', () => runs.delete(started))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const started: Run = { child, out: () => out, err: () => err, ended }
  runs.add(started)
  return started
}

/** Ends what a failed test left. */
export async function endAll(): Promise<void> {
  for (const { child, ended } of [...runs]) {
    child.kill('SIGTERM')
    await ended
  }
}

/** The processes that have a folder in their command line (Linux; elsewhere none is seen). */
export function processesOf(folder: string): readonly string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })
    .filter((command) => command.includes(folder))
}
