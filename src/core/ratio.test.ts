// Exact ratios: always in lowest terms, compared and brought to a common scale without ever losing a digit.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { commonWeights, compareRatios, formatRatio, ratio, ratioOfDecimal } from './ratio.ts'

const integer = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })
const positive = fc.bigInt({ min: 1n, max: 10n ** 40n })
const decimal = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 38n }), fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), maxLength: 18 }))
  .map(([whole, fraction]) => (fraction === '' ? `${whole}` : `${whole}.${fraction}`))

it.each([
  [80n, 100n, 4n, 5n],
  [0n, 7n, 0n, 1n],
  [-6n, 4n, -3n, 2n],
  [6n, -4n, -3n, 2n],
  [-6n, -4n, 3n, 2n],
  [7n, 7n, 1n, 1n],
])('brings %d/%d to lowest terms', (numerator, denominator, lowestNumerator, lowestDenominator) => {
  expect(ratio(numerator, denominator)).toEqual({ numerator: lowestNumerator, denominator: lowestDenominator })
})

it('keeps its value, has a positive denominator and no common divisor left', () => {
  const divisors = [2n, 3n, 5n, 7n, 11n, 13n]
  fc.assert(
    fc.property(integer, positive, fc.boolean(), (numerator, size, negative) => {
      const denominator = negative ? -size : size
      const lowest = ratio(numerator, denominator)
      expect(lowest.numerator * denominator).toBe(numerator * lowest.denominator)
      expect(lowest.denominator > 0n).toBe(true)
      expect(divisors.filter((divisor) => lowest.numerator % divisor === 0n && lowest.denominator % divisor === 0n)).toEqual([])
    }),
  )
})

it('stops at a denominator of zero', () => {
  expect(() => ratio(1n, 0n)).toThrow('assertion failed: 1 cannot be divided by zero')
})

it.each([
  ['33.3', 333n, 10n],
  ['80', 80n, 1n],
  ['0.50', 1n, 2n],
  ['0', 0n, 1n],
  ['-0.5', -1n, 2n],
])('reads the decimal %s exactly', (text, numerator, denominator) => {
  expect(ratioOfDecimal(text)).toEqual({ numerator, denominator })
})

it('orders ratios as their cross products', () => {
  expect(compareRatios(ratio(1n, 3n), ratio(33n, 100n))).toBe(1)
  expect(compareRatios(ratio(1n, 3n), ratio(2n, 6n))).toBe(0)
  expect(compareRatios(ratio(-1n, 2n), ratio(1n, 3n))).toBe(-1)
  fc.assert(
    fc.property(integer, positive, positive, (numerator, denominator, factor) => {
      const one = { numerator, denominator }
      expect(compareRatios(one, { numerator: numerator * factor, denominator: denominator * factor })).toBe(0)
      expect(compareRatios(one, { numerator: numerator + 1n, denominator })).toBe(-1)
      expect(compareRatios({ numerator: numerator + 1n, denominator }, one)).toBe(1)
    }),
  )
})

it.each([
  [['0.5', '1.25'], [2n, 5n]],
  [['80', '15', '3', '2'], [80n, 15n, 3n, 2n]],
  [['80', '20'], [4n, 1n]],
  [['2', '4'], [1n, 2n]],
  [['0', '80', '20'], [0n, 4n, 1n]],
  [['80', '0', '20', '0'], [4n, 0n, 1n, 0n]],
  [['33.3', '33.3', '33.4'], [333n, 333n, 334n]],
  [['0.000000000000000001', '1'], [1n, 10n ** 18n]],
  [['0', '0'], [0n, 0n]],
  [[], []],
])('brings %s to the smallest integers', (decimals, weights) => {
  expect(commonWeights(decimals.map(ratioOfDecimal))).toEqual(weights)
})

it('keeps the proportions of weights and nothing larger than needed, wherever the zeros stand', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('0'), decimal), { minLength: 1, maxLength: 12 }), (decimals) => {
      const ratios = decimals.map(ratioOfDecimal)
      const weights = commonWeights(ratios)
      const [first] = ratios.filter(({ numerator }) => numerator > 0n)
      fc.pre(first !== undefined)
      const place = ratios.findIndex(({ numerator }) => numerator > 0n)
      for (const [index, { numerator, denominator }] of ratios.entries()) {
        const left = (weights[index] ?? -1n) * first.numerator * denominator
        expect(left).toBe((weights[place] ?? -1n) * first.denominator * numerator)
      }
      const others = [2n, 5n].filter((divisor) => weights.every((weight) => weight % divisor === 0n))
      expect(others).toEqual([])
      expect(commonWeights([...ratios, ratio(0n, 1n)])).toEqual([...weights, 0n])
      expect(commonWeights([ratio(0n, 1n), ...ratios])).toEqual([0n, ...weights])
    }),
  )
})

it('prints lowest terms, a whole number without denominator', () => {
  expect(formatRatio(ratio(80n, 100n))).toBe('4/5')
  expect(formatRatio(ratio(200n, 100n))).toBe('2')
  expect(formatRatio(ratio(-1n, 3n))).toBe('-1/3')
})
