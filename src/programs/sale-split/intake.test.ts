// The event's body as JSON: which shapes are taken, and that no number, no clock and no unstorable text gets through.

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Refusal } from '../../core/refusal.ts'
import { saleEvent } from './intake.ts'

const TOKEN = '0DA1B2C3-0000-0000-0000-00000000000F'
const least = { reference: 'TEST_1', token_id: TOKEN, sale_amount: '100' }

/** The first problem of a body as field and message, or null. */
function problemOf(body: unknown): readonly [string, string] | null {
  const { error } = saleEvent.safeParse(body)
  const [issue] = error?.issues ?? []
  return issue === undefined ? null : [issue.path.join('.'), issue.message]
}

describe('the body of a sale', () => {
  it('needs a reference, a token and the profit; the rest is null', () => {
    expect(saleEvent.parse(least)).toEqual({
      reference: 'TEST_1',
      asset: 'SOL/9',
      units: 100_000_000_000n,
      parties: { creator: TOKEN.toLowerCase() },
      facts: {},
      eventAt: null,
      claimed: null,
      details: null,
    })
  })

  it('keeps the amounts that came with it by role, and what explains the sale as details', () => {
    const event = saleEvent.parse({
      ...least,
      reinvestment_amount: '80',
      creator_amount: '2.0',
      gross_amount: '250.5',
      note: 'second release',
      metadata: { market: 'main', order: 7, tags: ['a', null, true, { deep: -1.5 }] },
      event_at: '2026-01-31T14:00:00.1234567+02:00',
    })
    expect(event.claimed).toEqual({ ai: 80_000_000_000n, creator: 2_000_000_000n })
    expect(event.details).toEqual({
      gross_amount: '250.500000000',
      note: 'second release',
      metadata: { market: 'main', order: 7, tags: ['a', null, true, { deep: -1.5 }] },
    })
    expect(event.eventAt?.toString()).toBe('2026-01-31T12:00:00.123456Z')
  })

  it('takes a token id of any version, and the same token in any case as the same party', () => {
    const [upper, lower] = [TOKEN, TOKEN.toLowerCase()].map((token_id) => saleEvent.parse({ ...least, token_id }).parties)
    expect(upper).toEqual(lower)
  })

  it.each([
    ['quotes', `TEST_'"\``],
    ['SQL', "TEST_1'); drop table profit_events; --"],
    ['other scripts', 'TEST_販売-продажа-🪙'],
    ['a slash', 'TEST_1/2'],
    ['256 characters', 'x'.repeat(256)],
    ['an inner space', 'TEST 1'],
  ])('takes a reference with %s as it stands', (_, reference) => {
    expect(saleEvent.parse({ ...least, reference }).reference).toBe(reference)
  })

  it.each([257, 10_000, 1_000_000])('refuses a reference of %i characters', (length) => {
    expect(() => saleEvent.parse({ ...least, reference: 'x'.repeat(length) })).toThrow(`has ${length} characters, the longest is 256`)
  })

  it.each(['1e30', '1E3', '0x10', '1,5', '1.', '.5', '', ' 1', '1 SOL', '١', '1_000', '--1', '9'.repeat(101), '1.5'.repeat(40_000)])(
    'refuses the amount %.20s',
    (sale_amount) => {
      expect(() => saleEvent.parse({ ...least, sale_amount })).toThrow(expect.objectContaining({ code: 'amount_malformed' }))
      expect(() => saleEvent.parse({ ...least, gross_amount: sale_amount })).toThrow('gross_amount')
    },
  )

  it('reads an amount with very many zeros in no time', () => {
    // The processor's time of this thread: other work on the machine does not stretch it beyond bounds.
    const started = process.threadCpuUsage()
    expect(() => saleEvent.parse({ ...least, sale_amount: `0.${'0'.repeat(1_000_000)}1` })).toThrow(Refusal)
    expect(saleEvent.parse({ ...least, sale_amount: `1.5${'0'.repeat(1_000_000)}` }).units).toBe(1_500_000_000n)
    const { user, system } = process.threadCpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(1000)
  })

  it.each(['sale_amount', 'dao_amount', 'creator_amount', 'lucky_amount', 'reinvestment_amount', 'gross_amount'])(
    'refuses a JSON number as %s and says why',
    (field) => {
      expect(problemOf({ ...least, [field]: 1.5 })).toEqual([field, expect.stringContaining('a JSON number would be rounded')])
    },
  )
})

