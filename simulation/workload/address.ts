// Addresses that callers name: drawn from the seed, so that a step holds them whole. Nobody has their keys, and nobody needs them.

import { getBase58Decoder } from '@solana/kit'
import type { Random } from '../random.ts'

const ADDRESS_BYTES = 32

const base58 = getBase58Decoder()

export function addressFrom(random: Random): string {
  return base58.decode(random.bytes(ADDRESS_BYTES))
}
