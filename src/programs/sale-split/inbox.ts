// The inbox table profit_events: rows that people insert become events, and events of other doors become rows. Both ways by the
// names that people's SQL uses.

import { clip, quote } from '../../core/money.ts'
import { present } from '../../core/assert.ts'
import { instantText } from '../../core/canonical.ts'
import type { Share } from '../../core/distribution.ts'
import type { EventInput } from '../../core/event.ts'
import { parseInstant } from '../../core/event-words.ts'
import type { Inbox, InboxRow } from '../../core/program.ts'
import { checkReference } from '../../core/reference.ts'
import { Refusal } from '../../core/refusal.ts'
import { AMOUNT_FIELDS, ASSET, checkSum, formatSol, parseLamports, parseShare, ROLES } from './amounts.ts'
import { claimedOf } from './intake.ts'

export const profitEvents: Inbox = {
  table: 'profit_events',
  reference: 'transaction_hash',
  columns: [
    { name: 'token_id', type: 'uuid' },
    { name: 'sale_amount', type: 'numeric' },
    { name: 'dao_amount', type: 'numeric' },
    { name: 'creator_amount', type: 'numeric' },
    { name: 'lucky_amount', type: 'numeric' },
    { name: 'reinvestment_amount', type: 'numeric' },
    { name: 'timestamp', type: 'timestamptz' },
    { name: 'transaction_hash', type: 'text' },
  ],
  toEvent,
  toRow,
  compare,
}

/** Refuses what the table's trigger refuses, should a row have come past it. */
function toEvent(row: InboxRow): EventInput {
  const reference = checkReference(required(row, 'transaction_hash'), 'transaction_hash')
  const units = parseLamports(required(row, 'sale_amount'), 'sale_amount')
  const claimed = claimedOf(row)
  if (claimed !== null) checkSum(units, claimed)
  return {
    reference,
    asset: ASSET,
    units,
    parties: { creator: required(row, 'token_id') },
    facts: {},
    eventAt: instantOf(row['timestamp'] ?? null),
    claimed,
    details: null,
  }
}

function required(row: InboxRow, column: string): string {
  const value = row[column] ?? null
  if (value !== null) return value
  throw new Refusal('field_malformed', `${column} is missing`, { field: column })
}

// The time zone of our sessions is UTC, so every instant ends in +00. What is no instant (infinity, years before Christ) reads as no date.
const PRINTED = /^[0-9]{4,}-[0-9]{2}-[0-9]{2} [0-9:.]+[+-][0-9:]+$/

function instantOf(printed: string | null): Temporal.Instant | null {
  if (printed === null) return null
  const instant = PRINTED.test(printed) && printed.indexOf('-') === 4 ? parseInstant(printed) : 'outside'
  if (instant !== 'outside') return instant
  throw new Refusal('field_malformed', `timestamp is ${clip(printed)}: it must lie in the years 1 to 9999`, {
    field: 'timestamp',
    value: clip(printed),
  })
}

/** The row of an event from another door, with all amounts as they are paid. */
function toRow(event: EventInput & { readonly eventAt: Temporal.Instant }, shares: readonly Share[]): InboxRow {
  const paid = paidByRole(shares)
  return {
    token_id: present(event.parties['creator'], 'creator of the event'),
    sale_amount: formatSol(event.units),
    ...Object.fromEntries(ROLES.map((role) => [AMOUNT_FIELDS[role], formatSol(paid.get(role) ?? 0n)])),
    timestamp: instantText(event.eventAt),
    transaction_hash: event.reference,
  }
}

/**
 * The first difference between a row and its event, in words, with both figures. The instant is no part of it: the first one recorded
 * counts. An amount may be the one claimed or the one paid; they differ by less than a lamport from the same quota.
 */
function compare(row: InboxRow, event: EventInput, shares: readonly Share[]): string | null {
  const { transaction_hash: hash = null, token_id: token = null, sale_amount: sale = null } = row
  if (hash !== event.reference) return `transaction_hash is ${shown(hash)}, but the event has ${shown(event.reference)}`
  const creator = event.parties['creator'] ?? null
  if (token?.toLowerCase() !== creator) return `token_id is ${shown(token)}, but the event has ${shown(creator)}`
  if (unitsOf(sale) !== event.units) return `sale_amount is ${shown(sale)}, but the event has ${formatSol(event.units)}`
  const paid = paidByRole(shares)
  for (const role of ROLES) {
    const given = row[AMOUNT_FIELDS[role]] ?? null
    const claimed = event.claimed?.[role] ?? null
    const share = paid.get(role) ?? 0n
    const units = unitsOf(given)
    if (given === null ? claimed === null : units !== null && (units === claimed || units === share)) continue
    const claim = claimed === null || claimed === share ? '' : `${formatSol(claimed)} was claimed and `
    return `${AMOUNT_FIELDS[role]} is ${shown(given)}, but ${claim}${formatSol(share)} is its share`
  }
  return null
}

function paidByRole(shares: readonly Share[]): ReadonlyMap<string, bigint> {
  return new Map(shares.map(({ role, units }) => [role, units]))
}

function shown(value: string | null): string {
  return value === null ? 'empty' : /^[0-9.]+$/.test(value) ? clip(value) : quote(value)
}

/** Null when the text is no amount that an event can have. */
function unitsOf(value: string | null): bigint | null {
  if (value === null) return null
  try {
    return parseShare(value, '')
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}
