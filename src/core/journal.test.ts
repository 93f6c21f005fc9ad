// The journal's bytes: the hash against another construction, and the worked example of docs/reference/journal-format.md, which
// anybody can recompute without this program.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountKey, TRANSFER_KINDS, type TransferKind } from './account.ts'
import { distribute } from './distribution.ts'
import { fingerprint } from './event.ts'
import { blockHash, GENESIS_HASH, type BlockLines, type EventLine, type TransferLine } from './journal.ts'
import { parsePlan } from './plan.ts'
import { decideBatch, type AccountState, type Head, type Leg, type Member } from './posting.ts'
import { referenceDigest } from './reference.ts'

const instant = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 17n }).map((micros) => Temporal.Instant.fromEpochNanoseconds(micros * 1000n))
const number = fc.bigInt({ min: 1n, max: 10n ** 18n })
const units = fc.bigInt({ min: 1n, max: 10n ** 39n - 1n })
const asset = fc.constantFrom('SOL/9', 'USDC/6')
const account = fc.constantFrom('expected', 'received', 'payable:a', 'in_flight:a', 'wallet:0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b')
const event: fc.Arbitrary<EventLine> = fc.record({
  number,
  digest: fc.uuid(),
  fingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  eventAt: instant,
  asset,
  units,
  plan: fc.integer({ min: 1, max: 1000 }),
  planHash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex()),
  recorded: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex()),
})
const transfer: fc.Arbitrary<TransferLine> = fc.record({
  number,
  event: fc.option(number),
  kind: fc.constantFrom(...(Object.keys(TRANSFER_KINDS) as TransferKind[])),
  part: fc.option(fc.nat(999)),
  subject: fc.option(fc.uuid()),
  debit: account,
  credit: account,
  asset,
  units,
})
const block: fc.Arbitrary<BlockLines> = fc.record({
  number,
  recordedAt: instant,
  events: fc.array(event, { maxLength: 5 }),
  transfers: fc.array(transfer, { minLength: 1, maxLength: 8 }),
})

/** An instant printed by other means: the milliseconds of a Date, and the microseconds after them. */
function printed(at: Temporal.Instant): string {
  const milliseconds = at.epochMilliseconds
  const micros = at.epochNanoseconds / 1000n - BigInt(milliseconds) * 1000n
  return new Date(milliseconds).toISOString().replace('Z', `${micros.toString().padStart(3, '0')}Z`)
}

function linesOf({ number: place, recordedAt, events, transfers }: BlockLines): string {
  const rows = [
    ['B', 2, place, printed(recordedAt)],
    ...events.map((e) => ['E', e.number, e.digest, Buffer.from(e.fingerprint).toString('hex'), printed(e.eventAt), e.asset, e.units, e.plan, e.planHash, e.recorded]),
    ...transfers.map((t) => ['T', t.number, t.event, t.kind, t.part, t.subject, t.debit, t.credit, t.asset, t.units]),
  ]
  return rows.map((row) => `${row.map((field) => (field === null ? '' : String(field))).join('\t')}\n`).join('')
}

const chained = (previous: string, lines: string): string =>
  createHash('sha256').update(Buffer.from(previous, 'hex')).update(lines, 'utf8').digest('hex')

it('hashes the previous hash and the lines, whatever the block holds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), block, (previous, lines) => {
      expect(blockHash(previous, lines).toHex()).toBe(chained(Buffer.from(previous).toString('hex'), linesOf(lines)))
    }),
    { numRuns: 300 },
  )
})

it('hashes a block of any size the same, whole or line by line', () => {
  const transfer: TransferLine = {
    ...{ number: 1n, event: 1n, kind: 'share', part: 0, subject: null, debit: 'received', credit: 'payable:a', asset: 'SOL/9', units: 1n },
  }
  const lines: BlockLines = {
    number: 1n,
    recordedAt: Temporal.Instant.fromEpochMilliseconds(0),
    events: [],
    transfers: Array.from({ length: 50_000 }, (_, index) => ({ ...transfer, number: BigInt(index) + 1n })),
  }
  const text = linesOf(lines)
  expect(text.length).toBeGreaterThan(2_000_000)
  expect(blockHash(GENESIS_HASH, lines).toHex()).toBe(chained(GENESIS_HASH.toHex(), text))
})

