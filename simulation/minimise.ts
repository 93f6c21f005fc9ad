// Makes a seed that failed smaller: fewer kinds of faults, fewer things that callers do, as long as it still fails in the same way. What is
// left is kept in simulation/seeds and lived again by every test run: node scripts/run.js simulation/minimise.ts --seed N [--found "words"].

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openInProcess } from './database/in-process.ts'
import type { Host } from './database/host.ts'
import type { HistoryPlan } from './history.ts'
import { SEEDS_FOLDER, type KeptSeed } from './many/kept-seeds.ts'
import { liveTask } from './many/live.ts'
import { failureOf } from './many/totals.ts'
import { KINDS } from './world/faults.ts'

/** A history has fewer deeds than that. */
const MOST_DEEDS = 4_096

export type Fails = (plan: HistoryPlan) => Promise<boolean>

/** The smallest plan that was found under which the same thing goes wrong. Every step is kept only if it still does. */
export async function minimise(fails: Fails, say: (line: string) => void): Promise<HistoryPlan> {
  let rates: Record<string, number> = {}
  for (const kind of Object.keys(KINDS)) {
    const without = { ...rates, [kind]: 0 }
    if (await fails({ rates: without })) rates = without
    else say(`needs "${kind}"`)
  }
  // The fewest of the first deeds, by halving; a failure that comes and goes with their number leaves more than it must, never one that passes.
  let [passes, deeds] = [-1, MOST_DEEDS]
  while (deeds - passes > 1) {
    const middle = Math.floor((passes + deeds) / 2)
    if (await fails({ rates, deeds: middle })) deeds = middle
    else passes = middle
  }
  say(`needs ${deeds} things that callers do`)
  return { rates, deeds }
}

/** Whether a seed goes wrong under a plan in one of the ways in which it went wrong at first. */
export function failsAs(ways: ReadonlySet<string>, seed: number, host: Host): Fails {
  return async (plan) => (await waysOf(seed, plan, host)).some((way) => ways.has(way))
}

/** The ways in which a history goes wrong: the invariants that it breaks, or that it ends with an error, or is another one when it is lived again. */
export async function waysOf(seed: number, plan: HistoryPlan, host: Host): Promise<readonly string[]> {
  const ran = await liveTask({ seed, plan, twice: true, control: false }, host, null)
  if (failureOf(ran) === null) return []
  const { history, error, other } = ran
  return [...(history?.findings ?? []).map(({ invariant }) => invariant), ...(error === null ? [] : ['error']), ...(other === null ? [] : ['another history'])]
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, found: { type: 'string' } } })
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new Error('say which seed: --seed N')
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const host = await openInProcess()
  const ways = await waysOf(seed, {}, host)
  if (ways.length === 0) say(`seed ${seed} does not fail`)
  else {
    say(`seed ${seed} fails: ${ways.join(', ')}`)
    const plan = await minimise(failsAs(new Set(ways), seed, host), say)
    const kept: KeptSeed = { seed, found: values.found ?? ways.join(', '), plan }
    const path = join(SEEDS_FOLDER, `${seed}.json`)
    mkdirSync(SEEDS_FOLDER, { recursive: true })
    writeFileSync(path, `${JSON.stringify(kept, null, 2)}\n`)
    say(`kept in ${path}`)
  }
  await host.close()
}
