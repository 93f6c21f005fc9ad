// Ends the process it is loaded into at a point that it was ordered to, as a machine would: `node --import` of this file. Stands between the
// program and its driver, its `fetch` and its children; the program knows nothing of it. Without orders it does nothing.

import childProcess, { type ForkOptions } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { hookPoints } from '../hook-points.ts'
import { POINTS, type Point } from '../points.ts'

const SETTING = 'CRASH_ORDERS'

const orders = z.object({
  process: z.enum(['server', 'signer']),
  /** At which time that it is reached each point ends the process. */
  at: z.record(z.string(), z.number()),
  /** The file that hears of it. */
  tell: z.string(),
})

export type Orders = z.infer<typeof orders>

const told = z.object({
  atMs: z.number(),
  pid: z.number(),
  /** A point at which that process ended, or what became of the signer of that number. */
  what: z.discriminatedUnion('type', [
    z.object({ type: z.literal('ended'), process: z.enum(['server', 'signer']), point: z.string() }),
    z.object({ type: z.enum(['signer started', 'signer ready']), signer: z.number() }),
  ]),
})

export type Told = z.infer<typeof told>

/** A line of the file that hears of it. */
export function readTold(line: string): Told {
  return told.parse(JSON.parse(line))
}

/** What a process must be started with to have its orders. */
export function ordering(given: Orders): { readonly execArgv: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  return { execArgv: ['--import', pathToFileURL(import.meta.filename).href], env: { [SETTING]: JSON.stringify(given) } }
}

const given = process.env[SETTING]
delete process.env[SETTING]
if (given !== undefined) obey(orders.parse(JSON.parse(given)))

function obey({ process: self, at, tell }: Orders): void {
  const say = (what: Told['what']): void => appendFileSync(tell, `${JSON.stringify({ atMs: Date.now(), pid: process.pid, what } satisfies Told)}\n`)
  const times = new Map<string, number>()
  const reached = ({ name }: Point): void => {
    const count = (times.get(name) ?? 0) + 1
    times.set(name, count)
    if (count !== at[name]) return
    say({ type: 'ended', process: self, point: name })
    process.kill(process.pid, 'SIGKILL')
  }
  const { watched } = hookPoints(POINTS.filter((point) => point.process === self && at[point.name] !== undefined), reached)
  globalThis.fetch = watched(globalThis.fetch)
  if (self === 'server') orderSigner({ at, tell }, say)
}

/** The signer's process gets an environment of its own, so its orders are put there; and its number is told, since nobody else knows it. */
function orderSigner({ at, tell }: Pick<Orders, 'at' | 'tell'>, say: (what: Told['what']) => void): void {
  const { fork } = childProcess
  const { execArgv, env } = ordering({ process: 'signer', at, tell })
  childProcess.fork = ((file: string, args: readonly string[], options: ForkOptions) => {
    if (!/signer[\\/]process\.ts$/.test(file)) return fork(file, args, options)
    const child = fork(file, args, { ...options, execArgv: [...execArgv], env: { ...options.env, ...env } })
    const signer = child.pid
    if (signer === undefined) return child
    say({ type: 'signer started', signer })
    child.once('message', () => say({ type: 'signer ready', signer }))
    return child
  }) as typeof fork
  syncBuiltinESMExports()
}
