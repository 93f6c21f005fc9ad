// The policy `cumulative`: each recipient has received the floor of their running entitlement. What is kept of it between events is its
// fraction; the units that fractions stand for are in the rounding account, which never goes short.

import { assert, present } from '../assert.ts'
import { FRACTION } from './limits.ts'
import type { CumulativeState } from './state.ts'
import type { Integers } from './words.ts'

/**
 * Adds pool × weight ÷ total to each running entitlement and pays what is whole of it.
 *
 * The addition is kept to 10^-38 of a unit, rounded up. Rounded down, three recipients of 1 unit thrice would stand at 0.99… each and
 * have received nothing, a whole unit short. Rounded up, nobody is ever a unit short, and the rounding account cannot go below zero:
 * the units received are a whole number, at most the sum of the entitlements, which exceeds the sum of the pools by less than
 * recipients × events × 10^-38, so by less than one.
 */
export function accrue(
  { pool, total }: { readonly pool: bigint; readonly total: bigint },
  weights: Integers,
  fractions: readonly bigint[],
): { readonly units: readonly bigint[]; readonly fractions: readonly bigint[] } {
  assert(weights.length === fractions.length, `${fractions.length} fractions are given for ${weights.length} weights`)
  const whole = pool / total
  const part = (pool % total) * FRACTION
  const units: bigint[] = []
  const after: bigint[] = []
  let index = 0
  for (const weight of weights) {
    const before = present(fractions[index], 'fraction')
    assert(before >= 0n && before < FRACTION, `${before} is no fraction of a unit`)
    const entitlement = before + (weight * part + total - 1n) / total
    const paid = entitlement / FRACTION
    units.push(weight * whole + paid)
    after.push(entitlement - paid * FRACTION)
    index += 1
  }
  return { units, fractions: after }
}

/** How far entitlements may exceed what stands for them: 10^-9 of a unit is rounding up 10^29 times. */
const SLACK = FRACTION / 10n ** 9n

/** Whether what stands in the rounding account covers these fractions, and perhaps others' too. Then no event can make it go short. */
export function isCovered({ fractions, standing }: CumulativeState): boolean {
  return fractions.reduce((sum, fraction) => sum + fraction, 0n) <= standing * FRACTION + SLACK
}
