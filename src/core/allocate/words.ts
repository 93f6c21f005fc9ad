// 64-bit integers in typed arrays, read and written as halves of 32 bits: exact, and without making a bigint for each.

import { assert } from '../assert.ts'

/** Weights or units of many recipients. Typed where each is below 2^64. */
export type Integers = BigUint64Array | readonly bigint[]

/** What a word cannot hold any more. */
export const WORD = 2n ** 64n

const HALF = 2 ** 32

/** Which half of a 64-bit word comes first in memory, on this machine. */
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1
const HIGH = 1 - LOW

/** Sums of halves stay below 2^53 for so many words. */
const BLOCK = 2 ** 20

/** The exact sum. */
export function sumOf(values: Integers): bigint {
  let sum = 0n
  if (!(values instanceof BigUint64Array)) {
    for (const value of values) sum += value
    return sum
  }
  const halves = halvesOf(values)
  for (let start = 0; start < values.length; start += BLOCK) {
    const end = Math.min(start + BLOCK, values.length)
    let [low, high] = [0, 0]
    for (let index = start; index < end; index += 1) {
      low += halves[2 * index + LOW] as number
      high += halves[2 * index + HIGH] as number
    }
    sum += BigInt(low) + (BigInt(high) << 32n)
  }
  return sum
}

/** Writes integers that are below 2^53 each as doubles, which hold them exactly. */
export function readDoubles(values: Integers, into: Float64Array): void {
  if (!(values instanceof BigUint64Array)) {
    for (let index = 0; index < values.length; index += 1) into[index] = Number(values[index])
    return
  }
  const halves = halvesOf(values)
  for (let index = 0; index < values.length; index += 1) {
    into[index] = (halves[2 * index + HIGH] as number) * HALF + (halves[2 * index + LOW] as number)
  }
}

/** The two halves of each word, in the machine's order. */
function halvesOf(values: BigUint64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
}

/** Whole numbers from 0 to below 2^52 as 64-bit words. */
export function writeWords(values: Float64Array, words: BigUint64Array): void {
  const doubles = new Float64Array(words.buffer, words.byteOffset, words.length)
  const halves = halvesOf(words)
  for (let index = 0; index < values.length; index += 1) {
    // A double from 2^52 to 2^53 holds the integer in its lower 52 bits as it is; the upper ones, of the exponent, are taken away.
    doubles[index] = (values[index] as number) + 2 ** 52
    halves[2 * index + HIGH] = (halves[2 * index + HIGH] as number) & 0x000f_ffff
  }
}

/** Adds factor × value to each word, where the results are below 2^64. */
export function addProducts(words: BigUint64Array, values: Integers, factor: bigint): void {
  // Written so, it is arithmetic on machine words.
  for (let index = 0; index < words.length; index += 1) {
    words[index] = BigInt.asUintN(64, (words[index] as bigint) + BigInt.asUintN(64, (values[index] as bigint) * factor))
  }
}

/** Typed where every value fits, so that the fast path is open to callers with plain lists too. */
export function compact(values: readonly bigint[]): Integers {
  for (const value of values) {
    assert(value >= 0n, `a weight of ${value} is negative`)
    if (value >= WORD) return values
  }
  return BigUint64Array.from(values)
}
