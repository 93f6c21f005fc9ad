// Wallets' keys: made or taken over, sealed, stored once, and opened for one signature at a time. No key leaves this room.

import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { assert, present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import type { Custodial, Custody, RailModule } from '../rails/rail.ts'
import { open, seal, type Envelope, type MasterKey } from './envelope.ts'
import type { ImportRequest, SignerWorld, WalletRequest } from './signer.ts'
import { findKey, insertKey } from './store.ts'

type Bytes = Uint8Array<ArrayBuffer>

/**
 * What stands beside the secret inside the envelope, so that nobody who can write the database can make a key sign for another ledger,
 * rail or address than it was made for.
 */
const belongings = z.strictObject({ ledger: z.string(), rail: z.string(), address: z.string() })

type Belongings = z.infer<typeof belongings>

/** An opened key. The caller zeroes the secret as soon as it has signed. */
export type OpenedKey = Belongings & { readonly secret: Bytes }

/** Makes the wallet's key, or finds the one made for it before. Refuses `rail_not_found`, `wallet_conflict`. */
export async function createKey(world: SignerWorld, request: WalletRequest): Promise<{ readonly address: string }> {
  const { custody } = railOf(world, request.rail)
  const found = await findKey(world.pool, request.wallet)
  if (found !== null) return recall(world.masterKey, found, request, null)
  return await store(world, request, await custody.create(world.effects.random), null)
}

/** Takes over the key, or finds that it was taken over before. Refuses `rail_not_found`, `key_malformed`, `wallet_conflict`. */
export async function importKey(world: SignerWorld, { key, ...request }: ImportRequest): Promise<{ readonly address: string }> {
  const { custody } = railOf(world, request.rail)
  const given = await readText(custody, key)
  try {
    const found = await findKey(world.pool, request.wallet)
    if (found !== null) return recall(world.masterKey, found, request, given.secret)
    return await store(world, request, given, given.secret)
  } finally {
    given.secret.fill(0)
  }
}

/** The wallet's key. Refuses `signing_refused` when the wallet has none or it does not open, `master_key_mismatch`. */
export function openKey(masterKey: MasterKey, wallet: string, envelope: Envelope | null): OpenedKey {
  if (envelope === null) {
    throw new Refusal('signing_refused', `wallet ${wallet} has no key here: create or import one`, { reason: 'key_missing', wallet })
  }
  const opened = unseal(masterKey, wallet, envelope)
  if (opened !== null) return opened
  throw new Refusal('signing_refused', `the sealed key of wallet ${wallet} does not open: its row was changed or is another wallet's`, {
    reason: 'key_damaged',
    wallet,
  })
}

/** The rail's module by its name. Refuses `rail_not_found`. */
export function railOf({ rails }: Pick<SignerWorld, 'rails'>, name: string): RailModule {
  if (Object.hasOwn(rails, name)) return present(rails[name], name)
  throw new Refusal('rail_not_found', `the signer knows no rail ${name}; there are: ${Object.keys(rails).join(', ')}`, { rail: name })
}

// A rail's reader says itself that a key is malformed. Whatever else it throws may hold the key, and goes no further.
async function readText(custody: Custody, text: string): Promise<Custodial> {
  try {
    return await custody.read(text)
  } catch (error) {
    if (error instanceof Refusal) throw error
    // oxlint-disable-next-line preserve-caught-error -- the cause could show the key
    throw new Refusal('key_malformed', 'the key cannot be read', { field: 'key' })
  }
}

async function store(world: SignerWorld, request: WalletRequest, made: Custodial, given: Bytes | null): Promise<{ readonly address: string }> {
  const { effects, masterKey, pool } = world
  const contents = pack({ ledger: request.ledger, rail: request.rail, address: made.address }, made.secret)
  if (given === null) made.secret.fill(0)
  try {
    const envelope = seal(masterKey, request.wallet, contents, effects.random)
    if (await insertKey(pool, { wallet: request.wallet, envelope, at: effects.now() })) return { address: made.address }
  } finally {
    contents.fill(0)
  }
  // Somebody else stored one since: theirs counts.
  return recall(masterKey, present(await findKey(pool, request.wallet), 'a key that was there'), request, given)
}

/** The address of a stored key, if it is this wallet's and, where one was given, the same key. */
function recall(master: MasterKey, envelope: Envelope, request: WalletRequest, given: Bytes | null): { readonly address: string } {
  const { wallet, label, ledger, rail } = request
  const conflict = (message: string): Refusal => new Refusal('wallet_conflict', `wallet ${label} (${wallet}) ${message}`, { wallet, label })
  const opened = unseal(master, wallet, envelope)
  if (opened === null) throw conflict('has a sealed key that does not open: its row was changed')
  try {
    if (opened.ledger !== ledger || opened.rail !== rail) throw conflict('has a key already, for another ledger or rail: choose another id')
    if (given !== null && !isSame(opened.secret, given)) throw conflict('has another key already: import this one as a new wallet')
    return { address: opened.address }
  } finally {
    opened.secret.fill(0)
  }
}

function isSame(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

// Two bytes with the length of the JSON, the JSON, the secret.
const LENGTH_BYTES = 2

function pack(about: Belongings, secret: Uint8Array): Bytes {
  const text = new TextEncoder().encode(JSON.stringify(about))
  assert(text.length < 2 ** 16, 'what belongs to a key fits its length')
  const contents = new Uint8Array(LENGTH_BYTES + text.length + secret.length)
  new DataView(contents.buffer).setUint16(0, text.length)
  contents.set(text, LENGTH_BYTES)
  contents.set(secret, LENGTH_BYTES + text.length)
  return contents
}

function unseal(master: MasterKey, wallet: string, envelope: Envelope): OpenedKey | null {
  const contents = open(master, wallet, envelope)
  if (contents === null) return null
  try {
    const end = LENGTH_BYTES + new DataView(contents.buffer).getUint16(0)
    const about = belongings.parse(JSON.parse(new TextDecoder().decode(contents.subarray(LENGTH_BYTES, end))))
    return { ...about, secret: contents.slice(end) }
  } finally {
    contents.fill(0)
  }
}
