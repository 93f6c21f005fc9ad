// The bytes of accounts of the Token program, as far as paying needs them. Layout: solana-program/token, interface/src/state.rs. Pure.

import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import { present } from '../../core/assert.ts'
import type { AddressBook } from './address.ts'
import type { Account } from './questions.ts'

export const TOKEN_ACCOUNT_BYTES = 165n
const MINT_BYTES = 82n

const MINT = 0
const OWNER = 32
const AMOUNT = 64
const STATE = 108
const STATE_FROZEN = 2
const STATE_INITIALIZED = 1

const MINT_DECIMALS = 44
const MINT_INITIALIZED = 45

export type TokenAccount = { readonly amount: bigint; readonly frozen: boolean }

export type Expected = { readonly mint: string; readonly owner: string; readonly book: AddressBook }

/** What the account holds, or null when it is not an account of this mint and owner (the owner of an account can be changed). */
export function readTokenAccount({ owner: program, space, data }: Account, { mint, owner, book }: Expected): TokenAccount | null {
  if (program !== TOKEN_PROGRAM_ADDRESS || space !== TOKEN_ACCOUNT_BYTES || BigInt(data.length) !== TOKEN_ACCOUNT_BYTES) return null
  const state = present(data[STATE], 'state of a token account')
  if (state !== STATE_INITIALIZED && state !== STATE_FROZEN) return null
  if (!holds(data, MINT, book.bytes(mint)) || !holds(data, OWNER, book.bytes(owner))) return null
  return { amount: new DataView(data.buffer, data.byteOffset).getBigUint64(AMOUNT, true), frozen: state === STATE_FROZEN }
}

function holds(data: Uint8Array, offset: number, part: Uint8Array): boolean {
  return part.every((byte, index) => data[offset + index] === byte)
}

/** Why the mint cannot be paid in by this rail, or null. */
export function mintProblem(account: Account | null, decimals: number): string | null {
  if (account === null) return 'the mint does not exist'
  if (account.owner !== TOKEN_PROGRAM_ADDRESS) return `the mint belongs to ${account.owner}; only the Token program is paid in`
  if (account.space !== MINT_BYTES || account.data[MINT_INITIALIZED] !== 1) return 'the token is not a mint'
  const found = account.data[MINT_DECIMALS]
  return found === decimals ? null : `the mint has ${found} decimals, the asset ${decimals}`
}
