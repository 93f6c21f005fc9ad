// Our ledger holds every case, through real requests by thirty callers; and every case notices a ledger that breaks its law.

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isNoticed, LEDGER_CASES, outcomeOfBroken, tableOf } from './conformance.ts'
import { openBenches, type Benches } from './conformance/apportion-bench.ts'
import { outcomeOf, type Outcome } from './conformance/bench.ts'
import { BREAKAGES } from './conformance/broken.ts'

let benches: Benches

beforeAll(async () => {
  // Events and reversals go through several lanes, so that nothing is kept in order by there being one.
  benches = await openBenches({ databaseUrl: inject('databaseUrl'), lanes: 3 })
})
afterAll(async () => {
  await benches.close()
})

describe('our ledger', () => {
  it.for(LEDGER_CASES)('$name: $says', async (one) => {
    expect(await outcomeOf(one, await benches.open())).toMatchObject({ state: 'passed' })
  })
})

describe('a ledger that breaks the law', () => {
  it.for(BREAKAGES)('is noticed by "$breaks" when it $by', async (breakage) => {
    const outcome = await outcomeOfBroken(breakage, benches)
    expect(outcome).toMatchObject({ state: 'failed' })
    expect(isNoticed(breakage, outcome) ? '' : outcome).toBe('')
  })

  it('is noticed by every case in some way', () => {
    const noticed = new Set(BREAKAGES.map(({ breaks }) => breaks))
    expect(LEDGER_CASES.map(({ name }) => name).filter((name) => !noticed.has(name))).toEqual([])
  })
})

it('never calls passed what it cannot express, and says why', async () => {
  const bench = await benches.open()
  const unable = { unable: 'this ledger keeps no journal' }
  const outcomes: Outcome[] = []
  for (const one of LEDGER_CASES.filter(({ needs }) => needs.includes('journal'))) outcomes.push(await outcomeOf(one, { ...bench, journal: unable }))
  expect(outcomes.map(({ name, state }) => `${name}: ${state}`)).toEqual(['chain intact', 'state rebuilds', 'atomic batch'].map((name) => `${name}: cannot be expressed`))
  expect(tableOf(outcomes)).toMatch(/this ledger keeps no journal[^]*0 passed, 0 failed, 3 cannot be expressed$/)
})
