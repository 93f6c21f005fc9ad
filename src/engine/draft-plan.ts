// Writes drafts of plans, and writes them anew. Each writing is kept with who wrote it; approvals name the hash of one, so that writing
// a draft anew leaves earlier approvals behind.

import type { PoolClient } from 'pg'
import { draftHash } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import type { Json } from '../core/effects.ts'
import { namedIn } from '../core/named-in-plan.ts'
import { parsePlan, type PlanData } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { draftsOf, findDraft, insertDraft, insertRevision, lockDraft, type DraftRow } from '../store/plan-draft.ts'
import { inTransaction } from '../store/statement.ts'
import { findRecipient } from '../store/wallet.ts'
import { earliestEffect, requireNotice } from './adopt-plan.ts'
import type { Ledger } from './ledger.ts'
import { requireRight, type Person } from './person.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

type Drafting = Pick<Desk, 'store' | 'now' | 'id'>

/**
 * `effectiveFrom` null: as soon as the notice allows. `id`: of the draft to be written, for whoever may ask for it again; the same id has
 * the same content, and is written once.
 */
export type DraftContent = { readonly content: unknown; readonly effectiveFrom: Temporal.Instant | null; readonly id?: string | null }

/** Drafts that are open at once: more than anybody decides about. */
const MAX_OPEN = 100

/** Writes a new draft. Refuses `plan_invalid`, `permission_missing`, `drafts_exceeded`. Answers its id. */
export async function draftPlan(desk: Drafting, ledger: Ledger, person: Person, given: DraftContent): Promise<string> {
  requireRight(person, 'propose')
  const { id = null } = given
  // What was drafted under this id before stays so, although the same might be refused by now.
  if (id !== null && (await findDraft(desk.store.pool, ledger.id, id)) !== null) return id
  const checked = await checkDraft(desk, ledger, person, given)
  return await inTransaction(desk.store.pool, async (client) => {
    if ((await draftsOf(client, ledger.id, { open: true })).length >= MAX_OPEN) {
      throw new Refusal('drafts_exceeded', `the ledger ${ledger.name} has ${MAX_OPEN} open drafts: reject or withdraw some`, { limit: MAX_OPEN })
    }
    const { draft } = await insertNewDraft(client, desk, ledger, { id, person, effectiveFrom: given.effectiveFrom, ...checked })
    return draft
  })
}

/** Writes a draft with its first revision. `isNew` is false when one of that id was written before: it stays as it is. */
export async function insertNewDraft(
  client: PoolClient,
  desk: Pick<Desk, 'now' | 'id'>,
  ledger: Ledger,
  { id, person, data, effectiveFrom, hash }: { id: string | null; person: Person; data: PlanData; effectiveFrom: Temporal.Instant | null; hash: string },
): Promise<{ readonly draft: string; readonly isNew: boolean }> {
  const draft = id ?? desk.id()
  const at = desk.now()
  const isNew = await insertDraft(client, { ledger: ledger.id, draft, at })
  if (isNew) await insertRevision(client, { draft, revision: 1, content: data, effectiveFrom, hash, by: person.key, at })
  return { draft, isNew }
}

/** Writes an open draft anew. Refuses `plan_invalid`, `plan_not_found`, `plan_locked`, `permission_missing`. */
export async function editPlan(desk: Drafting, ledger: Ledger, person: Person, { draft, ...given }: DraftContent & { readonly draft: string }): Promise<void> {
  requireRight(person, 'propose')
  const { data, hash } = await checkDraft(desk, ledger, person, given)
  await inTransaction(desk.store.pool, async (client) => {
    const { revision } = await holdOpenDraft(client, ledger, draft)
    const { effectiveFrom } = given
    await insertRevision(client, { draft, revision: revision + 1, content: data, effectiveFrom, hash, by: person.key, at: desk.now() })
  })
}

/** `unmet`: recipients and funds that the plan names and nobody here has met; new ones, or a slip in a name. */
export type ValidPlan = { readonly plan_hash: string; readonly hash: string; readonly earliest_effect: string; readonly unmet: { readonly kind: 'recipient' | 'fund'; readonly name: string }[] }

/** Reads a plan as a draft would be read, and writes nothing. Refuses `plan_invalid`. */
export async function validatePlan({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, { content, effectiveFrom }: DraftContent): Promise<ValidPlan> {
  const { data, hash } = parsePlan(content)
  const at = now()
  const { settings } = await readSettings(store.pool, ledger, at)
  const versions = await planVersionsOf(store.pool, ledger.id)
  const newest = present(versions.at(-1), 'plan version')
  if (effectiveFrom !== null) requireNotice(effectiveFrom, { newest, settings, at })
  return {
    plan_hash: hash,
    hash: draftHash({ ledger: ledger.id, plan: data, effectiveFrom }),
    earliest_effect: earliestEffect(newest, settings, at).toString(),
    unmet: await unmetIn(store, ledger, { data, earlier: versions.map(({ content }) => content as Json) }),
  }
}

/** Names that no plan of the ledger had before and no recipient has. A recipient may well be new: its payouts wait until it has a destination. */
async function unmetIn({ pool }: Desk['store'], ledger: Ledger, { data, earlier }: { data: PlanData; earlier: readonly Json[] }): Promise<ValidPlan['unmet']> {
  const unmet: ValidPlan['unmet'] = []
  for (const kind of ['recipient', 'fund'] as const) {
    const met = new Set(earlier.flatMap((plan) => namedIn(plan, kind).map(({ id }) => id)))
    for (const name of new Set(namedIn(data as unknown as Json, kind).map(({ id }) => id))) {
      if (met.has(name) || (kind === 'recipient' && (await findRecipient(pool, ledger.id, name)) !== null)) continue
      unmet.push({ kind, name })
    }
  }
  return unmet
}

async function checkDraft(desk: Drafting, ledger: Ledger, person: Person, given: DraftContent): Promise<{ readonly data: PlanData; readonly hash: string }> {
  const { settings } = await readSettings(desk.store.pool, ledger, desk.now())
  // Where a second person approves there must be a first.
  if (settings.plan_approvals > 0 && person.key === null) {
    throw new Refusal('permission_missing', 'drafting takes a person here: say who you are by a key, --key or APPORTION_KEY', { right: 'propose' })
  }
  const { hash } = await validatePlan(desk, ledger, given)
  return { data: parsePlan(given.content).data, hash }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A draft as it stands: what `preview` and `diff` look at, and what is approved. Refuses `plan_not_found`. */
export async function requireDraft(on: Parameters<typeof findDraft>[0], ledger: Ledger, draft: string): Promise<DraftRow> {
  const found = UUID.test(draft) ? await findDraft(on, ledger.id, draft) : null
  if (found !== null) return found
  throw new Refusal('plan_not_found', `the ledger ${ledger.name} has no draft ${JSON.stringify(draft.slice(0, 80))}`, { draft: draft.slice(0, 80) })
}

/** The same, open, and nobody else's until the transaction ends. Refuses `plan_locked` for one that is not open any more. */
export async function holdOpenDraft(client: PoolClient, ledger: Ledger, draft: string): Promise<DraftRow> {
  if (UUID.test(draft)) await lockDraft(client, ledger.id, draft)
  const found = await requireDraft(client, ledger, draft)
  if (found.state === 'draft') return found
  const version = found.version === null ? '' : ` as version ${found.version}`
  throw new Refusal('plan_locked', `the draft ${draft} was ${found.state}${version}: write a new one`, { draft, state: found.state })
}
