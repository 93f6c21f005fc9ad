// What must hold of `cumulative`, of exact figures at the borders of the fast arithmetic, and of many recipients.

import fc from 'fast-check'
import type { Allocation, AllocationInput } from '../../src/core/allocate.ts'
import type { CumulativeState, RoundingState } from '../../src/core/allocate/state.ts'
import type { Integers } from '../../src/core/allocate/words.ts'
import { add, floorOf, quotasOf, sum, unitByUnit, type Fraction } from './reference.ts'
import { checkRuns, inChunks, must, pool, same, show, throws, type Property } from './properties.ts'

const ONE = 10n ** 38n
const fractionsOf = (state: RoundingState): readonly bigint[] | null => (state as CumulativeState | null)?.fractions ?? null
const zero: Fraction = { top: 0n, bottom: 1n }

/** Streams of events among the same recipients, with changing weights that may be zero. */
const streams = fc.integer({ min: 1, max: 6 }).chain((size) =>
  fc.array(
    fc.record({
      pool: fc.oneof(fc.bigInt({ min: 0n, max: 20n }), pool),
      weights: fc.array(fc.bigInt({ min: 0n, max: 5n }), { minLength: size, maxLength: size }).map((list) => (list.every((each) => each === 0n) ? list.map(() => 1n) : list)),
    }),
    { minLength: 1, maxLength: 12 },
  ),
)

/** A total just below 2^50, and a pool of some totals and a part of one. */
const edges = fc.record({ below: fc.bigInt({ min: 1n, max: 400n }), part: fc.bigInt({ min: 1n, max: 2n ** 50n - 500n }), whole: fc.bigInt({ min: 0n, max: 3n }) })

function inverse(value: bigint, modulus: bigint): bigint | null {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b, x, y] = [b, a - quotient * b, y, x - quotient * y]
  }
  return a === 1n ? ((x % modulus) + modulus) % modulus : null
}

