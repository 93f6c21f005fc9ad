// Answers kept under callers' idempotency keys. A row without an answer (status 0) is a claim: its request is being worked on, or its
// server died; whoever sends the same content may take it over, other content may not.

import { maybeRow, rows, type Queryable } from './statement.ts'

/** Whose key on which route. */
export type IdempotencySlot = {
  readonly key: string
  readonly route: string
  readonly idempotencyKey: string
  /** SHA-256 of the request's content. */
  readonly fingerprint: Uint8Array
}

export type IdempotencyRow = { readonly fingerprint: Uint8Array; readonly status: number; readonly body: string }

/** The status of a claim. */
export const CLAIMED = 0

/** Claims a slot that is free or was claimed before `expired`. False when somebody has it. */
export async function claimSlot(
  on: Queryable,
  { key, route, idempotencyKey, fingerprint }: IdempotencySlot,
  { at, expired }: { at: Temporal.Instant; expired: Temporal.Instant },
): Promise<boolean> {
  const claimed = await rows(on, {
    name: 'claim-idempotency',
    text: `insert into apportion.idempotency (key, route, idempotency_key, fingerprint, status, body, created_at)
      values ($1, $2, $3, $4, ${CLAIMED}, '', $5)
      on conflict (key, route, idempotency_key) do update
      set fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, created_at = excluded.created_at
      where idempotency.created_at <= $6
      returning 1`,
    values: [key, route, idempotencyKey, Buffer.from(fingerprint), at.toString(), expired.toString()],
  })
  return claimed.length > 0
}

export async function readSlot(on: Queryable, { key, route, idempotencyKey }: IdempotencySlot): Promise<IdempotencyRow | null> {
  return await maybeRow(on, {
    name: 'read-idempotency',
    text: `select fingerprint, status, body from apportion.idempotency where key = $1 and route = $2 and idempotency_key = $3`,
    values: [key, route, idempotencyKey],
  })
}

/** Keeps the answer to a claim; the first answer stays. False when there is one already, or the slot holds other content. */
export async function keepAnswer(
  on: Queryable,
  { key, route, idempotencyKey, fingerprint }: IdempotencySlot,
  { status, body, at }: { status: number; body: string; at: Temporal.Instant },
): Promise<boolean> {
  const kept = await rows(on, {
    name: 'keep-idempotency',
    text: `insert into apportion.idempotency (key, route, idempotency_key, fingerprint, status, body, created_at)
      values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (key, route, idempotency_key) do update set status = excluded.status, body = excluded.body
      where idempotency.status = ${CLAIMED} and idempotency.fingerprint = excluded.fingerprint
      returning 1`,
    values: [key, route, idempotencyKey, Buffer.from(fingerprint), status, body, at.toString()],
  })
  return kept.length > 0
}

/** Gives up a claim, so that the key can be used again. An answer is never given up. */
export async function freeSlot(on: Queryable, { key, route, idempotencyKey, fingerprint }: IdempotencySlot): Promise<void> {
  await rows(on, {
    name: 'free-idempotency',
    text: `delete from apportion.idempotency
      where key = $1 and route = $2 and idempotency_key = $3 and fingerprint = $4 and status = ${CLAIMED}`,
    values: [key, route, idempotencyKey, Buffer.from(fingerprint)],
  })
}

/** Deletes what is older than its time. Answers how many rows went. */
export async function deleteSlots(on: Queryable, expired: Temporal.Instant): Promise<number> {
  const result = await on.query({ text: `delete from apportion.idempotency where created_at <= $1`, values: [expired.toString()] })
  return result.rowCount ?? 0
}
