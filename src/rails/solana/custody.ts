// Keys of Solana wallets: made, read, and used to sign messages that are composed here from payouts and draft. No key, nor any part
// of the text it came from, is ever in an error, a log or an answer.

import { createHash } from 'node:crypto'
import {
  createKeyPairFromPrivateKeyBytes,
  getAddressDecoder,
  getAddressFromPublicKey,
  getBase58Decoder,
  getBase58Encoder,
  signBytes,
} from '@solana/kit'
import { z } from 'zod'
import { Refusal } from '../../core/refusal.ts'
import type { Custodial, Custody, Signed } from '../rail.ts'
import { createAddressBook } from './address.ts'
import { batchProblem } from './batch.ts'
import { draftSchema } from './draft.ts'
import { composeMessage } from './message.ts'
import { MAX_TRANSACTION_BYTES, packetOf } from './packet.ts'

// As solana-keygen writes it: the seed, then the public key.
const SEED_BYTES = 32
const SECRET_BYTES = 64
const MAX_BASE58_TEXT = 88
// Room for an array of 64 numbers however it is laid out.
const MAX_KEY_TEXT = 1_024

type Key = { readonly address: string; readonly privateKey: CryptoKey }

/** Key handling of the Solana rail. Holds imported keys as unextractable handles, found again by the hash of their secret. */
export function createCustody(): Custody {
  const book = createAddressBook()
  const keys = createKeyCache()
  return {
    create: async (random) => {
      const seed = random(SEED_BYTES)
      const { address } = await importSeed(seed)
      const made = custodial(seed, address)
      seed.fill(0)
      return made
    },
    read: readKey,
    sign: async ({ secret, wallet, payouts, draft }) => {
      const parsed = draftSchema.safeParse(draft)
      if (!parsed.success) throw refusal(`the draft is malformed: ${issuesOf(parsed.error)}`)
      const problem = batchProblem(wallet.address, payouts, parsed.data)
      if (problem !== null) throw refusal(problem)
      const key = await keys(secret)
      if (key.address !== wallet.address) throw refusal(`the key is not that of wallet ${wallet.address}`)
      const message = await composeMessage({ wallet: wallet.address, payouts, draft: parsed.data, book })
      const signature = await signBytes(key.privateKey, message)
      const bytes = packetOf(signature, message)
      if (bytes.length > MAX_TRANSACTION_BYTES) {
        throw refusal(`the batch makes ${bytes.length} bytes, and a packet holds ${MAX_TRANSACTION_BYTES}`)
      }
      return { identity: identityOf(signature), bytes } satisfies Signed
    },
  }
}

const base58 = getBase58Decoder()

/** The signature as the network names a transaction. */
export function identityOf(signature: Uint8Array): string {
  return base58.decode(signature)
}

function refusal(problem: string): Refusal {
  return new Refusal('signing_refused', `Not signed: ${problem}.`, { problem })
}

function issuesOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'draft'} ${issue.message}`).join('; ')
}

// Enough for every wallet that is in use at once; an import costs a few signatures.
const CACHED_KEYS = 256

/**
 * Imported keys by the SHA-256 of their secret: the caller's array may be wiped or used again, so neither it nor its identity can
 * be the key of the cache, and the secret itself is not kept.
 */
function createKeyCache(): (secret: Uint8Array<ArrayBuffer>) => Promise<Key> {
  const known = new Map<string, Key>()
  return async (secret) => {
    const name = createHash('sha256').update(secret).digest('base64')
    const found = known.get(name)
    if (found !== undefined) return found
    const key = await importSecret(secret)
    if (key === null) throw refusal('the key is not a Solana key')
    if (known.size >= CACHED_KEYS) known.clear()
    known.set(name, key)
    return key
  }
}

async function importSeed(seed: Uint8Array<ArrayBuffer>): Promise<Key> {
  // Unextractable by kit's default. Its types name the pair as browsers do, which this compiler does not know.
  const { privateKey, publicKey } = (await createKeyPairFromPrivateKeyBytes(seed)) as { privateKey: CryptoKey; publicKey: CryptoKey }
  return { privateKey, address: await getAddressFromPublicKey(publicKey) }
}

/** Null when the bytes are no key: wrong length, or a public half that is not the seed's. */
async function importSecret(secret: Uint8Array<ArrayBuffer>): Promise<Key | null> {
  if (secret.length !== SECRET_BYTES) return null
  // The import works on a copy that is wiped: the seed is in no more places than it must be.
  const seed = secret.slice(0, SEED_BYTES)
  const key = await importSeed(seed)
  seed.fill(0)
  return getAddressDecoder().decode(secret.subarray(SEED_BYTES)) === key.address ? key : null
}

function custodial(seed: Uint8Array, address: string): Custodial {
  const secret = new Uint8Array(SECRET_BYTES)
  secret.set(seed)
  secret.set(getBase58Encoder().encode(address), SEED_BYTES)
  return { address, secret }
}

const numbersSchema = z.array(z.int().min(0).max(255)).length(SECRET_BYTES)

async function readKey(text: string): Promise<Custodial> {
  const secret = secretBytes(text.trim())
  const key = secret === null ? null : await importSecret(secret)
  if (secret === null || key === null) {
    throw new Refusal(
      'key_malformed',
      'A Solana key must be 64 bytes (seed, then its public key), in base58 or as a JSON array of 64 numbers from 0 to 255.',
      { field: 'key' },
    )
  }
  return { address: key.address, secret }
}

function secretBytes(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length > MAX_KEY_TEXT) return null
  try {
    if (text.startsWith('[')) return new Uint8Array(numbersSchema.parse(JSON.parse(text)))
    return text.length > MAX_BASE58_TEXT ? null : new Uint8Array(getBase58Encoder().encode(text))
  } catch {
    // The libraries' errors repeat the text: none of it may leave this function.
    return null
  }
}
