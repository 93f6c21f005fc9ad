// A sale as the event API, the CLI and files hand it in: the program's own words, checked and turned into an event. Amounts are text;
// a JSON number has been rounded before we see it, so it is refused.

import { z } from 'zod'
import { canonicalJson } from '../../core/canonical.ts'
import type { JsonObject } from '../../core/effects.ts'
import type { EventInput } from '../../core/event.ts'
import { checkReference } from '../../core/reference.ts'
import { AMOUNT_FIELDS, ASSET, checkSum, formatSol, parseLamports, parseShare, ROLES, type AmountField, type Role } from './amounts.ts'

/** Longest note, and longest metadata as JSON: both are kept for ever beside the event. */
const MAX_NOTE = 1000
const MAX_METADATA = 10_000
const MAX_METADATA_DEPTH = 20

// PostgreSQL's calendar has no year 0, and nobody sells after year 9999.
const FIRST_INSTANT = Temporal.Instant.from('0001-01-01T00:00:00Z')
const LAST_INSTANT = Temporal.Instant.from('9999-12-31T23:59:59.999999Z')

const amount = z.string('must be SOL as a decimal in text, such as "1.5": a JSON number would be rounded')

const text = z.string().refine(isStorable, 'holds a character that cannot be stored (NUL or half of a pair)')

const body = z.strictObject({
  reference: z.string().meta({ description: "The sale's transaction hash: the identity of the event, for ever" }),
  token_id: z.guid().meta({ description: 'The token that was sold; its creator gets the creator share' }),
  sale_amount: amount.meta({ description: 'The profit of the sale in SOL, which is what is shared' }),
  reinvestment_amount: amount.optional(),
  dao_amount: amount.optional(),
  lucky_amount: amount.optional(),
  creator_amount: amount.optional(),
  event_at: z.iso
    .datetime({ offset: true, error: 'must be an ISO 8601 instant with offset, such as 2026-01-31T12:00:00Z' })
    .optional(),
  gross_amount: amount.meta({ description: 'The whole price in SOL, when known; it changes no share' }).optional(),
  note: text.max(MAX_NOTE).optional(),
  metadata: z.record(z.string(), z.unknown()).superRefine(checkMetadata).optional(),
})

/**
 * The body of an event. Shape errors are the schema's; amounts and references refuse by themselves, with their own codes:
 * `reference_malformed`, `amount_*`, `event_amounts_mismatch`.
 */
export const saleEvent: z.ZodType<EventInput> = body.transform((sale, context): EventInput => {
  const reference = checkReference(sale.reference, 'reference')
  const units = parseLamports(sale.sale_amount, 'sale_amount')
  const claimed = claimedOf(sale)
  if (claimed !== null) checkSum(units, claimed)
  const details = {
    ...(sale.gross_amount !== undefined && { gross_amount: formatSol(parseLamports(sale.gross_amount, 'gross_amount')) }),
    ...(sale.note !== undefined && { note: sale.note }),
    ...(sale.metadata !== undefined && { metadata: sale.metadata as JsonObject }),
  }
  const eventAt = sale.event_at === undefined ? null : parseInstant(sale.event_at)
  if (eventAt === 'outside') {
    context.addIssue({ code: 'custom', path: ['event_at'], message: 'must lie in the years 1 to 9999' })
    return z.NEVER
  }
  return {
    reference,
    asset: ASSET,
    units,
    parties: { creator: sale.token_id.toLowerCase() },
    facts: {},
    eventAt,
    claimed,
    details: Object.keys(details).length === 0 ? null : details,
  }
})

/** The four amounts as far as they are given, by role; null when none is. Refuses `amount_*`, naming the field. */
export function claimedOf(
  given: { readonly [Field in AmountField]?: string | null | undefined },
): Partial<Record<Role, bigint>> | null {
  const claimed: Partial<Record<Role, bigint>> = {}
  for (const role of ROLES) {
    const field = AMOUNT_FIELDS[role]
    const value = given[field] ?? null
    if (value !== null) claimed[role] = parseShare(value, field)
  }
  return Object.keys(claimed).length === 0 ? null : claimed
}

/** An instant cut to microseconds, as the ledger keeps it; 'outside' when it has no year from 1 to 9999 in UTC. */
export function parseInstant(value: string): Temporal.Instant | 'outside' {
  const instant = Temporal.Instant.from(value).round({ smallestUnit: 'microsecond', roundingMode: 'floor' })
  const outside = Temporal.Instant.compare(instant, FIRST_INSTANT) < 0 || Temporal.Instant.compare(instant, LAST_INSTANT) > 0
  return outside ? 'outside' : instant
}

function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed()
}

function checkMetadata(metadata: Record<string, unknown>, context: z.RefinementCtx): void {
  const problem = metadataProblem(metadata)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
}

function metadataProblem(metadata: Record<string, unknown>): string | null {
  const found = jsonProblem(metadata, MAX_METADATA_DEPTH)
  if (found !== null) return found
  const { length } = canonicalJson(metadata as JsonObject)
  return length > MAX_METADATA ? `has ${length} characters as JSON, the longest is ${MAX_METADATA}` : null
}

function jsonProblem(value: unknown, depth: number): string | null {
  if (value === null || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'holds a number that JSON cannot write'
  if (typeof value === 'string') return isStorable(value) ? null : 'holds a character that cannot be stored (NUL or half of a pair)'
  if (typeof value !== 'object') return 'holds something that is not JSON'
  if (depth === 0) return `is nested more than ${MAX_METADATA_DEPTH} deep`
  // A list has its places as keys, which do no harm.
  for (const part of Object.entries<unknown>({ ...value }).flat()) {
    const problem = jsonProblem(part, depth - 1)
    if (problem !== null) return problem
  }
  return null
}
