// Steps one after the other: funds divided further, shares changed several times, what each part is called, and when it may be paid.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { accountsFor, distribute, explainDistribution, stateKeysFor, type Distribution, type Divisible } from './distribution.ts'
import { MAX_CHANGES, partOf, payableFrom, placeIn, roleOfPart, stepOfPart } from './part.ts'
import { parsePlan, type PlanVersion } from './plan.ts'
import type { RuleState } from './rules/rule.ts'

const planOf = (...steps: readonly object[]): PlanVersion => ({ version: 1, effectiveFrom: null, ...parsePlan({ steps }) })
const AT = Temporal.Instant.from('2026-11-21T12:00:00Z')
const eventOf = (units: bigint, more: Partial<Divisible> = {}): Divisible => ({ asset: 'BTC/11', units, parties: {}, facts: {}, eventAt: AT, claimed: null, ...more })
const inShort = ({ shares }: Distribution): readonly string[] => shares.map(({ role, from, account, units }) => `${role}: ${from} → ${account} ${units}`)
const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })

const CIRCLE = planOf(
  {
    ...{ name: 'fee', from: 'received', rule: 'tiered-fee', rounding: { 'residual-to': 'winner' } },
    parameters: {
      ...{ fee: { role: 'fee', to: { fund: 'fees' } }, rest: { role: 'winner', to: { party: 'winner' } }, tiers: [{ from: '0', rate: '1%' }], applies: 'whole' },
      discounts: [
        { name: 'verified', off: '50%', when: { fact: 'discounts', subject: 'verified' } },
        { name: 'recurring', off: '25%', when: { fact: 'discounts', subject: 'recurring' } },
      ],
      ...{ combine: 'multiply', floor: '0.5%', ceiling: '1%', bearer: 'deducted' },
    },
  },
  {
    ...{ name: 'fee-parts', from: 'fund:fees', rule: 'fixed-shares', rounding: { 'residual-to': 'platform' } },
    parameters: { shares: [share('platform', '50%'), share('community', '20%', { fund: 'community' }), share('partners', '30%', { fund: 'partners' })] },
  },
)
const cycle = (units: bigint, verified: string, recurring: string): Divisible => eventOf(units, { parties: { winner: 'awa' }, facts: { discounts: { verified, recurring } } })

it.each([
  [100_000n, '1', '0', ['99500', '500', '250', '100', '150']],
  [100_000n, '0', '0', ['99000', '1000', '500', '200', '300']],
  [100_000n, '1', '1', ['99500', '500', '250', '100', '150']],
  [1999n, '1', '1', ['1990', '9', '6', '1', '2']],
  [100n, '1', '0', ['100', '0', '0', '0', '0']],
])('a savings circle pays %d (verified %s, recurring %s): winner, fee and its parts %j', (units, verified, recurring, expected) => {
  const done = distribute(cycle(units, verified, recurring), CIRCLE)
  expect(done.shares.map((each) => each.units.toString())).toEqual(expected)
  expect(inShort(done).map((line) => line.replace(/ \d+$/, ''))).toEqual([
    'winner: received → payable:awa',
    'fee: received → fund:fees',
    'platform: fund:fees → payable:platform',
    'community: fund:fees → fund:community',
    'partners: fund:fees → fund:partners',
  ])
})

const CHAIN = planOf(
  { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } },
  { name: 'bonus', from: 'shares:pool', rule: 'bonus', parameters: { rates: ['10%'], referrers: { fact: 'referrers', source: 'standing' }, funding: 'referred' } },
  { name: 'cap', from: 'shares:bonus', rule: 'cap', parameters: { limit: '60', per: 'month', excess: { fund: 'excess' } } },
  { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' }, lock: { days: 30 } },
  { name: 'excess', from: 'fund:excess', rule: 'fixed-shares', parameters: { shares: [share('well', '2'), share('library', '1')] }, lock: { until: '2027-01-01T00:00:00Z' } },
)
const period = (units: bigint): Divisible => eventOf(units, { facts: { score: { ana: '7', bo: '2', cy: '1' }, referrers: { bo: 'cy', cy: 'ana' } } })

