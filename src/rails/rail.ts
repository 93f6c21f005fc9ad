// What every payment rail offers. One conformance suite runs on every implementation; shared code never asks which rail it is.

import type { z } from 'zod'
import type { Effects, Json, JsonObject } from '../core/effects.ts'
import type { AssetName } from '../core/money.ts'

/** An asset as the rail knows it: `token` is the network's own name of it (an SPL mint), null for the native coin. */
export type RailAsset = { readonly asset: AssetName; readonly token: string | null }

export type RailWallet = { readonly id: string; readonly address: string }

/** A payout as a rail sees it: who gets how many units where. The destination has passed the rail's schema. */
export type RailPayout = {
  readonly id: string
  readonly units: bigint
  readonly asset: RailAsset
  readonly destination: JsonObject
}

/** What the signer hands back: the identity is known before anything is sent. */
export type Signed = { readonly identity: string; readonly bytes: Uint8Array }

/**
 * Asks the signer to sign these payouts. `draft` holds the few things the message needs besides payouts and wallet; the
 * signer reads the payouts itself and composes the message anew from them.
 */
export type Sign = (payouts: readonly string[], draft: JsonObject) => Promise<Signed>

/** A payout that cannot go now, found before anything was signed. `reason` is a hold reason of the payout decider. */
export type Unpayable = {
  readonly payout: string
  readonly reason: HoldReason
  readonly detail: string
  /** Of one below the minimum: units that payouts of its destination must come to together in one batch, where that would be enough. */
  readonly enough?: bigint
}

/** Obstacles a rail can name. Each ends by itself (`no_funds`) or when somebody changes something. */
export type HoldReason = 'no_funds' | 'below_minimum' | 'frozen' | 'destination_invalid' | 'rail_refused'

/** One artefact of the rail: identity and bytes are fixed, nothing was sent. `data` is the rail's own (expiry, slots). */
export type RailAttempt = {
  readonly identity: string
  readonly bytes: Uint8Array
  readonly payouts: readonly string[]
  readonly data: JsonObject
}

export type Prepared =
  | {
      readonly state: 'prepared'
      readonly attempt: RailAttempt
      /** The most that the network may take from the wallet for it besides the payouts. Until it has ended, that money is not free. */
      readonly costs: readonly Cost[]
      readonly unpayable: readonly Unpayable[]
    }
  | { readonly state: 'nothing'; readonly unpayable: readonly Unpayable[] }
  | { readonly state: 'unavailable'; readonly reason: string }

/** No answer of submit ends an attempt: `rejected` is kept as a reason and only schedules a look. */
export type Submission =
  | { readonly state: 'accepted' }
  | { readonly state: 'rejected'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string }

/** What the network took from the wallet besides the payouts themselves. */
export type Cost = { readonly kind: 'fee' | 'rent'; readonly asset: AssetName; readonly units: bigint }

export type Look =
  | { readonly state: 'settled'; readonly proof: JsonObject; readonly costs: readonly Cost[] }
  | { readonly state: 'pending'; readonly detail: string }
  | {
      readonly state: 'failed'
      readonly reason: string
      /** The payout that made it fail, when the rail names one, and the hold it deserves. */
      readonly member: { readonly payout: string; readonly hold: HoldReason } | null
      /** Set when no member is to blame but the whole batch must wait (the payer is out of funds). */
      readonly hold: HoldReason | null
      readonly proof: JsonObject
      readonly costs: readonly Cost[]
    }
  | { readonly state: 'never'; readonly proof: JsonObject }
  /** `expired`: known past its validity, so that sending it again is useless, though whether it landed before is not known. */
  | { readonly state: 'unknown'; readonly reason: string; readonly expired?: true }

/** Money that came into (or left by its owner's hand) a wallet outside our payouts. `identity` is unique on the rail. */
export type Movement = {
  readonly identity: string
  readonly asset: AssetName
  readonly units: bigint
  readonly direction: 'in' | 'out'
  readonly at: Temporal.Instant | null
  readonly proof: JsonObject
}

export type Incoming = {
  readonly movements: readonly Movement[]
  readonly cursor: string | null
  /** True when the rail had more than one page: ask again at once. */
  readonly more: boolean
}

export type PrepareInput = {
  /** The attempt's id, chosen by the engine before anything is signed. */
  readonly attempt: string
  /** Head of the journal (hex), written into the memo so that a lost database can be rebuilt from the chain. */
  readonly head: string
  readonly payouts: readonly RailPayout[]
  readonly wallet: RailWallet
  /** Units per asset that live attempts of this wallet may still take, costs included: what the network shows is not all free. */
  readonly committed: ReadonlyMap<AssetName, bigint>
  readonly sign: Sign
}

