// Instants and spans as callers give them. What lies ahead is refused: what will be recorded until then nobody knows.

import { Refusal } from '../core/refusal.ts'

/** From an instant on, before another. */
export type Span = { readonly from: Temporal.Instant; readonly to: Temporal.Instant }

/** Before and after anything that a ledger holds. */
const BEGINNING = Temporal.Instant.from('0001-01-01T00:00:00Z')
export const END = Temporal.Instant.from('9999-12-31T23:59:59.999999Z')
/** The clocks of several machines differ: an answer stamped by one may be asked about at another. */
const TOLERANCE = { minutes: 1 }
const MICROSECOND = { microseconds: 1 }

/** An instant of the past in whole microseconds. Refuses `field_malformed`, `instant_exceeded`. */
export function pastInstant(text: string, field: string, now: Temporal.Instant): Temporal.Instant {
  const instant = parseInstant(text, field)
  if (Temporal.Instant.compare(instant, now.add(TOLERANCE)) <= 0) return instant
  throw new Refusal('instant_exceeded', `${field} is ${instant.toString()}, which lies ahead: it is ${now.toString()} now`, { field, value: instant.toString(), now: now.toString() })
}

function parseInstant(text: string, field: string): Temporal.Instant {
  try {
    const instant = Temporal.Instant.from(text).round({ smallestUnit: 'microsecond', roundingMode: 'floor' })
    if (Temporal.Instant.compare(instant, BEGINNING) >= 0) return instant
  } catch {
    // Told below, in one form.
  }
  throw new Refusal('field_malformed', `${field} takes an instant such as 2027-01-01T00:00:00Z, not ${JSON.stringify(text.slice(0, 60))}`, { field })
}

/** The span between two instants of the past; left out, all from the beginning and all that is recorded so far. Refuses as `pastInstant` does. */
export function pastSpan({ from, to }: { readonly from: string | null; readonly to: string | null }, now: Temporal.Instant): Span {
  const span = {
    from: from === null ? BEGINNING : pastInstant(from, 'from', now),
    to: to === null ? END : pastInstant(to, 'to', now),
  }
  if (Temporal.Instant.compare(span.from, span.to) <= 0) return span
  throw new Refusal('field_malformed', `from is ${span.from.toString()} and to is ${span.to.toString()}: a span begins before it ends`, { field: 'from' })
}

/** The last microsecond before an instant: what was recorded at or before it was recorded before the instant. */
export function justBefore(instant: Temporal.Instant): Temporal.Instant {
  // SQL has no year before the first.
  return Temporal.Instant.compare(instant, BEGINNING) > 0 ? instant.subtract(MICROSECOND) : BEGINNING
}
