// What holds of every profit share, on random paths in any order of arrival, against a reference that walks day by day; and what does not.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Json } from '../../effects.ts'
import { compareRatios, ratio, ratioOfDecimal, type Ratio } from '../../ratio.ts'
import { rules } from '../index.ts'
import type { BoundRule, SplitInput, StepRounding } from '../rule.ts'

type Hurdle = { readonly kind: 'hard' | 'soft'; readonly units: string } | { readonly kind: 'hard' | 'soft'; readonly rate: string }

type Terms = { readonly policy: 'each-win' | 'high-water-mark'; readonly percent: string; readonly hurdle: Hurdle | null; readonly monthly: boolean }

/** One event, so many days after the first of January 2026. Its figures in whole units. */
type Event = { readonly day: number; readonly net: bigint; readonly moved: bigint; readonly pool: bigint }

const FIRST = Temporal.PlainDate.from('2026-01-01')

/** Closes kept: more than any path here is long. */
const KEEP = 60

function bind({ policy, percent, hurdle, monthly }: Terms): BoundRule {
  const entry = rules.get('profit-share')
  if (entry === undefined) throw new Error('the registry has no profit-share')
  return entry.bind({
    policy,
    subject: 'subscription',
    percent: `${percent}%`,
    share: { role: 'creator', to: { recipient: 'c1' } },
    rest: { role: 'subscriber', to: { recipient: 's1' } },
    crystallised: monthly ? { every: 'month', zone: 'UTC' } : 'event',
    ...(hurdle === null ? {} : { hurdle: 'rate' in hurdle ? { ...hurdle, rate: `${hurdle.rate}%` } : hurdle }),
    ...(policy === 'each-win' && !monthly ? {} : { keep: KEEP }),
  })
}

function inputOf({ day, net, moved, pool }: Event, rounding: StepRounding, state: ReadonlyMap<string, Json>): SplitInput {
  return {
    step: 'share',
    parties: { subscription: 's1' },
    // Fees that were paid and funding that was received, of which the net result is left.
    facts: { result: { s1: (net + 7n).toString() }, fees: { s1: '9.5' }, funding: { s1: '-2.5' }, moved: { s1: moved.toString() } },
    at: FIRST.add({ days: day }).toZonedDateTime({ timeZone: 'UTC', plainTime: '10:00' }).toInstant(),
    pool,
    rounding,
    given: [],
    state,
  }
}

type Step = { readonly added: Ratio; readonly due: Ratio; readonly payable: Ratio; readonly units: bigint }

function run(terms: Terms, events: readonly Event[], rounding: StepRounding = 'largest-remainder'): readonly Step[] {
  const rule = bind(terms)
  let state: ReadonlyMap<string, Json> = new Map()
  return events.map((event) => {
    const input = inputOf(event, rounding, state)
    const { lines, state: changes } = rule.split(input)
    const explained = rule.explain(input)
    const keys = rule.keys({ ...input, given: [] })
    expect([...changes.keys()].every((key) => keys.includes(key))).toBe(true)
    expect(explained.map(({ role, units }) => [role, units])).toEqual(lines.map(({ role, units }) => [role, units.toString()]))
    expect(lines.reduce((all, { from, units }) => (from === null ? all + units : all), 0n)).toBe(event.pool)
    state = new Map([...state, ...Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(changes))) as Record<string, Json>)])
    const share = explained.find(({ role }) => role === 'creator')
    const read = (name: string) => ratioOf(share?.inputs[name] ?? '')
    return { added: read('added'), due: read('due'), payable: read('payable'), units: BigInt(share?.units ?? '-1') }
  })
}

function ratioOf(text: string): Ratio {
  const [over = '', under] = text.split('/')
  return under === undefined ? ratioOfDecimal(over) : ratio(BigInt(over), BigInt(under))
}