/** A rail connected to one network. All outcomes are values; only a broken law throws. */
export type Rail = {
  readonly name: string
  readonly batchSize: (asset: RailAsset) => number
  /** Chooses a batch from the payouts given (all of one wallet and asset, in this order), composes and signs it. */
  readonly prepare: (input: PrepareInput) => Promise<Prepared>
  readonly submit: (attempt: RailAttempt) => Promise<Submission>
  /** Many attempts at once, answered in the same order: status questions are batched on most rails. */
  readonly look: (attempts: readonly LookInput[]) => Promise<readonly Look[]>
  readonly balance: (wallet: RailWallet, asset: RailAsset) => Promise<bigint>
  readonly incoming: (input: IncomingInput) => Promise<Incoming>
  /** Says that the network answers and which one it is (genesis hash, chain id). */
  readonly identify: () => Promise<{ readonly network: string; readonly detail: Json }>
}

export type LookInput = { readonly attempt: RailAttempt; readonly wallet: RailWallet; readonly payouts: readonly RailPayout[] }

export type IncomingInput = {
  readonly wallet: RailWallet
  readonly assets: readonly RailAsset[]
  readonly cursor: string | null
  /** Identities of our own attempts among those given: their movements are settlements, not incoming funds. */
  readonly own: (identities: readonly string[]) => Promise<ReadonlySet<string>>
}

/** Key handling of a rail, used by the signer alone. Pure: randomness is an argument. */
export type Custody = {
  readonly create: (random: (bytes: number) => Uint8Array<ArrayBuffer>) => Promise<Custodial>
  /** Reads a key in the rail's usual text form. Refuses `key_malformed` without repeating the text. */
  readonly read: (text: string) => Promise<Custodial>
  /** Composes the message from payouts and draft, checks every field of the draft, and signs it. Refuses `signing_refused`. */
  readonly sign: (input: {
    readonly secret: Uint8Array<ArrayBuffer>
    readonly wallet: RailWallet
    readonly payouts: readonly RailPayout[]
    readonly draft: JsonObject
  }) => Promise<Signed>
}

export type Custodial = { readonly address: string; readonly secret: Uint8Array<ArrayBuffer> }

/** An attempt as it is stored, with what the ledger says it cost. `proof` is null while it has not ended. */
export type StoredAttempt = {
  readonly identity: string
  readonly bytes: Uint8Array
  readonly data: JsonObject
  readonly state: 'prepared' | 'submitted' | 'unknown' | 'settled' | 'failed' | 'never'
  readonly proof: JsonObject | null
  readonly wallet: RailWallet
  /** In the order of the batch. */
  readonly payouts: readonly RailPayout[]
  readonly costs: readonly Cost[]
}

/** A movement as it is stored. */
export type StoredMovement = Omit<Movement, 'asset'> & { readonly asset: RailAsset; readonly wallet: RailWallet }

/** A rail as its folder exports it to the registry. */
export type RailModule = {
  readonly name: string
  /** Assets it knows without being told a token. */
  readonly nativeAssets: readonly AssetName[]
  /** Reads and normalises a destination; its error becomes `address_malformed`. */
  readonly destination: z.ZodType<JsonObject>
  /** The destination as one line for people and views. */
  readonly describe: (destination: JsonObject) => string
  /** Largest units of one payout. */
  readonly maxUnits: bigint
  readonly custody: Custody
  readonly connect: (effects: Effects, settings: { readonly url: string }) => Rail
  readonly sandbox: SandboxModule
  /**
   * Holds what is stored against itself, without a network: a sentence that says what does not fit, or null. It can never say that a
   * proof is true. Stored values may have been written by hand and have any form.
   */
  readonly checkProof?: (attempt: StoredAttempt) => Promise<string | null>
  readonly checkMovement?: (movement: StoredMovement) => Promise<string | null>
}

/** A rail's own local network: real parts that its real client talks to over its real protocol. */
export type SandboxModule = {
  /** Starts it in a child process; its books stand in `directory`. A restarted one is given its old port. */
  readonly start: (options: { readonly directory: string; readonly port?: number }) => Promise<SandboxNetwork>
  /** Sends money made of nothing to an address there and waits until it has arrived for good. */
  readonly fund: (effects: Effects, url: string, to: { readonly address: string; readonly units: bigint }) => Promise<void>
}

export type SandboxNetwork = {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<unknown>
  readonly onExit: (listener: () => void) => void
}
