// Holds what is stored of an attempt or a movement against itself: the wallet's own signature, the message that payouts and draft make,
// and the figures of its proof. Asks no network, and so can never say that a proof is true, only that it fits.

import { getPublicKeyFromAddress, verifySignature, type SignatureBytes } from '@solana/kit'
import { z } from 'zod'
import type { JsonObject } from '../../core/effects.ts'
import type { RailPayout, StoredAttempt, StoredMovement } from '../rail.ts'
import { addressBytes, createAddressBook, toAddress, type AddressBook } from './address.ts'
import { batchProblem } from './batch.ts'
import { identityOf } from './custody.ts'
import { attemptDataSchema, type AttemptData } from './draft.ts'
import { composeMessage, destinationAddress, NATIVE_ASSET } from './message.ts'
import { MAX_TRANSACTION_BYTES, SIGNATURE_BYTES, splitPacket } from './packet.ts'

const digits = z.string().regex(/^(0|[1-9][0-9]{0,19})$/).transform(BigInt)

// Not strict: a proof may have more figures than are held against something here.
const recordSchema = z.object({ signature: z.string(), slot: digits, blockTime: z.string().nullable(), fee: digits })
const settledSchema = recordSchema.extend({ balances: z.array(z.object({ account: z.string(), before: digits, after: digits })) })
const failedSchema = recordSchema.extend({ err: z.json().refine((err) => err !== null, 'must be there') })
const neverSchema = z.object({
  finalizedHeight: digits,
  finalizedSlot: digits,
  lastValidBlockHeight: digits,
  statusSlot: digits,
  firstAvailableBlock: digits,
  signedAtSlot: digits,
  blockhash: z.string(),
  genesis: z.string(),
})

// Only what can be derived again is in it.
const book = createAddressBook()

/** What is wrong with a stored attempt, or null. */
export async function attemptProblem(attempt: StoredAttempt): Promise<string | null> {
  const { identity, bytes, wallet, proof, state } = attempt
  const data = attemptDataSchema.safeParse(attempt.data)
  if (!data.success) return `its record is not of this rail: ${z.prettifyError(data.error)}`
  if (bytes.length > MAX_TRANSACTION_BYTES || bytes.length <= SIGNATURE_BYTES + 1 || bytes[0] !== 1) return 'its bytes are no transaction of ours'
  const { signature, message } = splitPacket(bytes)
  if (identityOf(signature) !== identity) return `its bytes are those of ${identityOf(signature)}, not of ${identity}`
  if (addressBytes(wallet.address) === null) return `its wallet ${wallet.address} has no address`
  const key = await getPublicKeyFromAddress(toAddress(wallet.address))
  if (!(await verifySignature(key, new Uint8Array(signature) as SignatureBytes, new Uint8Array(message)))) {
    return `its bytes are not signed by the wallet ${wallet.address}`
  }
  return (await messageProblem(attempt, data.data, message)) ?? (proof === null ? null : await proofProblem(attempt, { proof, state }, data.data))
}

/** Payouts of an attempt that did not pay may have got another destination since; those of the others are what was signed. */
async function messageProblem({ state, payouts, wallet }: StoredAttempt, draft: AttemptData, message: Uint8Array): Promise<string | null> {
  if (state === 'failed' || state === 'never') return null
  const problem = batchProblem(wallet.address, payouts, draft)
  if (problem !== null) return `its payouts make no message: ${problem}`
  const composed = await composeMessage({ wallet: wallet.address, payouts, draft, book })
  return Buffer.compare(composed, message) === 0 ? null : 'the message that was signed pays other units or destinations than its payouts say'
}

type Proven = { readonly proof: JsonObject; readonly state: StoredAttempt['state'] }

