// How a source's own JSON becomes an event: every form that a mapping has, and what is refused by the source's own names.

import { describe, expect, it } from 'vitest'
import { orRefusal } from '../../core/event-member.ts'
import { schemaRefusal } from '../../core/json-document.ts'
import { parseAsset } from '../../core/money.ts'
import { Refusal } from '../../core/refusal.ts'
import type { EventMapping } from './form.ts'
import { mappedEvent } from './mapping.ts'

const MAPPING: EventMapping = {
  reference: 'id',
  amount: 'order.total',
  parties: { seller: 'seller.id', affiliate: { field: 'via', optional: true } },
  event_at: 'paid.at',
  keep: ['note', '/order/with.dot'],
}

const BODY = { id: 'o-1', order: { total: '19.99', 'with.dot': [1] }, seller: { id: 's-1' }, paid: { at: '2026-01-05T11:00:00.1234567+01:00' }, note: 'n', other: 5 }

function read(mapping: Partial<EventMapping>, body: unknown): unknown {
  return orRefusal(() => {
    const parsed = mappedEvent({ ...MAPPING, ...mapping }, parseAsset('EUR/2')).safeParse(body)
    if (parsed.success) return parsed.data
    throw schemaRefusal(parsed.error, body)
  })
}

it('reads an event as it is mapped, and leaves what is not mapped', () => {
  expect(read({}, BODY)).toEqual({
    reference: 'o-1',
    asset: 'EUR/2',
    units: 1999n,
    parties: { seller: 's-1' },
    facts: {},
    eventAt: Temporal.Instant.from('2026-01-05T10:00:00.123456Z'),
    claimed: null,
    details: { note: 'n', '/order/with.dot': [1] },
  })
})

describe('takes', () => {
  it.each<[string, Partial<EventMapping>, object, object]>([
    ['a whole number as a reference', {}, { id: 42 }, { reference: '42' }],
    ['an optional party', {}, { via: 'a-1' }, { parties: { seller: 's-1', affiliate: 'a-1' } }],
    ['null as nothing', {}, { via: null, note: null, order: { total: '1' } }, { parties: { seller: 's-1' }, details: null }],
    ['smallest units as text', { amount: { field: 'cents', in: 'units' } }, { cents: '1999' }, { units: 1999n }],
    ['smallest units as a whole number', { amount: { field: 'cents', in: 'units' } }, { cents: 1999 }, { units: 1999n }],
    ['an event without money', {}, { order: { total: '0.00' } }, { units: 0n }],
    ['seconds since 1970', { event_at: { field: 'at', in: 'seconds' } }, { at: 1767607200 }, { eventAt: Temporal.Instant.from('2026-01-05T10:00:00Z') }],
    ['milliseconds as text', { event_at: { field: 'at', in: 'milliseconds' } }, { at: '1767607200001' }, { eventAt: Temporal.Instant.from('2026-01-05T10:00:00.001Z') }],
    ['no instant where it is optional', { event_at: { field: 'at', optional: true } }, {}, { eventAt: null }],
    ['no instant at all', { event_at: undefined }, {}, { eventAt: null }],
    ['an item of a list', { amount: 'lines.1.sum' }, { lines: [{ sum: '1' }, { sum: '2' }] }, { units: 200n }],
    ['a JSON pointer', { amount: '/a~1b/c~0d' }, { 'a/b': { 'c~d': '3' } }, { units: 300n }],
    ['facts of an object', { facts: { score: { each: 'scores' } } }, { scores: { ana: '39.5', bo: 2, cy: true } }, { facts: { score: { ana: '39.5', bo: '2', cy: '1' } } }],
    ['facts of a list', { facts: { score: { list: 'who', subject: 'u.h', value: 'p' } } }, { who: [{ u: { h: 'ana' }, p: '1' }] }, { facts: { score: { ana: '1' } } }],
    ['facts of subjects', { facts: { on: { subjects: { verified: 'v', recurring: 'r' } } } }, { v: true, r: false }, { facts: { on: { verified: '1', recurring: '0' } } }],
    ['a fact of a party', { facts: { tier: { of: 'seller', value: 't' } } }, { t: '2' }, { facts: { tier: { 's-1': '2' } } }],
    ['no fact where it is optional', { facts: { score: { each: 'scores', optional: true }, tier: { of: 'affiliate', value: 't', optional: true } } }, { t: '1' }, { facts: {} }],
    ['an empty set of facts', { facts: { score: { list: 'who', subject: 'h', value: 'p' } } }, { who: [] }, { facts: { score: {} } }],
    ['claims in what the amount is in', { claims: { a: 'fee', b: 'none' } }, { fee: '1.5' }, { claimed: { a: 150n } }],
    ['what is required', { requires: [{ field: 'state', is: ['paid', true] }] }, { state: true }, { reference: 'o-1' }],
    ['what is named, where others are refused', { others: 'refused', keep: ['note', 'other'] }, {}, { reference: 'o-1' }],
  ])('%s', (_, mapping, body, expected) => {
    expect(read(mapping, { ...BODY, ...body })).toMatchObject(expected)
  })
})

