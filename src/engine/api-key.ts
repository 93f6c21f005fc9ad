// API keys of a ledger: made, listed, revoked, and checked at the door. A key is shown once, when it is made; never logged, never stored.

import { timingSafeEqual } from 'node:crypto'
import { sha256 } from '../core/canonical.ts'
import { quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { apiKeysOf, findApiKey, insertApiKey, revokeApiKey, type ApiKeyRow } from '../store/api-key.ts'
import type { Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** What a key may do: read its ledger, record events, record events of the past. */
export const RIGHTS = ['read', 'record', 'backdate'] as const

export type Right = (typeof RIGHTS)[number]

/** What a checked key stands for. */
export type Grant = { readonly key: string; readonly ledger: string; readonly rights: ReadonlySet<Right> }

export type KeyDocument = {
  readonly id: string
  readonly name: string
  readonly rights: readonly string[]
  readonly created_at: string
  readonly revoked_at: string | null
}

const SECRET_BYTES = 32
const FORM = /^apk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/**
 * Makes a key of a ledger. The answer is the only place where it ever stands.
 * Refuses `api_key_conflict` when the name is taken, `field_malformed` for a name or rights that are none.
 */
export async function createKey(
  { store, id, now, random }: Pick<Desk, 'store' | 'id' | 'now' | 'random'>,
  ledger: Ledger,
  { name, rights }: { name: string; rights: readonly string[] },
): Promise<KeyDocument & { readonly key: string }> {
  if (!NAME.test(name)) {
    throw new Refusal('field_malformed', `name must be 1 to 63 letters, digits, dots, dashes or underscores, not ${quote(name)}`, { field: 'name' })
  }
  const wrong = rights.find((right) => !isRight(right))
  if (wrong !== undefined || rights.length === 0) {
    const given = wrong === undefined ? 'none' : quote(wrong)
    throw new Refusal('field_malformed', `rights must be one or more of ${RIGHTS.join(', ')}, not ${given}`, { field: 'rights' })
  }
  const secret = random(SECRET_BYTES).toBase64({ alphabet: 'base64url', omitPadding: true })
  const row = { key: id(), ledger: ledger.id, name, rights: RIGHTS.filter((right) => rights.includes(right)), at: now() }
  if (!(await insertApiKey(store.pool, { ...row, secretHash: sha256(secret) }))) {
    throw new Refusal('api_key_conflict', `the ledger ${ledger.name} has a key named ${name} already: choose another name`, { name })
  }
  const { key, at, rights: granted } = row
  return { key: `apk_${key.replaceAll('-', '')}_${secret}`, id: key, name, rights: granted, created_at: at.toString(), revoked_at: null }
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
    isKnown: (given) => known.has(FORM.exec(given)?.[1] ?? ''),
    authenticate: async (given) => {
      const [, id, secret] = FORM.exec(given) ?? []
      if (id === undefined || secret === undefined) throw invalidKey('is not one of ours: a key begins with apk_')
      const remembered = known.get(id)
      const fresh = remembered !== undefined && isFresh(remembered, now().epochMilliseconds)
      const found = fresh ? remembered : await reading.getOrInsertComputed(id, () => read(id))
      if (found === null || !timingSafeEqual(found.secretHash, sha256(secret))) throw invalidKey('is unknown')
      if (found.revokedAt !== null) throw invalidKey(`was revoked at ${found.revokedAt.toString()}`)
      return found.grant
    },
  }
}

function knownOf({ key, ledger_name: ledger, rights, secret_hash: secretHash, revoked_at: revokedAt }: ApiKeyRow, readAt: number): Known {
  return { secretHash, revokedAt, grant: { key, ledger, rights: new Set(rights.filter(isRight)) }, readAt }
}

// A clock that was set back must not make a key last: what seems to have been read in the future is read again.
function isFresh({ readAt }: Known, nowMs: number): boolean {
  return readAt <= nowMs && nowMs < readAt + KEY_CACHE_SECONDS * 1000
}

function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text)
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The refusal of a key; it never repeats what was given. */
export function invalidKey(problem: string): Refusal {
  return new Refusal('key_invalid', `the API key ${problem}: send the header "Authorization: Bearer apk_…" with a key of this ledger`)
}

function keyDocument({ key, name, rights, created_at, revoked_at }: ApiKeyRow): KeyDocument {
  return { id: key, name, rights, created_at: created_at.toString(), revoked_at: revoked_at?.toString() ?? null }
}
