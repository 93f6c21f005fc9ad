// What holds of every waterfall, on random histories, against a reference that walks day by day; and what does not.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Json } from '../../effects.ts'
import { rules } from '../index.ts'
import type { BoundRule, SplitInput, StepRounding } from '../rule.ts'

type Terms = {
  readonly planned: readonly bigint[]
  readonly rate: bigint | null
  readonly catchUp: { readonly rate: bigint; readonly target: bigint } | null
  readonly until: bigint | null
  readonly returnFirst: boolean
}

/** So many days after the first of January 2026; `contributed` by contributor's number. */
type Event = { readonly day: number; readonly pool: bigint; readonly contributed: readonly bigint[] }

const FIRST = Temporal.PlainDate.from('2026-01-01')
const CARRY = [{ role: 'investors', to: { recipient: 'inv' }, weight: '80' }, { role: 'manager', to: { recipient: 'm1' }, weight: '20' }]

function bind({ planned, rate, catchUp, until, returnFirst }: Terms): BoundRule {
  const entry = rules.get('waterfall')
  if (entry === undefined) throw new Error('the registry has no waterfall')
  const preferred = rate === null ? [] : [{ kind: 'preferred', name: 'preferred', rate: `${rate}%`, compounding: 'none' }]
  const rest = catchUp === null || catchUp.rate === 100n ? {} : { rest: [CARRY[0]] }
  return entry.bind({
    contributors: planned.map((units, index) => ({
      role: `r${index}`,
      recipient: `c${index}`,
      ...(units === 0n ? {} : { contributed: { units: units.toString(), on: '2026-01-01' } }),
    })),
    tranches: [
      ...(returnFirst ? preferred : []),
      { kind: 'capital', name: 'capital' },
      ...(returnFirst ? [] : preferred),
      ...(catchUp === null || rate === null
        ? []
        : [{ kind: 'catch-up', name: 'catch-up', rate: `${catchUp.rate}%`, target: `${catchUp.target}%`, shares: [{ ...CARRY[1], weight: '1' }], ...rest }]),
      ...(until === null ? [] : [{ kind: 'split', name: 'middle', until: until.toString(), shares: CARRY }]),
      { kind: 'split', name: 'carry', shares: CARRY },
    ],
  })
}

type Shares = Readonly<Record<string, bigint>>

function run(rule: BoundRule, events: readonly Event[], rounding: StepRounding = 'largest-remainder'): readonly Shares[] {
  let state: ReadonlyMap<string, Json> = new Map()
  return events.map(({ day, pool, contributed }) => {
    const input: SplitInput = {
      step: 'fall',
      parties: {},
      facts: { contributed: Object.fromEntries(contributed.map((units, index) => [`c${index}`, units.toString()])) },
      at: FIRST.add({ days: day }).toZonedDateTime({ timeZone: 'UTC', plainTime: '23:59' }).toInstant(),
      pool,
      rounding,
      given: [],
      state,
    }
    const { lines, state: changes } = rule.split(input)
    const keys = rule.keys({ ...input, given: [] })
    expect([...changes.keys()].every((key) => keys.includes(key))).toBe(true)
    state = new Map([...state, ...Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(changes))) as Record<string, Json>)])
    expect(lines.reduce((all, { units }) => all + units, 0n)).toBe(pool)
    expect(rule.explain(input).map(({ units }) => units)).toEqual(lines.map(({ units }) => units.toString()))
    return Object.fromEntries(lines.map(({ role, units }) => [role, units]))
  })
}

const sum = (values: Iterable<bigint>) => [...values].reduce((all, value) => all + value, 0n)
const ofTranche = (shares: Shares, name: string) => sum(Object.entries(shares).flatMap(([role, units]) => (role.startsWith(`${name}.`) ? [units] : [])))
const NAMES = ['capital', 'preferred', 'catch-up', 'middle', 'carry'] as const
type Tranches = Readonly<Record<(typeof NAMES)[number], bigint>>
const tranchesOf = (all: readonly Shares[]) => Object.fromEntries(NAMES.map((name) => [name, sum(all.map((shares) => ofTranche(shares, name)))])) as Tranches

const SCALE = 36_500n

