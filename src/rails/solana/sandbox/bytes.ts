// Addresses, signatures and hashes as the sandbox keeps them: their bytes as a latin1 string, which is a map key that
// costs no base58 (20 µs an address in the codec, more than executing a transfer's share of a transaction). Base58
// appears only at the JSON-RPC edge.
import { getBase58Decoder, getBase58Encoder } from '@solana/kit'
import { createHash } from 'node:crypto'

/** 32 bytes of an address or blockhash, or 64 of a signature, one character a byte. */
export type Key = string

export const ADDRESS_BYTES = 32
export const SIGNATURE_BYTES = 64

// Both caches are emptied when full: the hot addresses are back after one look-up each.
const CACHE_ENTRIES = 20_000
const textOfKey = new Map<Key, string>()
const keyOfText = new Map<string, Key>()

const encoder = getBase58Encoder()
const decoder = getBase58Decoder()

export function keyOf(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function bytesOf(key: Key): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(key, 'latin1'))
}

/** Base58 of any bytes, uncached (instruction data). */
export function base58Of(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Base58 of an address, hash or signature. */
export function textOf(key: Key): string {
  const known = textOfKey.get(key)
  if (known !== undefined) return known
  const text = decoder.decode(bytesOf(key))
  if (textOfKey.size >= CACHE_ENTRIES) textOfKey.clear()
  textOfKey.set(key, text)
  return text
}

/** The key of base58 text, or null when it is no base58 of exactly `length` bytes. */
export function parseKey(text: string, length: number): Key | null {
  const known = keyOfText.get(text)
  if (known !== undefined) return known.length === length ? known : null
  // 64 bytes never need more than 88 characters; longer text would make the codec's arithmetic slow.
  if (text.length === 0 || text.length > 88) return null
  const key = decodeBase58(text)
  if (key === null || key.length !== length) return null
  if (keyOfText.size >= CACHE_ENTRIES) keyOfText.clear()
  keyOfText.set(text, key)
  return key
}

/** The bytes of base58 text as a key of any length, or null. */
export function decodeBase58(text: string): Key | null {
  try {
    return keyOf(new Uint8Array(encoder.encode(text)))
  } catch {
    return null
  }
}

export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

export function uint64(value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
