// Addresses of Solana: their text, their bytes, and the token account that belongs to an owner and a mint. Pure but for its bounded
// caches, which hold only what can be derived again.

import { ASSOCIATED_TOKEN_PROGRAM_ADDRESS, TOKEN_PROGRAM_ADDRESS, findAssociatedTokenPda } from '@solana-program/token'
import { COMPUTE_BUDGET_PROGRAM_ADDRESS } from '@solana-program/compute-budget'
import { SYSTEM_PROGRAM_ADDRESS } from '@solana-program/system'
import { isOffCurveAddress, type Address } from '@solana/kit'
import { assert, present } from '../../core/assert.ts'

// The memo package defaults to a newer program that is not on every cluster; this one is on all of them.
export const MEMO_PROGRAM_ADDRESS = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr' as Address

/** Programs that our messages call. Paying to one of them would change which accounts the message may write. */
export const PROGRAM_ADDRESSES: ReadonlySet<string> = new Set([
  SYSTEM_PROGRAM_ADDRESS,
  TOKEN_PROGRAM_ADDRESS,
  ASSOCIATED_TOKEN_PROGRAM_ADDRESS,
  COMPUTE_BUDGET_PROGRAM_ADDRESS,
  MEMO_PROGRAM_ADDRESS,
])

export const ADDRESS_BYTES = 32
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const MAX_ADDRESS_TEXT = 44

// Four digits are taken at once into limbs of 24 bits: 58^4 times a limb stays an exact double.
const DIGITS_AT_ONCE = 4
const LIMB_BYTES = 3
const LIMB_MASK = 0xff_ff_ff
const LIMB_SIZE = 2 ** 24
const LIMBS = 11

const digitOf = new Int8Array(128).fill(-1)
Array.from(ALPHABET, (letter, digit) => digitOf.fill(digit, letter.charCodeAt(0), letter.charCodeAt(0) + 1))

/**
 * The 32 bytes of a base58 address (or blockhash, or mint), or null when the text is none. By limbs instead of the codec's
 * BigInt: 2 µs instead of 25, and a message has twenty of them.
 */
export function addressBytes(text: string): Uint8Array | null {
  if (text.length < ADDRESS_BYTES || text.length > MAX_ADDRESS_TEXT) return null
  const limbs = new Float64Array(LIMBS)
  for (let start = 0; start < text.length; start += DIGITS_AT_ONCE) {
    let value = 0
    let base = 1
    for (let at = start; at < start + DIGITS_AT_ONCE && at < text.length; at += 1) {
      const digit = digitOf[text.charCodeAt(at)] ?? -1
      if (digit < 0) return null
      value = value * 58 + digit
      base *= 58
    }
    for (let place = LIMBS - 1; place >= 0; place -= 1) {
      const sum = (limbs[place] as number) * base + value
      const low = sum & LIMB_MASK
      limbs[place] = low
      value = (sum - low) / LIMB_SIZE
    }
    if (value !== 0) return null
  }
  return limbBytes(limbs, text)
}

function limbBytes(limbs: Float64Array, text: string): Uint8Array | null {
  const wide = new Uint8Array(LIMBS * LIMB_BYTES)
  for (let place = 0; place < LIMBS; place += 1) {
    const limb = limbs[place] as number
    wide[place * LIMB_BYTES] = limb >>> 16
    wide[place * LIMB_BYTES + 1] = limb >>> 8
    wide[place * LIMB_BYTES + 2] = limb
  }
  // 11 limbs are 33 bytes: a first byte other than zero is a number too large for 32.
  if (wide[0] !== 0) return null
  const bytes = wide.subarray(1)
  // A leading 1 stands for one zero byte, so that only one text means these bytes.
  let zeros = 0
  while (zeros < ADDRESS_BYTES && bytes[zeros] === 0) zeros += 1
  let ones = 0
  while (ones < text.length && text[ones] === '1') ones += 1
  return zeros === ones ? bytes : null
}

// Texts that were read as addresses, at most about 5 MB: one address is asked for at every door that a payout passes.
const KNOWN_ADDRESSES = 50_000
const knownAddresses = new Set<string>()

/** Whether a text is a base58 address (or blockhash, or mint). */
export function isAddressText(text: string): boolean {
  if (knownAddresses.has(text)) return true
  if (addressBytes(text) === null) return false
  if (knownAddresses.size >= KNOWN_ADDRESSES) knownAddresses.clear()
  knownAddresses.add(text)
  return true
}

/** Narrows a text that has passed a schema to kit's type. Throws when it is no address. */
export function toAddress(text: string): Address {
  assert(isAddressText(text), `${text.slice(0, 64)} is no Solana address`)
  return text as Address
}

/** Remembers what is slow to derive: a token account costs 0.5 ms (a point of the curve is tried), an address' curve check 0.3 ms. */
export type AddressBook = {
  /** The associated token account of the Token program. */
  readonly tokenAccount: (owner: string, mint: string) => Promise<Address>
  /** True when no private key can exist for the address: it belongs to a program. */
  readonly isOffCurve: (address: string) => boolean
  readonly bytes: (address: string) => Uint8Array
}

// At most about 20 MB; a full cache is emptied: recurring addresses are back after one derivation each.
const BOOK_ENTRIES = 50_000

export function createAddressBook(): AddressBook {
  const tokenAccounts = new Map<string, Address>()
  const curve = new Map<string, boolean>()
  const decoded = new Map<string, Uint8Array>()
  return {
    tokenAccount: async (owner, mint) => {
      const key = `${owner}/${mint}`
      const known = tokenAccounts.get(key)
      if (known !== undefined) return known
      const [account] = await findAssociatedTokenPda({
        owner: toAddress(owner),
        mint: toAddress(mint),
        tokenProgram: TOKEN_PROGRAM_ADDRESS,
      })
      return remember(tokenAccounts, key, account)
    },
    isOffCurve: (address) => curve.get(address) ?? remember(curve, address, isOffCurveAddress(toAddress(address))),
    bytes: (address) => decoded.get(address) ?? remember(decoded, address, present(addressBytes(address), `bytes of ${address}`)),
  }
}

function remember<T>(cache: Map<string, T>, key: string, value: T): T {
  if (cache.size >= BOOK_ENTRIES) cache.clear()
  cache.set(key, value)
  return value
}
