// Rows of profit_events and events, both ways, and what `verify` is told about rows that were edited.

import { describe, expect, it } from 'vitest'
import { distribute } from '../../core/distribution.ts'
import type { EventInput } from '../../core/event.ts'
import { parsePlan } from '../../core/plan.ts'
import type { InboxRow } from '../../core/program.ts'
import { profitEvents } from './inbox.ts'
import { saleSplit } from './program.ts'

const TOKEN = '0da1b2c3-0000-0000-0000-00000000000f'
const NONE = { dao_amount: null, creator_amount: null, lucky_amount: null, reinvestment_amount: null }
const row: InboxRow = {
  token_id: TOKEN,
  sale_amount: '100',
  ...NONE,
  timestamp: '2026-01-31 12:00:00.123456+00',
  transaction_hash: 'TEST_1',
}
const filled = {
  dao_amount: '15.000000000',
  creator_amount: '2.000000000',
  lucky_amount: '3.000000000',
  reinvestment_amount: '80.000000000',
}

const plan = { version: 1, effectiveFrom: null, ...parsePlan(saleSplit.firstPlan) }

function sharesOf(event: EventInput) {
  return distribute({ ...event, eventAt: event.eventAt ?? Temporal.Instant.from('2026-01-31T12:00:00Z') }, plan).shares
}

describe('a row', () => {
  it('becomes an event with the instant and the amounts that it has', () => {
    expect(profitEvents.toEvent({ ...row, dao_amount: '15.0000000000' })).toEqual({
      reference: 'TEST_1',
      asset: 'SOL/9',
      units: 100_000_000_000n,
      parties: { creator: TOKEN },
      facts: {},
      eventAt: Temporal.Instant.from('2026-01-31T12:00:00.123456Z'),
      claimed: { dao: 15_000_000_000n },
      details: null,
    })
  })

  it('without an instant leaves that to the recording', () => {
    expect(profitEvents.toEvent({ ...row, timestamp: null }).eventAt).toBeNull()
  })

  it.each<[string, InboxRow, string, string]>([
    ['no hash', { ...row, transaction_hash: null }, 'field_malformed', 'transaction_hash'],
    ['no token', { ...row, token_id: null }, 'field_malformed', 'token_id'],
    ['no amount', { ...row, sale_amount: null }, 'field_malformed', 'sale_amount'],
    ['NaN', { ...row, sale_amount: 'NaN' }, 'amount_malformed', 'sale_amount'],
    ['a negative share', { ...row, lucky_amount: '-3' }, 'amount_not_positive', 'lucky_amount'],
    ['amounts that do not add up', { ...row, ...filled, dao_amount: '16' }, 'event_amounts_mismatch', '101'],
    ['infinity as its instant', { ...row, timestamp: 'infinity' }, 'field_malformed', 'timestamp'],
    ['an instant before Christ', { ...row, timestamp: '0044-03-15 00:00:00+00 BC' }, 'field_malformed', 'timestamp'],
    ['the year 10000', { ...row, timestamp: '10000-01-01 00:00:00+00' }, 'field_malformed', 'timestamp'],
  ])('with %s is refused', (_, given, code, says) => {
    expect(() => profitEvents.toEvent(given)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }))
  })

  it('of another door is filled with the plan figures, and reads as the same event', () => {
    const given = saleSplit.event.parse({ reference: 'TEST_1', token_id: TOKEN, sale_amount: '100' })
    const event = { ...given, eventAt: Temporal.Instant.from('2026-01-31T12:00:00.5Z') }
    const written = profitEvents.toRow(event, sharesOf(event))
    expect(written).toEqual({ ...row, ...filled, sale_amount: '100.000000000', timestamp: '2026-01-31T12:00:00.500000Z' })
    expect(Object.keys(written).toSorted()).toEqual(profitEvents.columns.map(({ name }) => name).toSorted())
    expect(profitEvents.toEvent({ ...written, timestamp: '2026-01-31 12:00:00.5+00' })).toEqual({
      ...event,
      claimed: { ai: 80_000_000_000n, dao: 15_000_000_000n, lucky: 3_000_000_000n, creator: 2_000_000_000n },
    })
    expect(profitEvents.compare(written, event, sharesOf(event))).toBeNull()
  })
})

describe('a row beside its event', () => {
  const seven = { ...row, sale_amount: '0.000000007' }
  const rounded = { reinvestment_amount: '0.000000005', dao_amount: '0.000000002', lucky_amount: '0', creator_amount: '0' }
  it.each<[string, InboxRow, InboxRow]>([
    ['nothing changed', row, row],
    ['other zeros', { ...row, sale_amount: '100.0000000000' }, { ...row, sale_amount: '100' }],
    ['another instant: the first one counts', row, { ...row, timestamp: '2026-02-01 00:00:00+00' }],
    ['the amounts as they were claimed', { ...seven, ...rounded }, { ...seven, ...rounded }],
    ['the amounts as they are paid', row, { ...row, ...filled }],
  ])('is the same: %s', (_, recorded, stored) => {
    const event = profitEvents.toEvent(recorded)
    expect(profitEvents.compare(stored, event, sharesOf(event))).toBeNull()
  })

  it.each<[string, InboxRow, InboxRow, readonly string[]]>([
    ['hash', row, { ...row, transaction_hash: 'TEST_2' }, ['transaction_hash', 'TEST_2', 'TEST_1']],
    ['token', row, { ...row, token_id: TOKEN.replace('f', 'e') }, ['token_id', TOKEN]],
    ['token taken away', row, { ...row, token_id: null }, ['token_id is empty', TOKEN]],
    ['a lamport more', row, { ...row, sale_amount: '100.000000001' }, ['sale_amount', '100.000000001', '100.000000000']],
    ['part of a lamport more', row, { ...row, sale_amount: '100.0000000001' }, ['sale_amount', '100.0000000001', '100.000000000']],
    ['no number', row, { ...row, sale_amount: 'NaN' }, ['sale_amount', 'NaN', '100.000000000']],
    ['a share that was not given', row, { ...row, dao_amount: '15.000000001' }, ['dao_amount', '15.000000001', '15.000000000']],
    ['a share that was given', { ...row, ...filled }, { ...row, ...filled, creator_amount: '3' }, ['creator_amount', '3', '2.000000000']],
    ['a share taken away', { ...row, ...filled }, { ...row, ...filled, lucky_amount: null }, ['lucky_amount is empty', '3.000000000']],
    ['a negative share', row, { ...row, lucky_amount: '-3' }, ['lucky_amount', '-3', '3.000000000']],
    [
      'a share that was claimed otherwise',
      { ...seven, ...rounded },
      { ...seven, ...rounded, reinvestment_amount: '0.000000004' },
      ['0.000000004', '0.000000005 was claimed', '0.000000006 is its share'],
    ],
  ])('differs, with both figures: %s', (_, recorded, stored, says) => {
    const event = profitEvents.toEvent(recorded)
    const difference = profitEvents.compare(stored, event, sharesOf(event))
    for (const part of says) expect(difference).toContain(part)
  })
})