async function proofProblem(attempt: StoredAttempt, { proof, state }: Proven, data: AttemptData): Promise<string | null> {
  const schema = state === 'settled' ? settledSchema : state === 'failed' ? failedSchema : state === 'never' ? neverSchema : null
  if (schema === null) return 'it has a proof, and has not ended'
  const read = schema.safeParse(proof)
  if (!read.success) return `its proof lacks what it must say: ${z.prettifyError(read.error)}`
  if ('genesis' in read.data) return neverProblem(read.data, data)
  const { signature, fee, blockTime } = read.data
  if (signature !== attempt.identity) return `its proof is of ${signature}, not of ${attempt.identity}`
  if (!isInstant(blockTime)) return `its proof has no instant, but ${String(blockTime)}`
  const paid = attempt.costs.filter(({ kind, asset }) => kind === 'fee' && asset === NATIVE_ASSET).reduce((all, { units }) => all + units, 0n)
  if (paid !== fee) return `its proof has a fee of ${fee} lamports, the ledger of ${paid}`
  return 'balances' in read.data ? await balanceProblem(attempt.payouts, read.data.balances, book) : null
}

function neverProblem(proof: z.output<typeof neverSchema>, data: AttemptData): string | null {
  const { lastValidBlockHeight, signedAtSlot, blockhash, genesis } = data
  const same = proof.lastValidBlockHeight === lastValidBlockHeight && proof.signedAtSlot === signedAtSlot
  if (!same || proof.blockhash !== blockhash || proof.genesis !== genesis) return 'its proof is of another transaction or network'
  if (proof.finalizedHeight <= lastValidBlockHeight) return `its proof has the final height ${proof.finalizedHeight}, not past ${lastValidBlockHeight}`
  if (proof.statusSlot < proof.finalizedSlot) return `its proof has a status of slot ${proof.statusSlot}, and ${proof.finalizedSlot} was final`
  return proof.firstAvailableBlock > signedAtSlot ? `its proof has a history from slot ${proof.firstAvailableBlock}, after the signature's ${signedAtSlot}` : null
}

type Balances = z.output<typeof settledSchema>['balances']

/** Each account must have got what the payouts to it are together. */
async function balanceProblem(payouts: readonly RailPayout[], balances: Balances, known: AddressBook): Promise<string | null> {
  const due = new Map<string, bigint>()
  for (const payout of payouts) {
    const { token } = payout.asset
    const account = token === null ? destinationAddress(payout) : await known.tokenAccount(destinationAddress(payout), token)
    due.set(account, (due.get(account) ?? 0n) + payout.units)
  }
  if (balances.length !== due.size) return `its proof has balances of ${balances.length} accounts, its payouts go to ${due.size}`
  for (const { account, before, after } of balances) {
    if (due.get(account) !== after - before) return `its proof has ${after - before} units for ${account}, its payouts ${due.get(account) ?? 0n}`
    due.delete(account)
  }
  return null
}

function isInstant(text: string | null): boolean {
  try {
    return text === null || Temporal.Instant.from(text) !== null
  } catch {
    return false
  }
}

const movementSchema = z.object({ signature: z.string(), slot: digits, blockTime: z.string().nullable(), account: z.string(), before: digits, after: digits })

/** What is wrong with a stored movement, or null. */
export async function movementProblem({ identity, asset, units, direction, at, proof, wallet }: StoredMovement): Promise<string | null> {
  const read = movementSchema.safeParse(proof)
  if (!read.success) return `its proof lacks what it must say: ${z.prettifyError(read.error)}`
  const { signature, account, before, after, blockTime } = read.data
  if (identity !== `${signature}/${account}`) return `its proof is of ${signature}/${account}, not of ${identity}`
  const malformed = [wallet.address, asset.token ?? wallet.address].find((text) => addressBytes(text) === null)
  if (malformed !== undefined) return `${malformed} is no address`
  const own = asset.token === null ? wallet.address : await book.tokenAccount(wallet.address, asset.token)
  if (account !== own) return `its proof is of the account ${account}, not of ${own}`
  const change = direction === 'in' ? after - before : before - after
  if (change !== units) return `its proof has ${change} units ${direction}, not ${units}`
  if (!isInstant(blockTime)) return `its proof has no instant, but ${String(blockTime)}`
  const same = blockTime === null || at === null ? blockTime === null && at === null : Temporal.Instant.from(blockTime).equals(at)
  return same ? null : `its proof is of ${blockTime ?? 'no instant'}, not of ${at === null ? 'none' : at.toString()}`
}
