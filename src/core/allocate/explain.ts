// Why each part of an allocation is what it is: the formula with its numbers, what rounding did, and a note in words.

import type { Allocation, AllocationInput } from '../allocate.ts'
import { present } from '../assert.ts'
import { formatRatio, ratio } from '../ratio.ts'
import { formatRounding, policyOf } from './rounding.ts'
import { formatFraction, type RoundingState } from './state.ts'
import { sumOf, type Integers } from './words.ts'

/** All figures as text; `remainder` is what the floor cut off, `extra` what the rounding gave beyond the floor. */
export type PartNote = {
  readonly of: string
  readonly formula: string
  readonly quota: string
  readonly floor: string
  readonly remainder: string
  readonly extra: string
  readonly units: string
  readonly rounding: string
  readonly note: string
  /** The fraction of a running entitlement before and after, in units, where the policy keeps one. */
  readonly entitlement?: { readonly before: string; readonly after: string }
}

/** Explains the parts at the places given, or all of them. */
export function explainAllocation(
  { pool, weights, rounding, state = null }: AllocationInput<Integers>,
  allocation: Allocation<Integers>,
  places: Iterable<number> = weights.keys(),
): readonly PartNote[] {
  const total = sumOf(weights)
  const { notes } = policyOf(rounding)
  return Array.from(places, (place) => {
    const weight = present(weights[place], 'weight')
    const units = present(allocation.units[place], 'units')
    const floor = (pool * weight) / total
    const remainder = pool * weight - floor * total
    const extra = units - floor
    const after = fractionAt(allocation.state, place)
    return {
      of: formatRatio(ratio(weight, total)),
      formula: `${pool} × ${weight} ÷ ${total}`,
      quota: formatRatio(ratio(pool * weight, total)),
      floor: floor.toString(),
      remainder: `${remainder}/${total}`,
      extra: extra.toString(),
      units: units.toString(),
      rounding: formatRounding(rounding),
      note: extra > 0n ? notes.up : remainder === 0n ? notes.exact : notes.down,
      ...(after === null ? {} : { entitlement: { before: formatFraction(fractionAt(state, place) ?? 0n), after: formatFraction(after) } }),
    }
  })
}

function fractionAt(state: RoundingState, place: number): bigint | null {
  return state !== null && 'fractions' in state ? present(state.fractions[place], 'fraction') : null
}
