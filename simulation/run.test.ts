// That a history is a function of its seed, and that nothing is left open where no fault comes.

import { expect, it } from 'vitest'
import { runHistory } from './run.ts'
import { KINDS } from './world/faults.ts'

const CALM = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0]))
/** Little enough for a test, enough for events, payouts and a plan or two. */
const DEEDS = 30

it('the same seed gives the same history, another seed another one', async () => {
  const first = await runHistory({ seed: 5, plan: { deeds: DEEDS } })
  expect(first.findings).toEqual([])
  expect(await runHistory({ seed: 5, plan: { deeds: DEEDS } })).toEqual(first)
  expect((await runHistory({ seed: 9, plan: { deeds: DEEDS } })).hash).not.toBe(first.hash)
})

it('without faults everything that can be paid is paid', async () => {
  const { figures, findings } = await runHistory({ seed: 2, plan: { rates: CALM, deeds: DEEDS } })
  expect(findings).toEqual([])
  expect(figures.faults).toEqual({})
  expect(figures.settled).toBeGreaterThan(0)
})

