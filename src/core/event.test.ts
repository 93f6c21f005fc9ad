// What makes two events with one reference the same: asset, units, parties and facts, and nothing else.

import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { claimedJson, differingFields, fingerprint, recordDigest, type Content } from './event.ts'

const name = fc.constantFrom('creator', 'token', 'seller', 'constructor')
const content: fc.Arbitrary<Content> = fc.record({
  asset: fc.constantFrom('SOL/9', 'SOL/8', 'USDC/6'),
  units: fc.bigInt({ min: 1n, max: 30n }),
  parties: fc.dictionary(name, fc.constantFrom('1', '2', '11', 'x'), { maxKeys: 3, noNullPrototype: true }),
  facts: fc.constantFrom({}, { score: { a: '1' } }, { score: { a: '2' } }, { score: { a: '1', b: '1' } }, { rate: { a: '1' } }),
})

const turned = (parties: Content['parties']): Content['parties'] => Object.fromEntries(Object.entries(parties).toReversed())

/** Sameness said in another way than by text: field by field. */
function same(a: Content, b: Content): boolean {
  const roles = [...Object.keys(a.parties), ...Object.keys(b.parties)]
  const equal = roles.every((role) => Object.hasOwn(a.parties, role) && Object.hasOwn(b.parties, role) && a.parties[role] === b.parties[role])
  return a.asset === b.asset && a.units === b.units && equal && isDeepStrictEqual(a.facts, b.facts)
}

it('hashes asset, units and parties, and says its format', () => {
  const text = '1\nSOL/9\n1500000000\n{"creator":"c-1","token":"t-1"}\n'
  const event = { asset: 'SOL/9', units: 1_500_000_000n, parties: { token: 't-1', creator: 'c-1' }, facts: {} }
  expect(fingerprint(event).toHex()).toBe(createHash('sha256').update(text, 'utf8').digest('hex'))
  const withFacts = `${text.replace('1', '2')}{"score":{"a":"1.5","b":"2"}}\n`
  const facts = { score: { b: '2', a: '1.5' } }
  expect(fingerprint({ ...event, facts }).toHex()).toBe(createHash('sha256').update(withFacts, 'utf8').digest('hex'))
})

it('differs exactly when asset, units, parties or facts differ', () => {
  fc.assert(
    fc.property(content, content, (a, b) => {
      expect(fingerprint(a).toHex() === fingerprint(b).toHex()).toBe(same(a, b))
      expect(fingerprint({ ...a, parties: turned(a.parties) }).toHex()).toBe(fingerprint(a).toHex())
    }),
    { numRuns: 500 },
  )
})

it('tells apart what would be one text without its separators', () => {
  const contents: readonly Content[] = [
    { asset: 'SOL/1', units: 11n, parties: {}, facts: {} },
    { asset: 'SOL/11', units: 1n, parties: {}, facts: {} },
    { asset: 'SOL/1', units: 11n, parties: { a: 'b' }, facts: {} },
    { asset: 'SOL/1', units: 11n, parties: { a: 'b","c":"d' }, facts: {} },
    { asset: 'SOL/1', units: 11n, parties: { a: 'b', c: 'd' }, facts: {} },
  ]
  expect(new Set(contents.map((one) => fingerprint(one).toHex())).size).toBe(contents.length)
})

it('leaves out what a source may stamp anew or add', () => {
  const event = { asset: 'SOL/9', units: 5n, parties: { creator: 'c' }, facts: {} }
  const later = { ...event, eventAt: Temporal.Instant.from('2026-01-01T00:00:00Z'), claimed: { creator: 5n }, details: { note: 'x' } }
  expect(fingerprint(later)).toEqual(fingerprint(event))
})

it('names the fields that differ, and none when the fingerprints are equal', () => {
  const event = { asset: 'SOL/9', units: 5n, parties: { creator: 'c', token: 't' }, facts: {} }
  expect(differingFields(event, event)).toEqual([])
  expect(differingFields(event, { ...event, units: 6n })).toEqual(['units'])
  expect(differingFields(event, { asset: 'USDC/6', units: 6n, parties: { creator: 'd', seller: 's' }, facts: { score: {} } })).toEqual([
    'asset',
    'units',
    'creator',
    'token',
    'seller',
    'facts',
  ])
  fc.assert(
    fc.property(content, content, (a, b) => {
      const fields = differingFields(a, b)
      expect(fields.length === 0).toBe(same(a, b))
      expect(differingFields(b, a).toSorted()).toEqual(fields.toSorted())
      expect(fields.includes('asset')).toBe(a.asset !== b.asset)
      expect(fields.includes('units')).toBe(a.units !== b.units)
    }),
    { numRuns: 300 },
  )
})

it('hashes what else an event was recorded with, and says its format', () => {
  const digestOf = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex')
  const base = { backdated: false, claimed: null, details: null, door: 'api', standing: null, reverses: null }
  expect(recordDigest(base)).toBe(digestOf('1\n{"backdated":false,"claimed":null,"details":null,"door":"api"}\n'))
  const all = { backdated: true, claimed: claimedJson({ house: 10n ** 38n, fund: 2n }), details: { rate: 1.5, note: null }, door: 'sql', standing: null, reverses: null }
  const text = `1\n{"backdated":true,"claimed":{"fund":"2","house":"1${'0'.repeat(38)}"},"details":{"note":null,"rate":1.5},"door":"sql"}\n`
  expect(recordDigest(all)).toBe(digestOf(text))
  const kept = { ...base, standing: { percent: { s: '20' } } }
  expect(recordDigest(kept)).toBe(digestOf('1\n{"backdated":false,"claimed":null,"details":null,"door":"api","standing":{"percent":{"s":"20"}}}\n'))
  const undoing = { ...base, details: { note: 'returned' }, reverses: '7' }
  expect(recordDigest(undoing)).toBe(digestOf('1\n{"backdated":false,"claimed":null,"details":{"note":"returned"},"door":"api","reverses":"7"}\n'))
})

it('gives each record a digest of its own, though a plain one is worked out once', () => {
  const doors = Array.from({ length: 200 }, (_, index) => `door ${index}`)
  const digests = [...doors, ...doors].flatMap((door) =>
    [true, false].flatMap((backdated) => [null, {}].map((details) => recordDigest({ backdated, claimed: null, details, door, standing: null, reverses: null }))),
  )
  expect(new Set(digests).size).toBe(800)
})
