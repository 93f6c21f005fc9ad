// A distribution to very many recipients: allocated, posted and payable, beside a raw COPY of as many rows; how its time grows with its
// size, and the most memory it took. The snapshot is made before the clock starts: weights come in once, and may be divided by often.

import { present } from '../src/core/assert.ts'
import { parsePlan } from '../src/core/plan.ts'
import { namingSnapshot } from '../src/core/snapshot.ts'
import { createDistributor } from '../src/engine/carry-distributions.ts'
import { createSnapshot } from '../src/engine/create-snapshot.ts'
import type { Ledger } from '../src/engine/ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import { reverseEvent } from '../src/engine/reverse-event.ts'
import type { Desk } from '../src/engine/world.ts'
import { copyTransfersMs } from './copy.ts'
import { emptyLanes, inDatabase, type BenchDatabase } from './database.ts'
import type { Bench, Frame, Part } from './part.ts'
import { benchLedger } from './workload.ts'

/** The slope is measured between this part of the recipients and all of them. */
const PART = 10
const LIMIT_MIB = 512
const MIB = 1024 * 1024

const PLAN = {
  steps: [{ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'holdings' }, whenAllZero: { fund: 'unclaimed' } }, rounding: 'largest-remainder' }],
}

export function largePart(recipients: number): Part {
  const pattern = `${recipients.toLocaleString('en')} recipients`
  const frame = (name: string, unit: string, target: Frame['target']): Frame => ({ name, pattern, callers: 1, unit, target })
  const RATE = frame('distribution: allocate, post, payable', 'shares/s', { least: 0.5 })
  const AGAIN = frame('the same to accounts that there are already', 'shares/s', null)
  const BACK = frame('distribution: taken back, of payable shares', 'shares/s', null)
  const SLOPE = frame(`distribution: time a share, of a ${PART}th as many`, 'µs', { most: 1.15 })
  const MEMORY = frame('distribution: resident memory', 'MiB', { most: 1 })
  const frames = [RATE, AGAIN, BACK, SLOPE, MEMORY]
  return {
    name: 'large distributions',
    frames,
    measure: async (bench, add) => {
      if (!frames.some(bench.wants)) return
      const { effects, scale, say, nowMs } = bench
      await inDatabase(effects, async (database) => {
        for (let run = 0; run < scale.runs; run += 1) {
          const few = Math.max(1, Math.round(recipients / PART))
          say(`distribution to ${few.toLocaleString('en')}, run ${run + 1} of ${scale.runs}`)
          const small = await distribute(bench, database, few)
          say(`distribution to ${pattern}, run ${run + 1} of ${scale.runs}`)
          const copied = await copyTransfersMs(database.owner, recipients, nowMs)
          const large = await distribute(bench, database, recipients)
          add(RATE, { value: (recipients * 1000) / large.ms, limit: (recipients * 1000) / copied })
          add(AGAIN, { value: (recipients * 1000) / large.againMs, limit: (recipients * 1000) / copied })
          add(BACK, { value: (recipients * 1000) / large.backMs, limit: (recipients * 1000) / copied })
          add(SLOPE, { value: (large.ms * 1000) / recipients, limit: (small.ms * 1000) / few })
          add(MEMORY, { value: large.residentMiB, limit: LIMIT_MIB })
        }
      })
    },
  }
}

type Run = { readonly ms: number; readonly againMs: number; readonly backMs: number; readonly residentMiB: number }

async function distribute({ effects, rail, nowMs, say }: Bench, database: BenchDatabase, recipients: number): Promise<Run> {
  await emptyLanes(database.owner)
  const ledger = await benchLedger(effects, { ...database, rail, name: effects.id() })
  const version = present(ledger.plans[0], 'plan version')
  const { data, hash } = parsePlan(PLAN)
  await database.owner.query('update apportion.plan_version set content = $2, hash = $3 where ledger = $1', [ledger.id, data, hash])
  ledger.plans = [{ ...version, ...parsePlan(PLAN) }]
  const desk: Desk = { ...effects, store: database.store, programs: new Map(), rails: {} }
  const began = nowMs()
  const { snapshot } = await createSnapshot(desk, ledger, { name: 'holders', recordAt: null, format: 'csv', source: 'bench', lines: holders(recipients) })
  say(`snapshot of ${recipients.toLocaleString('en')} made in ${((nowMs() - began) / 1000).toFixed(1)} s`)
  await database.owner.query('checkpoint')
  const first = await timed({ desk, ledger, nowMs }, snapshot.hash, 'first')
  await database.owner.query('checkpoint')
  const again = await timed({ desk, ledger, nowMs }, snapshot.hash, 'again')
  await database.owner.query('checkpoint')
  const back = await carried({ desk, ledger, nowMs }, async () => void (await reverseEvent(desk, ledger, { reference: 'back', reverses: 'first', units: null, details: null, door: 'bench' })))
  return { ms: first.ms, againMs: again.ms, backMs: back.ms, residentMiB: Math.max(first.residentMiB, again.residentMiB, back.residentMiB) }
}

type Timing = { readonly desk: Desk; readonly ledger: Ledger; readonly nowMs: () => number }

async function timed(timing: Timing, hash: string, reference: string): Promise<{ ms: number; residentMiB: number }> {
  const { desk, ledger } = timing
  const recorder = createRecorder(desk)
  const input = { reference, asset: ledger.asset.name, units: 1_000_000_000_000_007n, parties: {}, facts: { holdings: namingSnapshot(hash) }, eventAt: null, claimed: null, details: null }
  return await carried(timing, async () => {
    const [result] = await recorder.record(ledger, [{ input, door: 'bench', mayBackdate: false }])
    if (result?.state !== 'recorded') throw new Error(`the event was not recorded: ${result?.state === 'refused' ? result.refusal.message : ''}`)
  })
}

/** From the beginning until the last chunk is posted. */
async function carried({ desk, ledger, nowMs }: Timing, begin: () => Promise<void>): Promise<{ ms: number; residentMiB: number }> {
  const distributor = createDistributor(desk)
  const began = nowMs()
  await begin()
  let resident = 0
  while ((await distributor.step(ledger, present(ledger.lanes[0], 'lane'))) !== null) resident = Math.max(resident, process.memoryUsage.rss())
  return { ms: nowMs() - began, residentMiB: resident / MIB }
}

/** Holders in no order, each with a weight of its own. */
async function* holders(count: number): AsyncGenerator<{ number: number; text: string }> {
  for (let index = 0; index < count; index += 1) {
    const id = ((index * 7_919) % count).toString(36).padStart(6, '0')
    yield { number: index + 1, text: `holder-${id},${(index % 9973) + 1}.${(index % 89) + 10}` }
  }
}
