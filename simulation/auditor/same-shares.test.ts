// The model and the engine, written apart from the same pages, must give everybody the same to the unit: on random plans of every rule and
// rounding, with memories, dust and large sums.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { distribute } from '../../src/core/distribution.ts'
import type { Json } from '../../src/core/effects.ts'
import { parsePlan } from '../../src/core/plan.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { carryOut, type Memories, type Plan } from './plan.ts'

const PEOPLE = ['ana', 'bo', 'cy', 'di'] as const
const PARTIES = { seller: 'ana', tier: 'pro', subscription: 's-1' }

const ROUNDINGS = ['largest-remainder', 'first', 'largest-ratio', 'cumulative', 'prefix', 'rotate'] as const
const rounding = fc.constantFrom(...ROUNDINGS)
const plain = fc.constantFrom('largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate')
const units = fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(0n, 10n ** 12n), fc.bigInt(0n, 10n ** 30n)).map(String)
const few = fc.bigInt(0n, 60n).map(String)
const weight = fc.oneof(fc.integer({ min: 0, max: 12 }).map(String), fc.constantFrom('0.5', '33.3', '12.25'))
const percent = fc.integer({ min: 0, max: 40 }).map((value) => `${value / 4}%`)
const person = fc.constantFrom(...PEOPLE)
const to = fc.oneof(person.map((recipient) => ({ recipient })), fc.constant({ party: 'seller' }), fc.constant({ fund: 'pot' }))

