// Finds who is among the largest without sorting: buckets are counted, and only the bucket with the cut in it is looked at again.

import { assert, present } from '../assert.ts'
import { BUCKET_BITS, BUCKETS, type Cut, type Key, type Kernel, type Range } from './kernel.ts'

/** Keys that are gathered and sorted at once; a bucket of more, mostly of equal keys, is divided into buckets again. */
const GATHERED = 65_536

export type CutSearch = {
  /** Looks at the chunk that is loaded. */
  readonly look: (kernel: Kernel) => void
  /** Ends a look at all chunks. True when the cut is known; else all must be looked at again. */
  readonly endLook: (wanted: number) => boolean
  readonly cut: () => Cut
}

/** Searches the `wanted` largest of keys of at most `bits` bits. Of equal keys at the cut those first in order are taken. */
export function createCutSearch(key: Key, bits: number): CutSearch {
  let range: Range = { low: 0n, shift: Math.max(0, bits - BUCKET_BITS) }
  /** The last bucket within the range: a range of fewer than 2^16 keys ends before the buckets do. */
  let last = BUCKETS - 1
  let buckets = new Uint32Array(BUCKETS)
  let gathered: bigint[] | null = null
  let found: Cut | null = null
  /** How many of the range are among the largest; null until the first look has ended. */
  let inRange: number | null = null

  const fromBuckets = (wanted: number): void => {
    let need = inRange ?? wanted
    let bucket = last
    for (; need > count(bucket); bucket -= 1) {
      need -= count(bucket)
      assert(bucket > 0, `of all keys fewer than ${wanted} are above zero`)
    }
    inRange = need
    const low = range.low + (BigInt(bucket) << BigInt(range.shift))
    if (range.shift === 0) {
      found = { threshold: low, ties: need }
    } else if (count(bucket) <= GATHERED) {
      range = { low, shift: range.shift }
      gathered = []
    } else {
      const shift = Math.max(0, range.shift - BUCKET_BITS)
      last = 2 ** (range.shift - shift) - 1
      range = { low, shift }
      buckets = new Uint32Array(BUCKETS)
    }
  }
  const count = (bucket: number): number => present(buckets[bucket], 'bucket')

  return {
    look: (kernel) => {
      if (gathered === null) kernel.tally(key, range, buckets)
      else gathered.push(...kernel.gather(key, range))
    },
    endLook: (wanted) => {
      if (gathered === null) {
        fromBuckets(wanted)
      } else {
        const need = present(inRange, 'count')
        const sorted = gathered.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0))
        const threshold = present(sorted[need - 1], 'key at the cut')
        found = { threshold, ties: need - sorted.indexOf(threshold) }
      }
      return found !== null
    },
    cut: () => present(found, 'cut'),
  }
}
