// What the sandbox reads of token accounts and mints (SPL Token, and the base of Token-2022): layout, amounts,
// associated addresses. Layouts: solana-program/token, interface/src/state.rs.
import { isOffCurveAddress, type Address } from '@solana/kit'
import { ASSOCIATED_TOKEN_PROGRAM_ADDRESS, TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import { present } from '../../../core/assert.ts'
import { ADDRESS_BYTES, bytesOf, keyOf, parseKey, sha256, textOf, type Key } from './bytes.ts'
import type { Value } from './json.ts'
import type { AccountImage } from './machine.ts'

const keyOfProgram = (address: Address): Key => present(parseKey(address, ADDRESS_BYTES), 'key of a program')

export const TOKEN_PROGRAM = keyOfProgram(TOKEN_PROGRAM_ADDRESS)
const TOKEN_2022_PROGRAM = keyOfProgram('TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' as Address)
const ASSOCIATED_TOKEN_PROGRAM = keyOfProgram(ASSOCIATED_TOKEN_PROGRAM_ADDRESS)

const TOKEN_BYTES = 165
const MINT_BYTES = 82
const MULTISIG_BYTES = 355
// Token-2022 writes the kind of an account behind the base layout.
const KIND_OFFSET = 165
const KIND_MINT = 1
const KIND_TOKEN = 2
const STATES = ['uninitialized', 'initialized', 'frozen'] as const

export type TokenState = {
  readonly program: Key
  readonly mint: Key
  readonly owner: Key
  readonly amount: bigint
  readonly delegate: Key | null
  readonly delegatedAmount: bigint
  readonly state: (typeof STATES)[number]
  readonly rentExemptReserve: bigint | null
  readonly closeAuthority: Key | null
}

export type MintState = {
  readonly program: Key
  readonly mintAuthority: Key | null
  readonly supply: bigint
  readonly decimals: number
  readonly initialized: boolean
  readonly freezeAuthority: Key | null
}

export function isTokenProgram(key: Key): boolean {
  return key === TOKEN_PROGRAM || key === TOKEN_2022_PROGRAM
}

/** The token account in an account, or null when it is none (or not initialized). */
export function tokenStateOf(image: AccountImage): TokenState | null {
  if (!hasShape(image, TOKEN_BYTES, KIND_TOKEN)) return null
  const data = Buffer.from(image.data.buffer, image.data.byteOffset, image.data.byteLength)
  const state = STATES[data[108] ?? 0]
  if (state === undefined || state === 'uninitialized') return null
  return {
    program: image.owner,
    mint: keyOf(data.subarray(0, 32)),
    owner: keyOf(data.subarray(32, 64)),
    amount: data.readBigUInt64LE(64),
    delegate: optionalKey(data, 72),
    delegatedAmount: data.readBigUInt64LE(121),
    state,
    rentExemptReserve: data.readUInt32LE(109) === 0 ? null : data.readBigUInt64LE(113),
    closeAuthority: optionalKey(data, 129),
  }
}

/** The mint in an account, or null when it is none. */
export function mintStateOf(image: AccountImage): MintState | null {
  if (!hasShape(image, MINT_BYTES, KIND_MINT)) return null
  const data = Buffer.from(image.data.buffer, image.data.byteOffset, image.data.byteLength)
  return {
    program: image.owner,
    mintAuthority: optionalKey(data, 0),
    supply: data.readBigUInt64LE(36),
    decimals: data[44] ?? 0,
    initialized: data[45] === 1,
    freezeAuthority: optionalKey(data, 46),
  }
}

/** An amount as Solana's RPC shows it. `uiAmount` is a double there, for display alone; `amount` is exact. */
export function tokenAmount(units: bigint, decimals: number): { readonly [key: string]: Value } {
  const digits = String(units).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const text = fraction === '' ? whole : `${whole}.${fraction}`
  return { amount: String(units), decimals, uiAmount: Number(text), uiAmountString: text }
}

/**
 * The associated token account of an owner and a mint of SPL Token: the first bump from 255 down whose hash is no point
 * of the curve.
 */
export function associatedTokenKey(owner: Key, mint: Key): Key {
  const seeds = [bytesOf(owner), bytesOf(TOKEN_PROGRAM), bytesOf(mint)]
  for (let bump = 255; bump >= 0; bump -= 1) {
    const hash = keyOf(sha256(...seeds, Uint8Array.of(bump), bytesOf(ASSOCIATED_TOKEN_PROGRAM), 'ProgramDerivedAddress'))
    if (isOffCurveAddress(textOf(hash) as Address)) return hash
  }
  throw new Error('assertion failed: some bump gives an address off the curve')
}

/** Solana's jsonParsed form of a token account or mint, or null for another account. `decimalsOf` reads a mint's decimals. */
export function parsedTokenAccount(image: AccountImage, decimalsOf: (mint: Key) => number): Value {
  const token = tokenStateOf(image)
  const mint = token === null ? mintStateOf(image) : null
  const program = image.owner === TOKEN_PROGRAM ? 'spl-token' : 'spl-token-2022'
  const space = image.data.length
  if (token !== null) {
    return { program, space, parsed: { type: 'account', info: tokenInfo(token, decimalsOf(token.mint)) } }
  }
  if (mint === null) return null
  const info = {
    decimals: mint.decimals,
    freezeAuthority: mint.freezeAuthority === null ? null : textOf(mint.freezeAuthority),
    isInitialized: mint.initialized,
    mintAuthority: mint.mintAuthority === null ? null : textOf(mint.mintAuthority),
    supply: String(mint.supply),
  }
  return { program, space, parsed: { type: 'mint', info } }
}

function tokenInfo(token: TokenState, decimals: number): { readonly [key: string]: Value } {
  return {
    isNative: token.rentExemptReserve !== null,
    mint: textOf(token.mint),
    owner: textOf(token.owner),
    state: token.state,
    tokenAmount: tokenAmount(token.amount, decimals),
    ...(token.delegate === null
      ? {}
      : { delegate: textOf(token.delegate), delegatedAmount: tokenAmount(token.delegatedAmount, decimals) }),
    ...(token.rentExemptReserve === null ? {} : { rentExemptReserve: tokenAmount(token.rentExemptReserve, decimals) }),
    ...(token.closeAuthority === null ? {} : { closeAuthority: textOf(token.closeAuthority) }),
  }
}

function hasShape(image: AccountImage, bytes: number, kind: number): boolean {
  if (!isTokenProgram(image.owner)) return false
  if (image.data.length === bytes) return true
  return image.owner === TOKEN_2022_PROGRAM && image.data.length !== MULTISIG_BYTES && image.data[KIND_OFFSET] === kind
}

function optionalKey(data: Buffer, offset: number): Key | null {
  return data.readUInt32LE(offset) === 0 ? null : keyOf(data.subarray(offset + 4, offset + 4 + ADDRESS_BYTES))
}
