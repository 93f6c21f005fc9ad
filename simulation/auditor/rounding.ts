// Who gets the units that do not divide, by docs/reference/rounding.md, worked out the plainest way there is.

import { put, type Memory } from './memory.ts'

/** A rounding as a plan has it. */
export type Rounding = string | { readonly 'residual-to': string }

/** One who takes part. `key`: what a policy remembers it by; `name`: what `residual-to` may call it besides its role. */
export type Taker = {
  readonly key: string
  readonly role: string
  readonly to: string
  readonly weight: bigint
  readonly name?: string
}

/** `division`: which one it is, of a step that makes several. `sorted`: a turn whose owner is gone goes to the next key. */
export type Division = { readonly rounding: Rounding; readonly memory: Memory; readonly division?: string; readonly sorted?: boolean }

/** Kept of each running entitlement, in these parts of a unit. */
const PARTS = 10n ** 38n

/** Units of each taker, in the order given. With `cumulative` they may come to less or more than the pool. */
export function divide(pool: bigint, takers: readonly Taker[], { rounding, memory, division, sorted = false }: Division): readonly bigint[] {
  if (pool === 0n) return takers.map(() => 0n)
  if (rounding === 'cumulative') return accumulate(pool, takers, memory)
  const total = takers.reduce((all, { weight }) => all + weight, 0n)
  const owners = takers.filter(({ weight }) => weight > 0n).length
  if (owners === 1) return takers.map(({ weight }) => (weight > 0n ? pool : 0n))
  if (rounding === 'prefix') return runningTotals(pool, takers, total)
  const units = takers.map(({ weight }) => (pool * weight) / total)
  const left = pool - units.reduce((all, each) => all + each, 0n)
  if (typeof rounding === 'object') {
    const place = namedPlace(takers, rounding['residual-to'])
    units[place] = (units[place] ?? 0n) + left
    return units
  }
  const places = [...takers.keys()].filter((place) => weightAt(takers, place) > 0n)
  if (rounding === 'rotate') return byTurns(units, places, { takers, left, memory, sorted, key: division === undefined ? 'turn' : `turn/${division}` })
  const rank = (place: number): bigint => (rounding === 'first' ? 0n : rounding === 'largest-ratio' ? weightAt(takers, place) : (pool * weightAt(takers, place)) % total)
  places.sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) > rank(b) ? -1 : 1))
  for (const place of places.slice(0, Number(left))) units[place] = (units[place] ?? 0n) + 1n
  return units
}

function weightAt(takers: readonly Taker[], place: number): bigint {
  return takers[place]?.weight ?? 0n
}

function accumulate(pool: bigint, takers: readonly Taker[], memory: Memory): readonly bigint[] {
  const total = takers.reduce((all, { weight }) => all + weight, 0n)
  return takers.map(({ key, weight }) => {
    const before = memory.counts.get(`fraction/${key}`) ?? 0n
    // Rounded up at the last part, so that nobody is ever a unit short.
    const exact = pool * weight * PARTS
    const standing = before + (exact + total - 1n) / total
    put(memory, `fraction/${key}`, standing % PARTS)
    return standing / PARTS
  })
}

function runningTotals(pool: bigint, takers: readonly Taker[], total: bigint): readonly bigint[] {
  let [running, given] = [0n, 0n]
  return takers.map(({ weight }) => {
    running += weight
    const share = (pool * running) / total - given
    given += share
    return share
  })
}

function namedPlace(takers: readonly Taker[], name: string): number {
  const byRole = takers.findIndex((taker) => (taker.name ?? taker.role) === name)
  return byRole >= 0 ? byRole : takers.findIndex(({ to }) => to === `payable:${name}`)
}

type Turn = { readonly takers: readonly Taker[]; readonly left: bigint; readonly memory: Memory; readonly key: string; readonly sorted: boolean }

function byTurns(units: bigint[], places: readonly number[], { takers, left, memory, key, sorted }: Turn): readonly bigint[] {
  const owner = memory.texts.get(key)
  const found = owner === undefined ? 0 : takers.findIndex((taker) => (sorted ? taker.key >= owner : taker.key === owner))
  const next = Math.max(found, 0)
  const order = [...places.filter((place) => place >= next), ...places.filter((place) => place < next)].slice(0, Number(left))
  for (const place of order) units[place] = (units[place] ?? 0n) + 1n
  const last = order.at(-1)
  const after = last === undefined ? next : (last + 1) % takers.length
  memory.texts.set(key, takers[after]?.key ?? '')
  return units
}
