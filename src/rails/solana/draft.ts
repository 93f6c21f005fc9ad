// What a message needs besides payouts and wallet, and how the record of an attempt keeps it. Numbers are text; anything that is
// not exactly of this form is refused, so that the signer never signs a text or a fee that somebody slipped in.

import { z } from 'zod'
import { addressBytes } from './address.ts'

const MAX_U64 = 2n ** 64n - 1n

/** Base fee of one signature, fixed by the network. */
const SIGNATURE_FEE_LAMPORTS = 5_000n

// The dearest batch (eight token accounts made) asks for 444,000 units; the network allows 1,400,000.
export const MAX_COMPUTE_UNITS = 600_000n

// A lamport a unit. With the limit above, a message costs at most 605,000 lamports whatever the network's fees do.
export const MAX_COMPUTE_UNIT_PRICE = 1_000_000n


// 10 + 36 + 1 + 32 = 79 bytes: with 80 a batch of 17 token transfers still fits a packet, to the byte.
const HEAD_DIGITS = 32
const MEMO_PATTERN = /^apportion:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-f]{8,32}$/

const u64 = z.codec(z.string().regex(/^(0|[1-9][0-9]{0,19})$/), z.bigint().min(0n).max(MAX_U64), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
})

const hash = z.string().refine((text) => addressBytes(text) !== null, 'must be 32 bytes in base58')

const fields = {
  blockhash: hash,
  /** Height of the last block that may hold the transaction. */
  lastValidBlockHeight: u64.refine((height) => height > 0n, 'must be a block height'),
  computeUnitLimit: u64.refine((units) => units > 0n && units <= MAX_COMPUTE_UNITS, `must be 1 to ${MAX_COMPUTE_UNITS}`),
  /** Micro-lamports a compute unit. */
  computeUnitPrice: u64.refine((price) => price <= MAX_COMPUTE_UNIT_PRICE, `must be at most ${MAX_COMPUTE_UNIT_PRICE}`),
  /** Payouts before whose transfer the token account of their destination is made. */
  createTokenAccounts: z.array(z.string()).readonly(),
  memo: z.string().regex(MEMO_PATTERN, 'must be apportion:<attempt id>:<digits of the journal head>'),
}

/** The draft as it crosses to the signer. */
export const draftSchema = z.strictObject(fields)

/** An attempt's data: the draft, and what the proof of "never" needs. */
export const attemptDataSchema = z.strictObject({
  ...fields,
  /** A slot that was final before the signature existed: the transaction can only be in a later one. */
  signedAtSlot: u64,
  /** The network it was signed for. */
  genesis: hash,
  /** The fee and the most rent that the message takes from the wallet besides the payouts, in lamports. */
  feeLamports: u64,
  maxRentLamports: u64,
})

export type Draft = z.output<typeof draftSchema>
export type AttemptData = z.output<typeof attemptDataSchema>

/** The memo: enough to find attempt and journal head from the chain alone when the database is lost. */
export function memoText(attempt: string, head: string): string {
  return `apportion:${attempt}:${head.slice(0, HEAD_DIGITS)}`
}

/** The fee in lamports that the network takes for a message of these settings: exact, charged even when it fails. */
export function feeLamports({ computeUnitLimit, computeUnitPrice }: Pick<Draft, 'computeUnitLimit' | 'computeUnitPrice'>): bigint {
  // Rounded up as the network does.
  return SIGNATURE_FEE_LAMPORTS + (computeUnitLimit * computeUnitPrice + 999_999n) / 1_000_000n
}
