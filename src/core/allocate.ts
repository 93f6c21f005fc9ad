// Exact division of a pool by weights. Every unit of the pool goes somewhere; who gets the units that do not divide is declared.

import { assert, present } from './assert.ts'

/** How one recipient's part came to be: `units` = `floor` + `extra`; the exact quota is `pool × weight ÷ total`. */
export type Part = {
  readonly weight: bigint
  readonly floor: bigint
  /** Numerator of what the floor cut off, over the sum of the weights. */
  readonly remainder: bigint
  readonly extra: bigint
  readonly units: bigint
}

/**
 * Divides `pool` units by largest remainder (Hamilton's method): each weight gets the floor of its quota, then the units left
 * over go one each to the largest remainders; ties go to the earlier place in the order given. A weight of zero gets zero.
 *
 * Worked: pool 100, weights 1, 1, 1 → 34, 33, 33.
 *
 * @param pool units, not negative
 * @param weights not negative, at least one above zero
 */
export function largestRemainder(pool: bigint, weights: readonly bigint[]): readonly Part[] {
  assert(pool >= 0n, `a pool of ${pool} units cannot be divided`)
  let total = 0n
  for (const weight of weights) {
    assert(weight >= 0n, `a weight of ${weight} is negative`)
    total += weight
  }
  assert(total > 0n, 'all weights are zero, so nothing says who gets the pool')
  const floors: bigint[] = []
  const remainders: bigint[] = []
  let left = pool
  for (const weight of weights) {
    const product = pool * weight
    const floor = product / total
    floors.push(floor)
    remainders.push(product - floor * total)
    left -= floor
  }
  const lucky = left === 0n ? undefined : new Set(largestFirst(remainders).slice(0, Number(left)))
  return weights.map((weight, index) => {
    const floor = present(floors[index], 'floor')
    const extra = lucky?.has(index) === true ? 1n : 0n
    return { weight, floor, remainder: present(remainders[index], 'remainder'), extra, units: floor + extra }
  })
}

/** Indexes ordered by remainder, largest first, ties by place. What is left over is below their number, so zeros never get any. */
function largestFirst(remainders: readonly bigint[]): readonly number[] {
  return remainders
    .map((remainder, index) => ({ remainder, index }))
    .toSorted((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
    .map(({ index }) => index)
}
