// The real machine's effects, for tests that need PostgreSQL, processes or the network. Never a fixed wait: poll with a deadline.

import { randomBytes } from 'node:crypto'
import type { Effects } from '../src/core/effects.ts'

/** Silent: what a test wants to know it asks for. */
export const machine: Effects = {
  now: () => Temporal.Now.instant().round({ smallestUnit: 'microsecond', roundingMode: 'trunc' }),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  id: () => makeId(),
  fetch: globalThis.fetch,
  log: () => {},
}

// UUID v7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits (RFC 9562, section 5.7).
function makeId(): string {
  const bytes = new Uint8Array(randomBytes(16))
  const view = new DataView(bytes.buffer)
  const ms = Date.now()
  view.setUint16(0, Math.floor(ms / 2 ** 32))
  view.setUint32(2, ms >>> 0)
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Looks every few milliseconds until `look` gives something, and fails with `what` after the deadline. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>, limitMs = 10_000): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`)
    await machine.sleep(5)
  }
}
