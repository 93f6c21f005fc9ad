// Bad input at the HTTP door: each is refused by name, with the figures, and changes nothing. What only looks bad is recorded as it stands.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RefusalCode } from '../core/refusal.ts'
import { batchSchema, eventSchema } from './contract.ts'
import { problemIn, sale, testbed, TOKEN, type Sent, type Testbed } from './fixture.ts'

let bed: Testbed
let readOnly: string
let noBackdate: string

beforeAll(async () => {
  bed = await testbed()
  readOnly = await bed.makeKey(['read'])
  noBackdate = await bed.makeKey(['record'])
  await bed.get('/events', eventSchema, { body: sale('recorded before') })
})
afterAll(async () => {
  await bed.drop()
})

const FOUR = { reinvestment_amount: '80', dao_amount: '15', lucky_amount: '3', creator_amount: '2' }
const at = (by: Temporal.DurationLike): string => Temporal.Now.instant().add(by).toString()
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

type Case = readonly [what: string, sent: Sent, code: RefusalCode, figures?: Readonly<Record<string, unknown>>]

const AMOUNTS: readonly Case[] = [
  ['a negative amount', { body: sale('r', { sale_amount: '-1' }) }, 'amount_not_positive', { field: 'sale_amount', value: '-1.000000000' }],
  ['zero', { body: sale('r', { sale_amount: '0' }) }, 'amount_not_positive', { field: 'sale_amount', value: '0.000000000' }],
  ['minus zero', { body: sale('r', { sale_amount: '-0' }) }, 'amount_not_positive', { field: 'sale_amount' }],
  ['half of the smallest unit', { body: sale('r', { sale_amount: '0.0000000005' }) }, 'amount_scale_exceeded', { field: 'sale_amount', decimals: 10, scale: 9 }],
  ['1e30', { body: sale('r', { sale_amount: '1e30' }) }, 'amount_malformed', { field: 'sale_amount', value: '1e30' }],
  ['1e30 written out', { body: sale('r', { sale_amount: `1${'0'.repeat(30)}` }) }, 'amount_exceeded', { field: 'sale_amount', max: '18446744073.709551615' }],
  ['one unit above the largest', { body: sale('r', { sale_amount: '18446744073.709551616' }) }, 'amount_exceeded', { field: 'sale_amount' }],
  ['NaN', { body: sale('r', { sale_amount: 'NaN' }) }, 'amount_malformed', { field: 'sale_amount', value: 'NaN' }],
  ['Infinity', { body: sale('r', { sale_amount: 'Infinity' }) }, 'amount_malformed', { field: 'sale_amount', value: 'Infinity' }],
  ['-Infinity', { body: sale('r', { sale_amount: '-Infinity' }) }, 'amount_malformed', { field: 'sale_amount' }],
  ['no text at all', { body: sale('r', { sale_amount: '' }) }, 'amount_malformed', { field: 'sale_amount' }],
  ['a comma', { body: sale('r', { sale_amount: '1,5' }) }, 'amount_malformed', { field: 'sale_amount', value: '1,5' }],
  ['hexadecimal', { body: sale('r', { sale_amount: '0x10' }) }, 'amount_malformed', { field: 'sale_amount' }],
  ['digits of another script', { body: sale('r', { sale_amount: '١٠' }) }, 'amount_malformed', { field: 'sale_amount' }],
  ['ten thousand digits', { body: sale('r', { sale_amount: '9'.repeat(10_000) }) }, 'amount_malformed', { field: 'sale_amount' }],
  ['a JSON number', { body: sale('r', { sale_amount: 100 }) }, 'field_malformed', { field: 'sale_amount' }],
  ['a JSON number too large for one', { text: `{"reference":"r","token_id":"${TOKEN}","sale_amount":1e999}` }, 'field_malformed', { field: 'sale_amount' }],
  ['null', { body: sale('r', { sale_amount: null }) }, 'field_malformed', { field: 'sale_amount' }],
  ['a list', { body: sale('r', { sale_amount: ['1'] }) }, 'field_malformed', { field: 'sale_amount' }],
  ['a negative share', { body: sale('r', { ...FOUR, dao_amount: '-15' }) }, 'amount_not_positive', { field: 'dao_amount' }],
  ['four amounts that do not add up', { body: sale('r', { ...FOUR, dao_amount: '14.999999999' }) }, 'event_amounts_mismatch', { given: '99.999999999', expected: '100.000000000' }],
  [
    'a share one unit above its quota, the sum right',
    { body: sale('r', { ...FOUR, dao_amount: '15.000000001', lucky_amount: '2.999999999' }) },
    'event_share_mismatch',
    { given: '15.000000001', expected: '15.000000000' },
  ],
  ['a single share far from its quota', { body: sale('r', { creator_amount: '98' }) }, 'event_share_mismatch', { given: '98.000000000', expected: '2.000000000' }],
]

