// A ledger whose events are divided by snapshots, for tests: snapshots from lists, chunks of a few places, and the verbs that post them.

import { parsePlan } from '../src/core/plan.ts'
import { present } from '../src/core/assert.ts'
import type { StepRounding } from '../src/core/rules/rule.ts'
import { namingSnapshot } from '../src/core/snapshot.ts'
import { createDistributor, type DistributionProgress } from '../src/engine/carry-distributions.ts'
import { createSnapshot, type SnapshotCreated } from '../src/engine/create-snapshot.ts'
import type { RecordResult } from '../src/engine/recorder.ts'
import { paperEvent, type PaperDatabase, type PaperLedger } from './paper-ledger.ts'

export type Holders = Readonly<Record<string, string>>

export const byHoldings = (rounding: StepRounding = 'largest-remainder'): object => ({
  ...{ name: 'pool', from: 'received', rule: 'pro-rata', rounding },
  parameters: { by: { fact: 'holdings' }, whenAllZero: { fund: 'unclaimed' } },
})

export type LargeLedger = PaperLedger & {
  readonly snapshot: (name: string, holders: Holders, sizes?: { block: number; most: number }) => Promise<SnapshotCreated>
  /** Records an event divided by a snapshot, in chunks of so many places. */
  readonly recordBy: (reference: string, units: bigint, hash: string, chunk?: number) => Promise<RecordResult>
  readonly step: () => Promise<DistributionProgress | null>
  /** Posts whatever is left to post. */
  readonly complete: () => Promise<void>
  /** Payouts as `recipient units state`, by event and part. */
  readonly payouts: () => Promise<readonly string[]>
}

export function linesOf(texts: readonly string[]): AsyncGenerator<{ number: number; text: string }> {
  return (async function* () {
    for (const [index, text] of texts.entries()) yield await Promise.resolve({ number: index + 1, text })
  })()
}

export async function openLarge(paper: PaperDatabase, name: string, steps: readonly object[] = [byHoldings()]): Promise<LargeLedger> {
  const opened = await paper.open(name)
  // The plan as it is stored, so that whoever reads it anew reads this one.
  await paper.database.pool.query('update apportion.plan_version set content = $2, hash = $3 where ledger = $1', [opened.ledger.id, parsePlan({ steps }).data, parsePlan({ steps }).hash])
  const [version] = opened.ledger.plans
  opened.ledger.plans = [{ ...present(version, 'plan version'), ...parsePlan({ steps }) }]
  const distributor = createDistributor(opened.world)
  const step = async (): Promise<DistributionProgress | null> => await distributor.step(opened.ledger, opened.lane, 1)
  return {
    ...opened,
    snapshot: async (title, holders, sizes = { block: 2, most: 1000 }) => {
      const lines = linesOf(Object.entries(holders).map(([recipient, weight]) => `${recipient},${weight}`))
      return await createSnapshot(opened.world, opened.ledger, { name: title, recordAt: null, format: 'csv', source: 'test', lines, sizes })
    },
    recordBy: async (reference, units, hash, chunk = 4) => {
      const [result] = await opened.record([paperEvent(reference, units, { facts: { holdings: namingSnapshot(hash) } })])
      await paper.database.pool.query(`update apportion.distribution set chunk = $2 where lane = $1 and next_place = 0`, [opened.lane, chunk])
      return present(result, 'result')
    },
    step,
    complete: async () => {
      while ((await distributor.step(opened.ledger, opened.lane)) !== null);
    },
    payouts: async () => {
      const { rows } = await paper.database.pool.query<{ payout: string }>(`select recipient || ' ' || units || ' ' || state as payout from apportion.payout where lane = $1 order by event, part`, [opened.lane])
      return rows.map(({ payout }) => payout)
    },
  }
}