const plus = (a: Ratio, b: Ratio) => ratio(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
const total = (steps: readonly { readonly added: Ratio }[]) => steps.reduce((all, { added }) => plus(all, added), ratio(0n, 1n))

const SCALE = 36_500n

/** All that is shared of a path, day by day, in whole numbers of 1/36500 of a unit, and then of a hundredth of those. */
function reference({ policy, percent, hurdle, monthly }: Terms, events: readonly Event[]): Ratio {
  let [value, mark, wins, grown, shared] = [0n, 0n, 0n, 0n, 0n]
  const settle = () => {
    const profit = policy === 'each-win' ? wins : value - mark
    const bar = hurdle === null ? 0n : 'units' in hurdle ? BigInt(hurdle.units) * SCALE : grown
    const isPassed = profit > 0n && profit > bar
    if (isPassed) shared += (hurdle?.kind === 'hard' ? profit - bar : profit) * BigInt(percent)
    if (isPassed || policy === 'each-win') [mark, wins, grown] = [value, 0n, 0n]
  }
  const first = Math.min(...events.map(({ day }) => day))
  const end = Math.max(...events.map(({ day }) => day))
  for (let day = first; day <= end; day += 1) {
    if (monthly && day > first && FIRST.add({ days: day }).day === 1) settle()
    for (const { net, moved } of events.filter((event) => event.day === day)) {
      value += (net + moved) * SCALE
      mark += moved * SCALE
      if (net > 0n) wins += net * SCALE
      if (!monthly) settle()
    }
    if (hurdle !== null && 'rate' in hurdle && mark > 0n) grown += (mark / SCALE) * BigInt(hurdle.rate)
  }
  return ratio(shared, SCALE * 100n)
}

const amount = fc.bigInt({ min: -1000n, max: 1000n })
const event: fc.Arbitrary<Event> = fc.record({
  day: fc.nat(150),
  net: amount,
  moved: fc.oneof(fc.constant(0n), fc.bigInt({ min: -3000n, max: 5000n })),
  pool: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2000n })),
})
const path = fc.array(event, { minLength: 1, maxLength: 25 })
const inOrder = (events: readonly Event[]) => events.toSorted((a, b) => a.day - b.day)

const kind = fc.constantFrom('hard', 'soft')
const inUnits = fc.record({ kind, units: fc.nat(800).map(String) })
const yearly = fc.record({ kind, rate: fc.nat(900).map(String) })
const percent = fc.nat(100).map(String)
const terms: fc.Arbitrary<Terms> = fc.oneof(
  fc.record({ policy: fc.constant('high-water-mark' as const), percent, hurdle: fc.option(fc.oneof(inUnits, yearly)), monthly: fc.boolean() }),
  fc.record({ policy: fc.constant('each-win' as const), percent, hurdle: fc.option(inUnits), monthly: fc.constant(false) }),
  fc.record({ policy: fc.constant('each-win' as const), percent, hurdle: fc.option(fc.oneof(inUnits, yearly)), monthly: fc.constant(true) }),
) as fc.Arbitrary<Terms>

it('shares what a walk through the days shares', () => {
  fc.assert(
    fc.property(terms, path, (given, events) => {
      const sorted = inOrder(events)
      expect(total(run(given, sorted))).toEqual(reference(given, sorted))
    }),
    { numRuns: 400 },
  )
})

it('shares the same in whatever order closes of different days arrive', () => {
  const distinct = fc.uniqueArray(event, { minLength: 1, maxLength: 15, selector: ({ day }) => day })
  fc.assert(
    fc.property(terms, distinct, (given, events) => {
      expect(total(run(given, events))).toEqual(reference(given, inOrder(events)))
    }),
    { numRuns: 200 },
  )
})

it('pays of what is due as much as the pool covers, and remembers the rest to the last grain', () => {
  fc.assert(
    fc.property(terms, path, (given, events) => {
      let due = ratio(0n, 1n)
      for (const [index, step] of run(given, events).entries()) {
        due = plus(due, step.added)
        expect(step.due).toEqual(due)
        const pool = ratio(events[index]?.pool ?? 0n, 1n)
        const payable = due.numerator < 0n ? ratio(0n, 1n) : compareRatios(due, pool) > 0 ? pool : due
        expect(step.payable).toEqual(payable)
        expect(compareRatios(ratio(step.units - 1n, 1n), payable)).toBe(-1)
        expect(compareRatios(ratio(step.units + 1n, 1n), payable)).toBe(1)
        due = plus(due, ratio(-payable.numerator, payable.denominator))
      }
    }),
  )
})

const ROUNDINGS: readonly StepRounding[] = ['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate', { 'residual-to': 'creator' }, { 'residual-to': 'subscriber' }]

it.each(ROUNDINGS)('stays within a unit of what is payable in each event, by %s', (rounding) => {
  fc.assert(
    fc.property(terms, path, (given, events) => {
      for (const { units, payable } of run(given, events, rounding)) {
        expect([compareRatios(ratio(units - 1n, 1n), payable), compareRatios(ratio(units + 1n, 1n), payable)]).toEqual([-1, 1])
      }
    }),
    { numRuns: 40 },
  )
})

