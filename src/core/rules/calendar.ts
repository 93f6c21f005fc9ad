// Days and spans of days by the calendar of a time zone, for rules that run by time. Instants come with events; no clock is read here.

export const SPANS = ['day', 'week', 'month', 'quarter', 'year'] as const

/** A week begins on Monday (ISO 8601), the others with their first day. */
export type Span = (typeof SPANS)[number]

export type Day = Temporal.PlainDate

/** Whether the machine's calendar knows the zone: `UTC`, `Europe/Paris`. */
export function isZone(zone: string): boolean {
  try {
    return new Temporal.ZonedDateTime(0n, zone).timeZoneId !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The calendar day of an instant in a zone. */
export function dayOf(at: Temporal.Instant, zone: string): Day {
  return at.toZonedDateTimeISO(zone).toPlainDate()
}

export function readDay(text: string): Day {
  return Temporal.PlainDate.from(text)
}

/** Whole days from one day to another; zero where the second is the earlier. */
export function daysBetween(from: Day, to: Day): bigint {
  return isBefore(to, from) ? 0n : BigInt(from.until(to, { largestUnit: 'day' }).days)
}

export function isBefore(day: Day, other: Day): boolean {
  return Temporal.PlainDate.compare(day, other) < 0
}

export function laterDay(day: Day, other: Day): Day {
  return isBefore(day, other) ? other : day
}

/** The first day of the span that holds a day. */
export function startOfSpan(day: Day, span: Span): Day {
  if (span === 'day') return day
  if (span === 'week') return day.subtract({ days: day.dayOfWeek - 1 })
  if (span === 'month') return day.with({ day: 1 })
  if (span === 'quarter') return day.with({ day: 1, month: day.month - ((day.month - 1) % 3) })
  return day.with({ day: 1, month: 1 })
}

const LENGTHS = { day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 }, quarter: { months: 3 }, year: { years: 1 } } as const

/** The first day after the span that holds a day. */
export function endOfSpan(day: Day, span: Span): Day {
  return startOfSpan(day, span).add(LENGTHS[span])
}
