// Days and spans of days, as docs/reference/rule-profit-share.md and rule-waterfall.md use them.

export type Day = Temporal.PlainDate
export type Span = 'day' | 'week' | 'month' | 'quarter' | 'year'

export function dayIn(at: Temporal.Instant, zone = 'UTC'): Day {
  return at.toZonedDateTimeISO(zone).toPlainDate()
}

export function isBefore(day: Day, other: Day): boolean {
  return Temporal.PlainDate.compare(day, other) < 0
}

/** Days from one to a later one; none backwards. */
export function daysFrom(day: Day, until: Day): bigint {
  return isBefore(until, day) ? 0n : BigInt(day.until(until, { largestUnit: 'days' }).days)
}

/** The first day of the span that holds a day; weeks begin on Monday. */
export function beginningOf(day: Day, span: Span): Day {
  switch (span) {
    case 'day':
      return day
    case 'week':
      return day.subtract({ days: day.dayOfWeek - 1 })
    case 'month':
      return day.with({ day: 1 })
    case 'quarter':
      return day.with({ day: 1, month: Math.floor((day.month - 1) / 3) * 3 + 1 })
    case 'year':
      return day.with({ day: 1, month: 1 })
  }
}

/** The first day of the next span. */
export function endOf(day: Day, span: Span): Day {
  const from = beginningOf(day, span)
  if (span === 'quarter') return from.add({ months: 3 })
  return from.add(span === 'day' ? { days: 1 } : span === 'week' ? { weeks: 1 } : span === 'month' ? { months: 1 } : { years: 1 })
}
