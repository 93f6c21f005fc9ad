// Why a transaction of ours landed and failed, and whose fault it was: of one payout, of the wallet, or of nobody that can be named.
// Pure. Never blames a payout for what the wallet's own accounts may have caused.

import { z } from 'zod'
import type { Json } from '../../core/effects.ts'
import type { HoldReason, RailPayout } from '../rail.ts'
import type { AddressBook } from './address.ts'
import type { AttemptData } from './draft.ts'
import { destinationAddress, messageSteps } from './message.ts'
import { accountAt } from './packet.ts'
import type { Account } from './questions.ts'
import { readTokenAccount } from './token-account.ts'

export type Explanation = {
  readonly reason: string
  readonly member: { readonly payout: string; readonly hold: HoldReason } | null
  readonly hold: HoldReason | null
}

/** The network does not say which side of a token transfer it refused: `judgeSides` finds out from the two accounts. */
export type Undecided = { readonly undecided: RailPayout; readonly reason: string }

export type FailedBatch = {
  readonly packet: Uint8Array
  readonly payouts: readonly RailPayout[]
  readonly data: AttemptData
  readonly wallet: string
}

const instructionError = z.object({
  InstructionError: z.tuple([z.number(), z.union([z.string(), z.object({ Custom: z.number() }).transform(({ Custom }) => Custom)])]),
})
const rentError = z.object({ InsufficientFundsForRent: z.object({ account_index: z.number() }) })

// Errors of the whole transaction that say the wallet cannot pay the fee.
const FEE_ERRORS: ReadonlySet<Json> = new Set(['InsufficientFundsForFee', 'InvalidAccountForFee', 'AccountNotFound'])

// The batch as a whole was too much; no payout is to blame, and a smaller batch may pass.
const SIZE_ERRORS: ReadonlySet<string | number> = new Set(['ComputationalBudgetExceeded', 'ProgramFailedToComplete', 'MaxInstructionTraceLengthExceeded'])

/** `err` as the network gave it. */
export function explainFailure(err: Json, batch: FailedBatch): Explanation | Undecided {
  const instruction = instructionError.safeParse(err)
  if (instruction.success) return explainInstruction(...instruction.data.InstructionError, batch)
  const rent = rentError.safeParse(err)
  if (rent.success) return explainRent(rent.data.InsufficientFundsForRent.account_index, batch)
  return { reason: text(err), member: null, hold: FEE_ERRORS.has(err) ? 'no_funds' : null }
}

function explainRent(index: number, { packet, payouts, wallet }: FailedBatch): Explanation {
  const address = accountAt(packet, index)
  if (address === wallet) return { reason: 'the wallet would keep less than an account must hold', member: null, hold: 'no_funds' }
  const payout = payouts.find((one) => destinationAddress(one) === address)
  const reason = `${address ?? `account ${index}`} would hold less than an account must`
  return { reason, member: payout === undefined ? null : { payout: payout.id, hold: 'below_minimum' }, hold: null }
}

function explainInstruction(index: number, code: string | number, { payouts, data }: FailedBatch): Explanation | Undecided {
  const steps = messageSteps(payouts, data)
  const step = steps[index]
  const reason = `instruction ${index}${step === undefined ? '' : ` (${step.kind})`} failed with ${typeof code === 'number' ? `code ${code}` : code}`
  if (step === undefined || !('payout' in step) || SIZE_ERRORS.has(code)) return { reason, member: null, hold: null }
  const { payout } = step
  if (step.kind === 'create_token_account') return explainCreation(code, { payout, reason })
  if (payout.asset.token === null) {
    return code === SYSTEM_NO_FUNDS ? whole('no_funds', reason) : blame(payout, 'rail_refused', reason)
  }
  // Each transfer draws on the same account: once one has passed, the wallet's side is in order.
  const first = steps.findIndex((one) => one.kind === 'transfer') === index
  return explainTokenTransfer(code, { payout, reason, first })
}

// Codes of the System program and the Token program (solana-program/system, solana-program/token: error.rs).
const SYSTEM_NO_FUNDS = 1
const TOKEN_NO_FUNDS = 1
const TOKEN_MINT_MISMATCH = 3
const TOKEN_OWNER_MISMATCH = 4
const TOKEN_UNINITIALIZED = 9
const TOKEN_FROZEN = 17
const TOKEN_DECIMALS_MISMATCH = 18

const ACCOUNT_ERRORS: ReadonlySet<string | number> = new Set([
  TOKEN_MINT_MISMATCH,
  TOKEN_UNINITIALIZED,
  'InvalidAccountData',
  'UninitializedAccount',
  'IncorrectProgramId',
  'InvalidAccountOwner',
  'IllegalOwner',
])

function explainCreation(code: string | number, { payout, reason }: { payout: RailPayout; reason: string }): Explanation {
  // Making the account is paid by a transfer of the System program, whose code comes through.
  return code === SYSTEM_NO_FUNDS ? whole('no_funds', reason) : blame(payout, 'destination_invalid', reason)
}

type TokenTransfer = { readonly payout: RailPayout; readonly reason: string; readonly first: boolean }

function explainTokenTransfer(code: string | number, { payout, reason, first }: TokenTransfer): Explanation | Undecided {
  if (code === TOKEN_NO_FUNDS) return whole('no_funds', reason)
  if (code === TOKEN_OWNER_MISMATCH || code === TOKEN_DECIMALS_MISMATCH) return whole('rail_refused', reason)
  if (code !== TOKEN_FROZEN && !ACCOUNT_ERRORS.has(code)) return blame(payout, 'rail_refused', reason)
  if (first) return { undecided: payout, reason }
  return blame(payout, code === TOKEN_FROZEN ? 'frozen' : 'destination_invalid', reason)
}

function whole(hold: HoldReason, reason: string): Explanation {
  return { reason, member: null, hold }
}

function blame(payout: RailPayout, hold: HoldReason, reason: string): Explanation {
  return { reason, member: { payout: payout.id, hold }, hold: null }
}

export type Sides = {
  readonly mint: string
  readonly wallet: string
  readonly walletAccount: Account | null
  readonly destinationAccount: Account | null
  readonly book: AddressBook
}

/** Decides from the accounts as they stand now. When both are in order by now nobody is blamed: the next attempt will show. */
export function judgeSides({ undecided, reason }: Undecided, sides: Sides): Explanation {
  const { mint, wallet, walletAccount, destinationAccount, book } = sides
  const own = walletAccount === null ? null : readTokenAccount(walletAccount, { mint, owner: wallet, book })
  if (own === null) return whole('no_funds', `${reason}: the wallet has no token account of its own`)
  if (own.frozen) return whole('frozen', `${reason}: the wallet's own token account is frozen`)
  const owner = destinationAddress(undecided)
  const theirs = destinationAccount === null ? null : readTokenAccount(destinationAccount, { mint, owner, book })
  if (theirs === null) return blame(undecided, 'destination_invalid', `${reason}: the destination has no token account of its own`)
  if (theirs.frozen) return blame(undecided, 'frozen', `${reason}: the token account of the destination is frozen`)
  return { reason: `${reason}: both token accounts are in order by now`, member: null, hold: null }
}

function text(err: Json): string {
  return typeof err === 'string' ? err : JSON.stringify(err)
}
