// Seeds that once failed, and a handful of others, lived again: nothing is broken, and twice it is the same history.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from './database/host.ts'
import { openInProcess } from './database/in-process.ts'
import type { HistoryPlan } from './history.ts'
import { keptSeeds } from './many/kept-seeds.ts'
import { liveTask, type Ran } from './many/live.ts'
import { addRan, failureOf, noTotals } from './many/totals.ts'
import { reportFailure, reportTotals, totalsDocument } from './many/report.ts'
import { minimise } from './minimise.ts'
import { runHistory } from './run.ts'
import { KINDS } from './world/faults.ts'

/** Few and short enough for every run; the first takes a large distribution back in chunks. `npm run simulate` lives as many as there is time for. */
const FRESH = [44, 106, 112]

const CALM = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0]))
/** Little enough for a test, enough for events, payouts and a plan or two. */
const DEEDS = 20

let host: Host
beforeAll(async () => {
  host = await openInProcess()
})
afterAll(async () => await host.close())

const live = async (seed: number, plan: HistoryPlan = {}): Promise<Ran> => await liveTask({ seed, plan, twice: false, control: false }, host, null)

describe('histories in which nothing is broken', () => {
  it.each(FRESH)('seed %i', async (seed) => {
    const ran = await live(seed)
    expect(failureOf(ran)).toBeNull()
    expect(ran.history?.figures.payouts).toBeGreaterThan(0)
  })
  it.each(keptSeeds().map((kept) => [kept.seed, kept.found, kept] as const))('seed %i, which found: %s', async (seed, _, { plan }) => {
    expect(failureOf(await live(seed, plan))).toBeNull()
  })
})

describe('a history', () => {
  it('is the same again from the same seed, and another one from another seed', async () => {
    const first = await runHistory({ seed: 13, plan: { deeds: DEEDS }, host })
    expect(first.findings).toEqual([])
    expect(await runHistory({ seed: 13, plan: { deeds: DEEDS }, host })).toEqual(first)
    expect((await runHistory({ seed: 26, plan: { deeds: DEEDS }, host })).hash).not.toBe(first.hash)
  })

  it('without faults pays everything that can be paid', async () => {
    const { figures, findings } = await runHistory({ seed: 22, plan: { rates: CALM, deeds: DEEDS }, host })
    expect(findings).toEqual([])
    expect(figures.faults).toEqual({})
    expect(figures.settled).toBeGreaterThan(0)
  })
})

describe('a history that fails', () => {
  const ran = (over: Partial<Ran>): Ran => ({ seed: 7, history: null, error: null, other: null, server: null, control: null, lived: 1, milliseconds: 1, ...over })
  const history = { seed: 7, hash: 'a'.repeat(64), findings: [], lastSteps: ['1 s a begin', '2 s a commit'], figures: { payouts: 2, settled: 1, held: 1, paid: { 'USDC/6': 1_500_000n }, faults: { 'answer lost': 3 }, points: { signed: 2 }, statements: 9, requests: 4, virtualSeconds: 60 } }

  it('is named with what broke, how it ended and how to see it again', () => {
    const totals = noTotals()
    addRan(totals, ran({ history }))
    addRan(totals, ran({ history: { ...history, findings: [{ invariant: 'I4', what: 'paid twice' }] } }))
    addRan(totals, ran({ error: 'it threw' }))
    addRan(totals, ran({ history, lived: 2, other: { ...history, hash: 'b'.repeat(64), lastSteps: ['1 s a begin', '2 s a rollback'] } }))
    addRan(totals, ran({ history, lived: 2, server: { same: false, history: { ...history, findings: [{ invariant: 'I2', what: 'a balance' }] } } }))
    expect(totals).toMatchObject({ histories: 5, payouts: 8, again: 1, onServer: 1, sameOnServer: 0, faults: new Map([['answer lost', 12]]), paid: new Map([['USDC/6', 6_000_000n]]), points: new Map([['signed', 8]]) })
    expect(totals.failures.map(({ what }) => what)).toEqual([
      ['I4: paid twice'],
      ['it threw'],
      [expect.stringMatching(/^again it was another history: .* first "2 s a commit" against "2 s a rollback"$/)],
      ['on the server I2: a balance'],
    ])
    const [failure] = totals.failures
    expect(failure === undefined ? '' : reportFailure(failure, { server: false })).toMatch(/I4: paid twice[^]*2 s a commit[^]*npm run simulate -- --seed 7/)
    expect(reportTotals(totals, { milliseconds: 60_000, peakBytes: 1_048_576 })).toMatch(/paid, by the network’s books[^0-9]*6(\.0+)? USDC[^]*histories with something broken[^0-9]*4[^]*signed [^0-9]*8/)
    expect(totalsDocument(totals, { milliseconds: 1, peakBytes: 1 })).toMatchObject({ paid: { 'USDC/6': '6000000' }, points: { signed: 8 } })
  })

  it('is made smaller as long as it fails in the same way', async () => {
    const said: string[] = []
    const plan = await minimise(async ({ rates = {}, deeds = Infinity }) => rates['deadlock'] !== 0 && deeds >= 13, (line) => said.push(line))
    expect(plan.deeds).toBe(13)
    expect(plan.rates).not.toHaveProperty('deadlock')
    expect(plan.rates).toHaveProperty(['answer lost'], 0)
    expect(said).toEqual(['needs "deadlock"', 'needs 13 things that callers do'])
  })
})
