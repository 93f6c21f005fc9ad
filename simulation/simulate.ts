// `npm run simulate`: lives histories of the whole program under faults, in simulated time, and says what an outsider found broken.
// --seed N: one, with its last steps. --seeds N [--from N]: so many. --minutes N: as many as there is time for. --server: each also on a
// real PostgreSQL, where nothing may be broken either. --until-broken: none after the first that is broken. --json: figures for programs.
// --deciders: the pure decisions alone, a million histories or --seeds. Ends with 1 when anything was broken.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { machineEffects } from '../src/world.ts'
import { runDeciders } from './deciders.ts'
import { startProgress } from './many/progress.ts'
import { reportFailure, reportTotals, totalsDocument } from './many/report.ts'
import type { Task } from './many/live.ts'
import { runMany } from './many/threads.ts'
import { addRan, noTotals, type Totals } from './many/totals.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    server: { type: 'boolean', default: false },
    'until-broken': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    deciders: { type: 'boolean', default: false },
  },
})

/** Of so many histories one is lived twice, and one has the usual sender pay beside it. */
const TWICE_EVERY = 25
const CONTROL_EVERY = 50
/** Failures that are shown whole; the others by their seed. */
const SHOWN = 5
const SEEDS = 100
const DECIDED = 1_000_000

const whole = (name: string, text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} is a number, not ${JSON.stringify(text)}`)
  return Number(text)
}

const effects = machineEffects(() => {})
const began = effects.now()
const passed = (): number => effects.now().since(began).total('milliseconds')

async function run(): Promise<Totals> {
  const one = values.seed === undefined ? null : whole('seed', values.seed)
  const first = one ?? whole('from', values.from)
  const limit = values.minutes === undefined ? null : whole('minutes', values.minutes) * 60_000
  const count = one === null ? (values.seeds === undefined ? (limit === null ? SEEDS : null) : whole('seeds', values.seeds)) : 1
  const threads = Math.max(1, Math.min(whole('threads', values.threads), count ?? Infinity))
  const totals = noTotals()
  const progress = startProgress(limit === null ? { of: count ?? SEEDS, noun: 'histories', passed } : { of: limit / 1000, noun: 'seconds', passed })
  let given = 0
  const next = (): Task | null => {
    if (values['until-broken'] && totals.failures.length > 0) return null
    if (given === count || (limit !== null && passed() >= limit)) return null
    const seed = first + given
    given += 1
    const twice = one !== null || given % TWICE_EVERY === 1
    return { seed, plan: {}, twice, control: given % CONTROL_EVERY === 1 }
  }
  await runMany({
    threads,
    options: { server: values.server },
    next,
    effects,
    ran: (ran) => {
      addRan(totals, ran)
      progress.show(limit === null ? totals.histories : Math.round(passed() / 1000), { histories: totals.histories, broken: totals.failures.length })
    },
  })
  progress.stop()
  return totals
}

async function simulate(): Promise<boolean> {
  const totals = await run()
  const document = { milliseconds: Math.round(passed()), peakBytes: process.resourceUsage().maxRSS * 1024 }
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  if (values.json) print(JSON.stringify(totalsDocument(totals, document), null, 2))
  else {
    print(reportTotals(totals, document))
    for (const failure of totals.failures.slice(0, SHOWN)) print(reportFailure(failure, { server: values.server }))
    const others = totals.failures.slice(SHOWN).map(({ seed }) => seed)
    if (others.length > 0) print(`and seeds ${others.join(', ')}`)
  }
  return totals.failures.length === 0
}

async function decide(): Promise<boolean> {
  const histories = values.seeds === undefined ? DECIDED : whole('seeds', values.seeds)
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  return await runDeciders({ histories, seed: whole('from', values.from), threads: whole('threads', values.threads), print })
}

process.exitCode = (await (values.deciders ? decide() : simulate())) ? 0 : 1
