// The division of a pool among any number of recipients, chunk by chunk in bounded memory. The weights are read several times, always
// the same and in the same order; how often is the policy's affair. Every unit of the pool is accounted for, or it throws.

import { assert, present } from '../assert.ts'
import { MAX_UNITS } from '../money.ts'
import { accrue } from './cumulative.ts'
import { createExactKernel } from './exact-kernel.ts'
import { createExtras, onward, type GivenCut } from './extras.ts'
import { createFastKernel, FAST_LIMIT } from './fast-kernel.ts'
import type { Kernel, KernelOptions } from './kernel.ts'
import { policyOf, type Rounding } from './rounding.ts'
import { sumOf, type Integers } from './words.ts'

export type DivisionOptions = {
  readonly pool: bigint
  readonly rounding: Rounding
  /** Place of the recipient named for the rest, counted from 0. */
  readonly residual?: number | null
  /** Place at which turns begin. */
  readonly next?: number
  /** What was worked out for the weights is kept, in 16 bytes each, instead of worked out again at each reading. */
  readonly isKept?: boolean
}

/** `fractions` are of running entitlements after the chunk, in 10^-38 of a unit, where the policy keeps them; else none. */
export type Shares = { readonly units: Integers; readonly fractions: readonly bigint[] }

export type Division = {
  /** Whether the weights must be read once more, from the first chunk to the last, before shares can be told. */
  readonly needsPass: () => boolean
  readonly read: (weights: Integers) => void
  readonly endPass: () => void
  /**
   * The shares of the next chunk, when no pass is needed any more: typed where the pool is below 2^64, and then written to `into` where it
   * is given. Fractions of the chunk's recipients are needed by `cumulative`, which gives lists.
   */
  readonly shares: (weights: Integers, more?: { readonly fractions?: readonly bigint[]; readonly into?: BigUint64Array | null }) => Shares
  /** Where the units left over end, for policies that give them to the largest; null where none are left over. */
  readonly cut: () => GivenCut | null
  /**
   * Ends it when all shares were told. `remainder` goes to the rounding account, or comes out of it where it is below zero;
   * `next` is the place where the next event's turn begins.
   */
  readonly end: () => { readonly remainder: bigint; readonly next: number }
}

/**
 * Begins the division of `pool` units. The caller reads all chunks while `needsPass`, then asks for the shares of each in the same order.
 * `prefix` and `cumulative` need one pass, the others two, and those that give to the largest mostly a third to find where to cut.
 */
export function createDivision(options: DivisionOptions): Division {
  const { pool, rounding, isKept = false } = options
  assert(pool >= 0n && pool <= MAX_UNITS, `a pool of ${pool} units cannot be divided`)
  let [count, total] = [0, 0n]
  let [seen, seenTotal] = [0, 0n]
  let given = 0n
  /** Of each chunk by its start, where chunks are kept: they are not added up again. */
  const sums = new Map<number, bigint>()
  let work: Work | null = null

  const endReading = (): void => {
    assert(seen === count, `${seen} weights were read where ${count} were read before`)
    seen = 0
  }
  return {
    needsPass: () => work?.isReady() !== true,
    read: (weights) => {
      if (work === null) {
        const sum = addUp(weights)
        if (isKept) sums.set(count, sum)
        count += weights.length
        total += sum
      } else {
        work.look(weights, seen)
        seen += weights.length
      }
    },
    endPass: () => {
      if (work === null) {
        assert(total > 0n, 'all weights are zero, so nothing says who gets the pool')
        work = createWork(options, total)
      } else {
        endReading()
        work.endLook()
      }
    },
    shares: (weights, { fractions = [], into = null } = {}) => {
      const shares = present(work, 'pass over the weights').tell(weights, { start: seen, before: seenTotal, fractions, into })
      seenTotal += sums.get(seen) ?? sumOf(weights)
      seen += weights.length
      given += sumOf(shares.units)
      return shares
    },
    cut: () => present(work, 'pass over the weights').cut(),
    end: () => {
      endReading()
      assert(seenTotal === total, `shares were told for weights of ${seenTotal} where ${total} were read before`)
      const remainder = pool - given
      assert(policyOf(rounding).rest === 'kept' || remainder === 0n, `shares of ${given} units were made of ${pool}`)
      return { remainder, next: onward(present(work, 'pass over the weights').next(), count) }
    },
  }
}

function addUp(weights: Integers): bigint {
  if (!(weights instanceof BigUint64Array)) for (const weight of weights) assert(weight >= 0n, `a weight of ${weight} is negative`)
  return sumOf(weights)
}

/** Where a chunk stands: its first place, and the sum of the weights before it. */
type At = { readonly start: number; readonly before: bigint; readonly fractions: readonly bigint[]; readonly into: BigUint64Array | null }

type Work = {
  readonly isReady: () => boolean
  readonly look: (weights: Integers, start: number) => void
  readonly endLook: () => void
  readonly tell: (weights: Integers, at: At) => Shares
  readonly next: () => number
  readonly cut: () => GivenCut | null
}

function createWork({ pool, rounding, residual = null, next = 0, isKept = false }: DivisionOptions, total: bigint): Work {
  const { rest } = policyOf(rounding)
  const extras = createExtras({ rest, total, residual, next })
  if (extras === null) return rest === 'kept' ? keeping({ pool, total }) : running({ pool, total })
  const kernel = createKernel({ pool, total, isKept })
  let [isCounted, isReady] = [false, false]
  let left = pool % total
  return {
    isReady: () => isReady,
    look: (weights, start) => {
      kernel.load(weights, start)
      if (!isCounted) left -= kernel.quotientSum()
      extras.look(kernel, start, weights.length)
    },
    endLook: () => {
      isCounted = true
      isReady = extras.endLook(left)
    },
    tell: (weights, { start, into }) => {
      kernel.load(weights, start)
      const marks = new Uint8Array(weights.length)
      extras.mark(kernel, start, marks)
      const units = kernel.units(marks, into)
      const bulk = extras.bulk()
      if (bulk !== null && bulk.place >= start && bulk.place < start + weights.length) addAt(units, bulk.place - start, bulk.units)
      return { units, fractions: [] }
    },
    next: () => extras.next(),
    cut: () => extras.cut(),
  }
}

/** Shares are differences of the floors of running totals: nothing is left over. */
function running(ratio: { readonly pool: bigint; readonly total: bigint }): Work {
  const kernel = createKernel({ ...ratio, isKept: false })
  return {
    ...READY,
    tell: (weights, { before, into }) => ({ units: kernel.runningUnits(weights, before, into), fractions: [] }),
  }
}

function keeping(ratio: { readonly pool: bigint; readonly total: bigint }): Work {
  return { ...READY, tell: (weights, { fractions }) => accrue(ratio, weights, fractions) }
}

const READY = { isReady: () => true, look: () => {}, endLook: () => {}, next: () => 0, cut: () => null } as const

function createKernel(options: KernelOptions): Kernel {
  return options.total < FAST_LIMIT ? createFastKernel(options) : createExactKernel(options)
}

function addAt(units: Integers, index: number, more: bigint): void {
  const list = units as BigUint64Array | bigint[]
  list[index] = (list[index] as bigint) + more
}