const REFERENCES: readonly Case[] = [
  ['an empty reference', { body: sale('') }, 'reference_malformed', { field: 'reference', length: 0 }],
  ['a reference of 257 characters', { body: sale('r'.repeat(257)) }, 'reference_malformed', { length: 257 }],
  ['a reference of 10,000 characters', { body: sale('r'.repeat(10_000)) }, 'reference_malformed', { field: 'reference', length: 10_000 }],
  ['a reference with space at its end', { body: sale('r ') }, 'reference_malformed', { field: 'reference' }],
  ['a reference with a NUL', { body: sale('r\0s') }, 'reference_malformed', { field: 'reference' }],
  ['a reference with a line feed', { body: sale('r\ns') }, 'reference_malformed', { field: 'reference' }],
  ['half of a surrogate pair', { text: `{"reference":"r\\ud800","token_id":"${TOKEN}","sale_amount":"1"}` }, 'reference_malformed', { field: 'reference' }],
  ['a reference that is a number', { body: sale('r', { reference: 5 }) }, 'field_malformed', { field: 'reference' }],
  ['the same reference with another amount', { body: sale('recorded before', { sale_amount: '99' }) }, 'reference_conflict', { fields: ['sale_amount'], given: '99.000000000', recorded: '100.000000000' }],
  [
    'the same reference with another token',
    { body: sale('recorded before', { token_id: TOKEN.replace('5a1e', '5a1f') }) },
    'reference_conflict',
    { fields: ['token_id'] },
  ],
]

const FIELDS: readonly Case[] = [
  ['nothing but braces', { body: {} }, 'field_malformed', { field: 'reference', problem: 'is missing' }],
  ['a list instead of an event', { body: [sale('r')] }, 'field_malformed', { field: '' }],
  ['null instead of an event', { body: null }, 'field_malformed'],
  ['a text instead of an event', { body: 'r' }, 'field_malformed'],
  ['an unknown field', { body: sale('r', { sale_amonut: '1' }) }, 'field_malformed', { field: 'sale_amonut' }],
  ['a field of every object', { body: sale('r', { constructor: 'x' }) }, 'field_malformed', { field: 'constructor' }],
  ['no token', { body: sale('r', { token_id: undefined }) }, 'field_malformed', { field: 'token_id', problem: 'is missing' }],
  ['a token that is none', { body: sale('r', { token_id: "'; drop table apportion.event; --" }) }, 'field_malformed', { field: 'token_id' }],
  ['an instant without a zone', { body: sale('r', { event_at: '2026-01-31T12:00:00' }) }, 'field_malformed', { field: 'event_at' }],
  ['metadata that cannot be stored', { body: sale('r', { metadata: { note: 'a\0b' } }) }, 'field_malformed', { field: 'metadata' }],
  ['an instant in the future', { body: sale('r', { event_at: at({ minutes: 6 }) }) }, 'event_time_exceeded', { field: 'event_at' }],
]