export const MORE_PROPERTIES: readonly Property[] = [
  {
    name: 'cumulative pays the floor of the exact running entitlement, and what is kept stands in the rounding account',
    check: ({ allocate, explainAllocation, formatFraction, createDivision }, runs) =>
      checkRuns(
        fc.property(streams, fc.boolean(), (events, isTyped) => {
          let state: RoundingState = null
          let entitlements: readonly Fraction[] = (events[0]?.weights ?? []).map(() => zero)
          let received: readonly bigint[] = entitlements.map(() => 0n)
          let [standing, pools] = [0n, 0n]
          for (const { pool: units, weights } of events) {
            const quotas = quotasOf(units, weights)
            const given: AllocationInput<Integers> = { pool: units, weights: isTyped ? BigUint64Array.from(weights) : weights, rounding: 'cumulative', state }
            const division = createDivision(given)
            const before = fractionsOf(state) ?? weights.map(() => 0n)
            const allocation: Allocation<Integers> = allocate(given)
            const after = allocation.state as CumulativeState
            entitlements = entitlements.map((entitlement, place) => add(entitlement, quotas[place] as Fraction))
            received = received.map((all, place) => all + (allocation.units[place] as bigint))
            same(received, entitlements.map(floorOf), show(events))
            same(allocation.remainder, units - sum(allocation.units), show(events))
            standing += allocation.remainder
            pools += units
            same([after.standing, pools], [standing, sum(received) + standing], show(events))
            for (const [place, fraction] of after.fractions.entries()) {
              const { top, bottom } = add(entitlements[place] as Fraction, { top: -(received[place] as bigint), bottom: 1n })
              const exceeds = fraction * bottom - top * ONE
              must(exceeds >= 0n && exceeds < bottom * BigInt(events.length), () => `${fraction} is kept of ${top}/${bottom}`)
            }
            division.read(given.weights)
            division.endPass()
            same(division.needsPass(), false, 'one pass')
            const streamed = division.shares(given.weights, { fractions: before })
            same([Array.from(streamed.units), streamed.fractions, division.end().remainder], [Array.from(allocation.units), after.fractions, allocation.remainder], show(events))
            for (const [place, note] of explainAllocation(given, allocation).entries()) {
              same(note.entitlement, { before: formatFraction(before[place] as bigint), after: formatFraction(after.fractions[place] as bigint) }, show(events))
            }
            state = allocation.state
          }
        }),
        runs,
      ),
  },
  {
    name: 'doubles are exact where quotas are whole or all but whole, at the largest totals',
    check: (subject, runs) =>
      checkRuns(
        fc.property(fc.noBias(edges), ({ below, part, whole }) => {
          const total = 2n ** 50n - below
          const turned = inverse(part, total)
          if (turned === null) return
          // The special one stands last, where `first` gives it no unit that could hide a quotient one too large.
          for (const left of [-3n, -2n, -1n, 0n, 1n]) {
            const special = (((left * turned) % total) + total) % total
            const half = (total - special) / 2n
            const weights = [half, total - special - half, special]
            const units = total * whole + (part % total)
            for (const policy of ['largest-remainder', 'first'] as const) {
              same(inChunks(subject, { pool: units, rounding: policy }, weights, [2], true).units, unitByUnit(units, weights, policy).units, show([units, weights]))
            }
          }
        }),
        runs,
      ),
  },
  {
    name: 'figures at the borders of doubles, of words and of buckets are exact',
    check: (subject) => {
      const borders = [2n ** 50n - 1n, 2n ** 50n, 2n ** 50n + 1n, 2n ** 64n - 1n, 2n ** 64n]
      for (const total of borders) {
        for (const units of [total - 1n, total, ...borders, 2n ** 52n - 1n, 2n ** 52n]) {
          for (const weights of [[total], [total - 5n, 5n], Array.from({ length: 70 }, (_, place) => (place === 69 ? total : place === 0 ? 1n : 0n))]) {
            const { units: shares } = subject.allocate({ pool: units, weights, rounding: 'largest-remainder' })
            const reckoned = unitByUnit(units, weights, 'largest-remainder').units
            same(shares, reckoned, show([units, weights]))
            same(inChunks(subject, { pool: units, rounding: 'largest-remainder' }, weights, [100], true).units, reckoned, show([units, weights]))
          }
        }
      }
      // Each weight is alone in its bucket, next to the others, and is the bucket's first key.
      for (const scale of [2n ** 20n, 2n ** 50n]) {
        const weights = Array.from({ length: 6 }, (_, place) => BigInt(10_000 + ((place * 5) % 6)) * scale)
        for (let units = 1n; units < 6n; units += 1n) same(inChunks(subject, { pool: units, rounding: 'largest-ratio' }, weights, [4], true).units, unitByUnit(units, weights, 'largest-ratio').units, show([units, weights]))
      }
    },
  },
  {
    name: 'many with the same remainder are cut where the order says',
    check: (subject) => {
      // More equal remainders than are sorted at once; some above and some below them.
      for (const [scale, odd] of [[2n ** 30n, 1n], [2n ** 70n, 2n ** 69n + 1n]] as const) {
        const list = Array.from({ length: 70_000 }, (_, place) => (place % 100 === 7 ? scale - odd : place % 100 === 8 ? scale + odd : place % 1000 === 9 ? 0n : scale))
        for (const rounding of ['largest-remainder', 'largest-ratio'] as const) {
          const total = 33_333n
          const all = sum(list)
          const { units, passes } = inChunks(subject, { pool: total, rounding }, list, [30_000], true)
          const keys = list.map((weight) => (rounding === 'largest-ratio' ? weight : (total * weight) % all))
          const order = [...list.keys()].toSorted((a, b) => ((keys[a] as bigint) > (keys[b] as bigint) ? -1 : (keys[a] as bigint) < (keys[b] as bigint) ? 1 : a - b))
          const lucky = new Set(order.slice(0, Number(total)))
          const wrong = units.findIndex((each, place) => each !== (lucky.has(place) ? 1n : 0n))
          must(wrong === -1, () => `place ${wrong} of 70,000 has ${units[wrong]} by ${rounding}`)
          must(passes <= 8, () => `${passes} passes`)
        }
      }
    },
  },
  {
    name: 'long arrays of full words are added up exactly',
    check: ({ sumOf }) => {
      const words = new BigUint64Array(2 ** 20 + 3).fill(2n ** 64n - 1n)
      same(sumOf(words), (2n ** 64n - 1n) * (2n ** 20n + 3n), 'sum')
      same(sumOf(words.subarray(1, 4)), (2n ** 64n - 1n) * 3n, 'sum')
    },
  },
  {
    name: 'fractions are told as decimals',
    check: ({ formatFraction }) => {
      same([0n, ONE / 2n, 1n, ONE - 1n, ONE / 100n].map(formatFraction), ['0', '0.5', `0.${'0'.repeat(37)}1`, `0.${'9'.repeat(38)}`, '0.01'], 'fractions')
    },
  },
  {
    name: 'what cannot be is stopped',
    check: ({ allocate, createDivision }) => {
      const divide = (units: bigint, weights: readonly bigint[], more: object = {}) => allocate({ pool: units, weights, rounding: 'largest-remainder', ...more })
      throws(() => divide(-1n, [1n]), 'a pool of -1 units cannot be divided')
      throws(() => divide(10n ** 39n, [1n]), 'units cannot be divided')
      same(divide(10n ** 39n - 1n, [1n]).units, [10n ** 39n - 1n], 'largest pool')
      throws(() => createDivision({ pool: -1n, rounding: 'first' }), 'a pool of -1 units cannot be divided')
      throws(() => createDivision({ pool: 10n ** 39n, rounding: 'first' }), 'units cannot be divided')
      same(inChunks({ createDivision }, { pool: 10n ** 39n - 1n, rounding: 'prefix' }, [1n], [1], true).units, [10n ** 39n - 1n], 'largest pool')
      throws(() => divide(1n, [2n, -1n]), 'a weight of -1 is negative')
      throws(() => divide(1n, [...Array.from({ length: 80 }, () => 1n), -1n]), 'a weight of -1 is negative')
      throws(() => inChunks({ createDivision }, { pool: 1n, rounding: 'first' }, [3n, -1n], [1], false), 'a weight of -1 is negative')
      throws(() => divide(1n, [0n, 0n]), 'all weights are zero')
      throws(() => divide(1n, []), 'all weights are zero')
      throws(() => inChunks({ createDivision }, { pool: 1n, rounding: 'first' }, [0n], [1], false), 'all weights are zero')
      throws(() => divide(1n, [1n], { rounding: { 'residual-to': 'x' }, names: ['y'] }), 'x, who gets the rest, is not among the recipients')
      throws(() => divide(1n, [1n, 0n], { rounding: { 'residual-to': 'x' }, names: ['y', 'x'] }), 'x, who gets the rest, has a weight of zero')
      throws(() => divide(1n, [1n, 0n], { rounding: { 'residual-to': 'x' }, names: ['x'] }), '1 names are given for 2 weights')
      throws(() => inChunks({ createDivision }, { pool: 1n, rounding: { 'residual-to': 'x' }, residual: 1 }, [1n, 0n], [1], false), 'has a weight of zero')
      throws(() => inChunks({ createDivision }, { pool: 1n, rounding: { 'residual-to': 'x' }, residual: 2 }, [1n, 1n], [1], false), 'shares of 0 units were made of 1')
      throws(() => inChunks({ createDivision }, { pool: 1n, rounding: { 'residual-to': 'x' } }, [1n, 1n], [1], false), 'nobody is named for the rest')
      throws(() => divide(1n, [1n], { rounding: 'cumulative', state: { fractions: [ONE], standing: 2n } }), 'is no fraction of a unit')
      throws(() => divide(1n, [1n], { rounding: 'cumulative', state: { fractions: [-1n], standing: 2n } }), '-1 is no fraction of a unit')
      throws(() => divide(1n, [1n], { rounding: 'cumulative', state: { fractions: [0n, 0n], standing: 2n } }), '2 fractions are given for 1 weights')
      throws(() => divide(1n, [1n], { rounding: 'cumulative', state: { fractions: [ONE / 10n ** 9n + 1n], standing: 0n } }), '0 units in the rounding account do not cover the fractions')
      throws(() => allocate({ pool: 1n, weights: new BigUint64Array(10_000_001), rounding: 'first' }), '10000001 weights are more than 10000000')
      throws(() => allocate({ pool: 1n, weights: new BigUint64Array(10_000_000), rounding: 'first' }), 'all weights are zero')
      same(divide(1n, [1n], { rounding: 'cumulative', state: { fractions: [ONE / 10n ** 9n], standing: 0n } }).units, [1n], 'a hair more')
    },
  },
  {
    name: 'weights that are not the same at each reading are seen',
    check: ({ createDivision }) => {
      const read = (chunks: readonly (readonly bigint[])[], told: readonly (readonly bigint[])[]) => {
        const division = createDivision({ pool: 10n, rounding: 'first' })
        for (const chunk of chunks) {
          division.read(chunk)
          division.endPass()
        }
        for (const chunk of told) division.shares(chunk)
        return division.end()
      }
      throws(() => read([[1n, 2n], [1n]], []), '1 weights were read where 2 were read before')
      throws(() => read([[1n, 2n], [1n, 2n]], [[1n]]), '1 weights were read where 2 were read before')
      throws(() => read([[1n, 2n], [1n, 2n]], [[1n, 3n]]), 'shares were told for weights of 4 where 3 were read before')
      throws(() => read([], [[1n]]), 'pass over the weights is missing')
      throws(() => createDivision({ pool: 10n, rounding: 'first' }).end(), 'shares of 0 units were made of 10')
    },
  },
]
