// Answers kept under callers' idempotency keys. A row without an answer (status 0) is a claim: its request is being worked on, or its
// server died; whoever sends the same content may take it over, other content may not.

import { bytesArray, maybeRow, plainArray, rows, type Queryable } from './statement.ts'

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

// The claim's transaction does not wait for the disk: a claim that a crash forgets is one that anybody could have taken over, and its answer
// is kept by a statement that needs none.
const UNHURRIED = `set_config('synchronous_commit', 'off', true)`

/**
 * Claims slots that are free or were claimed before `expired`, all different: for each whether it was. In the order of their key, so that
 * two servers that claim the same ones wait for each other and never in a circle.
 */
export async function claimSlots(
  on: Queryable,
  slots: readonly IdempotencySlot[],
  { at, expired }: { at: Temporal.Instant; expired: Temporal.Instant },
): Promise<readonly boolean[]> {
  const claimed = await rows<SlotName>(on, {
    name: 'claim-idempotency',
    text: `insert into apportion.idempotency (key, route, idempotency_key, fingerprint, status, body, created_at)
      select key, route, idempotency_key, fingerprint, ${CLAIMED}, '', $5
      from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) as given (key, route, idempotency_key, fingerprint)
      order by key, route collate "C", idempotency_key collate "C"
      on conflict (key, route, idempotency_key) do update
      set fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, created_at = excluded.created_at
      where idempotency.created_at <= $6
      returning key, route, idempotency_key, ${UNHURRIED}`,
    values: [...columnsOf(slots), at.toString(), expired.toString()],
  })
  return areAmong(claimed, slots)
}

type SlotName = { readonly key: string; readonly route: string; readonly idempotency_key: string }

function columnsOf(slots: readonly IdempotencySlot[]): readonly unknown[] {
  const keys = plainArray(slots.map(({ key }) => key))
  return [keys, slots.map(({ route }) => route), slots.map(({ idempotencyKey }) => idempotencyKey), bytesArray(slots.map(({ fingerprint }) => fingerprint))]
}

/** For each slot whether it is among the rows. None of a name's parts holds a line feed. */
function areAmong(found: readonly SlotName[], slots: readonly IdempotencySlot[]): readonly boolean[] {
  const names = new Set(found.map(({ key, route, idempotency_key: idempotencyKey }) => `${key}\n${route}\n${idempotencyKey}`))
  return slots.map(({ key, route, idempotencyKey }) => names.has(`${key}\n${route}\n${idempotencyKey}`))
}

export async function readSlot(on: Queryable, { key, route, idempotencyKey }: IdempotencySlot): Promise<IdempotencyRow | null> {
  return await maybeRow(on, {
    name: 'read-idempotency',
    text: `select fingerprint, status, body from apportion.idempotency where key = $1 and route = $2 and idempotency_key = $3`,
    values: [key, route, idempotencyKey],
  })
}

export type KeptAnswer = { readonly slot: IdempotencySlot; readonly status: number; readonly body: string }

/** Keeps the answers to claims, all different; the first answer stays. False for one that has an answer already, or holds other content. */
export async function keepAnswers(on: Queryable, answers: readonly KeptAnswer[], at: Temporal.Instant): Promise<readonly boolean[]> {
  const slots = answers.map(({ slot }) => slot)
  const kept = await rows<SlotName>(on, {
    name: 'keep-idempotency',
    text: `insert into apportion.idempotency (key, route, idempotency_key, fingerprint, status, body, created_at)
      select key, route, idempotency_key, fingerprint, status, body, $7
      from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::smallint[], $6::text[]) as given (key, route, idempotency_key, fingerprint, status, body)
      order by key, route collate "C", idempotency_key collate "C"
      on conflict (key, route, idempotency_key) do update set status = excluded.status, body = excluded.body
      where idempotency.status = ${CLAIMED} and idempotency.fingerprint = excluded.fingerprint
      returning key, route, idempotency_key`,
    values: [...columnsOf(slots), plainArray(answers.map(({ status }) => status)), answers.map(({ body }) => body), at.toString()],
  })
  return areAmong(kept, slots)
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
