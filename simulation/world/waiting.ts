// Turns that wait: until their time comes, then to be chosen by chance among those that are ready. Never decides what time it is.

import { present } from '../../src/core/assert.ts'
import type { Random } from '../random.ts'

/** Somebody who takes turns: a server's process, a caller, the network. Times are in microseconds. */
export type Owner = {
  readonly name: string
  readonly kind: 'server' | 'signer' | 'outside'
  /** Once false, nothing that it waits for ever comes. */
  alive: boolean
  /** It takes no turn before. */
  pausedUntil: number
  /** How far its clock is from the network's. */
  skew: number
}

/** Somebody who is no process of the program: never killed, its clock is right. */
export function outsider(name: string): Owner {
  return { name, kind: 'outside', alive: true, pausedUntil: 0, skew: 0 }
}

export type Turn = { readonly owner: Owner; readonly what: string; readonly place: number; readonly take: () => void; readyAt: number; over: boolean }

export type Waiting = {
  readonly add: (turn: Turn) => void
  /** One of those whose time has come and whose owner is awake; null while there is none. It waits no longer. */
  readonly choose: (now: number) => Turn | null
  /** When the next one's time comes. */
  readonly first: () => number | null
}

export function createWaiting(random: Random): Waiting {
  const later: Turn[] = []
  const ready: Turn[] = []
  const dropOver = (): void => {
    for (let first = later[0]; first !== undefined && (first.over || !first.owner.alive); first = later[0]) pop(later)
  }
  const gather = (now: number): void => {
    for (dropOver(); later[0] !== undefined && later[0].readyAt <= now; dropOver()) {
      ready.push(later[0])
      pop(later)
    }
  }
  return {
    add: (turn) => {
      turn.readyAt = Math.max(turn.readyAt, turn.owner.pausedUntil)
      push(later, turn)
    },
    choose: (now) => {
      gather(now)
      while (ready.length > 0) {
        const index = random.below(ready.length)
        const turn = present(ready[index], 'a turn that is ready')
        ready[index] = present(ready.at(-1), 'the last of them')
        ready.pop()
        if (turn.over || !turn.owner.alive) continue
        if (turn.owner.pausedUntil <= now) return turn
        turn.readyAt = turn.owner.pausedUntil
        push(later, turn)
      }
      return null
    },
    first: () => {
      dropOver()
      return later[0]?.readyAt ?? null
    },
  }
}

// A heap by the time at which turns are ready, and by their order where that is the same.
function isBefore(one: Turn, other: Turn): boolean {
  return one.readyAt < other.readyAt || (one.readyAt === other.readyAt && one.place < other.place)
}

function push(heap: Turn[], turn: Turn): void {
  let at = heap.length
  heap.push(turn)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above] as Turn
    if (!isBefore(turn, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = turn
}

function pop(heap: Turn[]): void {
  const last = heap.pop() as Turn
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let below = at * 2 + 1
    if (below >= heap.length) break
    const right = heap[below + 1]
    if (right !== undefined && isBefore(right, heap[below] as Turn)) below += 1
    const child = heap[below] as Turn
    if (!isBefore(child, last)) break
    heap[at] = child
    at = below
  }
  heap[at] = last
}