it('changes shares one step after the other, and divides on what they leave', () => {
  const first = distribute(period(100n), CHAIN)
  expect(inShort(first)).toEqual([
    'excess: received → fund:excess 10',
    'excess: received → fund:excess 1',
    'share: received → payable:ana 60',
    'share: received → carried:bo 18',
    'bonus: received → carried:cy 2',
    'share: received → carried:cy 9',
    'bonus: received → payable:ana 0',
    'well: fund:excess → payable:well 7',
    'library: fund:excess → payable:library 4',
  ])
  const second = distribute(period(100n), CHAIN, { state: first.state })
  expect(inShort(second)).toContain('carried: carried:bo → payable:bo 18')
  expect(second.state.get('cap/BTC/11/used/2026-11/bo')).toBe('36')
  // Of another asset nothing was used or carried yet.
  expect(inShort(distribute({ ...period(100n), asset: 'XOF/0' }, CHAIN, { state: first.state }))).toEqual(inShort(first))
})

it('names every part, and keeps a share’s part whatever later steps do to it', () => {
  const shares = distribute(period(100n), CHAIN).shares
  expect(shares.map(({ part, role }) => [roleOfPart(CHAIN, part), role])).toEqual(shares.map(({ role }) => [role, role]))
  expect(new Set(shares.map(({ part }) => part)).size).toBe(shares.length)
  expect(shares.find(({ account }) => account === 'carried:bo')?.part).toBe(partOf(3, 1))
  expect(roleOfPart(CHAIN, partOf(9, 0))).toBe(null)
})

it('locks shares until the latest of the steps that made them', () => {
  const { shares } = distribute(period(100n), CHAIN)
  const instants = shares.map(({ account, part }) => [account, payableFrom(CHAIN, part, AT)?.toString() ?? null])
  expect(instants).toContainEqual(['payable:ana', '2026-12-21T12:00:00Z'])
  expect(instants).toContainEqual(['payable:well', '2027-01-01T00:00:00Z'])
  expect(instants).toContainEqual(['fund:excess', null])
  const locked = (first: object | undefined, second: object | undefined): string | null => {
    const steps = [
      { name: 'a', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('x', '1')] }, ...(first === undefined ? {} : { lock: first }) },
      { name: 'b', from: 'shares:a', rule: 'minimum', parameters: { minimum: '0' }, ...(second === undefined ? {} : { lock: second }) },
    ]
    return payableFrom(planOf(...steps), partOf(1, 0), AT)?.toString() ?? null
  }
  expect([locked(undefined, undefined), locked({ days: 2 }, undefined), locked({ days: 2 }, { days: 1 }), locked({ days: 2 }, { until: '2026-11-23T12:00:00.000001Z' })]).toEqual([
    null,
    '2026-11-23T12:00:00Z',
    '2026-11-23T12:00:00Z',
    '2026-11-23T12:00:00.000001Z',
  ])
})

it('has room for 16 million shares and two million lines of each other kind, and stops beyond', () => {
  expect(placeIn('shares', { place: 2 ** 24 - 1, changes: 0 })).toBe(2 ** 24 - 1)
  expect(() => placeIn('shares', { place: 2 ** 24, changes: 0 })).toThrow('a step has at most 16777216 shares, not 16777217')
  const rooms = (['others', 'rounding'] as const).flatMap((zone) => Array.from({ length: MAX_CHANGES + 1 }, (_, changes) => placeIn(zone, { place: 0, changes })))
  expect(rooms.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 8 }, (_, room) => 2 ** 24 + room * 2 ** 21))
  expect(() => placeIn('others', { place: 2 ** 21, changes: 0 })).toThrow('at most 2097152 lines of others')
  expect(() => placeIn('others', { place: 0, changes: MAX_CHANGES + 1 })).toThrow('assertion failed')
  expect(partOf(63, placeIn('rounding', { place: 2 ** 21 - 1, changes: MAX_CHANGES }))).toBe(2 ** 31 - 1)
  expect(stepOfPart(2 ** 31 - 1)).toBe(63)
})