it('gives 32 bytes of their own', () => {
  const hash = blockHash(GENESIS_HASH, { number: 1n, recordedAt: Temporal.Instant.fromEpochMilliseconds(0), events: [], transfers: [] })
  expect([hash.length, hash.byteOffset, hash.buffer.byteLength]).toEqual([32, 0, 32])
  expect(GENESIS_HASH).toEqual(new Uint8Array(32))
})

/** Every block that differs from this one in one field. */
function neighbours(lines: BlockLines): readonly BlockLines[] {
  const [e, t] = [lines.events[0], lines.transfers[0]]
  const later = (at: Temporal.Instant) => at.add({ microseconds: 1 })
  const ofEvent: readonly Partial<EventLine>[] =
    e === undefined
      ? []
      : [
          { number: e.number + 1n },
          { digest: '00000000-0000-4000-8000-000000000000' },
          { fingerprint: Uint8Array.from(e.fingerprint, (byte, index) => (index === 31 ? byte ^ 1 : byte)) },
          { eventAt: later(e.eventAt) },
          { asset: 'BTC/11' },
          { units: e.units + 1n },
          { plan: e.plan + 1 },
          { planHash: '00'.repeat(32) },
          { recorded: '00'.repeat(32) },
        ]
  const ofTransfer: readonly Partial<TransferLine>[] =
    t === undefined
      ? []
      : [
          { number: t.number + 1n },
          { event: t.event === null ? 1n : null },
          { kind: t.kind === 'fee' ? 'rent' : 'fee' },
          { part: t.part === null ? 0 : null },
          { subject: t.subject === null ? '00000000-0000-4000-8000-000000000000' : null },
          { debit: 'payable:b' },
          { credit: 'payable:b' },
          { asset: 'BTC/11' },
          { units: t.units + 1n },
        ]
  return [
    { ...lines, number: lines.number + 1n },
    { ...lines, recordedAt: later(lines.recordedAt) },
    { ...lines, transfers: lines.transfers.slice(1) },
    ...ofEvent.map((change) => ({ ...lines, events: [{ ...(e as EventLine), ...change }, ...lines.events.slice(1)] })),
    ...ofTransfer.map((change) => ({ ...lines, transfers: [{ ...(t as TransferLine), ...change }, ...lines.transfers.slice(1)] })),
  ]
}

it('changes with every field, every line and the block before', () => {
  fc.assert(
    fc.property(block, (lines) => {
      const hashes = [lines, ...neighbours(lines)].map((each) => blockHash(GENESIS_HASH, each).toHex())
      hashes.push(blockHash(blockHash(GENESIS_HASH, lines), lines).toHex())
      expect(new Set(hashes).size).toBe(hashes.length)
    }),
  )
})

const DOCUMENT = readFileSync(new URL('../../docs/reference/journal-format.md', import.meta.url), 'utf8')
const examples = [...DOCUMENT.matchAll(/```journal\n([^`]*)```\n+Hash: `([0-9a-f]{64})`/g)].map(([, lines = '', hash = '']) => ({ lines, hash }))

describe('the worked example of the reference page', () => {
  it('is a chain that its text alone proves', () => {
    expect(examples).toHaveLength(3)
    let previous = '00'.repeat(32)
    for (const { lines, hash } of examples) {
      expect(chained(previous, lines)).toBe(hash)
      previous = hash
    }
  })

  it('says what its digests are made of', () => {
    const [, , digest, print, , , , , plan, record] = examples[0]?.lines.split('\n')[1]?.split('\t') ?? []
    const reference = /source reference is `([^`]+)`/.exec(DOCUMENT)?.[1] ?? ''
    expect(digest?.replaceAll('-', '')).toBe(createHash('sha256').update(reference, 'utf8').digest('hex').slice(0, 32))
    const digestOf = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex')
    const [content = '', recorded = ''] = [...DOCUMENT.matchAll(/```text\n([^`]*)```/g)].map(([, text = '']) => text)
    const rules = /```json\n([^`\n]*)\n```/.exec(DOCUMENT)?.[1] ?? ''
    expect([print, plan, record]).toEqual([content, rules, recorded].map(digestOf))
  })

  it('is what the ledger writes for that sale, its reservation and its settlement', () => {
    let head = START
    const accounts = new Map<string, AccountState>()
    for (const [index, { at, member }] of story().entries()) {
      const { write } = decideBatch(head, { references: new Map(), accounts, states: new Map() }, [member], Temporal.Instant.from(at))
      if (write === null) throw new Error('nothing was written')
      head = write.head
      const lines = linesOf({ number: head.block, recordedAt: head.recordedAt, events: write.events, transfers: write.transfers })
      expect({ lines, hash: head.hash.toHex() }).toEqual(examples[index])
      for (const touched of write.touched) accounts.set(accountKey(touched), touched)
    }
  })

  it('explains every kind of transfer by its accounts', () => {
    for (const [kind, { debit, credit }] of Object.entries(TRANSFER_KINDS)) {
      expect(DOCUMENT).toMatch(new RegExp(`^\\| \`${kind}\` \\| ${namesOf(debit)} \\| ${namesOf(credit)} \\| .+ \\|$`, 'm'))
    }
  })
})