it('has paid the floor of all that was payable, by cumulative', () => {
  fc.assert(
    fc.property(terms, path, (given, events) => {
      const steps = run(given, events, 'cumulative')
      const { numerator, denominator } = steps.reduce((all, { payable }) => plus(all, payable), ratio(0n, 1n))
      expect(steps.reduce((all, { units }) => all + units, 0n)).toBe(numerator / denominator)
    }),
  )
})

const plain = terms.filter(({ hurdle }) => hurdle === null)

it('shares the highest running result, or the sum of the wins: without a hurdle both have a plain formula', () => {
  fc.assert(
    fc.property(plain.filter(({ monthly }) => !monthly), path, (given, events) => {
      const sorted = inOrder(events)
      let [running, highest, wins] = [0n, 0n, 0n]
      for (const { net } of sorted) {
        running += net
        if (running > highest) highest = running
        if (net > 0n) wins += net
      }
      expect(total(run(given, sorted))).toEqual(ratio((given.policy === 'each-win' ? wins : highest) * BigInt(given.percent), 100n))
    }),
  )
})

it('shares the same of a win in one close or in two, without a hurdle', () => {
  fc.assert(
    fc.property(plain, path, fc.nat(24), fc.nat(1000), (given, events, at, part) => {
      const sorted = inOrder(events)
      const place = at % sorted.length
      const split = sorted[place]
      if (split === undefined || split.net <= 0n) return
      const first = (split.net * BigInt(part)) / 1000n
      const halves = sorted.toSpliced(place, 1, { ...split, net: first }, { ...split, moved: 0n, pool: 0n, net: split.net - first })
      expect(total(run(given, halves))).toEqual(total(run(given, sorted)))
    }),
  )
})

it('shares more of a better result, never less, without a hurdle', () => {
  fc.assert(
    fc.property(plain, path, fc.nat(24), fc.bigInt({ min: 0n, max: 500n }), (given, events, at, more) => {
      const sorted = inOrder(events)
      const better = sorted.map((each, place) => (place === at % sorted.length ? { ...each, net: each.net + more } : each))
      expect(compareRatios(total(run(given, better)), total(run(given, sorted)))).toBeGreaterThanOrEqual(0)
    }),
  )
})

it('shares in proportion to all amounts', () => {
  fc.assert(
    fc.property(terms, path, fc.bigInt({ min: 1n, max: 10n ** 30n }), (given, events, factor) => {
      const larger = events.map(({ day, net, moved, pool }) => ({ day, net: net * factor, moved: moved * factor, pool }))
      const hurdle = given.hurdle !== null && 'units' in given.hurdle ? { ...given.hurdle, units: (BigInt(given.hurdle.units) * factor).toString() } : given.hurdle
      const { numerator, denominator } = total(run(given, events))
      expect(total(run({ ...given, hurdle }, larger))).toEqual(ratio(numerator * factor, denominator))
    }),
  )
})

it('shares nothing of money that is moved in or out, unless a yearly rate runs on it', () => {
  const still = terms.filter(({ hurdle }) => hurdle === null || 'units' in hurdle)
  fc.assert(
    fc.property(still, path, (given, events) => {
      expect(total(run(given, events.map((each) => ({ ...each, moved: 0n }))))).toEqual(total(run(given, events)))
    }),
  )
})

const at = (...nets: readonly bigint[]): readonly Event[] => nets.map((net, day) => ({ day, net, moved: 0n, pool: 0n }))

it.each([
  // In one close 150 passes the hurdle by 50; 120 passes it by 20, and 30 above the new mark does not.
  ['a win divided in two gives another share', at(150n), at(120n, 30n), '10', '4'],
  // 100 does not pass and 150 does, by 50; 101 passes by 1, and 151 is but 50 above the new mark.
  ['a better result gives a smaller one', at(100n, 50n), at(101n, 50n), '10', '1/5'],
])('with a hurdle, %s', (_, one, other, first, second) => {
  const given: Terms = { policy: 'high-water-mark', percent: '20', hurdle: { kind: 'hard', units: '100' }, monthly: false }
  expect([total(run(given, one)), total(run(given, other))]).toEqual([ratioOf(first), ratioOf(second)])
})
