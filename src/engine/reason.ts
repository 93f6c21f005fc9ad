// Why somebody rejected or withdrew something, in their words.

import { Refusal } from '../core/refusal.ts'

/** A few sentences; a letter belongs elsewhere. */
const MAX_REASON = 500

/** The reason as it is kept; null for none. Refuses `field_malformed`. */
export function checkReason(given: string | null): string | null {
  if (given === null) return null
  const reason = given.trim()
  if (reason !== '' && reason.length <= MAX_REASON && reason.isWellFormed() && !reason.includes('\0')) return reason
  throw new Refusal('field_malformed', `reason must be 1 to ${MAX_REASON} characters of text; it has ${reason.length}`, { field: 'reason', length: reason.length })
}
