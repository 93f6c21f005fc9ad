// Canonical text and digests: the same content gives the same bytes on every machine, so that it can be compared and chained.

import { hash } from 'node:crypto'
import type { Json } from './effects.ts'

/** JSON with keys in UTF-16 code unit order and no white space (the ordering of RFC 8785; our numbers are small integers). */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value as { readonly [key: string]: Json })
    const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

/** Whether objects and lists stand in each other more than so many levels deep: what walks them must not run out of stack. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(levels - 1, item))
}

/** SHA-256 in hex. */
export function sha256Hex(data: string): string {
  return hash('sha256', data, 'hex')
}

const SHA256_BYTES = 32

/** SHA-256 as 32 bytes. */
export function sha256(data: string | Uint8Array): Uint8Array<ArrayBuffer> {
  // A text of one character a byte: Node makes a buffer in twice the time that it takes to hash a line.
  const characters = hash('sha256', data, 'latin1')
  const bytes = new Uint8Array(SHA256_BYTES)
  for (let at = 0; at < SHA256_BYTES; at += 1) bytes[at] = characters.charCodeAt(at)
  return bytes
}

/** Printing an instant is slow, and the events of one batch mostly share the instant of their recording. */
const printed = new WeakMap<Temporal.Instant, string>()

/** An instant with microseconds, as the journal's lines and SQL print it: 2026-01-31T12:00:00.000000Z. */
export function instantText(instant: Temporal.Instant): string {
  return printed.getOrInsertComputed(instant, (one) => one.toString({ fractionalSecondDigits: 6 }))
}
