// Scheduled instants: one follows the other, none is left out, and the last days of months are kept.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lastRun, nextRun, scheduleSchema, scheduleText, type Schedule } from './schedule.ts'

const DAILY: Schedule = { every: 'day', at: '09:00' }
const WEEKLY: Schedule = { every: 'week', on: 'monday', at: '00:00' }
const MONTHLY: Schedule = { every: 'month', on: 31, at: '23:59' }

it.each<[Schedule, string, string, string]>([
  [DAILY, '2026-01-31T08:59:59Z', '2026-01-30T09:00:00Z', '2026-01-31T09:00:00Z'],
  [DAILY, '2026-01-31T09:00:00Z', '2026-01-31T09:00:00Z', '2026-02-01T09:00:00Z'],
  [WEEKLY, '2026-01-04T23:59:59.999999Z', '2025-12-29T00:00:00Z', '2026-01-05T00:00:00Z'],
  [WEEKLY, '2026-01-05T00:00:00Z', '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
  [MONTHLY, '2026-02-28T12:00:00Z', '2026-01-31T23:59:00Z', '2026-02-28T23:59:00Z'],
  [MONTHLY, '2026-03-01T12:00:00Z', '2026-02-28T23:59:00Z', '2026-03-31T23:59:00Z'],
  [MONTHLY, '2028-02-29T23:59:00Z', '2028-02-29T23:59:00Z', '2028-03-31T23:59:00Z'],
  [{ every: 'month', on: 1, at: '06:30' }, '2026-12-31T00:00:00Z', '2026-12-01T06:30:00Z', '2027-01-01T06:30:00Z'],
])('%o at %s', (schedule, now, last, next) => {
  expect([lastRun(schedule, Temporal.Instant.from(now)), nextRun(schedule, Temporal.Instant.from(now))].map(String)).toEqual([last, next])
})

it('runs one after the other: between two there is none, and each instant stands between its last and its next', () => {
  const schedule = fc.oneof(
    fc.constant(DAILY),
    fc.constantFrom('monday' as const, 'thursday' as const, 'sunday' as const).map((on): Schedule => ({ every: 'week', on, at: '17:45' })),
    fc.integer({ min: 1, max: 31 }).map((on): Schedule => ({ every: 'month', on, at: '00:00' })),
  )
  fc.assert(
    fc.property(schedule, fc.integer({ min: 0, max: 4_000_000_000 }), (one, seconds) => {
      const now = Temporal.Instant.fromEpochMilliseconds(seconds * 1000)
      const [last, next] = [lastRun(one, now), nextRun(one, now)]
      expect(Temporal.Instant.compare(last, now) <= 0 && Temporal.Instant.compare(now, next) < 0).toBe(true)
      expect([nextRun(one, last).toString(), lastRun(one, next).toString()]).toEqual([next.toString(), next.toString()])
      expect(lastRun(one, next.subtract({ nanoseconds: 1 })).toString()).toBe(last.toString())
    }),
  )
})

it('is read from data, and said in words', () => {
  expect([DAILY, WEEKLY, MONTHLY].map(scheduleText)).toEqual(['every day at 09:00 UTC', 'every week on monday at 00:00 UTC', 'every month on day 31 at 23:59 UTC'])
  for (const wrong of [{ every: 'day', at: '24:00' }, { every: 'day', on: 1, at: '09:00' }, { every: 'week', at: '09:00' }, { every: 'month', on: 32, at: '09:00' }, { every: 'hour', at: '09:00' }]) {
    expect(scheduleSchema.safeParse(wrong).success).toBe(false)
  }
})
