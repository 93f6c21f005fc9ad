// The ledger in memory: it divides as the core does, its accounts add up, and it remembers what a ledger remembers.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { balanceOf } from './account.ts'
import { distribute } from './distribution.ts'
import type { EventInput } from './event.ts'
import { parsePlan } from './plan.ts'
import type { RuleState } from './rules/rule.ts'
import { createTrial, type Trial } from './trial.ts'

const AT = Temporal.Instant.from('2026-01-01T00:00:00Z')
const PLAN = {
  steps: [
    { name: 'split', from: 'received', rule: 'fixed-shares', rounding: 'cumulative', lock: { days: 10 }, parameters: { shares: [{ role: 'a', to: { party: 'seller' }, weight: '2' }, { role: 'b', to: { recipient: 'house' }, weight: '1' }] } },
    { name: 'minimum', from: 'shares:split', rule: 'minimum', parameters: { minimum: '10' } },
  ],
}

function trialOf(plan: unknown = PLAN): Trial {
  return createTrial({ asset: 'EUR/2', plan, at: AT, amountFields: {}, versionInstant: ({ eventAt }) => eventAt })
}

function eventOf(reference: string, units: bigint, more: Partial<EventInput> = {}): EventInput {
  return { reference, asset: 'EUR/2', units, parties: { seller: 's-1' }, facts: {}, eventAt: null, claimed: null, details: null, ...more }
}

it('divides event after event as the core does, on what its rules remember, and every account is the sum of its transfers', () => {
  const sale = fc.record({ units: fc.bigInt({ min: 1n, max: 40n }), seller: fc.constantFrom('s-1', 's-2') })
  fc.assert(
    fc.property(fc.array(sale, { minLength: 1, maxLength: 30 }), (sales) => {
      const trial = trialOf()
      const plan = parsePlan(PLAN)
      let state: RuleState = new Map()
      const sums = new Map<string, { debits: bigint; credits: bigint }>()
      for (const [index, { units, seller }] of sales.entries()) {
        const event = eventOf(`sale-${index}`, units, { parties: { seller } })
        const expected = distribute({ ...event, eventAt: AT }, plan, { state })
        state = new Map([...state, ...expected.state])
        const tried = trial.record(event)
        if (tried.state !== 'recorded') throw new Error(tried.state)
        expect(tried.shares).toEqual(expected.shares)
        for (const { debit, credit, units: moved } of tried.transfers) {
          sums.getOrInsertComputed(debit, () => ({ debits: 0n, credits: 0n })).debits += moved
          sums.getOrInsertComputed(credit, () => ({ debits: 0n, credits: 0n })).credits += moved
        }
      }
      const balances = new Map(trial.accounts().map(({ name, balance }) => [name, balance]))
      expect(balances).toEqual(new Map([...sums].map(([name, sum]) => [name, balanceOf(name, sum)])))
      const payable = [...balances].filter(([name]) => name.startsWith('payable:')).reduce((all, [, balance]) => all + balance, 0n)
      expect(trial.locked().reduce((all, { units }) => all + units, 0n)).toBe(payable)
    }),
  )
})

it('knows a reference again, however often, and refuses other content under it', () => {
  const trial = trialOf()
  const answers = [eventOf('a', 30n), eventOf('b', 30n), eventOf('a', 30n), eventOf('b', 31n)].map((event) => trial.record(event))
  expect(answers.map(({ state }) => state)).toEqual(['recorded', 'recorded', 'duplicate', 'refused'])
  expect(answers[2]).toMatchObject({ event: 1n })
  expect(answers[3]).toMatchObject({ refusal: { code: 'reference_conflict', details: { event: '2' } } })
})

it('refuses an event in another asset, and goes on', () => {
  const trial = trialOf()
  expect(trial.record(eventOf('a', 1n, { asset: 'USD/2' }))).toMatchObject({ refusal: { code: 'asset_not_found' } })
  expect(trial.record(eventOf('a', 30n)).state).toBe('recorded')
})

it('lets time pass with its events and never back', () => {
  const trial = trialOf()
  trial.record(eventOf('a', 30n, { eventAt: AT.add({ hours: 24 }) }))
  trial.passTo(AT)
  expect(trial.now()).toEqual(AT.add({ hours: 24 }))
  expect(trial.locked().length).toBe(2)
  trial.passTo(AT.add({ hours: 24 * 11 }))
  expect(trial.locked()).toEqual([])
})
