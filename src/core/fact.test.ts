// Values of facts: one form for each, compared exactly.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkFactName, compareFactValues, parseFactValue } from './fact.ts'

it.each([['10', '10'], ['010', '10'], ['2.50', '2.5'], ['0.0', '0'], ['0', '0'], ['0.000000000000000001', '0.000000000000000001'], ['000', '0'], ['5.000', '5']])(
  'reads %s as %s',
  (given, value) => {
    expect(parseFactValue(given)).toBe(value)
  },
)

it.each(['', '-1', '1e3', '.5', '5.', '1,5', 'NaN', '١', '0.0000000000000000001', '9'.repeat(39)])('refuses %j', (given) => {
  expect(() => parseFactValue(given)).toThrow(expect.objectContaining({ code: 'fact_invalid' }))
})

it('orders values as the numbers they are', () => {
  const scaled = fc.bigInt({ min: 0n, max: 10n ** 30n })
  const text = (units: bigint): string => parseFactValue(`${units / 10n ** 18n}.${(units % 10n ** 18n).toString().padStart(18, '0')}`)
  fc.assert(
    fc.property(scaled, scaled, (one, other) => {
      expect(Math.sign(compareFactValues(text(one), text(other)))).toBe(one < other ? -1 : one > other ? 1 : 0)
    }),
    { numRuns: 300 },
  )
})

it('refuses names and subjects that are none', () => {
  expect(checkFactName({ name: 'percent', subject: 'bot:7' })).toEqual({ name: 'percent', subject: 'bot:7' })
  for (const wrong of [{ name: 'Percent', subject: 'a' }, { name: '', subject: 'a' }, { name: 'p', subject: '' }, { name: 'p', subject: 'a b' }]) {
    expect(() => checkFactName(wrong)).toThrow(expect.objectContaining({ code: 'fact_invalid' }))
  }
})
