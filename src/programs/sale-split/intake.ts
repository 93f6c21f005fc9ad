// A sale as the event API, the CLI and files hand it in: the program's own words, checked and turned into an event. Amounts are text;
// a JSON number has been rounded before we see it, so it is refused.

import { z } from 'zod'
import type { JsonObject } from '../../core/effects.ts'
import type { EventInput } from '../../core/event.ts'
import { detailsProblem, isStorable, parseInstant } from '../../core/event-words.ts'
import { checkReference } from '../../core/reference.ts'
import { AMOUNT_FIELDS, ASSET, checkSum, formatSol, parseLamports, parseShare, ROLES, type AmountField, type Role } from './amounts.ts'

/** Longest note: it is kept for ever beside the event. */
const MAX_NOTE = 1000

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

function checkMetadata(metadata: Record<string, unknown>, context: z.RefinementCtx): void {
  const problem = detailsProblem(metadata)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
}
