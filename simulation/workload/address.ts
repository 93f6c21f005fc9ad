// Addresses that callers name: drawn from the seed, so that a step holds them whole. Nobody keeps their keys.

import { getBase58Decoder } from '@solana/kit'
import { SEED_BYTES, sealOf } from '../../src/core/seal.ts'
import type { Random } from '../random.ts'

/** So many in a hundred belong to no key: what is paid there nobody could ever move. */
const KEYLESS = 0.03

const base58 = getBase58Decoder()

export function addressFrom(random: Random): string {
  const bytes = random.bytes(SEED_BYTES)
  // Of random bytes, half are no point of the curve.
  return base58.decode(random.chance(KEYLESS) ? bytes : sealOf(bytes).publicKey)
}