describe('a body of another shape', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 0 : { a: deep(levels - 1) })
  it.each<[string, unknown, string]>([
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['a list', [least], ''],
    ['text', 'TEST_1', ''],
    ['no reference', { ...least, reference: undefined }, 'reference'],
    ['no token', { ...least, token_id: undefined }, 'token_id'],
    ['no amount', { ...least, sale_amount: undefined }, 'sale_amount'],
    ['a null amount', { ...least, sale_amount: null }, 'sale_amount'],
    ['a token that is no uuid', { ...least, token_id: 'token-1' }, 'token_id'],
    ['a token with braces', { ...least, token_id: `{${TOKEN}}` }, 'token_id'],
    ['an unknown field', { ...least, amount: '1' }, ''],
    ['the column name of another door', { ...least, transaction_hash: 'TEST_1' }, ''],
    ['an instant without offset', { ...least, event_at: '2026-01-31T12:00:00' }, 'event_at'],
    ['an instant that is no date', { ...least, event_at: '2026-02-30T12:00:00Z' }, 'event_at'],
    ['an instant as a number', { ...least, event_at: 1_769_860_800 }, 'event_at'],
    ['the year 0', { ...least, event_at: '0000-06-01T00:00:00Z' }, 'event_at'],
    ['the year 0 by its offset', { ...least, event_at: '0001-01-01T00:00:00+02:00' }, 'event_at'],
    ['a note with a NUL', { ...least, note: 'a\0b' }, 'note'],
    ['a note with half a pair', { ...least, note: 'a\ud800b' }, 'note'],
    ['a long note', { ...least, note: 'x'.repeat(1001) }, 'note'],
    ['metadata that is a list', { ...least, metadata: [] }, 'metadata'],
    ['metadata with a NUL in a value', { ...least, metadata: { a: ['\0'] } }, 'metadata'],
    ['metadata with a NUL in a name', { ...least, metadata: { a: { '\0': 1 } } }, 'metadata'],
    ['metadata with a number that JSON cannot write', { ...least, metadata: { a: Number.POSITIVE_INFINITY } }, 'metadata'],
    ['metadata with something else than JSON', { ...least, metadata: { a: 1n } }, 'metadata'],
    ['metadata of 10,001 characters', { ...least, metadata: { a: 'x'.repeat(9_993) } }, 'metadata'],
    ['metadata nested too deep', { ...least, metadata: deep(30) }, 'metadata'],
    ['metadata nested without end', { ...least, metadata: JSON.parse(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`) }, 'metadata'],
  ])('is refused: %s', (_, body, field) => {
    expect(problemOf(body)?.[0]).toBe(field)
  })

  it('is refused when a key reaches for the prototype', () => {
    const body = (more: string): unknown => JSON.parse(`{"reference":"TEST_1","token_id":"${TOKEN}","sale_amount":"1",${more}}`)
    expect(saleEvent.safeParse(body('"__proto__":{"x":1}')).success).toBe(false)
    const parsed = saleEvent.parse(body('"metadata":{"__proto__":{"x":1}}'))
    expect(JSON.stringify(parsed.details ?? {})).not.toContain('"x"')
  })

  it('is described to others by its input: text for amounts, nothing beyond its fields', () => {
    const schema = z.toJSONSchema(saleEvent, { io: 'input' })
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['reference', 'token_id', 'sale_amount'],
      properties: { sale_amount: { type: 'string' }, event_at: { type: 'string', format: 'date-time' } },
    })
  })
})
