// The fast arithmetic for totals below 2^50, in doubles that are exact at every step. Never used above that total.

import { assert } from '../assert.ts'
import { BUCKETS, type Cut, type Key, type Kernel, type KernelOptions, type Range } from './kernel.ts'
import { addProducts, readDoubles, WORD, writeWords, type Integers } from './words.ts'

/** Totals must be below this, or a step of `divide` could be inexact. */
export const FAST_LIMIT = 2n ** 50n

const HALF = 2 ** 25

/** What is worked in, of one chunk and overwritten by the next: whole numbers below 2^53 each. */
type Room = { readonly weights: Float64Array; readonly values: Float64Array }

type Ratio = { readonly part: number; readonly total: number }

export function createFastKernel({ pool, total, isKept }: KernelOptions): Kernel {
  assert(total < FAST_LIMIT, `a total of ${total} is too large for doubles`)
  const ratio = { part: Number(pool % total), total: Number(total) }
  // Of small pools the whole part is added in doubles, of others behind them.
  const whole = pool < SMALL ? Number(pool / total) : 0
  const kept = new Map<number, Float64Array>()
  let all: Room = roomFor(0)
  let room = all
  let remainders: Float64Array = new Float64Array(0)
  let given: Integers = []
  let sum = 0
  // Not every reading needs the weights.
  let isRead = false
  const enter = (chunk: Integers): void => {
    if (all.weights.length < chunk.length) all = roomFor(chunk.length)
    room = { weights: all.weights.subarray(0, chunk.length), values: all.values.subarray(0, chunk.length) }
    given = chunk
    isRead = false
  }
  const weightsNow = (): Float64Array => {
    if (!isRead) readDoubles(given, room.weights)
    isRead = true
    return room.weights
  }
  const keysOf = (key: Key): Float64Array => (key === 'weight' ? weightsNow() : remainders)
  const write = (into: BigUint64Array | null): Integers => writeUnits(room.values, given, { pool, whole: pool / total, into })

  return {
    load: (chunk, start) => {
      enter(chunk)
      const found = kept.get(start)
      remainders = found ?? new Float64Array(chunk.length)
      if (found === undefined) sum = divide(weightsNow(), ratio, { quotients: room.values, remainders })
      if (isKept) kept.set(start, remainders)
    },
    quotientSum: () => BigInt(sum),
    isZero: (index) => weightsNow()[index] === 0,
    tally: (key, range, buckets) => tally(keysOf(key), range, buckets),
    gather: (key, range) => gather(keysOf(key), range),
    mark: (key, cut, extras) => mark(keysOf(key), cut, extras),
    units: (extras, into) => {
      addUp({ weights: weightsNow(), values: room.values }, { remainders, extras, ratio, whole })
      return write(into)
    },
    runningUnits: (chunk, before, into) => {
      enter(chunk)
      addUpRunning({ weights: weightsNow(), values: room.values }, { ratio, whole, before: Number(before) })
      return write(into)
    },
  }
}

/** Units of pools below are whole numbers in doubles, with a bit to spare. */
const SMALL = 2n ** 52n

function roomFor(length: number): Room {
  return { weights: new Float64Array(length), values: new Float64Array(length) }
}

type Writing = { readonly pool: bigint; readonly whole: bigint; readonly into: BigUint64Array | null }

/** Values as units: as they are where the pool is small, else with weight × whole. */
function writeUnits(values: Float64Array, weights: Integers, { pool, whole, into }: Writing): Integers {
  if (pool >= WORD) return Array.from(values, (value, index) => BigInt(value) + (weights[index] as bigint) * whole)
  const words = into ?? new BigUint64Array(values.length)
  writeWords(values, words)
  if (pool >= SMALL && whole > 0n) addProducts(words, weights, whole)
  return words
}

type Adding = { readonly remainders: Float64Array; readonly extras: Uint8Array; readonly ratio: Ratio; readonly whole: number }

/**
 * Writes weight × whole + quotient + extra. The quotient is worked out again from the remainder, which is quicker than to keep it:
 * (weight × part − remainder) ÷ total is a whole number, and what is reckoned for it is off by less than a half, as in `divide`.
 */
function addUp({ weights, values }: Room, { remainders, extras, ratio: { part, total }, whole }: Adding): void {
  const ratio = part / total
  const unit = 1 / total
  for (let index = 0; index < values.length; index += 1) {
    const weight = weights[index] as number
    values[index] = weight * whole + Math.floor(weight * ratio - (remainders[index] as number) * unit + 0.5) + (extras[index] as number)
  }
}

/** Writes weight × whole + the difference of the quotients of the running totals from `before` on. */
function addUpRunning({ weights, values }: Room, { ratio, whole, before }: Pick<Adding, 'ratio' | 'whole'> & { readonly before: number }): void {
  const running = new Float64Array(weights.length + 1)
  running[0] = before
  for (let index = 0; index < weights.length; index += 1) running[index + 1] = (running[index] as number) + (weights[index] as number)
  const quotients = new Float64Array(running.length)
  // The remainders are not asked for: they may take the running totals' place.
  divide(running, ratio, { quotients, remainders: running })
  for (let index = 0; index < values.length; index += 1) {
    values[index] = (weights[index] as number) * whole + (quotients[index + 1] as number) - (quotients[index] as number)
  }
}

/**
 * Writes floor(weight × part ÷ total), whose sum it returns, and what that cuts off (over `total`) of each weight;
 * weight ≤ total < 2^50, 0 ≤ part < total.
 *
 * Why each step is exact: the estimate of the quotient has an error below 2^50 × 2^-52, so it is off by one at most, and
 * weight × part − quotient × total lies between −total and 2 × total. That is added up from products of halves of 25 bits, below 2^50
 * each: `upper` is exact as a difference of such products; its sum with `middle` is the remainder without `lower`, over 2^25, and so an
 * integer below 2^28; and the whole is an integer below 2^52. A sum of doubles whose true value is such an integer is that integer.
 */
function divide(weights: Float64Array, { part, total }: Ratio, { quotients, remainders }: { readonly quotients: Float64Array; readonly remainders: Float64Array }): number {
  const ratio = part / total
  const partHigh = Math.floor(part / HALF)
  const partLow = part - partHigh * HALF
  const totalHigh = Math.floor(total / HALF)
  const totalLow = total - totalHigh * HALF
  const count = weights.length
  let sum = 0
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
    sum += quotient
  }
  return sum
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
