// Exactly once through a bad network: a sender that keeps the law pays each payout once. What the usual sender does under such faults is in the
// simulation's control.

import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import type { RailAttempt, RailPayout } from '../rail.ts'
import { openTestbed, SOL, type Testbed } from './testbed.ts'

const FAULTS = {
  transactionDropRate: 0.5,
  requestLossRate: 0.1,
  responseLossRate: 0.15,
  requestDuplicationRate: 0.1,
  acceptThenErrorRate: 0.1,
  inclusionDelaySlots: [0, 60] as [number, number],
  lagRate: 0.15,
  lagSlots: 200,
  forgetRate: 0.15,
  forgetAfterSlots: 30,
  reorgRate: 0.05,
  reorgSlots: 5,
}
const CALM = { transactionDropRate: 0, requestLossRate: 0, responseLossRate: 0, acceptThenErrorRate: 0, lagRate: 0, forgetRate: 0, reorgRate: 0 }

const COUNT = 60
const BATCH = 4

async function scene(seed: string) {
  const bed = openTestbed({ seed })
  const wallet = await bed.wallet()
  bed.fund(wallet.address, 100_000_000_000n)
  const payouts: RailPayout[] = []
  for (let index = 0; index < COUNT; index += 1) payouts.push(bed.payout(await bed.address(), 1_000_000n + BigInt(index)))
  bed.knobs({ lagSlots: FAULTS.lagSlots })
  bed.pass(250)
  bed.knobs(FAULTS)
  return { bed, wallet, payouts, rail: bed.connect() }
}

async function received(bed: Testbed, payouts: readonly RailPayout[]): Promise<readonly bigint[]> {
  bed.knobs(CALM)
  bed.pass(250)
  const rail = bed.connect()
  return Promise.all(payouts.map(({ destination }) => rail.balance({ id: '', address: destination['address'] as string }, SOL)))
}

describe('a payout', () => {
  it.for(['one', 'two'])('is paid once by a sender that keeps the law (seed %s)', async (seed) => {
    const { bed, rail, wallet, payouts } = await scene(seed)
    let waiting: readonly RailPayout[] = payouts
    let live: readonly RailAttempt[] = []
    const ends = { settled: 0, never: 0, failed: 0 }
    let costs = 0n
    for (let round = 0; waiting.length + live.length > 0; round += 1) {
      expect(round).toBeLessThan(2_000)
      bed.pass(10)
      if (waiting.length > 0) {
        const prepared = await rail.prepare(bed.preparation(wallet, waiting.slice(0, BATCH)))
        if (prepared.state === 'prepared') {
          live = [...live, prepared.attempt]
          waiting = waiting.filter(({ id }) => !prepared.attempt.payouts.includes(id))
        }
      }
      // Seldom, so that some die before they land.
      if (round % 8 === 0) for (const attempt of live) await rail.submit(attempt)
      const looks = await rail.look(live.map((attempt) => ({ attempt, wallet, payouts })))
      const open: RailAttempt[] = []
      for (const [index, attempt] of live.entries()) {
        const look = present(looks[index], 'look')
        if (look.state === 'pending' || look.state === 'unknown') {
          open.push(attempt)
          continue
        }
        ends[look.state] += 1
        if ('costs' in look) costs += look.costs.reduce((total, { units }) => total + units, 0n)
        if (look.state !== 'settled') waiting = [...waiting, ...payouts.filter(({ id }) => attempt.payouts.includes(id))]
      }
      live = open
    }
    expect(await received(bed, payouts)).toEqual(payouts.map(({ units }) => units))
    const paid = payouts.reduce((total, { units }) => total + units, 0n)
    expect(await rail.balance(wallet, SOL)).toBe(100_000_000_000n - paid - costs)
    // The faults were there: some attempts died, and some that were sent again did not.
    expect(ends.never).toBeGreaterThan(0)
    const { transactionsDropped, responsesLost, requestsLagging, requestsForgetful, transactionsReorged } = bed.counters()
    for (const count of [transactionsDropped, responsesLost, requestsLagging, requestsForgetful]) expect(count).toBeGreaterThan(5)
    expect(transactionsReorged).toBeGreaterThan(0)
  })
})
