// Snapshots from streams of lines: kept whole, in order of recipients, or not at all.

import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { linesOf } from '../../test/large-ledger.ts'
import { paperDatabase, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { sha256 } from '../core/canonical.ts'
import { parseWeight, scaledWeight, weightText } from '../core/snapshot.ts'
import { createSnapshot, type SnapshotFormat } from './create-snapshot.ts'
import { snapshot, snapshots } from './read-snapshots.ts'

let paper: PaperDatabase
let ledger: PaperLedger
beforeAll(async () => {
  paper = await paperDatabase()
  ledger = await paper.open('holders')
})
afterAll(async () => await paper.drop())

const create = async (name: string, texts: readonly string[], { format = 'csv', recordAt = null, sizes = { block: 2, most: 5 } }: { format?: SnapshotFormat; recordAt?: string | null; sizes?: { block: number; most: number } } = {}) =>
  await createSnapshot(ledger.world, ledger.ledger, { name, recordAt, format, source: 'test', lines: linesOf(texts), sizes })

const counts = async () => (await paper.database.pool.query('select (select count(*) from apportion.snapshot) as snapshots, (select count(*) from apportion.snapshot_block) as blocks, (select count(*) from apportion.snapshot_line) as lines')).rows[0] as unknown

it('keeps lines in order of recipients, with a hash that anybody can make', async () => {
  const made = await create('first', ['recipient,weight', 'bo,2.50', '"Zed", 007', 'ana,0.000000000000000001', 'a-b,0\r'], { recordAt: '2026-01-31T12:00:00Z' })
  const lines = 'snapshot\t1\tfirst\t2026-01-31T12:00:00.000000Z\nZed\t7\na-b\t0\nana\t0.000000000000000001\nbo\t2.5\n'
  expect(made).toMatchObject({ state: 'created', snapshot: { recipients: 4, decimals: 18, weights: '9.500000000000000001', hash: sha256(lines).toHex() } })
  expect(await snapshot(ledger.world, ledger.ledger, 'first')).toMatchObject({ hash: made.snapshot.hash, recipients: '4' })
  expect((await snapshots(ledger.world, ledger.ledger, { cursor: null, limit: 10 })).items.map(({ name }) => name)).toEqual(['first'])
  await expect(snapshot(ledger.world, ledger.ledger, 'none')).rejects.toMatchObject({ code: 'snapshot_not_found' })
})

it('answers the same again as before, in any order and form, and refuses other entries under a name', async () => {
  const first = await create('again', ['ana,1', 'bo,2'])
  const second = await create('again', ['{"recipient":"bo","weight":"2.0"}', '{"weight":"01","recipient":"ana"}'], { format: 'jsonl' })
  expect(second).toEqual({ state: 'duplicate', snapshot: { ...first.snapshot, record_at: first.snapshot.record_at } })
  await expect(create('again', ['ana,1', 'bo,3'])).rejects.toMatchObject({ code: 'snapshot_conflict' })
  await expect(create('again', ['ana,1', 'bo,2'], { recordAt: '2026-01-31T12:00:00Z' })).rejects.toMatchObject({ code: 'snapshot_conflict' })
})

it.each<[string, string, readonly string[], Readonly<Record<string, unknown>>, SnapshotFormat?]>([
  ['nothing', 'snapshot_malformed', [], { lines: 0 }],
  ['a head alone', 'snapshot_malformed', ['recipient,weight'], { lines: 0 }],
  ['a recipient twice', 'snapshot_malformed', ['ana,1', 'bo,2', 'cy,3', 'bo,2'], { line: 4, first: 2, recipient: 'bo' }],
  ['a field too few', 'snapshot_malformed', ['ana,1', 'bo'], { line: 2 }],
  ['a field too many', 'snapshot_malformed', ['ana,1', 'bo,1,2'], { line: 2 }],
  ['an empty line', 'snapshot_malformed', ['ana,1', ''], { line: 2 }],
  ['no JSON', 'snapshot_malformed', ['ana,1'], { line: 1 }, 'jsonl'],
  ['a weight as a number', 'snapshot_malformed', ['{"recipient":"ana","weight":1}'], { line: 1 }, 'jsonl'],
  ['a strange recipient', 'recipient_malformed', ['ana,1', '@snapshot,1'], {}],
  ['a negative weight', 'weight_malformed', ['ana,1', 'bo,-1'], { line: 2 }],
  ['a weight of 39 digits', 'weight_malformed', [`ana,${'9'.repeat(39)}`], { line: 1 }],
  ['a weight of 19 decimals', 'weight_malformed', [`ana,0.${'1'.repeat(19)}`], { line: 1 }],
  ['one more than there may be', 'snapshot_exceeded', ['a,1', 'b,1', 'c,1', 'd,1', 'e,1', 'f,1'], { line: 6, limit: 5 }],
])('refuses %s by %s, and keeps nothing', async (_, code, texts, details, format = 'csv') => {
  const before = await counts()
  await expect(create('refused', texts, { format })).rejects.toMatchObject({ code, details })
  expect(await counts()).toEqual(before)
})

it('keeps nothing when the stream breaks off', async () => {
  const before = await counts()
  const lines = (async function* () {
    yield* linesOf(['ana,1', 'bo,2'])
    await Promise.reject(new Error('cut off'))
  })()
  await expect(createSnapshot(ledger.world, ledger.ledger, { name: 'cut', recordAt: null, format: 'csv', source: 'test', lines })).rejects.toThrow('cut off')
  await expect(create('long', ['ana,1'].concat('x'))).rejects.toMatchObject({ code: 'snapshot_malformed' })
  expect(await counts()).toEqual(before)
})

it('reads a weight into one form, and back from its scaled integer', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 56n - 1n }), fc.integer({ min: 0, max: 18 }), (scaled, decimals) => {
      fc.pre(scaled < 10n ** BigInt(38 + decimals))
      const text = weightText(scaled, decimals)
      expect(parseWeight(text)).toBe(text)
      expect(scaledWeight(text, decimals)).toBe(scaled)
    }),
  )
  expect(['1.', '.5', '1e3', ' 1', '+1', '1,5', ''].map(parseWeight)).toEqual(Array(7).fill(null))
})
