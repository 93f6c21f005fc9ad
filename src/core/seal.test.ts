// Seals against the test vectors of RFC 8032, section 7.1, whose message is empty or printable.

import { expect, it } from 'vitest'
import { isSealed, sealOf } from './seal.ts'

const SEED = Uint8Array.fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
const PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
const SIGNATURE =
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'

it('makes the key and the signature of the first vector', () => {
  const { publicKey, sign } = sealOf(SEED)
  expect(publicKey.toHex()).toBe(PUBLIC)
  expect(sign('').toHex()).toBe(SIGNATURE)
  expect(isSealed(publicKey, '', sign(''))).toBe(true)
})

it('knows its own seal on its own text, and nothing else', () => {
  const { publicKey, sign } = sealOf(SEED)
  const signature = sign('pay')
  expect(isSealed(publicKey, 'pay', signature)).toBe(true)
  expect(isSealed(publicKey, 'pay ', signature)).toBe(false)
  for (const place of [0, 31, 32, 63]) expect(isSealed(publicKey, 'pay', signature.with(place, (signature[place] ?? 0) ^ 1))).toBe(false)
  expect(isSealed(publicKey.with(0, 1), 'pay', signature)).toBe(false)
  expect(isSealed(publicKey.slice(1), 'pay', signature)).toBe(false)
  expect(isSealed(publicKey, 'pay', signature.slice(1))).toBe(false)
  expect(isSealed(new Uint8Array(32), 'pay', new Uint8Array(64))).toBe(false)
})
