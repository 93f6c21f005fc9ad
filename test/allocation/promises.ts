// What policies promise of their shares, looked for in every small case: a promise that is claimed has no counter-example, the others one.

import { allocate } from '../../src/core/allocate.ts'
import type { Policy, Rounding } from '../../src/core/allocate/rounding.ts'

const NAMES = ['a', 'b', 'c', 'd'] as const

/** Every policy; the rest goes to the first recipient. */
export const ROUNDINGS: readonly Rounding[] = ['largest-remainder', 'first', 'largest-ratio', 'cumulative', 'rotate', { 'residual-to': 'a' }, 'prefix']

export type Small = { readonly pool: bigint; readonly weights: readonly bigint[] }

const range = (from: number, to: number): readonly bigint[] => Array.from({ length: to - from + 1 }, (_, index) => BigInt(from + index))

/** Up to four recipients of weights up to four, the first above zero, who divide up to eight units. */
export function* smallCases(): Generator<Small> {
  let lists: readonly (readonly bigint[])[] = range(1, 4).map((weight) => [weight])
  for (let size = 1; size <= 4; size += 1) {
    if (size > 1) lists = lists.flatMap((list) => range(0, 4).map((weight) => [...list, weight]))
    for (const weights of lists) for (const pool of range(1, 8)) yield { pool, weights }
  }
}

export const sharesOf = ({ pool, weights }: Small, rounding: Rounding): readonly bigint[] => allocate({ pool, weights, rounding, names: NAMES.slice(0, weights.length) }).units

const shown = ({ pool, weights }: Small, shares: readonly bigint[]): string => `${pool} by ${weights.join(':')} gives ${shares.join(', ')}`

export type Promised = {
  readonly name: string
  readonly isClaimed: (policy: Policy) => boolean
  /** What breaks it in this case, in words, if anything does. */
  readonly broken: (small: Small, rounding: Rounding) => string | null
}

const ALWAYS = (): boolean => true

const total = (weights: readonly bigint[]): bigint => weights.reduce((sum, weight) => sum + weight, 0n)

/** The same with another case in which one recipient must not have less. */
function falls(small: Small, other: Small, place: number, rounding: Rounding): string | null {
  const [before, after] = [sharesOf(small, rounding), sharesOf(other, rounding)]
  return (after[place] as bigint) < (before[place] as bigint) ? `${shown(small, before)}; ${shown(other, after)}` : null
}

const firstOf = <Value>(values: Iterable<Value>, find: (value: Value) => string | null): string | null => {
  for (const value of values) {
    const found = find(value)
    if (found !== null) return found
  }
  return null
}

export const PROMISES: readonly Promised[] = [
  {
    name: 'a weight of zero gets zero',
    isClaimed: ALWAYS,
    broken: (small, rounding) => {
      const shares = sharesOf(small, rounding)
      return small.weights.some((weight, place) => weight === 0n && shares[place] !== 0n) ? shown(small, shares) : null
    },
  },
  {
    name: 'weights of another scale give the same',
    isClaimed: ALWAYS,
    broken: (small, rounding) => {
      const larger = { ...small, weights: small.weights.map((weight) => weight * 7_000_000_000_000_000n) }
      const [before, after] = [sharesOf(small, rounding), sharesOf(larger, rounding)]
      return before.join() === after.join() ? null : `${shown(small, before)}; ${shown(larger, after)}`
    },
  },
  {
    name: 'no share falls when its own weight grows',
    isClaimed: ALWAYS,
    broken: (small, rounding) => firstOf(small.weights.keys(), (place) => falls(small, { ...small, weights: small.weights.with(place, (small.weights[place] as bigint) + 1n) }, place, rounding)),
  },
  {
    name: 'a share is its quota rounded down or up; a whole quota is the share',
    isClaimed: ({ staysWithinQuota }) => staysWithinQuota,
    broken: (small, rounding) => {
      const shares = sharesOf(small, rounding)
      const all = total(small.weights)
      const isOff = small.weights.some((weight, place) => {
        const off = (shares[place] as bigint) * all - small.pool * weight
        return off >= all || off <= -all
      })
      return isOff ? shown(small, shares) : null
    },
  },
  {
    name: 'no share falls when the pool grows',
    isClaimed: ({ growsWithPool }) => growsWithPool,
    broken: (small, rounding) => firstOf(small.weights.keys(), (place) => falls(small, { ...small, pool: small.pool + 1n }, place, rounding)),
  },
  {
    name: 'the order given decides ties alone',
    isClaimed: ({ isAboutOrder }) => !isAboutOrder,
    broken: (small, rounding) => {
      // Different weights above zero have no ties but by chance of equal remainders, which the order may decide.
      if (new Set(small.weights).size < small.weights.length || hasTie(small, rounding)) return null
      const turned = { ...small, weights: small.weights.toReversed() }
      const names = NAMES.slice(0, small.weights.length)
      const [before, after] = [sharesOf(small, rounding), allocate({ ...turned, rounding, names: names.toReversed() }).units]
      return before.join() === after.toReversed().join() ? null : `${shown(small, before)}; ${shown(turned, after)}`
    },
  },
  {
    name: 'two events come to what one of both pools comes to',
    isClaimed: ({ addsUp }) => addsUp,
    broken: (small, rounding) => {
      const names = NAMES.slice(0, small.weights.length)
      const first = allocate({ ...small, rounding, names })
      const second = allocate({ ...small, rounding, names, state: first.state })
      const sum = first.units.map((units, place) => units + (second.units[place] as bigint))
      const both = { ...small, pool: small.pool * 2n }
      const once = sharesOf(both, rounding)
      return sum.join() === once.join() ? null : `${shown(small, first.units)}, then ${second.units.join(', ')}; ${shown(both, once)}`
    },
  },
]

/** Whether two remainders are equal and above zero, so that the order may decide. */
function hasTie({ pool, weights }: Small, rounding: Rounding): boolean {
  if (rounding !== 'largest-remainder') return false
  const remainders = weights.map((weight) => (pool * weight) % total(weights)).filter((remainder) => remainder > 0n)
  return new Set(remainders).size < remainders.length
}
