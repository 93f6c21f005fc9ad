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
}

/**
 * Short sleeps are rests between two looks at what there is to do. They take longer here: a machine may be slow, and most of a history would
 * be idle looks otherwise.
 */
const REST_MS = 1001
const STRETCH = 12

export function effectsOf({ owner, scheduler, random, fetch, logged }: EffectParts): Effects {
  const us = (): number => scheduler.now() + owner.skew
  const now = (): Temporal.Instant => Temporal.Instant.fromEpochNanoseconds(BigInt(us()) * 1000n)
  return {
    now,
    sleep: async (ms, signal) => await scheduler.sleep(owner, ms * 1000 * (ms < REST_MS ? 1 + random.below(STRETCH) : 1), signal),
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
