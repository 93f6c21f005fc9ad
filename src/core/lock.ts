// Locks of a plan's steps: when their shares may be paid. Nothing is posted to lock or unlock: payouts ask `payableFrom` (src/core/part.ts).

import { z } from 'zod'

/** Ten years: longer is a slip of the pen, and a share that nobody alive will see. */
const MAX_DAYS = 3650

const instant = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/, 'an instant is ISO 8601 in UTC, such as 2027-01-01T00:00:00Z').refine(isInstant, 'there is no such instant')

const HOURS_OF_A_DAY = 24

/** `days` of 24 hours from the event's instant, or one instant for all. */
export const lockSchema = z.union([z.strictObject({ days: z.int().min(1).max(MAX_DAYS) }), z.strictObject({ until: instant })], {
  error: `a lock is {"days": 1 to ${MAX_DAYS}} or {"until": an instant in UTC}`,
}).meta({ id: 'WrittenLock' })

export type Lock = { readonly days: number } | { readonly until: Temporal.Instant }

export function readLock(written: z.infer<typeof lockSchema>): Lock {
  return 'days' in written ? written : { until: Temporal.Instant.from(written.until) }
}

/** The instant until which a lock holds a share of an event. */
export function endOf(lock: Lock, eventAt: Temporal.Instant): Temporal.Instant {
  return 'until' in lock ? lock.until : eventAt.add({ hours: lock.days * HOURS_OF_A_DAY })
}

function isInstant(text: string): boolean {
  try {
    Temporal.Instant.from(text)
    return true
  } catch {
    return false
  }
}
