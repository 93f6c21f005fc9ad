// What a profit share remembers of a subject: where it stands, the closes that a late one may still go between, and what is due or owed.

import { z } from 'zod'
import { present } from '../../assert.ts'
import type { Json } from '../../effects.ts'
import { Refusal } from '../../refusal.ts'
import { readDay } from '../calendar.ts'
import { formatGrains, formatPercent, grainsOf, percentOf } from '../grain.ts'
import { advance, NOWHERE, type Advanced, type Close, type Standing } from './standing.ts'
import type { Terms } from './terms.ts'

export type Memory = {
  /** The standing after all closes. It follows from `base` and `closes`; without it each event would walk through them all. */
  readonly now: Standing
  /** The standing after every close that is no longer kept, and the instant of the newest of those. */
  readonly base: Standing
  readonly at: Temporal.Instant | null
  /** The closes after it as they are written, in order of their instants, those of one instant as they came. */
  readonly closes: readonly string[]
  /** All shares so far less all that pools have covered: below zero when a late close took back what was paid. */
  readonly due: bigint
  /** The close that the event brought which this was written for, so that it can be found again when that is reversed; null after a reversal. */
  readonly brought: string | null
}

const NOTHING: Memory = { now: NOWHERE, base: NOWHERE, at: null, closes: [], due: 0n, brought: null }

/** What one close did. */
export type Recorded = {
  readonly before: Standing
  readonly after: Standing
  /** How its step went; null for a late close, and within a span. */
  readonly charge: Advanced['charge']
  readonly isLate: boolean
  /** Due before the close, and what it adds: below zero where a late one takes back. */
  readonly dueBefore: bigint
  readonly added: bigint
  /** With all of it due. */
  readonly memory: Memory
}

/**
 * Puts a close in its place by its instant and works out anew what came after it: the difference is what it adds. Refuses
 * `event_order_conflict` for one that is older than the newest close no longer kept.
 */
export function record(memory: Memory, close: Close, terms: Terms, step: string): Recorded {
  const { now, base, at, closes, due } = memory
  const place = terms.keep === null ? closes.length : placeOf(close, closes)
  if (terms.keep !== null && at !== null && isEarlier(close.at, at)) throw tooLate(close.at, at, { step, keep: terms.keep })
  const isLate = place < closes.length
  const brought = writeClose(close)
  const kept = closes.toSpliced(place, 0, brought)
  const anew = isLate ? walk(base, kept, terms) : advance(now, close, terms)
  const added = isLate ? anew.shares - walk(base, closes, terms).shares : anew.shares
  return {
    before: now,
    after: anew.standing,
    charge: isLate ? null : anew.charge,
    isLate,
    dueBefore: due,
    added,
    memory: { now: anew.standing, ...drop({ base, at, closes: kept }, terms), due: due + added, brought },
  }
}

/** After all that are not later. Most closes come in order, so they are looked through from the newest. */
export function placeOf({ at }: Close, closes: readonly string[]): number {
  return closes.findLastIndex((other) => !isEarlier(at, instantOf(other))) + 1
}

function isEarlier(at: Temporal.Instant, other: Temporal.Instant): boolean {
  return Temporal.Instant.compare(at, other) < 0
}

export function walk(base: Standing, closes: readonly string[], terms: Terms): Advanced {
  let walked: Advanced = { standing: base, charge: null, shares: 0n }
  for (const close of closes) {
    const next = advance(walked.standing, readClose(close), terms)
    walked = { ...next, shares: walked.shares + next.shares }
  }
  return walked
}

/** Closes beyond those to keep go into the standing before them, the oldest first. */
function drop({ base, at, closes }: Pick<Memory, 'base' | 'at' | 'closes'>, terms: Terms): Pick<Memory, 'base' | 'at' | 'closes'> {
  const old = closes.slice(0, Math.max(0, closes.length - (terms.keep ?? 0)))
  const newest = old.at(-1)
  if (newest === undefined) return { base, at, closes }
  return { base: walk(base, old, terms).standing, at: instantOf(newest), closes: closes.slice(old.length) }
}

function tooLate(closed: Temporal.Instant, newest: Temporal.Instant, { step, keep }: { readonly step: string; readonly keep: number }): Refusal {
  const details = { step, event_at: closed.toString(), earliest: newest.toString(), keep }
  return new Refusal(
    'event_order_conflict',
    `the event happened at ${details.event_at}, but step ${step} has settled all up to ${details.earliest} and keeps ${keep} closes after it: record it at that instant or later`,
    details,
  )
}

/** One text a close, its parts by spaces: instant, net result, movement, percentage. */
export function writeClose({ at, net, moved, percent }: Close): string {
  return `${at.toString()} ${formatGrains(net)} ${formatGrains(moved)} ${formatPercent(percent)}`
}

export function readClose(written: string): Close {
  const [at, net, moved, percent] = written.split(' ')
  const part = (text: string | undefined) => present(text, `part of the close ${written}`)
  return { at: Temporal.Instant.from(part(at)), net: grainsOf(part(net)), moved: grainsOf(part(moved)), percent: percentOf(part(percent)) }
}

function instantOf(written: string): Temporal.Instant {
  return Temporal.Instant.from(written.slice(0, written.indexOf(' ')))
}

const text = z.string()
const standing = z.strictObject({ day: text.nullable(), value: text, mark: text, hurdle: text, wins: text, percent: text })
const stored = z.strictObject({ now: standing, base: standing, at: text.nullable(), due: text, closes: z.array(text), brought: text.nullable() })

/** Undefined: nothing is remembered yet. */
export function readMemory(value: Json | undefined): Memory {
  if (value === undefined) return NOTHING
  const { now, base, at, closes, due, brought } = stored.parse(value)
  return { now: readStanding(now), base: readStanding(base), at: at === null ? null : Temporal.Instant.from(at), closes, due: grainsOf(due), brought }
}

export function writeMemory({ now, base, at, closes, due, brought }: Memory): Json {
  return { now: writeStanding(now), base: writeStanding(base), at: at?.toString() ?? null, closes, due: formatGrains(due), brought }
}

type Written = z.infer<typeof standing>

function readStanding({ day, value, mark, hurdle, wins, percent }: Written): Standing {
  return {
    day: day === null ? null : readDay(day),
    value: grainsOf(value),
    mark: grainsOf(mark),
    hurdle: grainsOf(hurdle),
    wins: grainsOf(wins),
    percent: percentOf(percent),
  }
}

function writeStanding({ day, value, mark, hurdle, wins, percent }: Standing): Written {
  return {
    day: day?.toString() ?? null,
    value: formatGrains(value),
    mark: formatGrains(mark),
    hurdle: formatGrains(hurdle),
    wins: formatGrains(wins),
    percent: formatPercent(percent),
  }
}
