// Exact division of a pool by weights. Every unit of the pool goes somewhere; who gets the units that do not divide is declared.

import { accrue, isCovered } from './allocate/cumulative.ts'
import { createDivision } from './allocate/division.ts'
import { MAX_WEIGHTS } from './allocate/limits.ts'
import { dividePlainly } from './allocate/plain.ts'
import { policyOf, residualOf, type Policy, type Rounding } from './allocate/rounding.ts'
import type { CumulativeState, RoundingState } from './allocate/state.ts'
import { compact, sumOf, WORD, type Integers } from './allocate/words.ts'
import { assert } from './assert.ts'
import { MAX_UNITS } from './money.ts'

/** Up to so many are divided in plain bigints; for more, typed arrays are worth their making. */
const FEW = 64

/** Up to so many are worked out once and kept; for more, it is done again at each reading, in bounded memory. */
const KEPT = 2 ** 21
/** What is worked out of so many weights stays in the processor's own memory. */
const CHUNK = 2 ** 14

export type AllocationInput<Weights extends Integers = readonly bigint[]> = {
  /** Units, not negative, at most what the ledger can hold. */
  readonly pool: bigint
  /** Not negative, at least one above zero, in the order that decides ties: the plan's, or that of recipient ids in UTF-8 bytes. */
  readonly weights: Weights
  readonly rounding: Rounding
  /** Recipients or roles by place; needed by `residual-to`. */
  readonly names?: readonly string[]
  /** What the policy remembers; null or nothing before the first event. */
  readonly state?: RoundingState
}

export type Allocation<Units extends Integers = readonly bigint[]> = {
  readonly units: Units
  /** Units for the rounding account; below zero, units out of it. Other than zero with `cumulative` alone. */
  readonly remainder: bigint
  /** To be given with the next event; null where the policy remembers nothing. */
  readonly state: RoundingState
}

/**
 * Divides a pool of units by weights, exactly and for any size: units + remainder = pool. The same on every machine.
 * Lists give lists; a typed array gives a typed array where the pool is below 2^64, and a list above.
 *
 * Worked: pool 100, weights 1, 1, 1 by largest-remainder → 34, 33, 33.
 */
export function allocate(input: AllocationInput): Allocation
export function allocate(input: AllocationInput<Integers>): Allocation<Integers>
export function allocate(input: AllocationInput<Integers>): Allocation<Integers> {
  const { pool, weights, rounding, state = null } = input
  assert(pool >= 0n && pool <= MAX_UNITS, () => `a pool of ${pool} units cannot be divided`)
  assert(weights.length <= MAX_WEIGHTS, () => `${weights.length} weights are more than ${MAX_WEIGHTS}`)
  const policy = policyOf(rounding)
  const residual = placeOfResidual(input)
  const next = state !== null && 'next' in state ? state.next : 0
  if (policy.rest === 'kept') return allocateKeeping(input)
  const divided = weights.length <= FEW && !(weights instanceof BigUint64Array) ? few({ pool, weights, rest: policy.rest, residual, next }) : many(input, residual, next)
  return { units: divided.units, remainder: 0n, state: policy.state === 'place' ? { next: divided.next } : null }
}

type Divided = { readonly units: Integers; readonly next: number }

function few(input: { readonly pool: bigint; readonly weights: readonly bigint[]; readonly rest: Exclude<Policy['rest'], 'kept'>; readonly residual: number | null; readonly next: number }): Divided {
  const divided = dividePlainly({ ...input, total: totalOf(input.weights) })
  const given = sumOf(divided.units)
  assert(given === input.pool, () => `shares of ${given} units were made of ${input.pool}`)
  return divided
}

function many({ pool, weights, rounding }: AllocationInput<Integers>, residual: number | null, next: number): Divided {
  const all = weights instanceof BigUint64Array ? weights : compact(weights)
  const chunks = Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, index) => partOf(all, index * CHUNK))
  const division = createDivision({ pool, rounding, residual, next, isKept: all.length <= KEPT })
  while (division.needsPass()) {
    for (const chunk of chunks) division.read(chunk)
    division.endPass()
  }
  const typed = weights instanceof BigUint64Array && pool < WORD ? new BigUint64Array(weights.length) : null
  const list: bigint[] = []
  for (const [index, chunk] of chunks.entries()) {
    const { units } = division.shares(chunk, { into: typed?.subarray(index * CHUNK, index * CHUNK + chunk.length) ?? null })
    if (typed === null) for (const share of units) list.push(share)
  }
  return { units: typed ?? list, next: division.end().next }
}

function partOf(weights: Integers, start: number): Integers {
  return weights instanceof BigUint64Array ? weights.subarray(start, start + CHUNK) : weights.slice(start, start + CHUNK)
}

function allocateKeeping({ pool, weights, state = null }: AllocationInput<Integers>): Allocation<Integers> {
  const before: CumulativeState = state !== null && 'fractions' in state ? state : { fractions: Array.from(weights, () => 0n), standing: 0n }
  assert(isCovered(before), `${before.standing} units in the rounding account do not cover the fractions`)
  const { units, fractions } = accrue({ pool, total: totalOf(weights) }, weights, before.fractions)
  const remainder = pool - sumOf(units)
  const standing = before.standing + remainder
  assert(standing >= 0n, `the rounding account would stand at ${standing} units`)
  return { units: weights instanceof BigUint64Array && pool < WORD ? BigUint64Array.from(units) : units, remainder, state: { fractions, standing } }
}

function totalOf(weights: Integers): bigint {
  for (const weight of weights) assert(weight >= 0n, () => `a weight of ${weight} is negative`)
  const total = sumOf(weights)
  assert(total > 0n, 'all weights are zero, so nothing says who gets the pool')
  return total
}

function placeOfResidual({ rounding, weights, names = [] }: AllocationInput<Integers>): number | null {
  const residual = residualOf(rounding)
  if (residual === null) return null
  assert(names.length === weights.length, `${names.length} names are given for ${weights.length} weights`)
  const place = names.indexOf(residual)
  assert(place >= 0, `${residual}, who gets the rest, is not among the recipients`)
  assert(weights[place] !== 0n, `${residual}, who gets the rest, has a weight of zero`)
  return place
}
