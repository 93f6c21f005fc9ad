// The real machine: its clock, timers, randomness and network. Nothing else in the server reads them.

import { randomBytes, randomFillSync } from 'node:crypto'
import type { Effects, JsonObject, Log, LogLevel } from './core/effects.ts'

/** The real machine's effects. */
export function machineEffects(log: Log): Effects {
  return {
    now: () => Temporal.Now.instant().round({ smallestUnit: 'microsecond', roundingMode: 'trunc' }),
    sleep,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    id: idMaker(),
    fetch: globalThis.fetch,
    log,
  }
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const wake = (): void => resolve()
  signal?.addEventListener('abort', wake, { once: true })
  await promise
  clearTimeout(timer)
  signal?.removeEventListener('abort', wake)
}

/** UUID v7 (RFC 9562, 5.7) with the 12 bits after the version as a counter, so that ids of one process grow within a millisecond. */
function idMaker(): () => string {
  // One call for many ids: asking for eight bytes at a time costs ten times as much as the rest of an id.
  const chance = Buffer.alloc(RANDOM_POOL_BYTES)
  let used = chance.length
  let last = 0
  let count = 0
  return () => {
    const now = Math.max(Date.now(), last)
    count = now === last ? count + 1 : 0
    // 4,096 ids in one millisecond: the next one borrows from the next millisecond.
    const ms = count > 0xfff ? now + 1 : now
    if (ms > now) count = 0
    last = ms
    if (used === chance.length) {
      randomFillSync(chance)
      used = 0
    }
    chance.writeUInt8(0x80 | (chance.readUInt8(used) & 0x3f), used)
    const tail = chance.toString('hex', used, (used += 8))
    const head = ms.toString(16).padStart(12, '0')
    return `${head.slice(0, 8)}-${head.slice(8)}-7${count.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`
  }
}

const RANDOM_POOL_BYTES = 4096

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Writes lines of JSON to stderr, or what stands for it, from a level on. */
export function stderrLog(from: LogLevel, stream: { readonly write: (text: string) => unknown } = process.stderr): Log {
  const least = LEVELS.indexOf(from)
  return (level: LogLevel, message: string, fields: JsonObject = {}) => {
    if (LEVELS.indexOf(level) < least) return
    stream.write(`${JSON.stringify({ at: Temporal.Now.instant().toString(), level, message, ...fields })}\n`)
  }
}