const IDS = ['ana', 'bo', 'cy', 'di']
const base = fc.oneof(
  fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }).filter((list) => list.some((weight) => weight > 0)).map((list) => ({
    rule: 'fixed-shares',
    parameters: { shares: [...list.map((weight, place) => share(`r${place}`, `${weight}`, { recipient: IDS[place] })), share('promotion', '1', { fund: 'promotion' })] },
  })),
  fc.constant({ rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'promotion' } } }),
)
const changes = fc.array(
  fc.oneof(
    fc.constantFrom('event', 'month', 'lifetime').chain((per) => fc.nat(40).map((limit) => ({ rule: 'cap', parameters: { limit: `${limit}`, per, excess: { fund: 'excess' } } }))),
    fc.nat(40).map((least) => ({ rule: 'minimum', parameters: { minimum: `${least}` } })),
    fc.constantFrom<unknown>('referred', { platform: { fund: 'promotion' } }).map((funding) => ({
      rule: 'bonus',
      parameters: { rates: ['20%', '5%'], referrers: { fact: 'referrers', source: 'standing' }, funding },
    })),
  ),
  { maxLength: 3 },
)
const rounding = fc.constantFrom('largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate', 'cumulative')
const plans = fc.tuple(base, changes, rounding, rounding).map(([first, list, firstRounding, lastRounding]) => {
  const changed = list.map((each, place) => ({ ...each, name: `s${place + 1}`, from: `shares:s${place}` }))
  const excess = list.some((each) => each.rule === 'cap')
  const last = { name: 'last', from: 'fund:excess', rule: 'fixed-shares', parameters: { shares: [share('x', '2'), share('y', '1')] }, rounding: lastRounding }
  return { steps: [{ ...first, name: 's0', from: 'received', rounding: firstRounding }, ...changed, ...(excess ? [last] : [])], list }
})

it('conserves money through any steps, step by step and account by account; explains it; and names before what it touches', () => {
  fc.assert(
    fc.property(plans, fc.array(fc.bigInt({ min: 1n, max: 200n }), { minLength: 1, maxLength: 4 }), ({ steps, list }, amounts) => {
      const plan = planOf(...steps)
      const asksReferrers = list.some((each) => each.rule === 'bonus')
      const facts = { ...(steps[0]?.rule === 'pro-rata' ? { score: { ana: '3', bo: '0', cy: '1' } } : {}), ...(asksReferrers ? { referrers: { ana: 'bo', bo: 'friend', cy: 'ana' } } : {}) }
      const balances = new Map<string, bigint>()
      let state: RuleState = new Map()
      for (const units of amounts) {
        const event = eventOf(units, { facts })
        const done = distribute(event, plan, { state })
        const known = new Set(accountsFor(event, plan))
        const keys = new Set(stateKeysFor(event, plan))
        balances.set('received', units)
        for (const { from, account, units: moved } of done.shares) {
          balances.set(from, (balances.get(from) ?? 0n) - moved)
          balances.set(account, (balances.get(account) ?? 0n) + moved)
        }
        expect(balances.get('received')).toBe(0n)
        expect(done.shares.flatMap(({ from, account }) => [from, account]).filter((name) => !known.has(name))).toEqual([])
        expect([...done.state.keys()].filter((key) => !keys.has(key))).toEqual([])
        expect(done.shares.filter(({ part, role }) => roleOfPart(plan, part) !== role)).toEqual([])
        const explained = explainDistribution(event, plan, state).shares.filter(({ changedBy }) => changedBy === null)
        expect(explained.map(({ part, role, account, units: text }) => [part, role, account, text])).toEqual(done.shares.map(({ part, role, account, units: moved }) => [part, role, account, moved.toString()]))
        state = new Map([...state, ...done.state])
      }
      // Funds that a bonus draws on may run short here: their floor is held where shares are posted.
      expect([...balances].filter(([name, balance]) => balance < 0n && name !== 'fund:promotion')).toEqual([])
    }),
    { numRuns: 300 },
  )
})
