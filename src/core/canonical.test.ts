// Canonical text: one text for one content, whatever order it was written in, and instants printed with microseconds.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson, instantText, isDeeperThan, sha256 } from './canonical.ts'
import type { Json } from './effects.ts'

/** The same content with the keys of every object in the opposite order. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => turned(item))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value as Record<string, Json>)
      .toReversed()
      .map(([key, item]) => [key, turned(item)]),
  )
}

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

it.each([
  [null, 'null'],
  ['a "b"\n', String.raw`"a \"b\"\n"`],
  [[3, true, 'x'], '[3,true,"x"]'],
  [{}, '{}'],
  [{ b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
  [{ '10': 0, '9': 1, a: 2, A: 3, '': 4 }, '{"":4,"10":0,"9":1,"A":3,"a":2}'],
  // By UTF-16 code units, as RFC 8785 orders: a surrogate pair comes before U+FB33.
  [{ '\ufb33': 1, '\u{1f600}': 2, '\u20ac': 3, é: 4 }, '{"é":4,"€":3,"😀":2,"\ufb33":1}'],
  [JSON.parse('{"b":1,"__proto__":{"a":2}}') as Json, '{"__proto__":{"a":2},"b":1}'],
])('writes %j as %s', (value, text) => {
  expect(canonicalJson(value)).toBe(text)
})

it('means the same as JSON and does not depend on the order of keys', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      expect(JSON.parse(text)).toEqual(value)
      expect(canonicalJson(turned(value))).toBe(text)
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
      expect(text.length).toBe(JSON.stringify(value).length)
    }),
    { numRuns: 200 },
  )
})

it.each([
  ['a text', 'x', 0],
  ['an empty list', [], 1],
  ['a flat object', { a: 1, b: null }, 1],
  ['a list in an object in a list', [{ a: [] }, 2], 3],
  ['its deepest part', { a: 1, b: [[[]]], c: {} }, 4],
])('counts the levels of %s', (_, value, levels) => {
  expect(isDeeperThan(levels, value)).toBe(false)
  if (levels > 0) expect(isDeeperThan(levels - 1, value)).toBe(true)
})

it('gives SHA-256 of text in UTF-8 and of bytes', () => {
  expect(sha256('abc').toHex()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const expected = createHash('sha256').update(text, 'utf8').digest('hex')
      expect(sha256(text).toHex()).toBe(expected)
      expect(sha256(new TextEncoder().encode(text)).toHex()).toBe(expected)
    }),
  )
})

it('gives bytes of their own, so that nothing is read past their end', () => {
  const bytes = sha256('abc')
  expect(bytes.byteOffset).toBe(0)
  expect(bytes.buffer.byteLength).toBe(32)
})

it.each([
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000000Z'],
  ['2026-01-31T13:00:00.5+01:00', '2026-01-31T12:00:00.500000Z'],
  ['2026-01-31T12:00:00.123456Z', '2026-01-31T12:00:00.123456Z'],
  // Below a microsecond nothing is rounded up: the instant written is never after the one that was meant.
  ['2026-01-31T12:00:00.123456999Z', '2026-01-31T12:00:00.123456Z'],
  ['1969-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.999999Z'],
])('prints the instant %s as %s', (given, text) => {
  expect(instantText(Temporal.Instant.from(given))).toBe(text)
})