/** What each tranche takes of each event, day by day in whole numbers of 1/36500 of a unit. How a tranche was divided is taken from `shares`. */
function reference({ planned, rate, catchUp, until, returnFirst }: Terms, events: readonly Event[], shares: readonly Shares[]): readonly Tranches[] {
  const capital = [...planned]
  const accrued = planned.map(() => 0n)
  let [profit, caught, all, today] = [0n, 0n, 0n, 0]
  return events.map(({ day, pool, contributed }, at) => {
    for (; today < day; today += 1) for (const index of accrued.keys()) accrued[index] = (accrued[index] ?? 0n) + (capital[index] ?? 0n) * (rate ?? 0n)
    for (const [index, units] of contributed.entries()) capital[index] = (capital[index] ?? 0n) + units
    const paid = (name: string, index: number) => shares[at]?.[`${name}.r${index}`] ?? 0n
    let left = pool
    const take = (room: bigint) => {
      const taken = room < left ? room : left
      left -= taken
      all += taken
      return taken
    }
    const rooms = { capital: sum(capital), preferred: sum(accrued.map((each) => each / SCALE)) }
    const [one, two] = returnFirst ? [take(rooms.preferred), take(rooms.capital)] : [take(rooms.capital), take(rooms.preferred)]
    const [back, preferred] = returnFirst ? [two, one] : [one, two]
    for (const index of capital.keys()) {
      capital[index] = (capital[index] ?? 0n) - paid('capital', index)
      accrued[index] = (accrued[index] ?? 0n) - paid('preferred', index) * SCALE
      expect([capital[index], accrued[index]].every((each) => each !== undefined && each >= 0n)).toBe(true)
    }
    profit += preferred
    // As many units as leave the manager at or below the target: the largest C with rate × C <= target × (profit + C).
    const goal = catchUp === null || rate === null ? 0n : largest((units) => catchUp.rate * units <= catchUp.target * (profit + units))
    const catching = take(goal - caught)
    caught += catching
    const middle = until === null || all >= until ? 0n : take(until - all)
    return { capital: back, preferred, 'catch-up': catching, middle, carry: take(left) }
  })
}

/** The largest number for which a condition holds that holds up to it, by doubling and halving. */
function largest(holds: (units: bigint) => boolean): bigint {
  let high = 1n
  while (holds(high)) high *= 2n
  let low = 0n
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (holds(middle)) low = middle
    else high = middle
  }
  return low
}

const units = (max: bigint) => fc.oneof({ weight: 3, arbitrary: fc.bigInt({ min: 0n, max }) }, { weight: 1, arbitrary: fc.constant(0n) })
const COUNT = 3
const terms: fc.Arbitrary<Terms> = fc.record({
  planned: fc.array(units(5000n), { minLength: COUNT, maxLength: COUNT }),
  rate: fc.option(fc.bigInt({ min: 1n, max: 300n }), { freq: 5 }),
  catchUp: fc.option(
    fc.tuple(fc.bigInt({ min: 1n, max: 60n }), fc.bigInt({ min: 1n, max: 100n })).map(([target, above]) => ({ target, rate: target + above > 100n ? 100n : target + above })),
  ),
  until: fc.option(fc.bigInt({ min: 1n, max: 30_000n })),
  returnFirst: fc.boolean(),
})
const event: fc.Arbitrary<Event> = fc.record({
  day: fc.nat(900),
  pool: units(8000n),
  contributed: fc.oneof(fc.constant([]), fc.array(units(3000n), { maxLength: COUNT })),
})
const history = fc.array(event, { minLength: 1, maxLength: 10 }).map((events) => events.toSorted((a, b) => a.day - b.day))

it.each<StepRounding>(['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate'])('fills the tranches that a walk through the days fills, and gives nobody more than is theirs, by %s', (rounding) => {
  fc.assert(
    fc.property(terms, history, (given, events) => {
      const shares = run(bind(given), events, rounding)
      expect(shares.map((each) => tranchesOf([each]))).toEqual(reference(given, events, shares))
    }),
    { numRuns: rounding === 'largest-remainder' ? 200 : 50 },
  )
})

