// What the rest of the system may ask of the signer, and what the signer's own code works with. No key is ever part of an answer.

import type { Pool } from 'pg'
import type { Effects, JsonObject } from '../core/effects.ts'
import type { RailModule, Signed } from '../rails/rail.ts'
import type { MasterKey } from './envelope.ts'

/** A wallet to be: `wallet` is a UUID chosen by the caller, who writes the wallet's row once the address is known. */
export type WalletRequest = {
  readonly ledger: string
  readonly wallet: string
  /** The wallet's name for people; it stands in refusals. */
  readonly label: string
  readonly rail: string
}

/** `key` is the private key in the rail's usual text form. */
export type ImportRequest = WalletRequest & { readonly key: string }

/** Payouts of one lane, in the order in which the message pays them, and the few things the message needs besides. */
export type SignRequest = {
  readonly lane: bigint
  readonly wallet: string
  readonly payouts: readonly string[]
  readonly draft: JsonObject
}

/** How the signer's process ended by itself. */
export type SignerExit = { readonly code: number | null; readonly signal: string | null }

export type Signer = {
  /** Makes a key. Asked again with the same wallet it answers the same address. Refuses `rail_not_found`, `wallet_conflict`. */
  readonly create: (request: WalletRequest) => Promise<{ readonly address: string }>
  /** Takes over a key. Refuses `rail_not_found`, `key_malformed`, and `wallet_conflict` when the wallet has another key. */
  readonly import: (request: ImportRequest) => Promise<{ readonly address: string }>
  /**
   * Reads and checks the payouts, counts them against the day's limit, and signs the message composed from them.
   * Refuses `signing_refused` (details.reason says which check), `signing_limit_exceeded`, `wallet_not_found`.
   */
  readonly sign: (request: SignRequest) => Promise<Signed>
  readonly stop: () => Promise<void>
  /** Tells of each end that nobody asked for. A signer in process has none. */
  readonly onExit: (listener: (end: SignerExit) => void) => void
}

/** What the signer's code needs: the clock and randomness, a pool of `openSignerPool`, the master key, and the rails. */
export type SignerWorld = {
  readonly effects: Pick<Effects, 'now' | 'random'>
  readonly pool: Pool
  readonly masterKey: MasterKey
  readonly rails: Readonly<Record<string, RailModule>>
}