describe('refuses', () => {
  it.each<[string, Partial<EventMapping>, unknown, string, string, string]>([
    ['a list', {}, [], 'field_malformed', '', 'must be an object'],
    ['no reference', {}, { ...BODY, id: undefined }, 'field_malformed', 'id', 'id is missing'],
    ['a reference that is none', {}, { ...BODY, id: ' o' }, 'reference_malformed', 'id', 'id begins or ends with white space'],
    ['a reference with decimals', {}, { ...BODY, id: 1.5 }, 'field_malformed', 'id', 'must be text, or a whole number'],
    ['a number as an amount', {}, { ...BODY, order: { total: 19.99 } }, 'amount_malformed', 'order.total', 'may have been rounded'],
    ['a number too large to be exact', { amount: { field: 'cents', in: 'units' } }, { ...BODY, cents: 2 ** 53 }, 'amount_malformed', 'cents', 'may have been rounded'],
    ['half a unit', { amount: { field: 'cents', in: 'units' } }, { ...BODY, cents: '1.5' }, 'amount_scale_exceeded', 'cents', '0 decimals'],
    ['too many decimals', {}, { ...BODY, order: { total: '1.005' } }, 'amount_scale_exceeded', 'order.total', 'has 2 decimals'],
    ['a loss', {}, { ...BODY, order: { total: '-1' } }, 'amount_not_positive', 'order.total', 'is -1.00'],
    ['a missing party', {}, { ...BODY, seller: {} }, 'field_malformed', 'seller.id', 'seller.id is missing'],
    ['an id that no account can have', {}, { ...BODY, seller: { id: 'ana@example.com' } }, 'recipient_malformed', 'seller.id', 'seller.id must be'],
    ['what an object has without being sent', { parties: { seller: 'seller.constructor' } }, BODY, 'field_malformed', 'seller.constructor', 'is missing'],
    ['the length of a list', { reference: 'order.length' }, { ...BODY, order: [] }, 'field_malformed', 'order.length', 'is missing'],
    ['a local time', {}, { ...BODY, paid: { at: '2026-01-05T11:00:00' } }, 'field_malformed', 'paid.at', 'must be an ISO 8601 instant with offset'],
    ['a time zone by name', {}, { ...BODY, paid: { at: '2026-01-05T11:00:00+01:00[Europe/Paris]' } }, 'field_malformed', 'paid.at', 'must be an ISO 8601'],
    ['a day that there is not', {}, { ...BODY, paid: { at: '2026-02-30T11:00:00Z' } }, 'field_malformed', 'paid.at', 'must be an ISO 8601'],
    ['a year that no ledger has', { event_at: { field: 'at', in: 'seconds' } }, { ...BODY, at: '999999999999' }, 'field_malformed', 'at', 'years 1 to 9999'],
    ['an instant beyond all calendars', { event_at: { field: 'at', in: 'seconds' } }, { ...BODY, at: '999999999999999' }, 'field_malformed', 'at', 'years 1 to 9999'],
    ['seconds with decimals', { event_at: { field: 'at', in: 'seconds' } }, { ...BODY, at: '1767607200.5' }, 'field_malformed', 'at', 'whole seconds'],
    ['facts that are no object', { facts: { score: { each: 'note' } } }, BODY, 'field_malformed', 'note', 'must be an object'],
    ['facts that are no list', { facts: { score: { list: 'note', subject: 'a', value: 'b' } } }, BODY, 'field_malformed', 'note', 'must be a list'],
    ['a fact with decimals as a number', { facts: { score: { each: 's' } } }, { ...BODY, s: { ana: 39.5 } }, 'field_malformed', 's.ana', 'may have been rounded'],
    ['an item without its subject', { facts: { score: { list: 's', subject: 'h', value: 'p' } } }, { ...BODY, s: [{ h: 'a', p: '1' }, { p: '1' }] }, 'field_malformed', 's.1', 's.1: h is missing'],
    ['a subject twice', { facts: { score: { list: 's', subject: 'h', value: 'p' } } }, { ...BODY, s: [{ h: 'a', p: '1' }, { h: 'a', p: '2' }] }, 'field_malformed', 's', '"a" twice'],
    ['a fact that is missing', { facts: { on: { subjects: { verified: 'v' } } } }, BODY, 'field_malformed', 'v', 'v is missing'],
    ['another state', { requires: [{ field: 'state', is: ['paid'] }] }, { ...BODY, state: 'open' }, 'field_malformed', 'state', 'state is "open"; this ledger takes events in which it is "paid"'],
    ['no state', { requires: [{ field: 'state', is: ['paid', 'sent'] }] }, BODY, 'field_malformed', 'state', 'state is missing; this ledger takes events in which it is "paid" or "sent"'],
    ['others, where they are', { others: 'refused' }, BODY, 'field_malformed', 'other', '"other" is no field of the event'],
    ['more than can be kept', {}, { ...BODY, note: 'x'.repeat(10_000) }, 'field_malformed', 'note, /order/with.dot', 'keep less'],
    ['what cannot be stored', {}, { ...BODY, note: 'a\0b' }, 'field_malformed', 'note, /order/with.dot', 'cannot be stored'],
  ])('%s', (_, mapping, body, code, field, says) => {
    const refusal = read(mapping, body)
    if (!(refusal instanceof Refusal)) return expect.fail('nothing was refused')
    expect({ code: refusal.code, field: refusal.details['field'] }).toEqual({ code, field })
    expect(refusal.message).toContain(says)
  })
})
