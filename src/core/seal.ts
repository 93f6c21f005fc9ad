// A person's seal: an Ed25519 key (RFC 8032) whose secret half stays with the person. Servers and the signer hold the public half alone,
// so that none of them can approve anything in somebody's name.

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { assert } from './assert.ts'

/** Bytes of the secret from which a seal is made: 32 random ones. */
export const SEED_BYTES = 32
export const SIGNATURE_BYTES = 64

export type Seal = {
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly sign: (text: string) => Uint8Array<ArrayBuffer>
}

// What stands before the 32 bytes in the standard wrappings (RFC 8410).
const PRIVATE_PREFIX = Uint8Array.fromHex('302e020100300506032b657004220420')
const PUBLIC_PREFIX = Uint8Array.fromHex('302a300506032b6570032100')

/** The seal of a secret of 32 bytes. */
export function sealOf(seed: Uint8Array): Seal {
  assert(seed.length === SEED_BYTES, `a seal is made from ${SEED_BYTES} bytes, not from ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const exported = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(exported.subarray(PUBLIC_PREFIX.length)),
    sign: (text) => new Uint8Array(sign(null, Buffer.from(text, 'utf8'), key)),
  }
}

/** Whether this text was signed by the seal with this public half. What is no key or no signature did not sign it. */
export function isSealed(publicKey: Uint8Array, text: string, signature: Uint8Array): boolean {
  if (publicKey.length !== SEED_BYTES || signature.length !== SIGNATURE_BYTES) return false
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' })
    return verify(null, Buffer.from(text, 'utf8'), key, signature)
  } catch {
    return false
  }
}
