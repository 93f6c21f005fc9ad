// Keys of a ledger: made, listed, revoked, and checked at the door. A key is shown once, when it is made; never logged, never stored.
// A person who may approve gets a second half after a dot: the seal, which is sent to nobody.

import { timingSafeEqual } from 'node:crypto'
import type { Pool } from 'pg'
import { sha256 } from '../core/canonical.ts'
import { quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { isRight, isRole, RIGHTS, roleOf, ROLES, type Right, type RoleName } from '../core/right.ts'
import { SEED_BYTES, sealOf, type Seal } from '../core/seal.ts'
import { apiKeysOf, findApiKey, insertApiKey, revokeApiKey, type ApiKeyRow } from '../store/api-key.ts'
import type { Queryable } from '../store/statement.ts'
import type { Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** What a checked key stands for. */
export type Grant = { readonly key: string; readonly name: string; readonly ledger: string; readonly rights: ReadonlySet<Right> }

export type KeyDocument = {
  readonly id: string
  readonly name: string
  /** What its rights are called together, where there is a name for them. */
  readonly role: RoleName | null
  readonly rights: readonly string[]
  readonly created_at: string
  readonly revoked_at: string | null
}

const SECRET_BYTES = 32
const FORM = /^apk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/
const SEALED_FORM = /^(apk_[0-9a-f]{32}_[A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/
/** Where a key of either form has its id. */
const ID_STARTS = 'apk_'.length
const ID_ENDS = ID_STARTS + 32
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

const BASE64 = { alphabet: 'base64url', omitPadding: true } as const

/** A person's key, taken apart: what is sent, and the seal that stays (null for a key that may not approve). */
export function splitKey(given: string): { readonly bearer: string; readonly seal: Seal | null } {
  const [, bearer, seed] = SEALED_FORM.exec(given) ?? []
  if (bearer === undefined || seed === undefined) return { bearer: given, seal: null }
  return { bearer, seal: sealOf(Uint8Array.fromBase64(seed, { alphabet: 'base64url' })) }
}

/** Rights as a list, or by the name of a role. */
export type NewKey = { readonly name: string } & ({ readonly rights: readonly string[] } | { readonly role: string })

/**
 * Makes a key of a ledger. The answer is the only place where it ever stands. A key that may approve is made with the owner's database
 * role: no server can add a person to those who are believed.
 * Refuses `api_key_conflict` when the name is taken, `field_malformed` for a name, role or rights that are none, `permission_missing`.
 */
export async function createKey(
  { store, owner, id, now, random }: Pick<Desk, 'store' | 'id' | 'now' | 'random'> & { readonly owner?: Pool },
  ledger: Ledger,
  given: NewKey,
): Promise<KeyDocument & { readonly key: string }> {
  const { name } = given
  if (!NAME.test(name)) {
    throw new Refusal('field_malformed', `name must be 1 to 63 letters, digits, dots, dashes or underscores, not ${quote(name)}`, { field: 'name' })
  }
  const rights = rightsOf(given)
  const isApprover = rights.includes('approve')
  if (isApprover && owner === undefined) {
    const message = 'a key that may approve is made where the database is, by its owner: npx apportion key create'
    throw new Refusal('permission_missing', message, { right: 'approve' })
  }
  const secret = random(SECRET_BYTES).toBase64(BASE64)
  const seed = isApprover ? random(SEED_BYTES) : null
  const row = { key: id(), ledger: ledger.id, name, rights, at: now() }
  const publicKey = seed === null ? null : sealOf(seed).publicKey
  if (!(await insertApiKey(owner ?? store.pool, { ...row, secretHash: sha256(secret), publicKey }))) {
    throw new Refusal('api_key_conflict', `the ledger ${ledger.name} has a key named ${name} already: choose another name`, { name })
  }
  const key = `apk_${row.key.replaceAll('-', '')}_${secret}${seed === null ? '' : `.${seed.toBase64(BASE64)}`}`
  return { key, id: row.key, name, role: roleOf(rights), rights, created_at: row.at.toString(), revoked_at: null }
}

function rightsOf(given: NewKey): readonly Right[] {
  if ('role' in given) {
    if (isRole(given.role)) return ROLES[given.role]
    const message = `role must be one of ${Object.keys(ROLES).join(', ')}, not ${quote(given.role)}`
    throw new Refusal('field_malformed', message, { field: 'role' })
  }
  const wrong = given.rights.find((right) => !isRight(right))
  if (wrong === undefined && given.rights.length > 0) return RIGHTS.filter((right) => given.rights.includes(right))
  const what = wrong === undefined ? 'none' : quote(wrong)
  throw new Refusal('field_malformed', `rights must be one or more of ${RIGHTS.join(', ')}, not ${what}`, { field: 'rights' })
}

/** The keys of a ledger, oldest first, revoked ones too; never their secrets. */
export async function listKeys({ store }: Pick<Desk, 'store'>, ledger: Ledger): Promise<readonly KeyDocument[]> {
  return (await apiKeysOf(store.pool, ledger.id)).map(keyDocument)
}

/** Revokes a key for good. Running servers notice within `KEY_CACHE_SECONDS`. Refuses `api_key_not_found`. */
export async function revokeKey({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, name: string): Promise<KeyDocument> {
  const revoked = await revokeApiKey(store.pool, { ledger: ledger.id, name, at: now() })
  if (revoked !== null) return keyDocument(revoked)
  throw new Refusal('api_key_not_found', `the ledger ${ledger.name} has no key named ${quote(name)}`, { ledger: ledger.name })
}

/** How long a server goes by what it read of a key: a revoked key stops within this time. */
export const KEY_CACHE_SECONDS = 5

export type Authenticator = {
  /**
   * The ledger and rights of a key as it was given. Refuses `key_invalid`. Usually without a query: a key is read again when what is
   * known of it is older than KEY_CACHE_SECONDS, once for all who ask at that moment.
   */
  readonly authenticate: (given: string) => Promise<Grant>
  /** Whether the key's id was found before: then no stranger's guess can cost a query. */
  readonly isKnown: (given: string) => boolean
}

type Known = { readonly secretHash: Uint8Array; readonly revokedAt: Temporal.Instant | null; readonly grant: Grant; readonly readAt: number }

export function createAuthenticator({ store, now }: Pick<Desk, 'store' | 'now'>): Authenticator {
  // Grows with the keys that exist, not with what strangers send: ids that are not found are not kept.
  const known = new Map<string, Known>()
  const reading = new Map<string, Promise<Known | null>>()
  const read = async (id: string): Promise<Known | null> => {
    try {
      const row = await findApiKey(store.pool, uuidOf(id))
      if (row === null) return null
      const found = knownOf(row, now().epochMilliseconds)
      known.set(id, found)
      return found
    } finally {
      reading.delete(id)
    }
  }
  return {
    isKnown: (given) => known.has(given.slice(ID_STARTS, ID_ENDS)),
    authenticate: async (given) => {
      const [, id, secret] = FORM.exec(given) ?? []
      if (id === undefined || secret === undefined) {
        const sealed = 'was sent with its seal, which is for nobody else to see: send what stands before the dot, revoke this key and make a new one'
        throw invalidKey(SEALED_FORM.test(given) ? sealed : 'is not one of ours: a key begins with apk_')
      }
      const remembered = known.get(id)
      const fresh = remembered !== undefined && isFresh(remembered, now().epochMilliseconds)
      const found = fresh ? remembered : await reading.getOrInsertComputed(id, () => read(id))
      if (found === null || !timingSafeEqual(found.secretHash, sha256(secret))) throw invalidKey('is unknown')
      if (found.revokedAt !== null) throw invalidKey(`was revoked at ${found.revokedAt.toString()}`)
      return found.grant
    },
  }
}

function knownOf({ key, name, ledger_name: ledger, rights, secret_hash: secretHash, revoked_at: revokedAt }: ApiKeyRow, readAt: number): Known {
  return { secretHash, revokedAt, grant: { key, name, ledger, rights: new Set(rights.filter(isRight)) }, readAt }
}

// A clock that was set back must not make a key last: what seems to have been read in the future is read again.
function isFresh({ readAt }: Known, nowMs: number): boolean {
  return readAt <= nowMs && nowMs < readAt + KEY_CACHE_SECONDS * 1000
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The refusal of a key; it never repeats what was given. */
export function invalidKey(problem: string): Refusal {
  return new Refusal('key_invalid', `the API key ${problem}: send the header "Authorization: Bearer apk_…" with a key of this ledger`)
}

function keyDocument({ key, name, rights, created_at, revoked_at }: ApiKeyRow): KeyDocument {
  return { id: key, name, role: roleOf(rights), rights, created_at: created_at.toString(), revoked_at: revoked_at?.toString() ?? null }
}

/** The names of a ledger's keys, and of the owner, who has none. */
export async function namesOfKeys(on: Queryable, ledger: Ledger): Promise<ReadonlyMap<string | null, string>> {
  const keys = await apiKeysOf(on, ledger.id)
  return new Map<string | null, string>([[null, 'owner'], ...keys.map(({ key, name }) => [key, name] as const)])
}
