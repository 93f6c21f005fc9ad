// The fast arithmetic for totals below 2^50, in doubles that are exact at every step. Never used above that total.

import { assert } from '../assert.ts'
import { BUCKETS, type Cut, type Key, type Kernel, type Range } from './kernel.ts'
import { addProducts, readDoubles, WORD, writeWords, type Integers } from './words.ts'

/** Totals must be below this, or a step of `divide` could be inexact. */
export const FAST_LIMIT = 2n ** 50n

const HALF = 2 ** 25

/** Of the chunk loaded, whole numbers below 2^50 each; `running` are totals of the weights, for those who ask for them. */
type Scratch = { readonly weights: Float64Array; readonly quotients: Float64Array; readonly remainders: Float64Array; readonly running: Float64Array }

type Ratio = { readonly part: number; readonly total: number }

export function createFastKernel({ pool, total }: { readonly pool: bigint; readonly total: bigint }): Kernel {
  assert(total < FAST_LIMIT, `a total of ${total} is too large for doubles`)
  const whole = pool / total
  const ratio = { part: Number(pool % total), total: Number(total) }
  let room = scratchOf(() => new Float64Array(0))
  let loaded = room
  let given: Integers = []
  const keysOf = (key: Key): Float64Array => (key === 'weight' ? loaded.weights : loaded.remainders)

  return {
    load: (weights, before) => {
      const { length } = weights
      if (room.weights.length < length) room = scratchOf((name) => new Float64Array(name === 'running' && before === null ? 0 : length))
      loaded = scratchOf((name) => room[name].subarray(0, length))
      given = weights
      readDoubles(weights, loaded.weights)
      if (before === null) divide(loaded.weights, ratio, loaded)
      else divideRunning(loaded, ratio, Number(before))
    },
    quotientSum: () => {
      let sum = 0
      for (let index = 0; index < loaded.quotients.length; index += 1) sum += loaded.quotients[index] as number
      return BigInt(sum)
    },
    isZero: (index) => loaded.weights[index] === 0,
    tally: (key, range, buckets) => tally(keysOf(key), range, buckets),
    gather: (key, range) => gather(keysOf(key), range),
    mark: (key, cut, extras) => mark(keysOf(key), cut, extras),
    units: (extras) => {
      const isSmall = pool < SMALL
      const values = join(loaded, extras, isSmall ? Number(whole) : 0)
      if (pool >= WORD) return Array.from(values, (value, index) => BigInt(value) + (given[index] as bigint) * whole)
      const words = writeWords(values)
      if (!isSmall && whole > 0n) addProducts(words, given, whole)
      return words
    },
  }
}

/** Units of pools below are whole numbers in doubles, with a bit to spare. */
const SMALL = 2n ** 52n

function scratchOf(make: (name: keyof Scratch) => Float64Array): Scratch {
  return { weights: make('weights'), quotients: make('quotients'), remainders: make('remainders'), running: make('running') }
}

/** Units as weight × whole + quotient + extra. */
function join({ weights, quotients }: Scratch, extras: Uint8Array, whole: number): Float64Array {
  const values = new Float64Array(extras.length)
  for (let index = 0; index < extras.length; index += 1) {
    values[index] = (weights[index] as number) * whole + (quotients[index] as number) + (extras[index] as number)
  }
  return values
}

/**
 * Writes floor(weight × part ÷ total) and what that cuts off (over `total`) of each weight; weight ≤ total < 2^50, 0 ≤ part < total.
 *
 * Why each step is exact: the estimate of the quotient has an error below 2^50 × 2^-52, so it is off by one at most, and
 * weight × part − quotient × total lies between −total and 2 × total. That is added up from products of halves of 25 bits, below 2^50
 * each: `upper` is exact as a difference of such products; its sum with `middle` is the remainder without `lower`, over 2^25, and so an
 * integer below 2^28; and the whole is an integer below 2^52. A sum of doubles whose true value is such an integer is that integer.
 */
function divide(weights: Float64Array, { part, total }: Ratio, { quotients, remainders }: Pick<Scratch, 'quotients' | 'remainders'>): void {
  const ratio = part / total
  const partHigh = Math.floor(part / HALF)
  const partLow = part - partHigh * HALF
  const totalHigh = Math.floor(total / HALF)
  const totalLow = total - totalHigh * HALF
  const count = weights.length
  for (let index = 0; index < count; index += 1) {
    const weight = weights[index] as number
    let quotient = Math.floor(weight * ratio)
    const high = Math.floor(weight / HALF)
    const low = weight - high * HALF
    const quotientHigh = Math.floor(quotient / HALF)
    const quotientLow = quotient - quotientHigh * HALF
    const upper = high * partHigh - quotientHigh * totalHigh
    const middle = high * partLow + low * partHigh - (quotientHigh * totalLow + quotientLow * totalHigh)
    const lower = low * partLow - quotientLow * totalLow
    let remainder = (upper * HALF + middle) * HALF + lower
    if (remainder < 0) {
      quotient -= 1
      remainder += total
    } else if (remainder >= total) {
      quotient += 1
      remainder -= total
    }
    quotients[index] = quotient
    remainders[index] = remainder
  }
}

/** The same of the running totals from `before` on; the quotients are then differences from one to the next. */
function divideRunning(scratch: Scratch, ratio: Ratio, before: number): void {
  const { weights, running, quotients } = scratch
  let sum = before
  for (let index = 0; index < weights.length; index += 1) {
    sum += weights[index] as number
    running[index] = sum
  }
  divide(running, ratio, scratch)
  const start = { quotients: new Float64Array(1), remainders: new Float64Array(1) }
  divide(Float64Array.of(before), ratio, start)
  let last = start.quotients[0] as number
  for (let index = 0; index < quotients.length; index += 1) {
    const quotient = quotients[index] as number
    quotients[index] = quotient - last
    last = quotient
  }
}

function tally(keys: Float64Array, { low, shift }: Range, buckets: Uint32Array): void {
  const from = Number(low)
  const scale = 2 ** -shift
  for (let index = 0; index < keys.length; index += 1) {
    const bucket = Math.floor(((keys[index] as number) - from) * scale)
    if (bucket >= 0 && bucket < BUCKETS) buckets[bucket] = (buckets[bucket] as number) + 1
  }
}

function gather(keys: Float64Array, { low, shift }: Range): readonly bigint[] {
  // One comparison that nearly always fails costs a third of two that fail by turns.
  const half = (2 ** shift - 1) / 2
  const middle = Number(low) + half
  const found: bigint[] = []
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as number
    if (Math.abs(key - middle) <= half) found.push(BigInt(key))
  }
  return found
}

function mark(keys: Float64Array, { threshold, ties }: Cut, extras: Uint8Array): number {
  const cut = Number(threshold)
  let left = ties
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as number
    extras[index] = Number(key > cut)
    if (key === cut && left > 0) {
      extras[index] = 1
      left -= 1
    }
  }
  return left
}
