// The division among few, in plain bigints: what most events need, done in a microsecond or two.

import { assert, present } from '../assert.ts'
import { onward } from './extras.ts'
import type { Policy } from './rounding.ts'

export type PlainOptions = {
  readonly pool: bigint
  readonly weights: readonly bigint[]
  readonly total: bigint
  readonly rest: Exclude<Policy['rest'], 'kept'>
  readonly residual: number | null
  readonly next: number
}

/** The units of each, and the place where the next turn begins. */
export function dividePlainly({ pool, weights, total, rest, residual, next }: PlainOptions): { readonly units: readonly bigint[]; readonly next: number } {
  if (rest === 'running total') return { units: differences(pool, weights, total), next: 0 }
  const units = weights.map((weight) => (pool * weight) / total)
  const left = pool - units.reduce((sum, floor) => sum + floor, 0n)
  if (left === 0n) return { units, next: onward(next, weights.length) }
  if (rest === 'named') {
    const place = present(residual, 'recipient of the rest')
    units[place] = present(units[place], 'floor') + left
    return { units, next: 0 }
  }
  const lucky = inTurn({ pool, weights, total, rest, next }).slice(0, Number(left))
  assert(lucky.length === Number(left), () => `${left} units are left over for ${lucky.length}`)
  for (const place of lucky) units[place] = present(units[place], 'floor') + 1n
  return { units, next: onward(present(lucky.at(-1), 'last place') + 1, weights.length) }
}

/** The places of weights above zero, those first who get units left over first. */
function inTurn({ pool, weights, total, rest, next }: Pick<PlainOptions, 'pool' | 'weights' | 'total' | 'rest' | 'next'>): readonly number[] {
  const places = [...weights.keys()].filter((place) => weights[place] !== 0n)
  if (rest === 'turn') return [...places.filter((place) => place >= next), ...places.filter((place) => place < next)]
  const keys = rest === 'largest weight' ? weights : weights.map((weight) => (pool * weight) % total)
  const key = (place: number): bigint => present(keys[place], 'key')
  return places.toSorted((a, b) => (key(a) > key(b) ? -1 : key(a) < key(b) ? 1 : a - b))
}

function differences(pool: bigint, weights: readonly bigint[], total: bigint): readonly bigint[] {
  let [running, before] = [0n, 0n]
  return weights.map((weight) => {
    running += weight
    const floor = (pool * running) / total
    const share = floor - before
    before = floor
    return share
  })
}
