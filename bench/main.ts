// `npm run bench`: figures as ratios against limits measured in the same run on the same machine. `--quick` under a minute, `--json`.

import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { present } from '../src/core/assert.ts'
import { rails } from '../src/rails/index.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { commitMs, copyRate } from './copy.ts'
import { openBenchDatabase, type BenchDatabase } from './database.ts'
import { settledPerSecond, signedPerSecond } from './payouts.ts'
import { EVENTS_A_CALL, post, type Posted } from './posting.ts'
import { atLeast, atMost, beside, median, table, type Row } from './report.ts'
import { firstSettledSeconds } from './start.ts'
import { benchLedger, PATTERNS, PAYEES, type Pattern } from './workload.ts'

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } })

/** How much is done in each mode: `ms` a posting row, `runs` of which the median counts. */
const SCALE = options.quick ? { ms: 1500, runs: 1, copied: 100_000, payouts: 1440 } : { ms: 4000, runs: 3, copied: 300_000, payouts: 7200 }
const COMMITS = 1000
const START_LIMIT_S = 15
const CALLERS = [64, 256] as const

const effects = machineEffects(stderrLog('warn'))
const rail = present(Object.values(rails)[0], 'rail')
const nowMs = (): number => performance.now()
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const rows = [...(await startRows()), ...(await inDatabase(postingRows)), ...(await inDatabase(payoutRows))]
const peak = process.resourceUsage().maxRSS / 1024
const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, peakMiB: Math.round(peak) }
if (options.json) process.stdout.write(`${JSON.stringify({ machine, rows }, null, 2)}\n`)
else process.stdout.write(`${table(rows)}\n\n${machine.cpus} × ${machine.model}, ${machine.memoryGiB} GiB, Node ${machine.node}; peak memory of the bench's process ${machine.peakMiB} MiB\n`)

/** First of all, while the machine is still cool: how long somebody waits for the first sign that it works. */
async function startRows(): Promise<readonly Row[]> {
  say('warm start …')
  const value = await firstSettledSeconds(nowMs)
  return [atMost({ name: 'warm start to the first settled leg', pattern: 'sandbox', callers: 1, unit: 's', value, limit: START_LIMIT_S }, 1)]
}

/** Each part has a database of its own: a worker pays whatever ledgers it finds. */
async function inDatabase(measure: (database: BenchDatabase) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  const database = await openBenchDatabase(effects)
  try {
    return await measure(database)
  } finally {
    await database.close()
  }
}

async function postingRows({ owner, store, app }: BenchDatabase): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const pattern of PATTERNS) {
    say(`posting, ${pattern} …`)
    const samples: Sample[] = []
    for (let run = 0; run < SCALE.runs; run += 1) samples.push(await samplePattern({ owner, store, app }, pattern, run))
    const of = (pick: (sample: (typeof samples)[number]) => number): number => median(samples.map(pick))
    const copy = of((sample) => sample.copy)
    const events = { pattern, unit: 'events/s', limit: copy }
    rows.push(atMost({ name: 'one caller, one event a call', pattern, callers: 1, unit: 'ms', value: of(({ one }) => one.medianMs), limit: of(({ commit }) => commit) }, 4))
    rows.push(atLeast({ ...events, name: 'one event a call', callers: 64, value: of(({ many }) => many.perSecond) }, 0.25))
    rows.push(atMost({ name: 'p99', pattern, callers: 64, unit: 'ms', value: of(({ many }) => many.p99Ms), limit: of(({ many }) => (64 * 1000) / many.perSecond) }, 4))
    rows.push(beside({ ...events, name: 'one event a call', callers: 256, value: of(({ crowd }) => crowd.perSecond) }))
    rows.push(atLeast({ ...events, name: `${EVENTS_A_CALL} events a call`, callers: 1, value: of(({ bulk }) => bulk.perSecond) }, 0.4))
  }
  return rows
}

type Sample = { readonly copy: number; readonly commit: number; readonly one: Posted; readonly many: Posted; readonly crowd: Posted; readonly bulk: Posted }

async function samplePattern({ owner, store, app }: Pick<BenchDatabase, 'owner' | 'store' | 'app'>, pattern: Pattern, run: number): Promise<Sample> {
  const accounts = pattern === 'hot' ? 4 : PAYEES
  const copy = await copyRate(owner, { events: SCALE.copied, accounts, nowMs })
  const commit = await commitMs(owner, { commits: COMMITS, nowMs })
  const ledger = await benchLedger(effects, { owner, store, app, rail, name: `${pattern.replace(' ', '-')}-${run}` })
  const desk = { effects, store, ledger }
  const { next: warm } = await post(desk, { pattern, callers: 64, ms: SCALE.ms / 4, from: 0 })
  const one = await post(desk, { pattern, callers: 1, ms: SCALE.ms / 2, from: warm })
  const many = await post(desk, { pattern, callers: CALLERS[0], ms: SCALE.ms, from: one.next })
  const crowd = await post(desk, { pattern, callers: CALLERS[1], ms: SCALE.ms, from: many.next })
  const bulk = await post(desk, { pattern, callers: 1, ms: SCALE.ms, from: crowd.next, events: EVENTS_A_CALL })
  return { copy, commit, one, many, crowd, bulk }
}

async function payoutRows(opened: BenchDatabase): Promise<readonly Row[]> {
  say(`payouts, ${SCALE.payouts} settled on the sandbox …`)
  const limit = await signedPerSecond(effects, rail, SCALE.ms)
  const value = await settledPerSecond(effects, opened, rail, SCALE.payouts)
  return [atLeast({ name: 'payouts settled, full batches', pattern: 'sandbox', callers: 1, unit: 'payouts/s', value, limit }, 0.5)]
}
