// Days and spans by the calendar of a zone: leap years, ISO weeks, and zones whose days do not have 24 hours.

import { expect, it } from 'vitest'
import { dayOf, daysBetween, endOfSpan, isBefore, isZone, laterDay, readDay, startOfSpan, type Span } from './calendar.ts'

it.each<readonly [Span, string, string, string]>([
  ['day', '2028-02-29', '2028-02-29', '2028-03-01'],
  ['week', '2026-01-01', '2025-12-29', '2026-01-05'],
  ['week', '2026-01-05', '2026-01-05', '2026-01-12'],
  ['week', '2026-01-11', '2026-01-05', '2026-01-12'],
  ['month', '2026-01-31', '2026-01-01', '2026-02-01'],
  ['month', '2026-12-31', '2026-12-01', '2027-01-01'],
  ['quarter', '2026-03-31', '2026-01-01', '2026-04-01'],
  ['quarter', '2026-11-30', '2026-10-01', '2027-01-01'],
  ['year', '2028-12-31', '2028-01-01', '2029-01-01'],
])('knows the %s that holds %s', (span, day, start, end) => {
  expect(startOfSpan(readDay(day), span).toString()).toBe(start)
  expect(endOfSpan(readDay(day), span).toString()).toBe(end)
})

it.each([
  ['2026-01-01', '2027-01-01', 365n],
  ['2028-01-01', '2029-01-01', 366n],
  ['2028-02-28', '2028-03-01', 2n],
  ['2026-01-01', '2026-01-01', 0n],
  ['2026-01-02', '2026-01-01', 0n],
])('counts the days from %s to %s', (from, to, days) => {
  expect(daysBetween(readDay(from), readDay(to))).toBe(days)
})

it.each([
  ['2026-01-31T23:59:59.999999Z', 'UTC', '2026-01-31'],
  ['2026-01-31T23:00:00Z', 'Europe/Paris', '2026-02-01'],
  ['2026-01-31T22:59:59Z', 'Europe/Paris', '2026-01-31'],
  // Summer time: midnight is an hour earlier by UTC.
  ['2026-07-31T22:00:00Z', 'Europe/Paris', '2026-08-01'],
  ['2026-02-01T04:59:59Z', 'America/New_York', '2026-01-31'],
])('finds the day of %s in %s', (at, zone, day) => {
  expect(dayOf(Temporal.Instant.from(at), zone).toString()).toBe(day)
})

it('orders days, and knows which zones there are', () => {
  const [early, late] = [readDay('2026-01-01'), readDay('2026-01-02')]
  expect([isBefore(early, late), isBefore(late, early), isBefore(early, early)]).toEqual([true, false, false])
  expect([laterDay(early, late), laterDay(late, early)].map(String)).toEqual(['2026-01-02', '2026-01-02'])
  expect(['UTC', 'Europe/Paris', 'Asia/Kathmandu', 'Europe/Atlantis', '', 'now'].map(isZone)).toEqual([true, true, true, false, false, false])
})
