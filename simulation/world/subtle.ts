// The part of WebCrypto that the Solana client uses, carried out at once by node:crypto instead of in another thread, whose answers come
// when they come. The same keys and the same bytes; simulation alone.

import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto'
import { assert, present } from '../../src/core/assert.ts'

type Key = {
  readonly type: 'private' | 'public'
  readonly extractable: boolean
  readonly algorithm: { readonly name: 'Ed25519' }
  readonly usages: readonly string[]
  readonly object: KeyObject
}

type Bytes = ArrayBuffer | Uint8Array<ArrayBuffer>

const algorithm = { name: 'Ed25519' } as const
const RAW = { kty: 'OKP', crv: 'Ed25519' } as const
const BASE64 = { alphabet: 'base64url', omitPadding: true } as const

export const instantSubtle = {
  importKey: async (format: string, given: Bytes | { readonly x: string }, _: unknown, extractable: boolean, usages: readonly string[]): Promise<Key> => {
    if (format === 'pkcs8') {
      const object = createPrivateKey({ key: Buffer.from(given as ArrayBuffer), format: 'der', type: 'pkcs8' })
      return { type: 'private', extractable, algorithm, usages, object }
    }
    assert(format === 'raw' || format === 'jwk', `keys are imported as pkcs8, raw or jwk, not ${format}`)
    const x = 'x' in given ? given.x : new Uint8Array(given as ArrayBuffer).toBase64(BASE64)
    return { type: 'public', extractable, algorithm, usages, object: createPublicKey({ key: { ...RAW, x }, format: 'jwk' }) }
  },
  exportKey: async (format: string, { object, type }: Key): Promise<unknown> => {
    const jwk = object.export({ format: 'jwk' })
    if (format === 'jwk') return { ...jwk, key_ops: type === 'private' ? ['sign'] : ['verify'], ext: true }
    assert(format === 'raw' && type === 'public', `public keys are exported raw, not ${format}`)
    return Uint8Array.fromBase64(present(jwk.x, 'public half'), BASE64).buffer
  },
  sign: async (_: unknown, { object }: Key, data: Bytes): Promise<ArrayBuffer> => new Uint8Array(sign(null, new Uint8Array(data), object)).buffer,
  verify: async (_: unknown, { object }: Key, signature: Bytes, data: Bytes): Promise<boolean> => verify(null, new Uint8Array(data), object, new Uint8Array(signature)),
  digest: async (_: unknown, data: Bytes): Promise<ArrayBuffer> => new Uint8Array(hash('sha256', new Uint8Array(data), 'buffer')).buffer,
  generateKey: async (): Promise<never> => await Promise.reject(new Error('a history makes keys of bytes that its seed gave')),
}
