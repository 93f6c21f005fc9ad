// The message of a batch: payouts, wallet and draft in, bytes out, the same bytes each time. The rail and the signer both compose it;
// nobody passes opaque bytes to a key. Never reads a clock, a network or randomness.

import { AccountRole, createNoopSigner, type Address, type Instruction, type TransactionSigner } from '@solana/kit'
import { getSetComputeUnitLimitInstruction, getSetComputeUnitPriceInstruction } from '@solana-program/compute-budget'
import { getAddMemoInstruction } from '@solana-program/memo'
import { SYSTEM_PROGRAM_ADDRESS } from '@solana-program/system'
import { getCreateAssociatedTokenIdempotentInstruction, getTransferCheckedInstruction } from '@solana-program/token'
import { assert, present } from '../../core/assert.ts'
import { parseAsset } from '../../core/money.ts'
import type { RailAsset, RailPayout } from '../rail.ts'
import { MEMO_PROGRAM_ADDRESS, toAddress, type AddressBook } from './address.ts'
import { compileMessage } from './compile.ts'
import type { Draft } from './draft.ts'
import { encodeMessage } from './packet.ts'

export const NATIVE_ASSET = 'SOL/9'

export const MAX_UNITS = 2n ** 64n - 1n

// What fits beside the longest memo: 18 transfers make 1,216 bytes, 17 token transfers 1,231, 8 with an account made each 1,190.
const MAX_TRANSFERS = 18
const MAX_TOKEN_TRANSFERS = 17
export const MAX_CREATIONS = 8

export function maxTransfers(asset: RailAsset): number {
  return asset.token === null ? MAX_TRANSFERS : MAX_TOKEN_TRANSFERS
}

/** One instruction of the message, in order. Its place is the index that the network names when it fails. */
export type Step =
  | { readonly kind: 'compute_unit_limit' }
  | { readonly kind: 'compute_unit_price' }
  | { readonly kind: 'create_token_account'; readonly payout: RailPayout }
  | { readonly kind: 'transfer'; readonly payout: RailPayout }
  | { readonly kind: 'memo' }

/** The instructions of a message: used to compose it, and to find the payout behind a failing index. */
export function messageSteps(payouts: readonly RailPayout[], draft: Pick<Draft, 'createTokenAccounts'>): readonly Step[] {
  const creating = new Set(draft.createTokenAccounts)
  const steps: Step[] = [{ kind: 'compute_unit_limit' }, { kind: 'compute_unit_price' }]
  for (const payout of payouts) {
    if (creating.has(payout.id)) steps.push({ kind: 'create_token_account', payout })
    steps.push({ kind: 'transfer', payout })
  }
  steps.push({ kind: 'memo' })
  return steps
}

/** Where a payout goes. That it is an address was seen by the rail's schema, and is again where its bytes are taken. */
export function destinationAddress(payout: RailPayout): Address {
  const address = payout.destination['address']
  assert(typeof address === 'string', `payout ${payout.id} has no address`)
  return address as Address
}

export type Composition = {
  readonly wallet: string
  /** All of one asset, in the order of the batch. */
  readonly payouts: readonly RailPayout[]
  readonly draft: Draft
  readonly book: AddressBook
}

/** The v0 message of these payouts. The caller has checked them and the draft; impossible input throws. */
export async function composeMessage({ wallet, payouts, draft, book }: Composition): Promise<Uint8Array<ArrayBuffer>> {
  const asset = present(payouts[0], 'a payout').asset
  const payer = createNoopSigner(toAddress(wallet))
  const steps = messageSteps(payouts, draft)
  const instructions =
    asset.token === null
      ? steps.map((step) => nativeInstruction(step, { payer, draft }))
      : await tokenInstructions(steps, { payer, draft, book, mint: toAddress(asset.token), decimals: parseAsset(asset.asset).scale })
  return encodeMessage(compileMessage(payer.address, draft.blockhash, instructions), book)
}

type Settings = { readonly payer: TransactionSigner; readonly draft: Draft }

function nativeInstruction(step: Step, settings: Settings): Instruction {
  switch (step.kind) {
    case 'transfer':
      return nativeTransfer(settings.payer.address, step.payout)
    case 'create_token_account':
      throw new Error(`assertion failed: payout ${step.payout.id} of the native asset has no token account to make`)
    default:
      return frameInstruction(step, settings)
  }
}

const TRANSFER = 2
const TRANSFER_BYTES = 12

/** The System program's transfer, by hand: eighteen of them were a third of composing. Layout: kind (u32), lamports (u64), little endian. */
function nativeTransfer(source: Address, payout: RailPayout): Instruction {
  const { units } = payout
  assert(units >= 0n && units <= MAX_UNITS, `payout ${payout.id} is of ${units} lamports`)
  const data = new Uint8Array(TRANSFER_BYTES)
  const view = new DataView(data.buffer)
  view.setUint32(0, TRANSFER, true)
  view.setBigUint64(4, units, true)
  const accounts = [
    { address: source, role: AccountRole.WRITABLE_SIGNER },
    { address: destinationAddress(payout), role: AccountRole.WRITABLE },
  ]
  return { programAddress: SYSTEM_PROGRAM_ADDRESS, accounts, data }
}

type TokenSettings = Settings & { readonly book: AddressBook; readonly mint: Address; readonly decimals: number }

async function tokenInstructions(steps: readonly Step[], settings: TokenSettings): Promise<readonly Instruction[]> {
  const { payer, book, mint, decimals } = settings
  const source = await book.tokenAccount(payer.address, mint)
  const instructions: Instruction[] = []
  for (const step of steps) {
    if (step.kind !== 'create_token_account' && step.kind !== 'transfer') {
      instructions.push(frameInstruction(step, settings))
      continue
    }
    const owner = destinationAddress(step.payout)
    // One after the other: known accounts resolve at once, and a derivation is work for one core anyway.
    const account = await book.tokenAccount(owner, mint)
    instructions.push(
      step.kind === 'create_token_account'
        ? getCreateAssociatedTokenIdempotentInstruction({ payer, ata: account, owner, mint })
        : getTransferCheckedInstruction({ source, mint, destination: account, authority: payer, amount: step.payout.units, decimals }),
    )
  }
  return instructions
}

function frameInstruction(step: Exclude<Step, { payout: RailPayout }>, { draft }: Settings): Instruction {
  switch (step.kind) {
    case 'compute_unit_limit':
      return getSetComputeUnitLimitInstruction({ units: Number(draft.computeUnitLimit) })
    case 'compute_unit_price':
      return getSetComputeUnitPriceInstruction({ microLamports: draft.computeUnitPrice })
    case 'memo':
      return getAddMemoInstruction({ memo: draft.memo }, { programAddress: MEMO_PROGRAM_ADDRESS })
  }
}
