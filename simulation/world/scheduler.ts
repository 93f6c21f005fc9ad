// Whose turn it is. Everything that a simulated process waits for (a statement, a request, a sleep) is a turn, and the seed chooses among
// those that are ready: exactly one step runs between two choices. Time is virtual, and moves a little at each step and as far as needed
// when nothing is ready. Never reads the machine's clock.

import type { Random } from '../random.ts'
import type { Steps } from './steps.ts'
import { createWaiting, type Owner, type Turn } from './waiting.ts'

export type Scheduler = {
  /** Microseconds since 1970. */
  readonly now: () => number
  /** Resolves when it is chosen, not before `delay` microseconds have passed. Never, once its owner is gone. */
  readonly turn: (owner: Owner, what: string, delay?: number) => Promise<void>
  /** A turn that an aborted signal ends at once. */
  readonly sleep: (owner: Owner, delay: number, signal?: AbortSignal) => Promise<void>
  /** Work that nobody waits for: what it rejects with ends the history at the next step. */
  readonly spawn: (work: Promise<unknown>) => void
  /** Chooses and runs one turn until all is quiet. False: nobody waits for anything, or not before `until`, which is then the time. */
  readonly step: (until: number) => Promise<boolean>
}

export type SchedulerParts = {
  readonly begin: number
  readonly random: Random
  readonly steps: Steps
  /** Waits out what runs by itself. */
  readonly quiet: () => Promise<void>
  /** Told of each turn before it is taken: it may end or pause the owner, who then does not take it. */
  readonly beforeTurn: (turn: Turn) => void
  /** Told of the time before each turn, so that what moves by itself (slots) moves. */
  readonly atTime?: (now: number) => void
}

/** A step takes up to so many microseconds. */
const STEP_LIMIT_US = 40

export function createScheduler({ begin, random, steps, quiet, beforeTurn, atTime }: SchedulerParts): Scheduler {
  let now = begin
  let placed = 0
  const failed: unknown[] = []
  const waiting = createWaiting(random)
  const add = (owner: Owner, what: string, delay: number, take: () => void): Turn => {
    placed += 1
    const turn = { owner, what, readyAt: now + Math.max(0, Math.round(delay)), place: placed, take, over: false }
    waiting.add(turn)
    return turn
  }
  const next = (until: number): Turn | null => {
    for (;;) {
      const turn = waiting.choose(now)
      if (turn !== null) return turn
      const first = waiting.first()
      if (first === null || first > until) {
        now = Math.max(now, Math.min(until, first ?? until))
        return null
      }
      now = Math.max(now, first)
    }
  }
  return {
    now: () => now,
    turn: (owner, what, delay = 0) => new Promise((resolve) => void add(owner, what, delay, resolve)),
    sleep: (owner, delay, signal) => {
      if (signal?.aborted === true) return Promise.resolve()
      return new Promise((resolve) => {
        const end = (): void => {
          turn.over = true
          signal?.removeEventListener('abort', end)
          resolve()
        }
        const turn = add(owner, 'wakes', delay, end)
        signal?.addEventListener('abort', end)
      })
    },
    spawn: (work) => void work.catch((error: unknown) => failed.push(error)),
    step: async (until) => {
      if (failed.length > 0) throw failed[0]
      now += 1 + random.below(STEP_LIMIT_US)
      const turn = next(until)
      if (turn === null) return false
      atTime?.(now)
      beforeTurn(turn)
      if (!turn.owner.alive) return true
      if (turn.owner.pausedUntil > now) {
        waiting.add(turn)
        return true
      }
      steps.note(now, turn.owner.name, turn.what)
      turn.over = true
      turn.take()
      await quiet()
      return true
    },
  }
}
