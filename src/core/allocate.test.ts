// Division of a pool: nothing is lost or made, nobody is a unit off, and who gets the rest is what an independent reckoning says.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { allocate } from './allocate.ts'

const unitsOf = (pool: bigint, weights: readonly bigint[]): readonly bigint[] => allocate({ pool, weights, rounding: 'largest-remainder' }).units
const sum = (values: readonly bigint[]): bigint => values.reduce((all, value) => all + value, 0n)

// Few distinct small weights make ties, large ones make long numbers.
const weight = fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.bigInt({ min: 0n, max: 1000n }), fc.bigInt({ min: 0n, max: 10n ** 38n }))
const weightsUpTo = (maxLength: number) =>
  fc.array(weight, { minLength: 1, maxLength, size: 'max' }).filter((weights) => weights.some((value) => value > 0n))
const pool = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 10n ** 39n - 1n }))

/** The same by plain fractions: hand out whole units, then a unit at a time to whoever has the largest fraction left. */
function plainly(total: bigint, weights: readonly bigint[]): readonly bigint[] {
  const all = sum(weights)
  const given = weights.map((value) => (total * value - ((total * value) % all)) / all)
  const missing = weights.map((value, index) => ({ top: total * value - (given[index] as bigint) * all, bottom: all }))
  for (let left = total - sum(given); left > 0n; left -= 1n) {
    let best = 0
    for (const [index, { top, bottom }] of missing.entries()) {
      const most = missing[best] as { top: bigint; bottom: bigint }
      if (top * most.bottom > most.top * bottom) best = index
    }
    given[best] = (given[best] as bigint) + 1n
    missing[best] = { top: -1n, bottom: 1n }
  }
  return given
}

it.each([
  [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
  [100_000_000_000n, [80n, 15n, 3n, 2n], [80_000_000_000n, 15_000_000_000n, 3_000_000_000n, 2_000_000_000n]],
  [1n, [80n, 15n, 3n, 2n], [1n, 0n, 0n, 0n]],
  [2n, [1n, 1n, 1n], [1n, 1n, 0n]],
  [3n, [80n, 15n, 3n, 2n], [2n, 1n, 0n, 0n]],
  [33n, [80n, 15n, 3n, 2n], [26n, 5n, 1n, 1n]],
  [10n, [0n, 1n, 0n, 2n], [0n, 3n, 0n, 7n]],
  [0n, [1n, 2n], [0n, 0n]],
  [7n, [5n], [7n]],
  // Half a unit each: the two places earlier in the order get them.
  [6n, [1n, 1n, 1n, 1n], [2n, 2n, 1n, 1n]],
  [10n ** 39n - 1n, [10n ** 38n, 10n ** 38n], [5n * 10n ** 38n, 5n * 10n ** 38n - 1n]],
])('divides %s by %s into %s', (total, weights, units) => {
  expect(unitsOf(total, weights)).toEqual(units)
})

it('agrees with plain fractions on who gets what', () => {
  fc.assert(
    fc.property(pool, weightsUpTo(40), (total, weights) => {
      expect(unitsOf(total, weights)).toEqual(plainly(total, weights))
    }),
    { numRuns: 150 },
  )
})

it('agrees with plain fractions on two hundred equal and nearly equal weights', () => {
  const twoHundred = fc.array(fc.bigInt({ min: 1n, max: 2n }), { minLength: 200, maxLength: 200 })
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1000n }), twoHundred, (total, weights) => {
      expect(unitsOf(total, weights)).toEqual(plainly(total, weights))
    }),
    { numRuns: 10 },
  )
})

it('gives the units left over in the order of places where all remainders are equal', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(1000), weight, (size, total, each) => {
      fc.pre(each > 0n)
      const [floor, left] = [Math.floor(total / size), total % size]
      const expected = Array.from({ length: size }, (_, index) => BigInt(index < left ? floor + 1 : floor))
      expect(unitsOf(BigInt(total), Array.from({ length: size }, () => each))).toEqual(expected)
    }),
  )
})

it('gives the same whatever scale the weights have', () => {
  fc.assert(
    fc.property(pool, weightsUpTo(20), fc.bigInt({ min: 1n, max: 10n ** 20n }), (total, weights, factor) => {
      expect(unitsOf(total, weights.map((value) => value * factor))).toEqual(unitsOf(total, weights))
    }),
  )
})
