// Reading stored values that somebody may have written by hand: what has not the form it must have is told, never met with an error.

import type { FactSets } from '../../core/rules/rule.ts'

export type Texts = Readonly<Record<string, string>>

/** What was written by hand into a JSON column may have any form. */
export function textsOf(value: unknown): Texts | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  return Object.values(value).every((item) => typeof item === 'string') ? (value as Texts) : null
}

/** Facts by name and subject; `{}` for none, null for what is no such thing. */
export function factsOf(value: unknown): FactSets | null {
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return null
  return Object.values(value).every((set) => textsOf(set) !== null) ? (value as FactSets) : null
}

export function claimedUnits(claimed: Texts | null): Readonly<Record<string, bigint>> | null {
  if (claimed === null) return null
  // What is no number of units can be nobody's share.
  return Object.fromEntries(Object.entries(claimed).map(([role, units]) => [role, /^[0-9]{1,40}$/.test(units) ? BigInt(units) : -1n]))
}

/** Reading an instant is slow, and the events of a block mostly have that of the block. */
const read = new Map<string, Temporal.Instant>()
const MAX_READ = 64

/** Instants as the database prints them; null for what is none (`infinity`, years before Christ). */
export function instantOf(text: string): Temporal.Instant | null {
  try {
    if (read.size >= MAX_READ) read.clear()
    return read.getOrInsertComputed(text, (printed) => Temporal.Instant.from(printed))
  } catch {
    return null
  }
}
