// What programs' own words for events have in common: instants as the ledger can keep them, and what may be kept beside an event.

import { canonicalJson } from './canonical.ts'
import type { Json } from './effects.ts'

// PostgreSQL's calendar has no year 0, and no event happens after year 9999.
const FIRST_INSTANT = Temporal.Instant.from('0001-01-01T00:00:00Z')
const LAST_INSTANT = Temporal.Instant.from('9999-12-31T23:59:59.999999Z')

/** Longest details as JSON: they are kept for ever beside the event. */
const MAX_DETAILS = 10_000
const MAX_DETAILS_DEPTH = 20

/** An instant cut to microseconds, as the ledger keeps it; 'outside' when it has no year from 1 to 9999 in UTC. */
export function parseInstant(value: string): Temporal.Instant | 'outside' {
  return storableInstant(Temporal.Instant.from(value))
}

export function storableInstant(given: Temporal.Instant): Temporal.Instant | 'outside' {
  const instant = given.round({ smallestUnit: 'microsecond', roundingMode: 'floor' })
  const outside = Temporal.Instant.compare(instant, FIRST_INSTANT) < 0 || Temporal.Instant.compare(instant, LAST_INSTANT) > 0
  return outside ? 'outside' : instant
}

/** Whether a database can store a text and a hash can be taken of it. */
export function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed()
}

/** Why something cannot be kept beside an event, in words that follow its name; null when it can. */
export function detailsProblem(details: unknown): string | null {
  const found = jsonProblem(details, MAX_DETAILS_DEPTH)
  if (found !== null) return found
  const { length } = canonicalJson(details as Json)
  return length > MAX_DETAILS ? `has ${length} characters as JSON, the longest is ${MAX_DETAILS}` : null
}

function jsonProblem(value: unknown, depth: number): string | null {
  if (value === null || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'holds a number that JSON cannot write'
  if (typeof value === 'string') return isStorable(value) ? null : 'holds a character that cannot be stored (NUL or half of a pair)'
  if (typeof value !== 'object') return 'holds something that is not JSON'
  if (depth === 0) return `is nested more than ${MAX_DETAILS_DEPTH} deep`
  // A list has its places as keys, which do no harm.
  for (const part of Object.entries<unknown>({ ...value }).flat()) {
    const problem = jsonProblem(part, depth - 1)
    if (problem !== null) return problem
  }
  return null
}
