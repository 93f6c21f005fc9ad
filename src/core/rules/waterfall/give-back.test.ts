// What a waterfall remembers after reversals: as if the event had not been, as far as later events have not built on it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../effects.ts'
import { givenBack, type ChangedState } from '../give-back.ts'
import { rules } from '../index.ts'
import type { BoundRule } from '../rule.ts'

type State = Map<string, Json>

const FIRST = Temporal.Instant.from('2026-01-01T12:00:00Z')
const CARRY = [{ role: 'investors', to: { recipient: 'inv' }, weight: '80' }, { role: 'manager', to: { recipient: 'm1' }, weight: '20' }]

function bind(contributors: readonly string[], tranches: readonly object[]): BoundRule {
  const entry = rules.get('waterfall')
  if (entry === undefined) throw new Error('the registry has no waterfall')
  return entry.bind({ contributors: contributors.map((recipient) => ({ role: recipient, recipient })), tranches })
}

const preferred = (compounding: string): object => ({ name: 'preferred', kind: 'preferred', rate: '8%', compounding })
const capital = { name: 'capital', kind: 'capital' }
const carry = { name: 'carry', kind: 'split', shares: CARRY }

/** One event on a day; answers what it changed. */
function pour(rule: BoundRule, state: State, { day, pool, contributed = {} }: { day: number; pool: bigint; contributed?: Readonly<Record<string, string>> }): readonly ChangedState[] {
  const { state: changes } = rule.split({
    ...{ step: 'fall', parties: {}, facts: { contributed }, at: FIRST.add({ hours: 24 * day }), pool, rounding: 'largest-remainder', given: [] },
    state,
  })
  return [...changes].map(([key, after]) => {
    const before = state.get(key) ?? null
    state.set(key, after)
    return { key, before, after }
  })
}

function giveBack(rule: BoundRule, state: State, changed: readonly ChangedState[], { of, parts }: { of: bigint; parts: readonly bigint[] }): void {
  let before = 0n
  for (const units of parts) {
    for (const [key, value] of rule.giveBack({ step: 'fall', changed, now: state, portion: { units, of, before } })) state.set(key, value)
    before += units
  }
}

const plain = (state: State): unknown => Object.fromEntries([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)))
const both = ['a', 'b']

/** A pool cut into parts of at least one unit each. */
const cut = fc.record({ pool: fc.bigInt({ min: 1n, max: 5000n }), weights: fc.array(fc.bigInt({ min: 1n, max: 9n }), { minLength: 1, maxLength: 5 }) }).map(({ pool, weights }) => {
  const total = weights.reduce((all, each) => all + each, 0n)
  const parts = weights.map((each) => (pool * each) / total).filter((each) => each > 0n)
  const rest = pool - parts.reduce((all, each) => all + each, 0n)
  return { pool, parts: rest > 0n ? [...parts, rest] : parts }
})
const later = fc.array(fc.record({ days: fc.integer({ min: 0, max: 200 }), pool: fc.bigInt({ min: 0n, max: 3000n }) }), { maxLength: 4 })

