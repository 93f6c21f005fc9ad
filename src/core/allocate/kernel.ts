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

/** `isKept`: what was worked out for a chunk is kept by its start, as the same chunks come again. */
export type KernelOptions = { readonly pool: bigint; readonly total: bigint; readonly isKept: boolean }

/**
 * A pool is `whole` × total + `part`, so a weight's floor is weight × `whole` + quotient, with quotient = floor(weight × `part` ÷ total).
 * All but `load` and `runningUnits` speak of the chunk loaded last.
 */
export type Kernel = {
  /** Works out quotients and remainders of the weights from place `start` on. */
  readonly load: (weights: Integers, start: number) => void
  /** The sum of the quotients. */
  readonly quotientSum: () => bigint
  readonly isZero: (index: number) => boolean
  /** Counts the keys of each bucket. */
  readonly tally: (key: Key, range: Range, buckets: Uint32Array) => void
  /** The keys in the first bucket of a range. */
  readonly gather: (key: Key, range: Range) => readonly bigint[]
  /** Sets 1 for each that gets a unit, and tells how many ties have not been given any yet. */
  readonly mark: (key: Key, cut: Cut, extras: Uint8Array) => number
  /** The units: floors and extras; typed where the pool is below 2^64, written to `into` where it is given. */
  readonly units: (extras: Uint8Array, into: BigUint64Array | null) => Integers
  /** Units as differences of the floors of the running totals from `before` on; of a chunk that need not be loaded. */
  readonly runningUnits: (weights: Integers, before: bigint, into: BigUint64Array | null) => Integers
}