const fixed = fc.record({ weights: fc.array(weight, { minLength: 2, maxLength: 5 }), targets: fc.array(to, { minLength: 5, maxLength: 5 }), rounding }).map(({ weights, targets, rounding: by }) => ({
  name: 'split', from: 'received', rule: 'fixed-shares', rounding: by,
  parameters: { shares: weights.map((each, place) => ({ role: `r${place}`, to: targets[place], weight: place === 0 && weights.every((one) => Number(one) === 0) ? '1' : each })) },
}))
const proRata = fc.record({ rounding, whenAllZero: to }).map(({ rounding: by, whenAllZero }) => ({
  name: 'split', from: 'received', rule: 'pro-rata', rounding: by, parameters: { by: { fact: 'score' }, whenAllZero },
}))
const inPool = fc.record({ rounding, rates: fc.array(percent, { minLength: 1, maxLength: 3 }), whenAllZero: to }).map(({ rounding: by, rates, whenAllZero }) => ({
  name: 'split', from: 'received', rule: 'bonus', rounding: by, parameters: { rates, referrers: { fact: 'referrers' }, funding: { pool: { by: { fact: 'score' }, whenAllZero } } },
}))
const fee = fc.record({ rounding, rates: fc.tuple(percent, percent), applies: fc.constantFrom('whole', 'bands'), combine: fc.constantFrom('multiply', 'add', 'best-of'), floor: few, ceiling: fc.option(percent) }).map(
  ({ rounding: by, rates: [low, high], applies, combine, floor, ceiling }) => ({
    name: 'split', from: 'received', rule: 'tiered-fee', rounding: by,
    parameters: {
      fee: { role: 'fee', to: { fund: 'pot' } }, rest: { role: 'seller', to: { party: 'seller' } }, tiers: [{ from: '0', rate: low }, { from: '1000', rate: high }], applies, combine,
      discounts: [{ name: 'pro', off: '25%', when: { party: 'tier', is: 'pro' } }, { name: 'loyal', off: '50%', when: { fact: 'discounts', subject: 'loyal' } }],
      floor: { units: floor }, ...(ceiling !== null && { ceiling }), bearer: 'deducted',
    },
  }),
)
const advance = fc.record({ rounding: plain, among: fc.constantFrom('order', 'pro-rata'), most: percent, sizes: fc.tuple(few, few, units) }).map(({ rounding: by, among, most, sizes }) => ({
  name: 'split', from: 'received', rule: 'recoup', rounding: among === 'order' ? 'none' : by,
  parameters: { advances: sizes.map((size, place) => ({ role: `a${place}`, to: { recipient: PEOPLE[place] }, advance: size })), among, most, rest: { role: 'rest', to: { party: 'seller' } } },
}))
const profit = fc.record({ rounding, percent: fc.integer({ min: 0, max: 100 }), policy: fc.constantFrom('each-win', 'high-water-mark'), hurdle: fc.constantFrom(undefined, { kind: 'hard', units: '5' }, { kind: 'soft', rate: '8%' }), span: fc.constantFrom('week', 'month', 'quarter', null) }).map(
  ({ rounding: by, percent: part, policy, hurdle, span }) => {
    const isAlone = policy === 'each-win' && span === null
    return {
      name: 'split', from: 'received', rule: 'profit-share', rounding: by,
      parameters: {
        policy, subject: 'subscription', percent: `${part}%`, ...(hurdle !== undefined && !(isAlone && 'rate' in hurdle) && { hurdle }), crystallised: span === null ? 'event' : { every: span, zone: 'UTC' },
        ...(!isAlone && { keep: 2 }), share: { role: 'share', to: { recipient: 'bo' } }, rest: { role: 'rest', to: { party: 'seller' } },
      },
    }
  },
)
const fall = fc.record({ rounding: plain, rate: fc.integer({ min: 1, max: 20 }), compounding: fc.constantFrom('none', 'month', 'year'), until: fc.integer({ min: 1, max: 500 }), catchUp: fc.constantFrom('50%', '100%') }).map(
  ({ rounding: by, rate, compounding, until, catchUp }) => ({
    name: 'split', from: 'received', rule: 'waterfall', rounding: by,
    parameters: {
      contributors: [{ role: 'a', recipient: 'ana', contributed: { units: '60', on: '2026-01-03' } }, { role: 'b', recipient: 'bo' }],
      tranches: [
        { kind: 'capital', name: 'capital' }, { kind: 'preferred', name: 'preferred', rate: `${rate}%`, compounding },
        { kind: 'catch-up', name: 'even', rate: catchUp, target: '20%', shares: [{ role: 'm', to: { recipient: 'cy' }, weight: '1' }], ...(catchUp !== '100%' && { rest: [{ role: 'i', to: { fund: 'pot' }, weight: '2' }, { role: 'j', to: { recipient: 'di' }, weight: '1' }] }) },
        { kind: 'split', name: 'some', until: `${until}`, shares: [{ role: 'x', to: { recipient: 'ana' }, weight: '2' }, { role: 'y', to: { recipient: 'di' }, weight: '1' }] },
        { kind: 'split', name: 'rest', shares: [{ role: 'x', to: { recipient: 'ana' }, weight: '1' }, { role: 'y', to: { party: 'seller' }, weight: '3' }] },
      ],
    },
  }),
)

const onShares = fc.oneof(
  fc.record({ limit: few, per: fc.constantFrom('event', 'day', 'week', 'month', 'year', 'lifetime') }).map(({ limit, per }) => ({ rule: 'cap', rounding: 'none', parameters: { limit, per, excess: { fund: 'commons' } } })),
  fc.record({ minimum: few }).map((parameters) => ({ rule: 'minimum', rounding: 'none', parameters })),
  fc.record({ rates: fc.array(percent, { minLength: 1, maxLength: 3 }), rounding }).map(({ rates, rounding: by }) => ({ rule: 'bonus', rounding: by, parameters: { rates, referrers: [{ referred: { recipient: 'ana' }, referrer: { recipient: 'di' } }, { referred: { recipient: 'bo' }, referrer: { recipient: 'ana' } }], funding: 'referred' } })),
)

const nested = fc.constant({ name: 'again', from: 'fund:pot', rule: 'fixed-shares', rounding: 'largest-remainder', parameters: { shares: [{ role: 'p', to: { recipient: 'bo' }, weight: '1' }, { role: 'q', to: { fund: 'reserve' }, weight: '2' }] } })

