// What a simulated process has instead of the machine: a clock that may be wrong, sleep that the scheduler ends, chance and ids from the seed.

import type { Effects, JsonObject, LogLevel } from '../../src/core/effects.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Owner } from './waiting.ts'

export type LogLine = { readonly process: string; readonly level: LogLevel; readonly message: string; readonly fields: JsonObject }

export type EffectParts = {
  readonly owner: Owner
  readonly scheduler: Scheduler
  readonly random: Random
  readonly fetch: typeof fetch
  readonly logged: (line: LogLine) => void
  /** So many times as long does everybody rest besides: once all that is left is to wait. */
  readonly rest: { factor: number }
}

/**
 * Short sleeps are rests between two looks at what there is to do. They take longer here, the longest ones most: a machine may be slow, and
 * most of a history would be idle looks otherwise. By the length of a rest in milliseconds, up to so many times as long.
 */
const STRETCHES = [[100, 6], [400, 40], [1000, 12]] as const

const LONGEST_REST_MS = 1000

/** No rest takes longer: whoever waits for what a resting one would do must not take it for dead. */
const MOST_MS = 15_000

function stretched(ms: number, factor: number, random: Random): number {
  if (ms > LONGEST_REST_MS) return ms
  const [, most] = STRETCHES.find(([upTo]) => ms <= upTo) ?? [0, 1]
  return Math.min(ms * (1 + random.below(most)) * factor, MOST_MS)
}

export function effectsOf({ owner, scheduler, random, fetch, logged, rest }: EffectParts): Effects {
  const us = (): number => scheduler.now() + owner.skew
  const now = (): Temporal.Instant => Temporal.Instant.fromEpochNanoseconds(BigInt(us()) * 1000n)
  return {
    now,
    sleep: async (ms, signal) => await scheduler.sleep(owner, stretched(ms, rest.factor, random) * 1000, signal),
    random: (bytes) => random.bytes(bytes),
    id: () => {
      const [time, tail] = [Math.floor(us() / 1000).toString(16).padStart(12, '0'), random.bytes(10).toHex()]
      return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(1, 4)}-8${tail.slice(5, 8)}-${tail.slice(8)}`
    },
    fetch,
    log: (level, message, fields = {}) => {
      if (owner.alive) logged({ process: owner.name, level, message, fields })
    },
  }
}