describe('reversing an event of a waterfall', () => {
  it('takes half of what each tranche took back, and the capital is out again', () => {
    const rule = bind(both, [capital, preferred('none'), carry])
    const state: State = new Map()
    pour(rule, state, { day: 0, pool: 0n, contributed: { a: '600', b: '400' } })
    const changed = pour(rule, state, { day: 365, pool: 1500n })
    expect(plain(state)).toMatchObject({ paid: { units: { capital: '1000', preferred: '80', carry: '420' } }, 'contributor/a': { capital: '0', preferred: '0' } })
    giveBack(rule, state, changed, { of: 1500n, parts: [750n] })
    expect(plain(state)).toMatchObject({ paid: { units: { capital: '500', preferred: '40', carry: '210' } }, 'contributor/a': { capital: '300', preferred: '24' }, 'contributor/b': { capital: '200', preferred: '16' } })
  })

  it('in any parts, before anything else happens, leaves what an event without money would have', () => {
    fc.assert(
      fc.property(cut, later, fc.constantFrom('none', 'month', 'year'), fc.boolean(), ({ pool, parts }, earlier, compounding, brings) => {
        const rule = bind(both, [capital, preferred(compounding), carry])
        const state: State = new Map()
        pour(rule, state, { day: 0, pool: 0n, contributed: { a: '6000', b: '401' } })
        let day = 0
        for (const each of earlier) pour(rule, state, { day: (day += each.days), pool: each.pool })
        const expected: State = new Map(state)
        pour(rule, expected, { day: day + 77, pool: 0n })
        const changed = pour(rule, state, { day: day + 77, pool, contributed: brings ? { b: '55' } : {} })
        giveBack(rule, state, changed, { of: pool, parts })
        expect(plain(state)).toEqual(plain(expected))
      }),
      { numRuns: 300 },
    )
  })

  it('in any parts comes to the same as in one, whatever happened since, to the unit and beyond', () => {
    fc.assert(
      fc.property(cut, later, ({ pool, parts }, since) => {
        const rule = bind(both, [preferred('none'), capital, carry])
        const state: State = new Map()
        pour(rule, state, { day: 0, pool: 0n, contributed: { a: '6000', b: '401' } })
        const changed = pour(rule, state, { day: 100, pool })
        let day = 100
        for (const each of since) pour(rule, state, { day: (day += each.days), pool: each.pool })
        const whole: State = new Map(state)
        giveBack(rule, whole, changed, { of: pool, parts: [pool] })
        giveBack(rule, state, changed, { of: pool, parts })
        expect(plain(state)).toEqual(plain(whole))
      }),
      { numRuns: 300 },
    )
  })

  it('whose later events reached no other tranche leaves what there would be without it, with the return of the days since, in any order of parts and days', () => {
    fc.assert(
      fc.property(cut, later, fc.integer({ min: 0, max: 300 }), ({ pool, parts }, since, wait) => {
        const rule = bind(['a'], [capital, preferred('none'), carry])
        const [state, without]: State[] = [new Map(), new Map()]
        if (state === undefined || without === undefined) throw new Error('two states')
        for (const each of [state, without]) pour(rule, each, { day: 0, pool: 0n, contributed: { a: '1000000' } })
        const changed = pour(rule, state, { day: 50, pool })
        let day = 50
        let before = 0n
        for (const [index, units] of parts.entries()) {
          const next = since[index]
          day += (next?.days ?? 0) + wait
          for (const each of [state, without]) pour(rule, each, { day, pool: next?.pool ?? 0n })
          for (const [key, value] of rule.giveBack({ step: 'fall', changed, now: state, portion: { units, of: pool, before } })) state.set(key, value)
          before += units
        }
        expect(plain(state)).toEqual(plain(without))
      }),
      { numRuns: 300 },
    )
  })

  it('whose capital later events had gone past leaves those as they were: what they paid elsewhere is not moved', () => {
    const rule = bind(['a'], [capital, carry])
    const state: State = new Map()
    pour(rule, state, { day: 0, pool: 0n, contributed: { a: '100' } })
    const changed = pour(rule, state, { day: 1, pool: 100n })
    pour(rule, state, { day: 2, pool: 40n })
    giveBack(rule, state, changed, { of: 100n, parts: [100n] })
    // Without the first event the 40 would have been capital; they were carried interest, and the next 100 are capital.
    expect(plain(state)).toMatchObject({ paid: { units: { capital: '0', carry: '40' } }, 'contributor/a': { capital: '100' } })
  })

  it('that brought a contribution which was paid back since takes no more of it than there is', () => {
    const rule = bind(['a'], [{ name: 'first', kind: 'split', until: '10', shares: CARRY }, capital, carry])
    const state: State = new Map()
    const changed = pour(rule, state, { day: 0, pool: 10n, contributed: { a: '100' } })
    pour(rule, state, { day: 1, pool: 70n })
    giveBack(rule, state, changed, { of: 10n, parts: [5n, 5n] })
    expect(plain(state)).toMatchObject({ paid: { units: { first: '0', capital: '70' } }, 'contributor/a': { capital: '0' } })
  })
})

it('gives of any number back in parts that add up to it, each cut towards zero', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt({ min: 1n, max: 1000n }), cut, (delta, grain, { pool: of, parts }) => {
      let [before, given] = [0n, 0n]
      for (const units of parts) {
        const part = givenBack(delta, { units, of, before }, grain)
        expect(delta < 0n ? part <= 0n : part >= 0n).toBe(true)
        ;[before, given] = [before + units, given + part]
      }
      expect(given).toBe(delta)
    }),
  )
})
