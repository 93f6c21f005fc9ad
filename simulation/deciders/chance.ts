// Chance for histories of the pure deciders: a function of the seed, and cheap, for it is drawn tens of millions of times.

export type Chance = {
  /** A whole number from 0 to `bound` less one. */
  readonly below: (bound: number) => number
  /** True once in `times` on average. */
  readonly onceIn: (times: number) => boolean
  readonly oneOf: <T>(items: readonly T[]) => T
}

/** Mulberry32 (Tommy Ettinger), its state begun from the seed by the finaliser of MurmurHash3, so that neighbouring seeds have nothing in common. */
export function chanceOf(seed: number): Chance {
  let state = mixed(seed + 0x9e3779b9)
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let drawn = Math.imul(state ^ (state >>> 15), state | 1)
    drawn ^= drawn + Math.imul(drawn ^ (drawn >>> 7), drawn | 61)
    return Math.floor((((drawn ^ (drawn >>> 14)) >>> 0) / 0x1_0000_0000) * bound)
  }
  return {
    below,
    onceIn: (times) => below(times) === 0,
    oneOf: (items) => items[below(items.length)] as (typeof items)[number],
  }
}

function mixed(seed: number): number {
  let hash = seed | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
