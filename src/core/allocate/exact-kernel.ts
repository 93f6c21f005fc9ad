// The exact arithmetic for weights and pools of any size, in bigints. Some two hundred nanoseconds a weight.

import { present } from '../assert.ts'
import { BUCKETS, type Key, type Kernel } from './kernel.ts'
import { WORD, type Integers } from './words.ts'

export function createExactKernel({ pool, total }: { readonly pool: bigint; readonly total: bigint }): Kernel {
  const whole = pool / total
  const part = pool % total
  let weights: Integers = []
  let quotients: bigint[] = []
  let remainders: bigint[] = []
  const keysOf = (key: Key): Integers => (key === 'weight' ? weights : remainders)

  return {
    load: (given, before) => {
      weights = given
      quotients = []
      remainders = []
      let running = before ?? 0n
      let last = (running * part) / total
      for (const weight of given) {
        if (before !== null) running += weight
        const product = part * (before === null ? weight : running)
        const quotient = product / total
        quotients.push(before === null ? quotient : quotient - last)
        remainders.push(product - quotient * total)
        last = quotient
      }
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
    units: (extras) => {
      const units = quotients.map((quotient, index) => present(weights[index], 'weight') * whole + quotient + BigInt(extras[index] ?? 0))
      return pool < WORD ? BigUint64Array.from(units) : units
    },
  }
}
