// Rates and amounts as plans write them.

import { expect, it } from 'vitest'
import { formatRatio } from '../ratio.ts'
import { rate, ratioOfRate, units } from './rate.ts'

it.each([
  ['0', '0'],
  ['1', '1'],
  ['0.025', '1/40'],
  ['2.5%', '1/40'],
  ['2.5 %', '1/40'],
  ['100%', '1'],
  [`0.${'0'.repeat(17)}1%`, `1/1${'0'.repeat(20)}`],
])('reads the rate %s as %s', (text, expected) => {
  expect(rate.safeParse(text).success).toBe(true)
  expect(formatRatio(ratioOfRate(text))).toBe(expected)
})

it.each(['', '%', '-1%', '+1', '.5', '1.', '01', '1e-2', '1/2', '1%%', '1‰', '100.1%', '1.000000000000000001', '101', '999%', `0.${'1'.repeat(19)}`])('refuses the rate %j', (text) => {
  expect(rate.safeParse(text).success).toBe(false)
})

it.each([
  ['0', true],
  ['1', true],
  [`1${'0'.repeat(38)}`, true],
  ['9'.repeat(38), true],
  [`1${'0'.repeat(37)}1`, false],
  [`2${'0'.repeat(38)}`, false],
  ['1'.repeat(40), false],
  ['01', false],
  ['-1', false],
  ['1.0', false],
  ['', false],
])('of the amount %s says %s', (text, accepted) => {
  expect(units.safeParse(text).success).toBe(accepted)
})
