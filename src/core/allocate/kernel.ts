// What an arithmetic does with the weights of one chunk. There are two, of doubles and of bigints, which answer the same; which of them
// works is a matter of size and nobody's business.

import type { Integers } from './words.ts'

/** What units left over are given by. */
export type Key = 'remainder' | 'weight'

/** Keys from `low` on, in `BUCKETS` buckets of 2^`shift` each. */
export type Range = { readonly low: bigint; readonly shift: number }

/** Who gets a unit: keys above `threshold`, and of those equal to it the first `ties`. */
export type Cut = { readonly threshold: bigint; readonly ties: number }

export const BUCKET_BITS = 16
export const BUCKETS = 2 ** BUCKET_BITS

/**
 * A pool is `whole` × total + `part`, so a weight's floor is weight × `whole` + quotient, with quotient = floor(weight × `part` ÷ total).
 * Everything but `load` speaks of the chunk loaded last.
 */
export type Kernel = {
  /** Works out quotients and remainders of weights; where `before` is given, of the running totals from there on, as differences. */
  readonly load: (weights: Integers, before: bigint | null) => void
  /** The sum of the quotients. */
  readonly quotientSum: () => bigint
  readonly isZero: (index: number) => boolean
  /** Counts the keys of each bucket. */
  readonly tally: (key: Key, range: Range, buckets: Uint32Array) => void
  /** The keys in the first bucket of a range. */
  readonly gather: (key: Key, range: Range) => readonly bigint[]
  /** Sets 1 for each that gets a unit, and tells how many ties have not been given any yet. */
  readonly mark: (key: Key, cut: Cut, extras: Uint8Array) => number
  /** The units: floors and extras; typed where the pool is below 2^64. */
  readonly units: (extras: Uint8Array) => Integers
}
