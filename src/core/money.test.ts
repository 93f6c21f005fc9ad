// Amounts at the doors: what is read exactly, what is refused and with which figures, and that printing loses nothing.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { clip, formatMoney, formatUnits, MAX_UNITS, parseAmount, parseAsset, quote } from './money.ts'
import { Refusal } from './refusal.ts'

const sol = { field: 'amount', scale: 9 }
const anyUnits = fc.bigInt({ min: 1n, max: MAX_UNITS })
const anyScale = fc.integer({ min: 0, max: 30 })
// Lone surrogates among them. The library's own units for strings take a second to be made.
const anyText = fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 120 }).map((points) => String.fromCodePoint(...points))

it.each([
  ['1', 9, 1_000_000_000n],
  ['1.5', 9, 1_500_000_000n],
  ['1.5000000000', 9, 1_500_000_000n],
  [`2.5${'0'.repeat(97)}`, 9, 2_500_000_000n],
  ['0.000000001', 9, 1n],
  ['+1', 9, 1_000_000_000n],
  ['007', 9, 7_000_000_000n],
  ['00.50', 2, 50n],
  ['12', 0, 12n],
  ['12.000', 0, 12n],
  ['18446744073.709551615', 9, 2n ** 64n - 1n],
  ['9'.repeat(39), 0, MAX_UNITS],
  [`0.${'0'.repeat(29)}1`, 30, 1n],
])('reads %s at scale %i as %d units', (text, scale, units) => {
  expect(parseAmount(text, { field: 'amount', scale })).toBe(units)
})

it.each([
  '',
  ' ',
  '.',
  '.5',
  '5.',
  '-',
  '+',
  '+-1',
  '1e30',
  '1E5',
  '0x10',
  'NaN',
  'Infinity',
  '-Infinity',
  '1,000',
  '1_000',
  '1 000',
  ' 1',
  '1 ',
  '1\n',
  '1\u0000',
  '1.2.3',
  '١',
  '１',
  '𝟏',
  '½',
  '−1',
  "1'; drop table apportion.transfer; --",
  'null',
])('refuses %j as malformed, repeating it', (text) => {
  const refused = { code: 'amount_malformed', details: { field: 'amount', value: text } }
  expect(() => parseAmount(text, sol)).toThrow(expect.objectContaining(refused))
  expect(() => parseAmount(text, sol)).toThrow(`amount must be a plain decimal number such as 1.5, not ${JSON.stringify(text)}`)
})

it('refuses 101 characters, which no amount needs', () => {
  const refused: unknown = expect.objectContaining({ code: 'amount_malformed' })
  expect(() => parseAmount(`2.5${'0'.repeat(98)}`, sol)).toThrow(refused)
})

it('refuses 10,000 characters without repeating them', () => {
  const value = `${'1'.repeat(60)}… (10000 characters)`
  expect(() => parseAmount('1'.repeat(10_000), sol)).toThrow(
    expect.objectContaining({
      code: 'amount_malformed',
      message: `amount must be a plain decimal number such as 1.5, not "${value}"`,
      details: { field: 'amount', value },
    }),
  )
})

it.each([
  ['0.0000000005', 10],
  ['1.0000000001', 10],
  ['-0.0000000005', 10],
  ['1.123456789012345678', 18],
])('refuses %s, which has more decimals than the asset', (text, decimals) => {
  expect(() => parseAmount(text, sol)).toThrow(
    expect.objectContaining({
      code: 'amount_scale_exceeded',
      message: `amount is ${text}, but its asset has 9 decimals: send no smaller part`,
      details: { field: 'amount', value: text, decimals, scale: 9 },
    }),
  )
})

it.each([
  ['0', '0.000000000'],
  ['-0', '0.000000000'],
  ['0.0000000000000', '0.000000000'],
  ['-1', '-1.000000000'],
  ['-0.000000001', '-0.000000001'],
])('refuses %s, which is not above zero', (text, value) => {
  expect(() => parseAmount(text, sol)).toThrow(
    expect.objectContaining({
      code: 'amount_not_positive',
      message: `amount is ${value}: it must be more than zero`,
      details: { field: 'amount', value },
    }),
  )
})

it('refuses one unit more than 39 digits, and one unit more than the limit given', () => {
  expect(() => parseAmount(`1${'0'.repeat(39)}`, { field: 'amount', scale: 0 })).toThrow(
    expect.objectContaining({
      code: 'amount_exceeded',
      details: { field: 'amount', value: `1${'0'.repeat(39)}`, max: '9'.repeat(39) },
    }),
  )
  const lamports = { field: 'sale_amount', scale: 9, max: 2n ** 64n - 1n }
  expect(parseAmount('18446744073.709551615', lamports)).toBe(2n ** 64n - 1n)
  expect(() => parseAmount('18446744073.709551616', lamports)).toThrow(
    expect.objectContaining({
      code: 'amount_exceeded',
      message: 'sale_amount is 18446744073.709551616: the largest amount is 18446744073.709551615',
      details: { field: 'sale_amount', value: '18446744073.709551616', max: '18446744073.709551615' },
    }),
  )
})

