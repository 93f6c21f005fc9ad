// Idempotency keys: the answer to a request is kept for seven days and given again to whoever sends the same request under the same key.
// They never guard money: an event is recorded once by its source reference, with a key or without. So a claim that a dead server left
// behind may simply be taken over, and two servers may come to do the same work: what it makes then has the id that follows from its
// request, and is made once.

import { sha256Hex } from '../core/canonical.ts'
import { Refusal } from '../core/refusal.ts'
import { CLAIMED, claimSlots, deleteSlots, freeSlot, keepAnswers, readSlot, type IdempotencySlot, type KeptAnswer } from '../store/idempotency.ts'
import { gathered } from '../core/gathered.ts'
import type { Desk } from './world.ts'

export type Answer = { readonly status: number; readonly body: string }

/** `spent`: the answer is kept and given again; the key stands for this request. `freed`: the key can be used again. */
export type Answered = { readonly answer: Answer; readonly spent: boolean }

export type Idempotency = {
  /**
   * Does the work once for everybody who asks for the same at the same time, and answers from what is kept when it was done before.
   * When the work throws, the key is freed and all get that error. Refuses `idempotency_key_conflict`, `idempotency_key_malformed`.
   */
  readonly run: (slot: IdempotencySlot, work: () => Promise<Answered>) => Promise<Answered & { readonly replayed: boolean }>
}

const KEPT = { hours: 7 * 24 }
/** Claims and answers of one statement. Answers are a kilobyte mostly, and of a batch some megabytes: four of the largest go together. */
const GATHERED = { most: 256, heaviest: 4 * 1024 * 1024 }
/** A slot that is freed between claiming and reading is claimed again; so often in a row it will not happen. */
const MAX_CLAIMS = 5
const KEY = /^[\u0021-\u007e]{1,255}$/

type Running = { readonly fingerprint: Uint8Array; readonly answered: Promise<Answered & { readonly replayed: boolean }> }

export function createIdempotency(desk: Pick<Desk, 'store' | 'now' | 'log'>): Idempotency {
  const running = new Map<string, Running>()
  const { store, now } = desk
  // Of one key only one request is worked on at a time, so those of one statement are all different.
  const slots: Slots = {
    claim: gathered<IdempotencySlot, boolean>(
      async (asked) => {
        const at = now()
        return await claimSlots(store.pool, asked, { at, expired: at.subtract(KEPT) })
      },
      { ...GATHERED, weigh: ({ idempotencyKey }) => idempotencyKey.length },
    ),
    keep: gathered<KeptAnswer, boolean>(async (given) => await keepAnswers(store.pool, given, now()), { ...GATHERED, weigh: ({ body }) => body.length }),
  }
  return {
    run: async (slot, work) => {
      checkKey(slot.idempotencyKey)
      // None of the parts holds a line feed.
      const id = `${slot.key}\n${slot.route}\n${slot.idempotencyKey}`
      const first = running.get(id)
      if (first !== undefined) {
        if (!areEqual(first.fingerprint, slot.fingerprint)) throw conflict(slot)
        const answered = await first.answered
        return { ...answered, replayed: answered.spent }
      }
      const answered = answer({ ...desk, slots }, slot, work)
      running.set(id, { fingerprint: slot.fingerprint, answered })
      try {
        return await answered
      } finally {
        running.delete(id)
      }
    },
  }
}

/**
 * The id of what a request makes under its key: the same whoever does the work, on every server and after the answer was forgotten.
 * A UUID of version 8 (RFC 9562, 5.8).
 */
export function idUnder({ key, route, idempotencyKey, fingerprint }: IdempotencySlot): string {
  const digest = sha256Hex([key, route, idempotencyKey, fingerprint.toHex()].join('\n'))
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}

/** Deletes answers older than seven days; the worker does it daily. Answers how many. */
export async function forgetIdempotencyKeys({ store, now }: Pick<Desk, 'store' | 'now'>): Promise<number> {
  return await deleteSlots(store.pool, now().subtract(KEPT))
}

/** What many ask for at once, gathered into one statement: by itself each would wait for the disk by itself. */
type Slots = {
  /** False when somebody has it. */
  readonly claim: (slot: IdempotencySlot) => Promise<boolean>
  /** False when there is an answer already, or other content. */
  readonly keep: (answer: KeptAnswer) => Promise<boolean>
}

type SlotDesk = Pick<Desk, 'store' | 'log'> & { readonly slots: Slots }

async function answer(
  desk: SlotDesk,
  slot: IdempotencySlot,
  work: () => Promise<Answered>,
): Promise<Answered & { readonly replayed: boolean }> {
  const kept = await claim(desk, slot)
  if (kept !== null) return { answer: kept, spent: true, replayed: true }
  const answered = await work().catch(async (error: unknown) => {
    await free(desk, slot)
    throw error
  })
  if (!answered.spent) {
    await free(desk, slot)
    return { ...answered, replayed: false }
  }
  // Another server may have been given the same request: then both give the answer that was kept first.
  const other = await keep(desk, slot, answered.answer)
  return other === null ? { ...answered, replayed: false } : { answer: other, spent: true, replayed: true }
}

/** Null when the work is ours to do: nobody had the key, or only a claim for the same content stands. */
async function claim({ store, slots }: SlotDesk, slot: IdempotencySlot): Promise<Answer | null> {
  for (let tries = 0; tries < MAX_CLAIMS; tries += 1) {
    if (await slots.claim(slot)) return null
    const found = await readSlot(store.pool, slot)
    if (found === null) continue
    if (!areEqual(found.fingerprint, slot.fingerprint)) throw conflict(slot)
    return found.status === CLAIMED ? null : { status: found.status, body: found.body }
  }
  return null
}

/** The answer that another one kept before, or null. What was done is done: a failure here must not turn it into an error. */
async function keep({ store, slots, log }: SlotDesk, slot: IdempotencySlot, answer: Answer): Promise<Answer | null> {
  try {
    if (await slots.keep({ slot, ...answer })) return null
    const found = await readSlot(store.pool, slot)
    return found === null || found.status === CLAIMED || !areEqual(found.fingerprint, slot.fingerprint) ? null : found
  } catch (error) {
    log('warn', 'an answer could not be kept under its idempotency key', { reason: String(error) })
    return null
  }
}

async function free({ store, log }: Pick<Desk, 'store' | 'log'>, slot: IdempotencySlot): Promise<void> {
  try {
    await freeSlot(store.pool, slot)
  } catch (error) {
    log('warn', 'an idempotency key could not be freed: the same content can be sent again under it', { reason: String(error) })
  }
}

function checkKey(key: string): void {
  if (KEY.test(key)) return
  throw new Refusal('idempotency_key_malformed', `Idempotency-Key must be 1 to 255 visible ASCII characters; it has ${key.length} characters`, {
    field: 'Idempotency-Key',
    length: key.length,
  })
}

function conflict({ idempotencyKey }: IdempotencySlot): Refusal {
  return new Refusal('idempotency_key_conflict', 'the Idempotency-Key was sent before with another body: send a new key with a new request', {
    field: 'Idempotency-Key',
    value: idempotencyKey,
  })
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
