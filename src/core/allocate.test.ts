// Division of a pool: nothing is lost or made, nobody is a unit off, and who gets the rest is what an independent reckoning says.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { largestRemainder } from './allocate.ts'

const unitsOf = (pool: bigint, weights: readonly bigint[]): readonly bigint[] => largestRemainder(pool, weights).map(({ units }) => units)
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

it('gives out the whole pool, nobody a unit off the quota, nothing to a weight of zero', () => {
  fc.assert(
    fc.property(pool, weightsUpTo(200), (total, weights) => {
      const all = sum(weights)
      const parts = largestRemainder(total, weights)
      expect(sum(parts.map(({ units }) => units))).toBe(total)
      for (const [index, part] of parts.entries()) {
        const exact = total * (weights[index] as bigint)
        const off = part.units * all - exact
        expect(off < all && -off < all).toBe(true)
        if (part.weight === 0n) expect(part.units).toBe(0n)
        expect(part).toEqual({ ...part, weight: weights[index], units: part.floor + part.extra })
        expect(part.floor * all + part.remainder).toBe(exact)
        expect(part.remainder >= 0n && part.remainder < all).toBe(true)
        expect(part.extra === 0n || (part.extra === 1n && part.remainder > 0n)).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
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

it('divides among 100,000, the last unit going to the largest remainders in order', () => {
  const size = 100_000
  // A fixed sequence of a few thousand distinct values, so that there are many ties.
  const weights = Array.from({ length: size }, (_, index) => BigInt((index * 7919) % 4099) * (index % 3 === 0 ? 10n ** 34n : 1n))
  const total = 10n ** 38n + 12_345n
  const parts = largestRemainder(total, weights)
  expect(sum(parts.map(({ units }) => units))).toBe(total)
  const before = (a: number, b: number): boolean => {
    const [one, other] = [parts[a]?.remainder ?? -1n, parts[b]?.remainder ?? -1n]
    return one > other || (one === other && a < b)
  }
  let lastLucky = -1
  let firstUnlucky = -1
  for (const [index, part] of parts.entries()) {
    if (part.weight === 0n && part.units !== 0n) throw new Error(`place ${index} has no weight but ${part.units} units`)
    if (part.extra === 1n) lastLucky = lastLucky === -1 || before(lastLucky, index) ? index : lastLucky
    else firstUnlucky = firstUnlucky === -1 || before(index, firstUnlucky) ? index : firstUnlucky
  }
  expect(lastLucky).not.toBe(-1)
  expect(before(lastLucky, firstUnlucky)).toBe(true)
})

it('stops at a negative pool, a negative weight, and weights that are all zero', () => {
  expect(() => largestRemainder(-1n, [1n])).toThrow('assertion failed: a pool of -1 units cannot be divided')
  expect(() => largestRemainder(1n, [2n, -1n])).toThrow('assertion failed: a weight of -1 is negative')
  expect(() => largestRemainder(1n, [0n, 0n])).toThrow('assertion failed: all weights are zero')
  expect(() => largestRemainder(1n, [])).toThrow('assertion failed: all weights are zero')
})
