// The network's own keys: its faucet and the keys of the mints it makes, derived from the public genesis hash. Whoever
// can ask the faucet can have everything anyway; these keys are worth nothing outside the sandbox and must never be
// used elsewhere.
import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { SYSTEM_PROGRAM_ADDRESS } from '@solana-program/system'
import { present } from '../../../core/assert.ts'
import { ADDRESS_BYTES, bytesOf, keyOf, parseKey, sha256, type Key } from './bytes.ts'

/** 500 million SOL, near the supply of the real network. */
export const FAUCET_LAMPORTS = 500_000_000n * 1_000_000_000n

export const SYSTEM_PROGRAM = present(parseKey(SYSTEM_PROGRAM_ADDRESS, ADDRESS_BYTES), 'system program')

export type OwnKey = { readonly key: Key; readonly privateKey: KeyObject }

// RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8. The public key is the end of its SPKI form.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export function faucetOf(genesisHash: Key): OwnKey {
  return ownKey(genesisHash, 'faucet')
}

/** The key of the mint of that name on the network of that genesis. */
export function mintKeyOf(genesisHash: Key, name: string): OwnKey {
  return ownKey(genesisHash, `mint ${name}`)
}

export function signWith(own: OwnKey, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, own.privateKey))
}

function ownKey(genesisHash: Key, purpose: string): OwnKey {
  const seed = sha256('sandbox key', bytesOf(genesisHash), purpose)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { key: keyOf(publicKey.subarray(-ADDRESS_BYTES)), privateKey }
}
