// Loads: the program as it is shipped under many callers for a while. Unlike a row a load can fail: on a fault it ends with an error.

import type { Effects } from '../src/core/effects.ts'
import { loadDefaults } from './load-defaults.ts'
import { loadTwoServers } from './load-two-servers.ts'
import type { Loaded, Loading } from './loading.ts'
import { machine } from './machine.ts'
import { watchMemory } from './memory.ts'
import type { LoadName, Options } from './options.ts'

const RUNS: Readonly<Record<LoadName, (loading: Loading) => Promise<Loaded>>> = { 'two-servers': loadTwoServers, defaults: loadDefaults }

/** Runs a load and prints what came of it; true without a fault. */
export async function runLoad(
  effects: Effects,
  { load: name, seconds, print }: Options & { readonly load: LoadName },
  nowMs: () => number,
): Promise<boolean> {
  const began = performance.now()
  const watch = watchMemory()
  const say = (text: string): void => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text} …\n`)
  const { figures, faults } = await RUNS[name]({ effects, seconds, nowMs, say })
  const memory = await watch.stop()
  if (print === 'json') {
    process.stdout.write(`${JSON.stringify({ load: name, seconds, figures: Object.fromEntries(figures), faults, machine: machine(), memory }, null, 2)}\n`)
    return faults.length === 0
  }
  const peaks = memory === null ? 'not told by this system' : Object.entries(memory).map(([process, mib]) => `${process} ${mib}`).join(', ')
  for (const [label, figure] of [...figures, ['peak memory, MiB', peaks] as const]) process.stdout.write(`${label.padEnd(44)} ${figure}\n`)
  for (const fault of faults) process.stdout.write(`FAULT  ${fault}\n`)
  process.stdout.write(faults.length === 0 ? 'no fault\n' : `${faults.length} faults\n`)
  return faults.length === 0
}