/** Accounts of these roles as the document names them. */
const namesOf = (roles: readonly string[]): string => roles.map((role) => `\`${role}\\b[^|\`]*\``).join(', ')

const START: Head = {
  event: 0n,
  transfer: 0n,
  block: 0n,
  account: 0,
  plan: 1,
  hash: GENESIS_HASH,
  recordedAt: Temporal.Instant.from('2026-01-31T12:00:00Z'),
}

function story(): readonly { readonly at: string; readonly member: Member }[] {
  const parts = [
    ['ai', '80', { recipient: 'ai' }],
    ['dao', '15', { recipient: 'dao' }],
    ['lucky', '3', { recipient: 'lucky' }],
    ['creator', '2', { party: 'creator' }],
  ] as const
  const parameters = { shares: parts.map(([role, weight, to]) => ({ role, to, weight })) }
  const step = { name: 'split', from: 'received', rule: 'fixed-shares', parameters, rounding: 'largest-remainder' }
  const plan = { version: 1, effectiveFrom: null, ...parsePlan({ steps: [step] }) }
  const content = { asset: 'SOL/9', units: 100_000_000_000n, parties: { creator: '7c1e9f0a-5b2d-4e3c-8a6f-1d2e3f4a5b6c' } }
  const eventAt = Temporal.Instant.from('2026-01-31T12:00:00.25Z')
  const input = { reference: 'TEST_first-sale', ...content, facts: {}, eventAt, claimed: null, details: null }
  const { shares } = distribute(input, plan)
  const wallet = 'wallet:019c1450-0000-7000-8000-000000000001'
  const base = { asset: 'SOL/9', part: null }
  const payout = (part: number) => `019c1450-0000-7000-8000-00000000001${part}`
  const moves = (kind: 'reserved' | 'settled'): readonly Leg[] =>
    shares.map(({ part, recipient, units: share }) => {
      const flight = `in_flight:${recipient ?? ''}`
      const [debit, credit] = kind === 'reserved' ? [`payable:${recipient ?? ''}`, flight] : [flight, wallet]
      return { ...base, kind, debit, credit, units: share, subject: payout(part) }
    })
  const fee: Leg = { ...base, kind: 'fee', debit: 'network', credit: wallet, units: 5000n, subject: '019c1450-0000-7000-8000-000000000020' }
  const sale = {
    type: 'event',
    input,
    digest: referenceDigest(input.reference),
    fingerprint: fingerprint(input),
    plan: 1,
    planHash: plan.hash,
    door: 'api',
    backdated: false,
    standing: {},
    shares,
  } as const
  return [
    { at: '2026-01-31T12:00:00.251007Z', member: sale },
    { at: '2026-01-31T12:00:00.4Z', member: { type: 'move', legs: moves('reserved') } },
    { at: '2026-01-31T12:00:13.75Z', member: { type: 'move', legs: [...moves('settled'), fee] } },
  ]
}
