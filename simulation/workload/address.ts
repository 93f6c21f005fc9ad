// Addresses that callers name: of keys drawn from the seed, so that a step holds them whole.

import { getBase58Decoder } from '@solana/kit'
import { SEED_BYTES, sealOf } from '../../src/core/seal.ts'
import type { Random } from '../random.ts'

const base58 = getBase58Decoder()

/** The address of a new key, which nobody keeps. */
export function addressFrom(random: Random): string {
  return base58.decode(sealOf(random.bytes(SEED_BYTES)).publicKey)
}
