// Source references: what is refused, the digest that guards against twice, and the lane that a reference belongs to.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkReference, lanePosition, MAX_REFERENCE, referenceDigest } from './reference.ts'

const reference = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })

it.each([
  '5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnb',
  'TEST_1',
  "'; drop table apportion.event; --",
  '"quoted"',
  'https://pay.example/invoices/17?part=2#a',
  'facture n° 12 — août',
  '請求書-7',
  '😀',
  '/begins with a slash',
  'a b',
  'x'.repeat(MAX_REFERENCE),
])('takes %j as it is', (text) => {
  expect(checkReference(text, 'transaction_hash')).toBe(text)
})

it.each([
  ['', 'is empty'],
  ['x'.repeat(257), 'has 257 characters, the longest is 256'],
  ['x'.repeat(10_000), 'has 10000 characters, the longest is 256'],
  [' a', 'begins or ends with white space'],
  ['a\n', 'begins or ends with white space'],
  ['a\u00a0', 'begins or ends with white space'],
  ['\ufeffa', 'begins or ends with white space'],
  ['   ', 'begins or ends with white space'],
  ['a\u0000b', 'holds a control character'],
  ['a\tb', 'holds a control character'],
  ['a\r\nb', 'holds a control character'],
  ['a\u007fb', 'holds a control character'],
  ['a\u0085b', 'holds a control character'],
  ['a\u2028b', 'holds a control character'],
  ['a\u2029b', 'holds a control character'],
  ['a\u200bb', 'holds an invisible character'],
  ['a\u202eb', 'holds an invisible character'],
  ['a\u00adb', 'holds an invisible character'],
  ['a\u{e0041}b', 'holds an invisible character'],
  ['a\ud800b', 'is not well-formed Unicode'],
  ['\udc00', 'is not well-formed Unicode'],
])('refuses %j', (text, problem) => {
  expect(() => checkReference(text, 'transaction_hash')).toThrow(
    expect.objectContaining({
      code: 'reference_malformed',
      message: `transaction_hash ${problem}: send the source's own identifier of this event`,
      details: expect.objectContaining({ field: 'transaction_hash', length: text.length }) as unknown,
    }),
  )
})

it('repeats a refused reference short and well-formed', () => {
  const value = `${'x'.repeat(60)}… (10000 characters)`
  const refused: unknown = expect.objectContaining({ details: { field: 'reference', value, length: 10_000 } })
  expect(() => checkReference('x'.repeat(10_000), 'reference')).toThrow(refused)
  const lone: unknown = expect.objectContaining({ details: { field: 'reference', value: 'a\ufffdb', length: 3 } })
  expect(() => checkReference('a\ud800b', 'reference')).toThrow(lone)
})

it('digests to the first half of SHA-256, in the form of a UUID', () => {
  expect(referenceDigest('abc')).toBe('ba7816bf-8f01-cfea-4141-40de5dae2223')
  fc.assert(
    fc.property(reference, (text) => {
      const digest = referenceDigest(text)
      expect(digest).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      const expected = createHash('sha256').update(Buffer.from(text, 'utf8')).digest().subarray(0, 16).toString('hex')
      expect(digest.replaceAll('-', '')).toBe(expected)
    }),
  )
})

it('tells references apart that look alike', () => {
  const alike = ['e\u0301', '\u00e9', 'E\u0301', 'a', 'A', 'a/', 'a/b', 'a b', 'a\u00a0b']
  expect(new Set(alike.map(referenceDigest)).size).toBe(alike.length)
})

it('puts everything in the only lane where there is one', () => {
  fc.assert(
    fc.property(reference, (text) => {
      expect(lanePosition(text, 1)).toBe(0)
    }),
  )
})

it('takes the lane from the first eight bytes of SHA-256 over the part before the first slash', () => {
  fc.assert(
    fc.property(reference, fc.integer({ min: 2, max: 1000 }), (text, lanes) => {
      const head = text.includes('/') ? text.slice(0, text.indexOf('/')) : text
      const hex = createHash('sha256').update(head, 'utf8').digest('hex').slice(0, 16)
      expect(lanePosition(text, lanes)).toBe(Number(BigInt(`0x${hex}`) % BigInt(lanes)))
    }),
  )
})

it('keeps related references together: all that begin with the same part', () => {
  fc.assert(
    fc.property(
      reference.filter((text) => !text.includes('/')),
      reference,
      fc.integer({ min: 1, max: 64 }),
      (head, rest, lanes) => {
        expect(lanePosition(`${head}/${rest}`, lanes)).toBe(lanePosition(head, lanes))
      },
    ),
  )
})

it.each([2, 3, 8, 64])('spreads references evenly over %i lanes', (lanes) => {
  const events = 20_000
  const counts = Array.from({ length: lanes }, () => 0)
  for (let index = 0; index < events; index += 1) {
    const lane = lanePosition(`sale-${index}`, lanes)
    counts[lane] = (counts[lane] as number) + 1
  }
  const expected = events / lanes
  const chiSquare = counts.reduce((all, count) => all + (count - expected) ** 2 / expected, 0)
  // The references are fixed, so this cannot fail by chance; an even spread stays within about four deviations.
  expect(chiSquare).toBeLessThan(lanes - 1 + 4 * Math.sqrt(2 * (lanes - 1)))
})
