// The questions the rail asks a node, with the form its answers must have. What a node answers in another form counts as lost.
// Reference: solana.com/docs/rpc/http. Everything is asked of the finalized state: less can be undone by a fork.

import type { Address, Base64EncodedWireTransaction, Signature } from '@solana/kit'
import { z } from 'zod'
import type { Json } from '../../core/effects.ts'
import { isAddressText } from './address.ts'
import type { Question } from './client.ts'

// A node's own limits.
export const MAX_ACCOUNTS = 100
export const MAX_STATUSES = 256
export const MAX_SIGNATURES = 1_000

// A token account has 165 bytes; larger accounts (10 MB at most) are not what we pay to, and their length is answered beside.
const ACCOUNT_DATA_BYTES = 165

const whole = z.bigint().min(0n)
const hash = z.string().refine((text) => isAddressText(text), 'must be 32 bytes in base58')
const context = z.object({ slot: whole })

// Indices and codes come as bigint or number, depending on where in the answer they stand; all are small.
const index = z.union([z.bigint(), z.number()]).transform(Number)

/** The network's reason for a failed transaction, as JSON without bigints. */
const reason = z.unknown().transform((value): Json => plain(value))

function plain(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

const account = z.object({
  lamports: whole,
  owner: z.string(),
  executable: z.boolean(),
  space: whole,
  data: z.tuple([z.base64(), z.literal('base64')]).transform(([text]) => new Uint8Array(Buffer.from(text, 'base64'))),
})

/** An account: `data` is its first 165 bytes, `space` its whole length. */
export type Account = z.output<typeof account>

const status = z.object({
  slot: whole,
  confirmationStatus: z.enum(['processed', 'confirmed', 'finalized']).nullable(),
  err: reason,
})

export type Status = z.output<typeof status>

const tokenBalance = z.object({ accountIndex: index, mint: z.string(), uiTokenAmount: z.object({ amount: z.string().regex(/^[0-9]+$/) }) })

const meta = z.object({
  err: reason,
  fee: whole,
  preBalances: z.array(whole),
  postBalances: z.array(whole),
  preTokenBalances: z.array(tokenBalance).nullish().transform((balances) => balances ?? []),
  postTokenBalances: z.array(tokenBalance).nullish().transform((balances) => balances ?? []),
  loadedAddresses: z.object({ writable: z.array(z.string()), readonly: z.array(z.string()) }).nullish(),
})

export type Meta = z.output<typeof meta>

const landed = z.object({ slot: whole, blockTime: z.bigint().nullable(), meta: meta.nullable() })

export type Landed = z.output<typeof landed>

const landedWithKeys = landed.extend({ transaction: z.object({ message: z.object({ accountKeys: z.array(z.string()) }) }) })

export type LandedWithKeys = z.output<typeof landedWithKeys>

const mention = z.object({ signature: z.string(), slot: whole })

// Made once: the library compiles a schema at its first use, which takes longer than most answers.
const blockhashAnswer = z
  .object({ context, value: z.object({ blockhash: hash, lastValidBlockHeight: whole }) })
  .transform(({ context: { slot }, value }) => ({ ...value, slot }))
const accountsAnswer = z
  .object({ context, value: z.array(account.nullable()) })
  .transform(({ context: { slot }, value }) => ({ slot, accounts: value }))
const epochAnswer = z
  .object({ absoluteSlot: whole, blockHeight: whole })
  .transform(({ absoluteSlot, blockHeight }) => ({ slot: absoluteSlot, height: blockHeight }))
const statusesAnswer = z
  .object({ context, value: z.array(status.nullable()) })
  .transform(({ context: { slot }, value }) => ({ slot, statuses: value }))
const landedAnswer = landed.nullable()
const landedWithKeysAnswer = landedWithKeys.nullable()
const mentionsAnswer = z.array(mention).max(MAX_SIGNATURES)
const pricesAnswer = z
  .array(z.object({ prioritizationFee: whole }))
  .transform((slots) => slots.map((slot) => slot.prioritizationFee))
const signatureAnswer = z.string()

/** A transaction that names an address. */
export type Mention = z.output<typeof mention>

export function latestBlockhash(): Question<z.output<typeof blockhashAnswer>> {
  return { method: 'getLatestBlockhash', ask: (rpc) => rpc.getLatestBlockhash({ commitment: 'finalized' }), answer: blockhashAnswer }
}

/** What stands at addresses, at most 100, as of a slot that is not before the given one. */
export function accounts(addresses: readonly Address[], minContextSlot: bigint): Question<z.output<typeof accountsAnswer>> {
  const dataSlice = { offset: 0, length: ACCOUNT_DATA_BYTES }
  return {
    method: 'getMultipleAccounts',
    ask: (rpc) => rpc.getMultipleAccounts(addresses, { commitment: 'finalized', encoding: 'base64', dataSlice, minContextSlot }),
    answer: accountsAnswer,
    fits: ({ accounts: { length } }) => length === addresses.length,
  }
}

/** Slot and height of the finalized block, read at once. */
export function finalizedBlock(): Question<z.output<typeof epochAnswer>> {
  return { method: 'getEpochInfo', ask: (rpc) => rpc.getEpochInfo({ commitment: 'finalized' }), answer: epochAnswer }
}

/** Where the transactions of these signatures stand, searched in all the history that the node has. At most 256. */
export function statuses(signatures: readonly string[]): Question<z.output<typeof statusesAnswer>> {
  return {
    method: 'getSignatureStatuses',
    ask: (rpc) => rpc.getSignatureStatuses(signatures as readonly Signature[], { searchTransactionHistory: true }),
    answer: statusesAnswer,
    fits: ({ statuses: { length } }) => length === signatures.length,
  }
}

/** The lowest slot whose block the node still has. */
export function firstAvailableBlock(): Question<bigint> {
  return { method: 'getFirstAvailableBlock', ask: (rpc) => rpc.getFirstAvailableBlock(), answer: whole }
}

export function genesisHash(): Question<string> {
  return { method: 'getGenesisHash', ask: (rpc) => rpc.getGenesisHash(), answer: hash }
}

/** What a transaction of ours did, or null when the node has no record of it. */
export function landedTransaction(signature: string): Question<Landed | null> {
  return {
    method: 'getTransaction',
    ask: (rpc) =>
      rpc.getTransaction(signature as Signature, { commitment: 'finalized', encoding: 'base64', maxSupportedTransactionVersion: 0 }),
    answer: landedAnswer,
  }
}

/** What any transaction did, with the accounts it names. */
export function foreignTransaction(signature: string): Question<LandedWithKeys | null> {
  return {
    method: 'getTransaction',
    ask: (rpc) =>
      // Version 1 exists on some clusters; a node that knows only 0 takes the number as a bound all the same.
      rpc.getTransaction(signature as Signature, { commitment: 'finalized', encoding: 'json', maxSupportedTransactionVersion: 1 }),
    answer: landedWithKeysAnswer,
  }
}

export type MentionRange = { readonly before: string | null; readonly until: string | null }

/** Transactions that name an address, newest first, between two signatures (both excluded). At most 1,000. */
export function mentions(address: Address, { before, until }: MentionRange): Question<readonly Mention[]> {
  const range = { ...(before === null ? {} : { before: before as Signature }), ...(until === null ? {} : { until: until as Signature }) }
  return {
    method: 'getSignaturesForAddress',
    ask: (rpc) => rpc.getSignaturesForAddress(address, { commitment: 'finalized', limit: MAX_SIGNATURES, ...range }),
    answer: mentionsAnswer,
  }
}

/** Lamports below which an account of this many bytes cannot be. */
export function rentExemption(space: bigint): Question<bigint> {
  return {
    method: 'getMinimumBalanceForRentExemption',
    ask: (rpc) => rpc.getMinimumBalanceForRentExemption(space),
    answer: whole,
  }
}

/** The lowest price, in micro-lamports a compute unit, that got into each of the last blocks. */
export function recentPrices(): Question<readonly bigint[]> {
  return { method: 'getRecentPrioritizationFees', ask: (rpc) => rpc.getRecentPrioritizationFees(), answer: pricesAnswer }
}

/** Hands the packet to the network. The node neither tries it first nor sends it again: that is the engine's decision. */
export function sendPacket(packet: Uint8Array): Question<string> {
  const wire = Buffer.from(packet).toString('base64') as Base64EncodedWireTransaction
  return {
    method: 'sendTransaction',
    ask: (rpc) => rpc.sendTransaction(wire, { encoding: 'base64', skipPreflight: true, maxRetries: 0n }),
    answer: signatureAnswer,
  }
}