it('gives back every amount it prints', () => {
  fc.assert(
    fc.property(anyUnits, anyScale, (units, scale) => {
      expect(parseAmount(formatUnits(units, scale), { field: 'amount', scale })).toBe(units)
    }),
  )
})

it('reads any digits as their value, whatever zeros stand around them', () => {
  const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(digits, digits, fc.nat(20), fc.nat(20), (whole, fraction, before, after) => {
      const units = BigInt(whole) * 10n ** 9n + BigInt(fraction) * 10n ** BigInt(9 - fraction.length)
      fc.pre(units > 0n)
      expect(parseAmount(`${'0'.repeat(before)}${whole}.${fraction}${'0'.repeat(after)}`, sol)).toBe(units)
    }),
  )
})

it('answers any text with units in range or a short refusal about amounts', () => {
  const near = fc.string({ unit: fc.constantFrom(...Array.from('0123456789.+-eE ,٣𝟏\n')), maxLength: 120 })
  const codes = ['amount_malformed', 'amount_not_positive', 'amount_scale_exceeded', 'amount_exceeded']
  fc.assert(
    fc.property(fc.oneof(near, anyText), (text) => {
      try {
        const units = parseAmount(text, sol)
        expect(units > 0n && units <= MAX_UNITS && /^\+?[0-9]+(\.[0-9]+)?$/.test(text)).toBe(true)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        expect(codes.includes(error.code) && error.message.length < 600 && error.message.isWellFormed()).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

it.each([
  [0n, 0, '0'],
  [0n, 9, '0.000000000'],
  [5n, 9, '0.000000005'],
  [-5n, 2, '-0.05'],
  [-500n, 0, '-500'],
  [1_500_000_000n, 9, '1.500000000'],
  [MAX_UNITS, 30, `999999999.${'9'.repeat(30)}`],
])('prints %d units at scale %i as %s', (units, scale, text) => {
  expect(formatUnits(units, scale)).toBe(text)
})

it.each([
  [1_500_000_000n, 'SOL/9', '1.5 SOL'],
  [100_000_000_000n, 'SOL/9', '100 SOL'],
  [1n, 'SOL/9', '0.000000001 SOL'],
  [0n, 'SOL/9', '0 SOL'],
  [-1_010_000n, 'USDC/6', '-1.01 USDC'],
  [100n, 'XOF/0', '100 XOF'],
])('prints %d units of %s for people as %s', (units, asset, text) => {
  expect(formatMoney(units, parseAsset(asset))).toBe(text)
})

it('prints for people without changing the amount', () => {
  fc.assert(
    fc.property(anyUnits, anyScale, (units, scale) => {
      const [amount, code] = formatMoney(units, parseAsset(`T/${scale}`)).split(' ')
      expect(code).toBe('T')
      expect(parseAmount(amount ?? '', { field: 'amount', scale })).toBe(units)
      expect(amount).not.toMatch(/\.\d*0$|\.$/)
    }),
  )
})

it('reads an asset as its code and scale', () => {
  expect(parseAsset('SOL/9')).toEqual({ name: 'SOL/9', code: 'SOL', scale: 9 })
  expect(parseAsset('XOF/0')).toEqual({ name: 'XOF/0', code: 'XOF', scale: 0 })
  expect(parseAsset('A2345678901234EF/30')).toEqual({ name: 'A2345678901234EF/30', code: 'A2345678901234EF', scale: 30 })
})

const NO_CODE = ['', '/9', '9SOL/9', 'sol/9', 'ŠOL/9', 'A2345678901234567/9']
const NO_SCALE = ['SOL', 'SOL/', 'SOL/9/9', 'SOL/09', 'SOL/31', 'SOL/-1', 'SOL/9 ', 'SOL/9\n']

it.each([...NO_CODE, ...NO_SCALE])('refuses %j as an asset', (text) => {
  const refused = { code: 'asset_not_found', details: { field: 'asset', value: text } }
  expect(() => parseAsset(text)).toThrow(expect.objectContaining(refused))
  expect(() => parseAsset(text)).toThrow(JSON.stringify(text))
})

it('repeats text from outside short, well-formed and visible', () => {
  expect(clip('as it is')).toBe('as it is')
  expect(clip('x'.repeat(60))).toBe('x'.repeat(60))
  expect(clip('x'.repeat(61))).toBe(`${'x'.repeat(60)}… (61 characters)`)
  expect(clip('abc', 2)).toBe('ab… (3 characters)')
  expect(clip(`${'x'.repeat(59)}😀`)).toBe(`${'x'.repeat(59)}\u{fffd}… (61 characters)`)
  expect(quote('say "hi"\n')).toBe(String.raw`"say \"hi\"\n"`)
  expect(quote('\u0000\u001b\u007f\u009b\u2028\u202e\u200b\u{e0041}')).toBe(
    String.raw`"\u0000\u001b\u{7f}\u{9b}\u{2028}\u{202e}\u{200b}\u{e0041}"`,
  )
  fc.assert(
    fc.property(anyText, (text) => {
      expect(quote(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(quote(text).isWellFormed()).toBe(true)
    }),
  )
})
