// The envelope in which a wallet's key is stored: AES-256-GCM under a data key of its own, that one under the master key, both bound to
// the wallet's id. Pure: randomness is an argument. It must never put a key or any part of one into an error.

import { createCipheriv, createDecipheriv } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { sha256 } from '../core/canonical.ts'
import { Refusal } from '../core/refusal.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** `id` may be shown and stored: it tells master keys apart and gives nothing away about 32 random bytes. */
export type MasterKey = { readonly id: string; readonly bytes: Bytes }

/** Each part is: format version (1 byte), nonce (12), ciphertext, tag (16). */
export type Envelope = { readonly sealedKey: Uint8Array; readonly sealedDataKey: Uint8Array; readonly masterKeyId: string }

/** Raised when the layout or the cipher changes; older envelopes keep their number. */
const FORMAT = 1

const CIPHER = 'aes-256-gcm'
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES

// 64 bits: enough to tell a handful of keys apart, short enough to read aloud.
const ID_BYTES = 8

export function masterKeyOf(bytes: Bytes): MasterKey {
  assert(bytes.length === KEY_BYTES, `a master key has ${KEY_BYTES} bytes, not ${bytes.length}`)
  return { id: sha256(bytes).subarray(0, ID_BYTES).toHex(), bytes }
}

/** Seals `contents` for one wallet (a UUID). The caller zeroes `contents`. */
export function seal(master: MasterKey, wallet: string, contents: Uint8Array, random: (bytes: number) => Bytes): Envelope {
  const dataKey = random(KEY_BYTES)
  try {
    return {
      sealedKey: encrypt(dataKey, wallet, contents, random(NONCE_BYTES)),
      sealedDataKey: encrypt(master.bytes, wallet, dataKey, random(NONCE_BYTES)),
      masterKeyId: master.id,
    }
  } finally {
    dataKey.fill(0)
  }
}

/**
 * The contents of a wallet's envelope, in memory of their own which the caller zeroes; null when the envelope was changed, or was made
 * for another wallet. Refuses `master_key_mismatch`.
 */
export function open(master: MasterKey, wallet: string, envelope: Envelope): Bytes | null {
  if (envelope.masterKeyId !== master.id) {
    throw new Refusal(
      'master_key_mismatch',
      `wallet ${wallet} is sealed under the master key ${envelope.masterKeyId}, but the one given is ${master.id}: give the first`,
      { wallet, needed: envelope.masterKeyId, given: master.id },
    )
  }
  const dataKey = decrypt(master.bytes, wallet, envelope.sealedDataKey)
  if (dataKey === null) return null
  try {
    return dataKey.length === KEY_BYTES ? decrypt(dataKey, wallet, envelope.sealedKey) : null
  } finally {
    dataKey.fill(0)
  }
}

function encrypt(key: Bytes, wallet: string, plain: Uint8Array, nonce: Bytes): Bytes {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(associatedData(wallet))
  const sealed = new Uint8Array(OVERHEAD + plain.length)
  sealed[0] = FORMAT
  sealed.set(nonce, 1)
  sealed.set(cipher.update(plain), 1 + NONCE_BYTES)
  const rest = cipher.final()
  assert(rest.length === 0, 'a counter mode keeps nothing back')
  sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES)
  return sealed
}

function decrypt(key: Bytes, wallet: string, sealed: Uint8Array): Bytes | null {
  if (sealed.length < OVERHEAD || sealed[0] !== FORMAT) return null
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(associatedData(wallet)).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plain = decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES))
  try {
    decipher.final()
    return new Uint8Array(plain)
  } catch {
    // The only thing that can fail here is the tag.
    return null
  } finally {
    plain.fill(0)
  }
}

/** The format's number and the wallet's 16 bytes: neither can be exchanged for another's. */
function associatedData(wallet: string): Bytes {
  const id = Uint8Array.fromHex(wallet.replaceAll('-', ''))
  assert(id.length === 16, `${wallet} is no UUID`)
  const data = new Uint8Array(1 + id.length)
  data[0] = FORMAT
  data.set(id, 1)
  return data
}