const BODIES: readonly Case[] = [
  ['JSON that ends too early', { text: '{"reference": "r"' }, 'body_malformed'],
  ['JSON with a comma too many', { text: '{"reference": "r",}' }, 'body_malformed'],
  ['a bare NaN', { text: '{"sale_amount": NaN}' }, 'body_malformed'],
  ['two documents', { text: '{}{}' }, 'body_malformed'],
  ['no text at all', { text: '', headers: { 'content-length': '0' } }, 'body_malformed'],
  ['no body', { method: 'POST' }, 'body_malformed'],
  ['bytes that are no UTF-8', { text: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }, 'body_malformed'],
  ['a field named __proto__', { text: `{"__proto__":{"sale_amount":"1"},"reference":"r","token_id":"${TOKEN}"}` }, 'body_malformed', { field: '__proto__' }],
  ['a deeper field named __proto__', { text: `{"metadata":{"a":[{"\\u005f_proto__":1}]}}` }, 'body_malformed', { field: '__proto__' }],
  ['a field given twice', { text: `{"reference":"r","token_id":"${TOKEN}","sale_amount":"1","sale_amount":"5"}` }, 'body_malformed', { field: 'sale_amount' }],
  ['a deeper field given twice', { text: `{"reference":"r","metadata":{"a":[{"n":1,"\\u006e":2}]}}` }, 'body_malformed', { field: 'n' }],
  ['forty levels', { text: deep(40) }, 'body_malformed', { levels: 32 }],
  ['a hundred thousand levels', { text: deep(100_000) }, 'body_malformed', { levels: 32 }],
  ['a body over the limit', { body: sale('r', { note: 'x'.repeat(1_100_000) }) }, 'body_exceeded', { limit: 1_048_576 }],
  ['a form', { text: 'reference=r', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 'content_type_unsupported', { given: 'application/x-www-form-urlencoded' }],
  ['plain text', { text: '{}', headers: { 'content-type': 'text/plain' } }, 'content_type_unsupported'],
  ['a content type that is none', { text: '{}', headers: { 'content-type': '/' } }, 'content_type_unsupported'],
]

const table = (cases: readonly Case[]) => cases.map(([what, sent, code, figures = {}]) => ({ what, sent, code, figures }))

describe.each([
  { of: 'amounts', cases: table(AMOUNTS) },
  { of: 'references', cases: table(REFERENCES) },
  { of: 'fields', cases: table(FIELDS) },
  { of: 'bodies', cases: table(BODIES) },
])('of $of', ({ cases }) => {
  it.each(cases)('refuses $what and changes nothing', async ({ sent, code, figures }) => {
    const before = await bed.heads()
    const answer = await bed.send('/events', sent)
    const problem = problemIn(answer)
    expect(problem).toMatchObject({ code, details: figures })
    expect(answer.body.length).toBeLessThan(2_000)
    const field = figures['field']
    if (typeof field === 'string') expect(problem.detail).toContain(field)
    expect(await bed.heads()).toEqual(before)
  })

  const inBatches = cases.filter(({ sent, code }) => sent.body !== undefined && code !== 'body_exceeded')

  it.runIf(inBatches.length > 0).each(inBatches)('refuses $what in a batch, and takes the rest', async ({ what, sent, code }) => {
    const answer = await bed.get('/events/batch', batchSchema, { body: { events: [sale(`before ${what}`), sent.body, sale(`after ${what}`)] } })
    const states = answer.results.map((result) => (result.state === 'refused' ? result.problem.code : result.state))
    expect(states).toEqual(['recorded', code, 'recorded'])
    expect([answer.recorded, answer.duplicates, answer.refused]).toEqual([2, 0, 1])
  })
})

describe('of who asks', () => {
  const wrong = (given: string): string => `${given.slice(0, -4)}AAAA`
  const keys: readonly (readonly [string, () => string | null, number, RefusalCode])[] = [
    ['no key', () => null, 401, 'key_invalid'],
    ['a key that was never made', () => `apk_${'0'.repeat(32)}_${'A'.repeat(43)}`, 401, 'key_invalid'],
    ['a wrong secret', () => wrong(bed.key), 401, 'key_invalid'],
    ['something else', () => 'password', 401, 'key_invalid'],
    ['SQL', () => "apk_'or'1'='1", 401, 'key_invalid'],
    ['a key that may only read', () => readOnly, 403, 'permission_missing'],
  ]

  it.each(keys)('refuses %s before it reads the body', async (_, key, status, code) => {
    const before = await bed.heads()
    const answer = await bed.send('/events', { key: key(), text: '{"broken' })
    expect([answer.statusCode, problemIn(answer).code]).toEqual([status, code])
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer realm="apportion"' : undefined)
    expect(answer.body).not.toContain(key() ?? 'no key at all')
    expect(await bed.heads()).toEqual(before)
  })

  it('refuses a backdated event without the right, and takes it with the right', async () => {
    const before = await bed.heads()
    const old = sale('eight days old', { event_at: at({ hours: -8 * 24 }) })
    const refused = await bed.send('/events', { key: noBackdate, body: old })
    expect([refused.statusCode, problemIn(refused).code]).toEqual([403, 'event_backdated_forbidden'])
    expect(await bed.heads()).toEqual(before)
    expect(await bed.get('/events', eventSchema, { body: old })).toMatchObject({ backdated: true })
  })

  it('refuses sandbox references where real money is paid', async () => {
    const real = await bed.makeLedger('real', { sandbox: false })
    const key = await bed.makeKey(['record'], real)
    const answer = await bed.send('//v1/ledgers/real/events', { key, body: sale('TEST_1') })
    expect(problemIn(answer)).toMatchObject({ status: 422, code: 'reference_test_forbidden', details: { value: 'TEST_1' } })
  })
})

describe('of paths and lists', () => {
  it.each([
    ['/events/never seen', {}, 404, 'event_not_found'],
    [`/events/${'r'.repeat(10_000)}`, {}, 404, 'event_not_found'],
    ['/events/%00', {}, 404, 'event_not_found'],
    ["/events/'%20or%201=1%20--", {}, 404, 'event_not_found'],
    ['/events/never/payouts', {}, 404, 'event_not_found'],
    ['/distributions/never', {}, 404, 'event_not_found'],
    ['/payouts/00000000-0000-0000-0000-000000000000', {}, 404, 'payout_not_found'],
    ["/payouts/1';select 1", {}, 404, 'payout_not_found'],
    ['/events?cursor=x', {}, 400, 'cursor_malformed'],
    ['/events?cursor=1-9', {}, 400, 'cursor_malformed'],
    [`/events?cursor=${'9'.repeat(40)}-0`, {}, 400, 'cursor_malformed'],
    ['/distributions?cursor=-1', {}, 400, 'cursor_malformed'],
    ['/payouts?cursor=1', {}, 400, 'cursor_malformed'],
    ['/events?limit=0', {}, 422, 'field_malformed'],
    ['/events?limit=201', {}, 422, 'field_malformed'],
    ['/events?limit=1e2', {}, 422, 'field_malformed'],
    ['/events?limit=1&limit=2', {}, 422, 'field_malformed'],
    ['/events?page=2', {}, 422, 'field_malformed'],
    ['/payouts?state=paid', {}, 422, 'field_malformed'],
    ['/events/%zz', {}, 404, 'route_not_found'],
    ['/events/%ff', {}, 404, 'route_not_found'],
    ['/nothing', {}, 404, 'route_not_found'],
    ['//v1/ledgers/', {}, 404, 'ledger_not_found'],
    ['//', { key: null }, 404, 'route_not_found'],
    ['/events', { method: 'DELETE' }, 405, 'method_unsupported'],
    ['/events/a%2Fb', { method: 'PUT', body: {} }, 405, 'method_unsupported'],
    ['//health', { method: 'POST', key: null }, 405, 'method_unsupported'],
  ] as const)('answers %s', async (path, sent, status, code) => {
    const answer = await bed.send(path.replaceAll(' ', '%20'), sent)
    expect([answer.statusCode, problemIn(answer).code]).toEqual([status, code])
    expect(answer.headers['request-id']).toMatch(/^[0-9a-f-]{36}$/)
    if (status === 405) expect(answer.headers['allow']).toMatch(/GET|POST/)
  })

  it.each(['/v1/ledgers/theirs', '/v1/ledgers/theirs/events', '/v1/ledgers/nobodys/events', "/v1/ledgers/'--/events"])(
    'tells nothing of a ledger that is not the key’s: %s',
    async (path) => {
      if ((await bed.ledgers.all()).every(({ name }) => name !== 'theirs')) await bed.makeLedger('theirs')
      const problem = problemIn(await bed.send(`/${path}`))
      const nobodys = problemIn(await bed.send('//v1/ledgers/nobodys'))
      expect({ ...problem, detail: '', instance: '' }).toEqual({ ...nobodys, detail: '', instance: '' })
      expect(problem.code).toBe('ledger_not_found')
    },
  )

  it('repeats no key that somebody put into a path', async () => {
    const answer = await bed.send(`/nothing?key=${bed.key}`)
    expect(answer.body).not.toContain(bed.key.slice(-20))
  })
})

describe('of batches', () => {
  it.each([
    ['no events', { body: { events: [] } }, 'field_malformed'],
    ['1,001 events', { body: { events: Array.from({ length: 1001 }, (_, index) => sale(`b${index}`)) } }, 'field_malformed'],
    ['a list without its name', { body: [sale('r')] }, 'field_malformed'],
    ['something beside the events', { body: { events: [sale('r')], now: true } }, 'field_malformed'],
    ['no body', { method: 'POST' }, 'body_malformed'],
    ['a body over the limit', { text: `{"events":["${'x'.repeat(5_300_000)}"]}` }, 'body_exceeded'],
  ] as const)('refuses %s', async (_, sent, code) => {
    const before = await bed.heads()
    expect(problemIn(await bed.send('/events/batch', sent)).code).toBe(code)
    expect(await bed.heads()).toEqual(before)
  })
})

it('has logged none of this as a fault', () => {
  expect(bed.logged).toEqual([])
})