it('divides each tranche in proportion, to less than a unit', () => {
  fc.assert(
    fc.property(terms, fc.bigInt({ min: 1n, max: 20_000n }), (given, pool) => {
      const [shares = {}] = run(bind(given), [{ day: 0, pool, contributed: [] }])
      const all = sum(given.planned)
      const back = ofTranche(shares, 'capital')
      for (const [index, own] of given.planned.entries()) expect(isNear((shares[`capital.r${index}`] ?? -1n) * all, back * own, all)).toBe(true)
      for (const name of ['middle', 'carry']) expect(isNear((shares[`${name}.manager`] ?? 0n) * 5n, ofTranche(shares, name), 5n)).toBe(true)
    }),
  )
})

const isNear = (value: bigint, exact: bigint, unit: bigint) => (unit === 0n ? value === exact : value - exact < unit && exact - value < unit)

it('fills its tranches alike with one event or with two on the same day', () => {
  fc.assert(
    fc.property(terms, history, fc.nat(9), fc.nat(1000), (given, events, at, part) => {
      const place = at % events.length
      const whole = events[place]
      if (whole === undefined) return
      const first = (whole.pool * BigInt(part)) / 1000n
      const halves = events.slice(0, place).concat({ ...whole, pool: first }, { ...whole, pool: whole.pool - first, contributed: [] })
      expect(tranchesOf(run(bind(given), halves))).toEqual(tranchesOf(run(bind(given), events.slice(0, place + 1))))
    }),
  )
})

it('fills no tranche less with a larger pool', () => {
  fc.assert(
    fc.property(terms, history, fc.bigInt({ min: 0n, max: 5000n }), (given, events, more) => {
      const last = events.at(-1)
      if (last === undefined) return
      const fuller = tranchesOf(run(bind(given), [...events.slice(0, -1), { ...last, pool: last.pool + more }]))
      const before = tranchesOf(run(bind(given), events))
      expect(NAMES.every((name) => fuller[name] >= before[name])).toBe(true)
    }),
  )
})

it('fills its tranches alike in whatever order its contributors stand', () => {
  fc.assert(
    fc.property(terms, fc.bigInt({ min: 0n, max: 20_000n }), (given, pool) => {
      const events = [{ day: 400, pool, contributed: [] }]
      const turned = { ...given, planned: given.planned.toReversed() }
      const [shares = {}] = run(bind(given), events)
      const [other = {}] = run(bind(turned), events)
      expect(tranchesOf([other])).toEqual(tranchesOf([shares]))
      for (const name of ['capital', 'preferred']) {
        for (const index of given.planned.keys()) {
          const difference = (shares[`${name}.r${index}`] ?? 0n) - (other[`${name}.r${COUNT - 1 - index}`] ?? 0n)
          // Ties alone go by the order of the plan.
          expect(difference >= -1n && difference <= 1n).toBe(true)
        }
      }
    }),
  )
})

it('leaves a manager who has caught up less than a unit below the target of all profit', () => {
  const caughtUp = terms.filter(({ catchUp, rate }) => catchUp !== null && rate !== null)
  fc.assert(
    fc.property(caughtUp, fc.bigInt({ min: 0n, max: 20_000n }), (given, pool) => {
      const [shares = {}] = run(bind({ ...given, returnFirst: true }), [{ day: 365, pool, contributed: [] }])
      if (ofTranche(shares, 'middle') + ofTranche(shares, 'carry') === 0n || given.catchUp === null) return
      const [own, profit] = [shares['catch-up.manager'] ?? 0n, ofTranche(shares, 'preferred') + ofTranche(shares, 'catch-up')]
      expect(own * 100n - given.catchUp.target * profit < 100n).toBe(true)
      expect(given.catchUp.target * profit - own * 100n < 200n).toBe(true)
    }),
  )
})

it('may give a recipient another share of two events than of one: each event rounds for itself', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((role) => ({ role, to: { recipient: role }, weight: '1' }))
  const rule = rules.get('waterfall')?.bind({ tranches: [{ kind: 'split', name: 'all', shares: [a, b, c] }] }) as BoundRule
  const one = run(rule, [{ day: 0, pool: 2n, contributed: [] }])
  const two = run(rule, [1n, 1n].map((pool) => ({ day: 0, pool, contributed: [] })))
  expect([one, two].map((all) => ['a', 'b', 'c'].map((role) => sum(all.map((shares) => shares[`all.${role}`] ?? 0n))))).toEqual([[1n, 1n, 0n], [2n, 0n, 0n]])
})
