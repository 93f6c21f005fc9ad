// Grains: what is read, reckoned and written with them is exact, and what they cannot hold stops the work.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatRatio, ratio } from '../ratio.ts'
import { cutToDecimals, formatGrains, formatPercent, GRAINS, grainsOf, grainsOfUnits, isPercent, isRate, percentOf, ratioOfGrains, returnOf, shareOf } from './grain.ts'

it.each([
  ['0', 0n],
  ['1', GRAINS],
  ['-12.5', (-25n * GRAINS) / 2n],
  ['-0.5', -GRAINS / 2n],
  ['0.000000000000000001', GRAINS / 10n ** 18n],
  ['500/73', (500n * GRAINS) / 73n],
  ['-1/365', -GRAINS / 365n],
])('reads and writes %s', (text, grains) => {
  expect(grainsOf(text)).toBe(grains)
  expect(formatGrains(grains)).toBe(text)
})

it('writes what it reads again, whatever a rule reckoned', () => {
  const grains = fc.bigInt({ min: -(10n ** 80n), max: 10n ** 80n })
  fc.assert(
    fc.property(grains, (value) => {
      expect(grainsOf(formatGrains(value))).toBe(value)
      expect(formatRatio(ratioOfGrains(value))).toBe(formatRatio(ratio(value, GRAINS)))
    }),
  )
})

it('holds a share of what passes a yearly return on any fact, exactly', () => {
  const fact = fc.bigInt({ min: 0n, max: 10n ** 57n })
  const percent = fc.bigInt({ min: 0n, max: 10n ** 6n })
  fc.assert(
    fc.property(fact, percent, percent, fc.bigInt({ min: 0n, max: 100_000n }), (value, rate, share, days) => {
      const earned = returnOf((value * GRAINS) / 10n ** 18n, { rate, days })
      const part = shareOf(earned, share)
      expect(formatRatio(ratioOfGrains(part))).toBe(formatRatio(ratio(value * rate * days * share, 10n ** 18n * 10n ** 6n * 365n * 10n ** 6n)))
    }),
  )
})

it('cuts to 18 decimals and no further', () => {
  expect(formatGrains(cutToDecimals(grainsOfUnits(10n) / 73n))).toBe('0.136986301369863013')
  expect(cutToDecimals(grainsOf('3.000000000000000001'))).toBe(grainsOf('3.000000000000000001'))
})

it('stops at what is no whole number of grains', () => {
  expect(() => grainsOf('1/7')).toThrow('assertion failed: 1/7 units are no whole number of grains')
  expect(() => shareOf(1n, 1n)).toThrow('no whole number of grains')
  expect(() => returnOf(1n, { rate: 1n, days: 1n })).toThrow('no whole number of grains')
})

it.each([
  ['0', 0n, '0'],
  ['20', 200_000n, '20'],
  ['2.5', 25_000n, '2.5'],
  ['0.0001', 1n, '0.0001'],
  ['100.00', 1_000_000n, '100'],
  ['9999.9999', 99_999_999n, '9999.9999'],
])('reads the percentage %s', (text, percent, written) => {
  expect(isPercent(text)).toBe(true)
  expect(percentOf(text)).toBe(percent)
  expect([`${text}%`, `${text} %`].map((each) => isRate(each) && percentOf(each) === percent)).toEqual([true, true])
  expect(formatPercent(percent)).toBe(written)
})

it.each(['', '-1', '+1', '.5', '5.', '1e2', '05', '10000', '0.00001', '1 %', ' 1', '١'])('takes %j for no percentage', (text) => {
  expect([isPercent(text), isRate(`${text}%`)]).toEqual([false, false])
})
