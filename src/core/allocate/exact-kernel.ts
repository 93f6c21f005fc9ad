// The exact arithmetic for weights and pools of any size, in bigints. Some two hundred nanoseconds a weight.

import { present } from '../assert.ts'
import { BUCKETS, type Key, type Kernel, type KernelOptions } from './kernel.ts'
import { WORD, type Integers } from './words.ts'

/** Quotients and remainders of a chunk. */
type Divided = { readonly quotients: readonly bigint[]; readonly remainders: readonly bigint[] }

export function createExactKernel({ pool, total, isKept }: KernelOptions): Kernel {
  const whole = pool / total
  const part = pool % total
  const kept = new Map<number, Divided>()
  let weights: Integers = []
  let { quotients, remainders }: Divided = { quotients: [], remainders: [] }
  const write = (units: readonly bigint[], into: BigUint64Array | null): Integers => {
    if (pool >= WORD) return units
    const words = into ?? new BigUint64Array(units.length)
    words.set(units)
    return words
  }
  const keysOf = (key: Key): Integers => (key === 'weight' ? weights : remainders)

  return {
    load: (given, start) => {
      weights = given
      const divided = kept.get(start) ?? divide(given, part, total)
      if (isKept) kept.set(start, divided)
      ;({ quotients, remainders } = divided)
    },
    quotientSum: () => quotients.reduce((sum, quotient) => sum + quotient, 0n),
    isZero: (index) => weights[index] === 0n,
    tally: (key, { low, shift }, buckets) => {
      for (const value of keysOf(key)) {
        if (value < low) continue
        const bucket = (value - low) >> BigInt(shift)
        if (bucket < BUCKETS) buckets[Number(bucket)] = (buckets[Number(bucket)] ?? 0) + 1
      }
    },
    gather: (key, { low, shift }) => {
      const found: bigint[] = []
      for (const value of keysOf(key)) if (value >= low && (value - low) >> BigInt(shift) === 0n) found.push(value)
      return found
    },
    mark: (key, { threshold, ties }, extras) => {
      let left = ties
      let index = 0
      for (const value of keysOf(key)) {
        if (value > threshold) extras[index] = 1
        else if (value === threshold && left > 0) {
          extras[index] = 1
          left -= 1
        }
        index += 1
      }
      return left
    },
    units: (extras, into) => write(quotients.map((quotient, index) => present(weights[index], 'weight') * whole + quotient + BigInt(extras[index] ?? 0)), into),
    runningUnits: (given, before, into) => {
      let running = before
      let last = (running * pool) / total
      const units = Array.from(given, (weight) => {
        running += weight
        const floor = (running * pool) / total
        const difference = floor - last
        last = floor
        return difference
      })
      return write(units, into)
    },
  }
}

function divide(weights: Integers, part: bigint, total: bigint): Divided {
  const quotients: bigint[] = []
  const remainders: bigint[] = []
  for (const weight of weights) {
    const product = weight * part
    const quotient = product / total
    quotients.push(quotient)
    remainders.push(product - quotient * total)
  }
  return { quotients, remainders }
}
