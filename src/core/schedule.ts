// When payouts of a ledger are made: at instants of the calendar in UTC. Pure: an instant follows from the schedule alone, so that nothing has
// to be remembered of runs, and one that was missed is the same as one that is late.

import { z } from 'zod'

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

const at = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day in UTC, such as "09:00"').meta({ description: 'Time of day, UTC' })

export const scheduleSchema = z
  .union(
    [
      z.strictObject({ every: z.literal('day'), at }),
      z.strictObject({ every: z.literal('week'), on: z.enum(WEEKDAYS), at }),
      z.strictObject({ every: z.literal('month'), on: z.int().min(1).max(31).meta({ description: 'Day of the month; its last day where it has fewer' }), at }),
    ],
    { error: 'must be {"every": "day", "at"}, {"every": "week", "on": "friday", "at"} or {"every": "month", "on": 1 to 31, "at"}' },
  )
  .meta({ description: 'Instants in UTC at which payouts are made of the shares that were recorded before; at once when left out' })

export type Schedule = z.infer<typeof scheduleSchema>

/** The newest scheduled instant that is not after this one. */
export function lastRun(schedule: Schedule, now: Temporal.Instant): Temporal.Instant {
  const day = now.toZonedDateTimeISO('UTC').toPlainDate()
  const run = runNear(schedule, day, 0)
  return Temporal.Instant.compare(run, now) <= 0 ? run : runNear(schedule, day, -1)
}

/** The first scheduled instant after this one. */
export function nextRun(schedule: Schedule, now: Temporal.Instant): Temporal.Instant {
  const day = now.toZonedDateTimeISO('UTC').toPlainDate()
  const run = runNear(schedule, day, 0)
  return Temporal.Instant.compare(run, now) > 0 ? run : runNear(schedule, day, 1)
}

/** The run in the day, week or month of a day, so many of them on. */
function runNear(schedule: Schedule, day: Temporal.PlainDate, steps: number): Temporal.Instant {
  return dayOfRun(schedule, day, steps).toPlainDateTime(Temporal.PlainTime.from(schedule.at)).toZonedDateTime('UTC').toInstant()
}

function dayOfRun(schedule: Schedule, day: Temporal.PlainDate, steps: number): Temporal.PlainDate {
  if (schedule.every === 'day') return day.add({ days: steps })
  if (schedule.every === 'week') return day.add({ days: WEEKDAYS.indexOf(schedule.on) + 1 - day.dayOfWeek + 7 * steps })
  // From the first, so that a day that a month does not have is its last and not forgotten for the next.
  const month = day.with({ day: 1 }).add({ months: steps })
  return month.with({ day: Math.min(schedule.on, month.daysInMonth) })
}

/** In words: `every month on day 31 at 09:00 UTC`. */
export function scheduleText(schedule: Schedule): string {
  const on = schedule.every === 'day' ? '' : schedule.every === 'week' ? ` on ${schedule.on}` : ` on day ${schedule.on}`
  return `every ${schedule.every}${on} at ${schedule.at} UTC`
}
