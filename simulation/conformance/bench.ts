// What a ledger must offer to be held against the cases: a door for requests, and hands for what no request can do. A hand that a ledger has not
// says why, and the cases that need it are reported as such.

import type { Json, JsonObject } from '../../src/core/effects.ts'

export type Sent = {
  readonly method: string
  /** After the ledger's own path, with its query. */
  readonly path: string
  readonly body?: Json
  /** The Idempotency-Key. */
  readonly key?: string
}

export type Answer = { readonly status: number; readonly body: unknown }

/** One request, one answer. Rejects when none came. */
export type Door = (sent: Sent) => Promise<Answer>

/** A hand, or why there is none. */
export type Hand<T> = T | { readonly unable: string }

/** One ledger of a server, in which nothing was ever recorded. */
export type LedgerBench = {
  readonly call: Door
  /** As its amounts name it: `SOL/9`. */
  readonly currency: string
  /** The body of an event of so many units. */
  readonly event: (reference: string, units: bigint) => JsonObject
  /** The same ledger at another server on the same database. */
  readonly elsewhere: Hand<Door>
  /** The journal, exported as text (docs/reference/journal-format.md). */
  readonly journal: Hand<() => Promise<string>>
  /** The body of an event that is refused only by how things stand now. */
  readonly tooEarly: Hand<(reference: string, units: bigint) => JsonObject>
  /** Another ledger of the same server, in another currency. */
  readonly foreign: Hand<() => Promise<{ readonly call: Door; readonly currency: string; readonly event: LedgerBench['event'] }>>
  /** What a worker and a network do with payouts; each resolves when it is so for all there are. */
  readonly pay: Hand<{ readonly reserve: () => Promise<void>; readonly release: () => Promise<void>; readonly settle: () => Promise<void> }>
}

export type HandName = 'elsewhere' | 'journal' | 'tooEarly' | 'foreign' | 'pay'

/** A bench whose hands of these names are there. */
export type Handed<Name extends HandName> = LedgerBench & { readonly [Key in Name]: Exclude<LedgerBench[Key], { readonly unable: string }> }

export type LedgerCase = {
  readonly name: string
  /** The law, in one sentence. */
  readonly says: string
  readonly needs: readonly HandName[]
  /** Throws when the law is broken. */
  readonly run: (bench: LedgerBench) => Promise<void>
}

export type Outcome = { readonly name: string; readonly says: string } & (
  | { readonly state: 'passed' }
  | { readonly state: 'failed'; readonly why: string }
  | { readonly state: 'cannot be expressed'; readonly why: string }
)

export function defineCase<Name extends HandName = never>(
  { name, says, needs = [] }: { readonly name: string; readonly says: string; readonly needs?: readonly Name[] },
  run: (bench: Handed<Name>) => Promise<void>,
): LedgerCase {
  // Only run where `outcomeOf` found every hand.
  return { name, says, needs, run: (bench) => run(bench as Handed<Name>) }
}

/** Runs one case. What cannot be expressed is never run, and never passed. */
export async function outcomeOf({ name, says, needs, run }: LedgerCase, bench: LedgerBench): Promise<Outcome> {
  for (const need of needs) {
    const hand = bench[need]
    if ('unable' in hand) return { name, says, state: 'cannot be expressed', why: hand.unable }
  }
  try {
    await run(bench)
    return { name, says, state: 'passed' }
  } catch (error) {
    return { name, says, state: 'failed', why: error instanceof Error ? error.message : String(error) }
  }
}
