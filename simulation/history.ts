// What the rooms of the simulation say to each other: calls at doors, the network's own books, and what a history was and found.
// Types alone: the auditor, the workload and the world meet here and nowhere else.

import type { Json } from '../src/core/effects.ts'

/** Who holds the key of a call: the ledger's owner, or one of two persons with seals of their own. */
export type Person = 'owner' | 'first' | 'second'

export type Request = {
  /** For SQL: `INSERT`. */
  readonly method: string
  /** For SQL: the table. */
  readonly path: string
  /** For SQL: the row. */
  readonly body?: Json
  readonly idempotencyKey?: string
}

/** What came back; null: no answer came (a crash, a lost connection), so the caller cannot know. */
export type Answer = { readonly status: number; readonly body: unknown } | null

/** What somebody did at a door, with what came back. The auditor is fed by these and by the rails' own books. */
export type Offer = {
  /** The instant of the simulated network at which it was offered, whatever the clock of the server asked says. */
  readonly asked: Temporal.Instant
  /** The same of the answer, or of giving up. */
  readonly at: Temporal.Instant
  readonly door: 'api' | 'sql'
  /** The server that was asked; `database` for SQL. */
  readonly process: string
  readonly person: Person
  readonly request: Request
  readonly answer: Answer
  /** The network brings it a second time, perhaps much later: what was refused may then be taken all the same. */
  readonly twice?: boolean
}

/** One HTTP request as a person with a key makes it. Never rejects. */
export type Call = (request: Request & { readonly person?: Person }) => Promise<Answer>

/** One row that somebody who knows only SQL inserts. Status 201, or 409 with the database's own message where the row is refused. Never rejects. */
export type Insert = (table: string, row: { readonly [column: string]: Json }) => Promise<Answer>

/** Units that changed hands within a transaction that succeeded: addresses of owners, not of token accounts. `asset` is `SOL/9` or as the ledger's tokens are called. */
export type Movement = { readonly from: string; readonly to: string; readonly asset: string; readonly units: bigint }

/** A final transaction as the network's own books have it. */
export type ChainTransaction = {
  readonly signature: string
  readonly slot: number
  readonly failed: boolean
  readonly fee: bigint
  readonly feePayer: string
  /** Empty where it failed. In the order of the instructions. */
  readonly movements: readonly Movement[]
  /** Lamports that the fee's payer put into token accounts made by it. */
  readonly rent: bigint
  readonly memo: string | null
}

/** The network's own books: final transactions, oldest first, and final balances. */
export type Books = {
  readonly transactions: () => readonly ChainTransaction[]
  readonly balance: (address: string, asset: string) => bigint
}

/** What an outsider found broken. */
export type Finding = {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'liveness'
  readonly what: string
}

/** A fault's rate, from 0 (never) to 1, by its kind (simulation/world/faults.ts lists them). */
export type Rates = Readonly<Record<string, number>>

/** What is laid down beside the seed, so that a seed that failed can be made smaller. */
export type HistoryPlan = {
  /** Rates in the place of those that the seed draws; a kind that is left out keeps the seed's. */
  readonly rates?: Rates
  /** At most so many things that callers do. */
  readonly deeds?: number
}

export type Figures = {
  readonly payouts: number
  readonly settled: number
  readonly held: number
  /** Units that the ledgers' wallets paid to others, by asset, as the network's own books have it. */
  readonly paid: Readonly<Record<string, bigint>>
  /** Faults that really were put in, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** How often a process ended at a named point. */
  readonly points: Readonly<Record<string, number>>
  readonly statements: number
  readonly requests: number
  readonly virtualSeconds: number
}

export type History = {
  readonly seed: number
  /** SHA-256 of everything that happened, in hexadecimal. */
  readonly hash: string
  readonly figures: Figures
  readonly findings: readonly Finding[]
  /** What happened last, in words, oldest first. */
  readonly lastSteps: readonly string[]
}
