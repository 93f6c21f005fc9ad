// A share's part: its step's place in the plan and its own place in the step, as one number that names it within its event for ever;
// and what a plan says of a part before any event.

import { assert, present } from './assert.ts'
import { endOf } from './lock.ts'
import type { Zone } from './rules/rule.ts'
import type { Step } from './step.ts'

/** Places of one step. With at most 64 steps a part fits an integer column. */
export const PLACES = 1 << 25

/** Places of a step's shares: 16,777,216 recipients. */
const SHARES = 1 << 24

/**
 * Behind them, room for what else a step makes: 2,097,152 each of its `others` and of what passes into its rounding account. A step that
 * changes shares keeps the places of those it was given, so its own have rooms of their own, one pair for each step it stands upon.
 */
const ROOM = 1 << 21

/** The place, among what passes through a step's rounding account, of what passes into a large distribution instead. */
export const PASSAGE_PLACE: number = ROOM - 1
export const PASSAGE_ROLE = 'distribution'

/** Steps that may change the same shares one after the other: as many as there are pairs of rooms beside the first step's. */
export const MAX_CHANGES = (PLACES - SHARES) / ROOM / 2 - 1

type Steps = { readonly steps: readonly Step[] }

/** Parts of a plan's first step are the places of its shares. */
export function partOf(step: number, place: number): number {
  assert(place >= 0 && place < PLACES, () => `a step has at most ${PLACES} places, not ${place}`)
  return step * PLACES + place
}

/** The place in its plan of a part's step. */
export function stepOfPart(part: number): number {
  return Math.floor(part / PLACES)
}

/** A part's place in its step. */
export function placeOf(part: number): number {
  return part % PLACES
}

/** The place in its step of a line of a zone. `changes`: as `changesOf` counts them for the step. */
export function placeIn(zone: Zone, { place, changes }: { place: number; changes: number }): number {
  if (zone === 'shares') {
    assert(place < SHARES, () => `a step has at most ${SHARES} shares, not ${place + 1}`)
    return place
  }
  assert(place < ROOM && changes <= MAX_CHANGES, () => `a step has at most ${ROOM} lines of ${zone}, not ${place + 1}, upon ${changes} others`)
  return SHARES + ROOM * (2 * changes + (zone === 'others' ? 0 : 1)) + place
}

/** How many steps changed the shares of an account's division up to this one: 0 for the one that divides. */
export function changesOf(steps: readonly Step[], { from, rule: { outline } }: Step): number {
  const earlier = outline.divides === 'shares' ? steps.find(({ name }) => from === `shares:${name}`) : undefined
  return earlier === undefined ? 0 : changesOf(steps, earlier) + 1
}

/** The role that a plan gives to a part; null when it has no such step. */
export function roleOfPart({ steps }: Steps, part: number): string | null {
  const step = steps[stepOfPart(part)]
  return step === undefined ? null : roleOfPlace(steps, step, placeOf(part))
}

function roleOfPlace(steps: readonly Step[], step: Step, place: number): string {
  const { from, rule } = step
  const { divides, parts, role, others } = rule.outline
  const room = Math.floor((place - SHARES) / ROOM)
  if (place >= SHARES && room >> 1 === changesOf(steps, step)) return room % 2 === 0 ? others : (place - SHARES) % ROOM === PASSAGE_PLACE ? PASSAGE_ROLE : 'rounding'
  const earlier = divides === 'shares' ? steps.find(({ name }) => from === `shares:${name}`) : undefined
  return earlier === undefined ? (parts?.[place]?.role ?? role) : roleOfPlace(steps, earlier, place)
}

/**
 * The instant from which a share may be paid; null: at once. A step that changes shares keeps the locks of those it changes: the latest
 * of them and its own counts.
 */
export function payableFrom({ steps }: Steps, part: number, eventAt: Temporal.Instant): Temporal.Instant | null {
  return lockedUntil(steps, present(steps[stepOfPart(part)], `step of part ${part}`), eventAt)
}

function lockedUntil(steps: readonly Step[], { from, lock, rule }: Step, eventAt: Temporal.Instant): Temporal.Instant | null {
  const earlier = rule.outline.divides === 'shares' ? steps.find(({ name }) => from === `shares:${name}`) : undefined
  const before = earlier === undefined ? null : lockedUntil(steps, earlier, eventAt)
  const own = lock === null ? null : endOf(lock, eventAt)
  if (own === null || before === null) return own ?? before
  return Temporal.Instant.compare(own, before) < 0 ? before : own
}
