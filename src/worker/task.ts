// One task of the worker: its steps, again and again until it is stopped, with rests between those that found nothing and those that failed.

import type { Effects } from '../core/effects.ts'

/** One step of a task. Answers whether it did anything. */
export type Step = () => Promise<boolean>

export type Task = {
  readonly name: string
  /** The lane that it works on; null for work that any worker does beside the others. */
  readonly lane: bigint | null
  readonly step: Step
  readonly rest: Rest
  /** Rings when there may be something to do again; null: the task looks for itself. */
  readonly bell: Bell | null
}

/** How long a task rests after a step that found nothing, in milliseconds: longer each time, up to a limit, so that an idle server is idle. */
export type Rest = { readonly first: number; readonly limit: number; ms: number }

export function createRest({ first, limit }: Pick<Rest, 'first' | 'limit'>): Rest {
  return { first, limit, ms: first }
}

/** Wakes who waits for it. Rung while nobody waits, it is heard by nobody: whoever rings it looks again. */
export type Bell = {
  readonly ring: () => void
  /** Resolves at the next ring, or when the signal is aborted. */
  readonly heard: (signal: AbortSignal) => Promise<void>
}

export function createBell(): Bell {
  let wake: (() => void) | null = null
  const ring = (): void => {
    wake?.()
    wake = null
  }
  return {
    ring,
    heard: async (signal) => {
      if (signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      signal.addEventListener('abort', ring)
      await promise
      signal.removeEventListener('abort', ring)
    },
  }
}

/** A failing task waits this long, growing to the limit. */
const FAULT_FIRST_MS = 100
const FAULT_LIMIT_MS = 10_000

export type Running = {
  readonly signal: AbortSignal
  /** The last fault of each task that is failing now. */
  readonly faults: Map<string, string>
}

export async function runTask({ log, sleep }: Pick<Effects, 'log' | 'sleep'>, { name, step, rest, bell }: Task, { signal, faults }: Running): Promise<void> {
  let wait = FAULT_FIRST_MS
  let hasMore = false
  for (;;) {
    if (!hasMore) await bell?.heard(signal)
    if (signal.aborted) return
    try {
      hasMore = await step()
      faults.delete(name)
      wait = FAULT_FIRST_MS
      rest.ms = hasMore ? rest.first : Math.min(rest.ms * 2, rest.limit)
      if (!hasMore) await sleep(rest.ms, signal)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (faults.get(name) !== reason) log('error', 'a task of the worker failed and is tried again', { task: name, reason })
      faults.set(name, reason)
      // Until it has gone well it goes on unasked.
      hasMore = true
      await sleep(wait, signal)
      wait = Math.min(wait * 2, FAULT_LIMIT_MS)
    }
  }
}
