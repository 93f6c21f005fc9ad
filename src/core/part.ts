// A share's part: its step's place in the plan and its own place in the step, as one number that names it within its event for ever.

import { assert } from './assert.ts'
import type { PlanVersion, Step } from './plan.ts'

/** Places of one step: 16,777,216 recipients. With at most 100 steps a part fits an integer column. */
const PLACES = 1 << 24

/**
 * In a step that changes shares, the place of a share's recipient is the one it had before; whatever else is made of shares
 * (an excess, what is carried) has places from here on.
 */
export const OTHER_PLACES = 1 << 23

/** Parts of a plan's first step are its places. */
export function partOf(step: number, place: number): number {
  assert(place >= 0 && place < PLACES, `a step has at most ${PLACES} places, not ${place}`)
  return step * PLACES + place
}

/** The role that a plan gives to a part; null when it has no such step. */
export function roleOfPart({ steps }: Pick<PlanVersion, 'steps'>, part: number): string | null {
  const step = steps[Math.floor(part / PLACES)]
  return step === undefined ? null : roleOfPlace(steps, step, part % PLACES)
}

function roleOfPlace(steps: readonly Step[], { from, rule: { divides, outline } }: Step, place: number): string {
  const earlier = divides === 'shares' && place < OTHER_PLACES ? steps.find(({ name }) => from === `shares:${name}`) : undefined
  return earlier === undefined ? (outline.parts?.[place]?.role ?? outline.role) : roleOfPlace(steps, earlier, place)
}
