// The simulation's only chance: streams of numbers that are functions of a seed. Who needs chance of their own takes a fork, so that
// what one part draws never changes what another one does.

import { createHash } from 'node:crypto'
import { assert } from '../src/core/assert.ts'

export type Random = {
  /** 32 random bits. */
  readonly next: () => number
  /** A whole number from 0 to `count` − 1. */
  readonly below: (count: number) => number
  /** A whole number from `least` to `most`, both of them possible. */
  readonly between: (least: number, most: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <Item>(items: readonly Item[]) => Item
  /** In another order. */
  readonly shuffle: <Item>(items: readonly Item[]) => readonly Item[]
  /** Units from `least` to `most`, where all lengths of digits are as likely: dust as often as fortunes. */
  readonly units: (least: bigint, most: bigint) => bigint
  readonly bytes: (count: number) => Uint8Array<ArrayBuffer>
  /** A UUID of version 4. */
  readonly uuid: () => string
  /** A stream of its own: the same for the same name, whatever was drawn here before. */
  readonly fork: (name: string) => Random
}

const BITS_32 = 0x1_0000_0000

/** The stream of a seed: sfc32 (C. Doty-Humphrey, PractRand), begun with the seed's SHA-256. */
export function randomOf(seed: string): Random {
  const digest = new DataView(new Uint8Array(createHash('sha256').update(seed).digest()).buffer)
  let [a, b, c, counter] = [digest.getInt32(0), digest.getInt32(4), digest.getInt32(8), digest.getInt32(12)]
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  const below = (count: number): number => Math.floor((next() / BITS_32) * count)
  const bytes = (count: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: count }, () => next() & 0xff)
  const big = (digits: number): bigint => BigInt(Array.from({ length: digits }, () => below(10)).join(''))
  return {
    next,
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => next() < probability * BITS_32,
    pick: <Item>(items: readonly Item[]) => {
      assert(items.length > 0, 'there is nothing to pick from')
      return items[below(items.length)] as Item
    },
    shuffle: (items) => {
      const left = [...items]
      return items.flatMap(() => left.splice(below(left.length), 1))
    },
    units: (least, most) => {
      const span = most - least + 1n
      return least + (big(1 + below(span.toString().length)) % span)
    },
    bytes,
    uuid: () => {
      const hex = bytes(16).toHex()
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
    },
    fork: (name) => randomOf(`${seed}/${name}`),
  }
}
