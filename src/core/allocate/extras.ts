// Who gets the units that are left over when everybody has the floor of the quota: one way a file section, all behind one interface.

import { assert } from '../assert.ts'
import { createCutSearch } from './cut.ts'
import type { Cut, Key, Kernel } from './kernel.ts'
import type { Policy } from './rounding.ts'

export type Extras = {
  /** Looks at a loaded chunk whose first weight stands at place `start`. */
  readonly look: (kernel: Kernel, start: number, count: number) => void
  /** Ends a look at all chunks, when so many units are left over. True when nothing more must be looked at. */
  readonly endLook: (left: bigint) => boolean
  /** Sets 1 for each of the chunk that gets a unit. */
  readonly mark: (kernel: Kernel, start: number, extras: Uint8Array) => void
  /** Units beyond that for one place, which may be many. */
  readonly bulk: () => { readonly place: number; readonly units: bigint } | null
  /** Where the next event's turn begins. */
  readonly next: () => number
  /** Where the units left over end, and how many of the ties there were given one so far; null where none are left over, or not so. */
  readonly cut: () => GivenCut | null
}

export type GivenCut = Cut & { readonly given: number }

export type ExtrasOptions = {
  readonly rest: Policy['rest']
  readonly total: bigint
  /** Place of the recipient named for the rest. */
  readonly residual: number | null
  /** Place at which turns begin. */
  readonly next: number
}

/** A place where a turn may begin among so many: after the last comes the first. */
export function onward(place: number, count: number): number {
  return place < count ? place : 0
}

/** Null for policies that leave nothing over: they round running totals. */
export function createExtras({ rest, total, residual, next }: ExtrasOptions): Extras | null {
  switch (rest) {
    case 'largest remainder':
      return byCut('remainder', total)
    case 'largest weight':
      return byCut('weight', total)
    case 'turn':
      return byTurn(next)
    case 'named':
      return toNamed(residual)
    case 'running total':
    case 'kept':
      return null
  }
}

function byCut(key: Key, total: bigint): Extras {
  const search = createCutSearch(key, total.toString(2).length)
  let isAny = true
  let given = 0
  return {
    look: (kernel) => search.look(kernel),
    endLook: (left) => {
      isAny = left > 0n
      return !isAny || search.endLook(Number(left))
    },
    mark: (kernel, _start, extras) => {
      if (!isAny) return
      const { threshold, ties } = search.cut()
      given = ties - kernel.mark(key, { threshold, ties: ties - given }, extras)
    },
    bulk: () => null,
    next: () => 0,
    cut: () => (isAny ? { ...search.cut(), given } : null),
  }
}

/** A unit each to the non-zero weights from place `next` on, and when there are no more, from the first on. */
function byTurn(next: number): Extras {
  let after = 0
  let [toAfter, toBefore] = [0, 0]
  let [lastAfter, lastBefore] = [-1, -1]
  return {
    look: (kernel, start, count) => {
      for (let index = Math.max(0, next - start); index < count; index += 1) if (!kernel.isZero(index)) after += 1
    },
    endLook: (left) => {
      toAfter = Math.min(Number(left), after)
      toBefore = Number(left) - toAfter
      return true
    },
    mark: (kernel, start, extras) => {
      for (let index = 0; index < extras.length && toAfter + toBefore > 0; index += 1) {
        if (kernel.isZero(index)) continue
        const place = start + index
        if (place >= next && toAfter > 0) {
          toAfter -= 1
          lastAfter = place
          extras[index] = 1
        } else if (place < next && toBefore > 0) {
          toBefore -= 1
          lastBefore = place
          extras[index] = 1
        }
      }
    },
    bulk: () => null,
    next: () => {
      assert(toAfter === 0 && toBefore === 0, `${toAfter + toBefore} units left over were given to nobody`)
      if (lastBefore >= 0) return lastBefore + 1
      return lastAfter >= 0 ? lastAfter + 1 : next
    },
    cut: () => null,
  }
}

function toNamed(residual: number | null): Extras {
  assert(residual !== null, 'nobody is named for the rest')
  let units = 0n
  return {
    look: (kernel, start, count) => {
      const index = residual - start
      if (index >= 0 && index < count) assert(!kernel.isZero(index), `the recipient of the rest, at place ${residual}, has a weight of zero`)
    },
    endLook: (left) => {
      units = left
      return true
    },
    mark: () => {},
    bulk: () => ({ place: residual, units }),
    next: () => 0,
    cut: () => null,
  }
}