const event = fc.record({
  units,
  day: fc.integer({ min: 0, max: 80 }),
  score: fc.dictionary(person, weight),
  referrers: fc.constantFrom({}, { ana: 'bo' }, { ana: 'bo', bo: 'cy', di: 'ana' }),
  loyal: fc.constantFrom('0', '1'),
  result: fc.integer({ min: -60, max: 60 }).map(String),
  contributed: fc.constantFrom({}, { bo: '25' }, { ana: '7', bo: '1' }),
})

type Given = typeof event extends fc.Arbitrary<infer T> ? T : never

const FACTS: Readonly<Record<string, (given: Given) => Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  'fixed-shares': () => ({}),
  recoup: () => ({}),
  'pro-rata': ({ score }) => ({ score }),
  bonus: ({ score, referrers }) => ({ score: { ...Object.fromEntries(PEOPLE.map((one) => [one, '0'])), ...score }, referrers }),
  'tiered-fee': ({ loyal }) => ({ discounts: { loyal } }),
  'profit-share': ({ result }) => ({ result: { 's-1': result } }),
  waterfall: ({ contributed }) => ({ contributed }),
}

/** The lines of each event, in words; the refusal's code where there is one, after which the event has not happened. */
function both(steps: readonly Json[], events: readonly Given[]): readonly (readonly [engine: string, model: string])[] {
  const plan = parsePlan({ steps })
  const [first] = steps as readonly { rule: string }[]
  const memories: Memories = new Map()
  let state: ReadonlyMap<string, Json> = new Map()
  return events.map((given) => {
    const at = Temporal.Instant.from('2026-01-01T10:00:00Z').add({ hours: given.day * 24 })
    const divisible = { asset: 'EUR/2' as const, units: BigInt(given.units), parties: PARTIES, facts: FACTS[first?.rule ?? '']?.(given) ?? {} }
    try {
      const { shares, state: changed } = distribute({ ...divisible, claimed: null, eventAt: at }, plan, { state })
      state = new Map([...state, ...changed])
      const engine = shares.filter((share) => share.units > 0n).map(({ role, from, account, units: own }) => `${role}: ${from} → ${account} ${own}`)
      const model = carryOut(plan.data as unknown as Plan, { ...divisible, at }, memories).map(({ role, from, to: account, units: own }) => `${role}: ${from} → ${account} ${own}`)
      return [engine.join('\n'), model.join('\n')] as const
    } catch (error) {
      if (error instanceof Refusal) return ['refused', 'refused'] as const
      throw error
    }
  })
}

const RUNS = 150

describe('the model gives what the engine gives', () => {
  it.each([['fixed-shares', fixed], ['pro-rata', proRata], ['bonus', inPool], ['tiered-fee', fee], ['recoup', advance], ['profit-share', profit], ['waterfall', fall]] as const)('by %s, with what changes its shares', (rule, base) => {
    const changes = fc.array(onShares, { maxLength: 2 })
    let divided = 0
    fc.assert(
      fc.property(base, changes, nested, fc.array(event, { minLength: 1, maxLength: 6 }), (step, after, again, events) => {
        const wholes = JSON.stringify(step).includes('"pot"') ? [again] : []
        const on = after.map((each, place) => ({ ...each, name: `change-${place}`, from: place === 0 ? 'shares:split' : `shares:change-${place - 1}` }))
        const steps = [step, ...on, ...wholes] as readonly Json[]
        let found: ReturnType<typeof both>
        try {
          found = both(steps, events)
        } catch (error) {
          // A plan that nobody could have is none.
          if (error instanceof Refusal) return
          throw error
        }
        divided += found.filter(([engine]) => engine !== 'refused').length
        for (const [engine, model] of found) expect(model).toBe(engine)
      }),
      { numRuns: RUNS, seed: 20_261_121 },
    )
    expect(divided, rule).toBeGreaterThan(RUNS)
  })
})
