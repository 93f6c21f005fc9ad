// Distributions by snapshot of some sizes, each given twice and taken back, in a process of its own, so that its memory is theirs alone. The
// snapshot is made before the clock starts: weights come in once, and may be divided by often.

import { present } from '../src/core/assert.ts'
import { parsePlan } from '../src/core/plan.ts'
import { namingSnapshot } from '../src/core/snapshot.ts'
import { createDistributor } from '../src/engine/carry-distributions.ts'
import { createSnapshot } from '../src/engine/create-snapshot.ts'
import type { Ledger } from '../src/engine/ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import { reverseEvent } from '../src/engine/reverse-event.ts'
import type { Desk } from '../src/engine/world.ts'
import { rails } from '../src/rails/index.ts'
import { createPool } from '../src/store/pool.ts'
import { openStore } from '../src/store/store.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { emptyLanes } from './database.ts'
import { benchLedger } from './workload.ts'

/** Milliseconds of each. */
export type Distributed = { readonly ms: number; readonly againMs: number; readonly backMs: number }

/** By size as asked for; and the most memory of it all, the making of snapshots too. */
export type Told = { readonly distributed: readonly Distributed[]; readonly mebibytes: number }

const PLAN = {
  steps: [{ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'holdings' }, whenAllZero: { fund: 'unclaimed' } }, rounding: 'largest-remainder' }],
}

const [, , ownerUrl = '', appUrl = '', app = '', ...sizes] = process.argv
const rail = present(Object.values(rails)[0], 'rail')
const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'bench' })
const store = openStore(appUrl, 'bench distribution')
const desk: Desk = { ...machineEffects(stderrLog('warn')), store, programs: new Map(), rails: {} }

const distributed: Distributed[] = []
for (const size of sizes) distributed.push(await distribute(Number(size)))
const told: Told = { distributed, mebibytes: process.resourceUsage().maxRSS / 1024 }
await Promise.all([owner.end(), store.close()])
process.send?.(told, () => process.disconnect?.())

async function distribute(recipients: number): Promise<Distributed> {
  await emptyLanes(owner)
  const ledger = await benchLedger(desk, { owner, store, app, rail, name: desk.id() })
  const version = present(ledger.plans[0], 'plan version')
  const parsed = parsePlan(PLAN)
  await owner.query('update apportion.plan_version set content = $2, hash = $3 where ledger = $1', [ledger.id, parsed.data, parsed.hash])
  ledger.plans = [{ ...version, ...parsed }]
  const began = performance.now()
  const { snapshot } = await createSnapshot(desk, ledger, { name: 'holders', recordAt: null, format: 'csv', source: 'bench', lines: holders(recipients) })
  process.stderr.write(`         snapshot of ${recipients.toLocaleString('en')} made in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  const ms = await carried(ledger, async () => await give(ledger, { reference: 'first', hash: snapshot.hash }))
  const againMs = await carried(ledger, async () => await give(ledger, { reference: 'again', hash: snapshot.hash }))
  const backMs = await carried(ledger, async () => void (await reverseEvent(desk, ledger, { reference: 'back', reverses: 'first', units: null, details: null, door: 'bench' })))
  return { ms, againMs, backMs }
}

async function give(ledger: Ledger, { reference, hash }: { readonly reference: string; readonly hash: string }): Promise<void> {
  const input = { reference, asset: ledger.asset.name, units: 1_000_000_000_000_007n, parties: {}, facts: { holdings: namingSnapshot(hash) }, eventAt: null, claimed: null, details: null }
  const [result] = await createRecorder(desk).record(ledger, [{ input, door: 'bench', mayBackdate: false }])
  if (result?.state !== 'recorded') throw new Error(`the event was not recorded: ${result?.state === 'refused' ? result.refusal.message : ''}`)
}

/** From the beginning until the last chunk is posted. */
async function carried(ledger: Ledger, begin: () => Promise<void>): Promise<number> {
  await owner.query('checkpoint')
  const distributor = createDistributor(desk)
  const began = performance.now()
  await begin()
  while ((await distributor.step(ledger, present(ledger.lanes[0], 'lane'))) !== null) {
    if (!process.connected) throw new Error('whoever asked for this is gone')
  }
  return performance.now() - began
}

/** Holders in no order, each with a weight of its own. */
async function* holders(count: number): AsyncGenerator<{ number: number; text: string }> {
  for (let index = 0; index < count; index += 1) {
    const id = ((index * 7_919) % count).toString(36).padStart(6, '0')
    yield { number: index + 1, text: `holder-${id},${(index % 9973) + 1}.${(index % 89) + 10}` }
  }
}
