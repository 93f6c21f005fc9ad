// The thread that watches memory: reads what Linux says of this process and its descendants, and keeps the highest.

import { readdirSync, readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { present } from '../src/core/assert.ts'

/** Most of what a process takes it keeps, and its own peak is kept by the system: only the sum of PostgreSQL's must be caught in time. */
const LOOK_EVERY_MS = 500

/** By what its command line holds. The first that fits names it. */
const NAMES: readonly (readonly [part: string, name: string])[] = [
  ['bench/http-server.ts', 'HTTP server'],
  ['bench/preview-process.ts', 'preview'],
  ['bench/large-process.ts', 'distribution'],
  ['src/signer/process.ts', 'signer'],
  ['/sandbox/process.ts', 'sandbox'],
  ['src/main.ts', 'server'],
]

type Process = { readonly pid: number; readonly parent: number; readonly name: string }

const peaks = new Map<string, number>()
const timer = setInterval(look, LOOK_EVERY_MS)
const port = present(parentPort, 'port')
port.once('message', () => {
  clearInterval(timer)
  look()
  port.postMessage(Object.fromEntries([...peaks].map(([name, kib]) => [name, Math.round(kib / 1024)])))
  port.close()
})

function look(): void {
  const family = descendants(process.pid)
  const raise = (name: string, kib: number): void => void peaks.set(name, Math.max(peaks.get(name) ?? 0, kib))
  for (const { pid, name } of family) {
    if (name === 'postgres') continue
    const { VmHWM: peak } = memoryOf(pid)
    if (peak !== undefined) raise(nameOf(pid), peak)
  }
  const database = family.filter(({ name }) => name === 'postgres').map(({ pid }) => memoryOf(pid))
  if (database.length === 0) return
  // Each one's own, and once what they share: buffers as far as anybody touched them, and the program.
  const own = database.reduce((sum, { RssAnon = 0 }) => sum + RssAnon, 0)
  const shared = Math.max(...database.map(({ RssShmem = 0 }) => RssShmem)) + Math.max(...database.map(({ RssFile = 0 }) => RssFile))
  raise('PostgreSQL', own + shared)
}

function descendants(root: number): readonly Process[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => statOf(Number(name)))
  const children = Map.groupBy(all, ({ parent }) => parent)
  const found: Process[] = all.filter(({ pid }) => pid === root)
  // It grows while it is walked: children follow their parents.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** Empty for a process that has ended. */
function statOf(pid: number): readonly Process[] {
  const text = read(`/proc/${pid}/stat`)
  const match = /^\d+ \((.*)\) \S (\d+) /s.exec(text)
  return match === null ? [] : [{ pid, parent: Number(match[2]), name: match[1] ?? '' }]
}

type Memory = Readonly<Partial<Record<'VmHWM' | 'RssAnon' | 'RssShmem' | 'RssFile', number>>>

/** In KiB. */
function memoryOf(pid: number): Memory {
  const lines = read(`/proc/${pid}/status`).matchAll(/^(\w+):\s+(\d+) kB$/gm)
  return Object.fromEntries([...lines].map(([, name = '', kib]): [string, number] => [name, Number(kib)]))
}

function nameOf(pid: number): string {
  if (pid === process.pid) return 'bench'
  const command = read(`/proc/${pid}/cmdline`)
  return NAMES.find(([part]) => command.includes(part))?.[1] ?? 'others'
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
