// Chance for the fault knobs, from a seed: the same seed and the same requests in the same order give the same faults.
import { sha256 } from './bytes.ts'

export type Generator = { a: number; b: number; c: number; counter: number }

/** A generator whose stream is a function of the text alone. */
export function createGenerator(seed: string): Generator {
  const bytes = Buffer.from(sha256('sandbox chance', seed))
  return { a: bytes.readInt32LE(0), b: bytes.readInt32LE(4), c: bytes.readInt32LE(8), counter: 1 }
}

/** The next number in [0, 1): sfc32 (Chris Doty-Humphrey's small fast counting generator, PractRand). */
function next(generator: Generator): number {
  const sum = (generator.a + generator.b + generator.counter) | 0
  generator.counter = (generator.counter + 1) | 0
  generator.a = generator.b ^ (generator.b >>> 9)
  generator.b = (generator.c + (generator.c << 3)) | 0
  generator.c = (((generator.c << 21) | (generator.c >>> 11)) + sum) | 0
  return (sum >>> 0) / 4_294_967_296
}

/** True with probability `rate`; draws nothing for 0 and 1, so that a knob at rest leaves the stream as it was. */
export function happens(generator: Generator, rate: number): boolean {
  if (rate <= 0) return false
  return rate >= 1 || next(generator) < rate
}

/** A whole number of the range, both ends included. */
export function within(generator: Generator, [low, high]: readonly [number, number]): number {
  return low === high ? low : low + Math.floor(next(generator) * (high - low + 1))
}
