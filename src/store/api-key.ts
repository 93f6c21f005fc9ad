// Keys: only the SHA-256 of each secret is stored, and of a seal its public half. A key is never deleted; a revoked one stays to be named.

import { maybeRow, rows, type Queryable } from './statement.ts'

export type ApiKeyRow = {
  readonly key: string
  readonly ledger: string
  readonly ledger_name: string
  readonly name: string
  readonly secret_hash: Uint8Array
  readonly rights: readonly string[]
  readonly created_at: Temporal.Instant
  readonly revoked_at: Temporal.Instant | null
}

const COLUMNS = `api_key.key, api_key.ledger, ledger.name as ledger_name, api_key.name, api_key.secret_hash, api_key.rights,
  api_key.created_at, api_key.revoked_at`

export type NewApiKey = {
  readonly key: string
  readonly ledger: string
  readonly name: string
  readonly secretHash: Uint8Array
  readonly rights: readonly string[]
  /** Of the seal, for a key that may approve: only the owner's role may write it. */
  readonly publicKey: Uint8Array | null
  readonly at: Temporal.Instant
}

/** False when the ledger has a key of that name already. */
export async function insertApiKey(on: Queryable, { key, ledger, name, secretHash, rights, publicKey, at }: NewApiKey): Promise<boolean> {
  const sealed = publicKey === null ? { column: '', place: '', value: [] } : { column: ', public_key', place: ', $7', value: [Buffer.from(publicKey)] }
  const made = await rows(on, {
    text: `insert into apportion.api_key (key, ledger, name, secret_hash, rights, created_at${sealed.column})
      values ($1, $2, $3, $4, $5, $6${sealed.place}) on conflict (ledger, name) do nothing returning key`,
    values: [key, ledger, name, Buffer.from(secretHash), rights, at.toString(), ...sealed.value],
  })
  return made.length > 0
}

export async function findApiKey(on: Queryable, key: string): Promise<ApiKeyRow | null> {
  return await maybeRow(on, {
    name: 'find-api-key',
    text: `select ${COLUMNS} from apportion.api_key join apportion.ledger using (ledger) where api_key.key = $1`,
    values: [key],
  })
}

/** The keys of a ledger, oldest first, revoked ones too. */
export async function apiKeysOf(on: Queryable, ledger: string): Promise<ApiKeyRow[]> {
  return await rows(on, {
    text: `select ${COLUMNS} from apportion.api_key join apportion.ledger using (ledger)
      where api_key.ledger = $1 order by api_key.created_at, api_key.key`,
    values: [ledger],
  })
}

/** Revokes a key by its name; one that is revoked already keeps its first instant. Null when there is none. */
export async function revokeApiKey(
  on: Queryable,
  { ledger, name, at }: { ledger: string; name: string; at: Temporal.Instant },
): Promise<ApiKeyRow | null> {
  return await maybeRow(on, {
    text: `update apportion.api_key set revoked_at = coalesce(revoked_at, $3) from apportion.ledger
      where api_key.ledger = $1 and api_key.name = $2 and ledger.ledger = api_key.ledger
      returning ${COLUMNS}`,
    values: [ledger, name, at.toString()],
  })
}
