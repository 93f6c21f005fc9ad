// What each rounding policy gives, reckoned by plain fractions and one unit at a time: slow, and without any code of the core.

export type Fraction = { readonly top: bigint; readonly bottom: bigint }

export const add = (a: Fraction, b: Fraction): Fraction => reduce({ top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom })
export const less = (a: Fraction, b: Fraction): boolean => a.top * b.bottom < b.top * a.bottom
export const floorOf = ({ top, bottom }: Fraction): bigint => (top - (((top % bottom) + bottom) % bottom)) / bottom

function reduce({ top, bottom }: Fraction): Fraction {
  let [x, y] = [top < 0n ? -top : top, bottom]
  while (y > 0n) [x, y] = [y, x % y]
  return x === 0n ? { top: 0n, bottom: 1n } : { top: top / x, bottom: bottom / x }
}

export const sum = (values: Iterable<bigint>): bigint => [...values].reduce((all, value) => all + value, 0n)

export function quotasOf(pool: bigint, weights: readonly bigint[]): readonly Fraction[] {
  const total = sum(weights)
  return weights.map((weight) => reduce({ top: pool * weight, bottom: total }))
}

/** How a policy names who is next for a unit, of those that may get one: the place. */
type Choice = (free: readonly number[], missing: readonly Fraction[], weights: readonly bigint[]) => number

const largest = <Value>(free: readonly number[], values: readonly Value[], isLess: (a: Value, b: Value) => boolean): number => {
  let best = free[0] as number
  for (const place of free) if (isLess(values[best] as Value, values[place] as Value)) best = place
  return best
}

const CHOICES: Readonly<Record<string, Choice>> = {
  'largest-remainder': (free, missing) => largest(free, missing, less),
  'largest-ratio': (free, _missing, weights) => largest(free, weights, (a, b) => a < b),
  first: (free) => free[0] as number,
}

/** Shares by a policy that gives a unit each to some, beginning at `next` where it gives by turns. */
export function unitByUnit(pool: bigint, weights: readonly bigint[], policy: string, next = 0): { readonly units: readonly bigint[]; readonly next: number } {
  const choose = CHOICES[policy] ?? ((places) => places.find((place) => place >= turn) ?? (places[0] as number))
  const quotas = quotasOf(pool, weights)
  const units = quotas.map(floorOf)
  const missing = quotas.map((quota, place) => add(quota, { top: -(units[place] as bigint), bottom: 1n }))
  let free = weights.flatMap((weight, place) => (weight > 0n ? [place] : []))
  let turn = next
  for (let left = pool - sum(units); left > 0n; left -= 1n) {
    const place = choose(free, missing, weights)
    units[place] = (units[place] as bigint) + 1n
    free = free.filter((one) => one !== place)
    turn = place + 1
  }
  return { units, next: turn >= weights.length ? 0 : turn }
}

/** Everybody has the floor, one has the rest. */
export function toOne(pool: bigint, weights: readonly bigint[], residual: number): readonly bigint[] {
  const units = quotasOf(pool, weights).map(floorOf)
  return units.map((floor, place) => (place === residual ? floor + pool - sum(units) : floor))
}

/** Running totals inside one event, each rounded down; shares are what one has over the one before. */
export function byRunningTotals(pool: bigint, weights: readonly bigint[]): readonly bigint[] {
  let running: Fraction = { top: 0n, bottom: 1n }
  const floors = quotasOf(pool, weights).map((quota) => {
    running = add(running, quota)
    return floorOf(running)
  })
  return floors.map((floor, place) => floor - (floors[place - 1] ?? 0n))
}
