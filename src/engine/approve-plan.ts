// Approves a draft. With the last approval that the ledger asks for it becomes a version, in the same transaction: there is no state in
// which a plan has its approvals and no number.

import type { PoolClient } from 'pg'
import { personsApproving } from '../core/approval.ts'
import { parsePlan } from '../core/plan.ts'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { approvalsOf, approversOf, insertApprovals } from '../store/approval.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { closeDraft, type DraftRow } from '../store/plan-draft.ts'
import { lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { adoptPlan, requireNotice } from './adopt-plan.ts'
import { checkApproval, requireSame, type GivenApproval } from './check-approval.ts'
import { holdOpenDraft } from './draft-plan.ts'
import { refreshPlans, type Ledger } from './ledger.ts'
import type { CheckedPreview } from './preview/check.ts'
import { requireRight, type Person } from './person.ts'
import { readSettings, type LedgerSettings } from './settings.ts'
import type { Desk } from './world.ts'

type Approving = Pick<Desk, 'store' | 'now' | 'id'>

export type PlanApproval = {
  readonly draft: string
  /** Of what the person looked at. */
  readonly hash: string
  /** Not needed where the ledger asks for no second person. */
  readonly approval: GivenApproval | null
  /** The preview that it names, as `checkPreview` found it; null where it names none. */
  readonly preview: CheckedPreview | null
}

/**
 * Approves what a draft says now. Answers the version when that was the last approval needed, else null.
 * Refuses `plan_not_found`, `plan_locked`, `plan_invalid` when its instant has come too near, `preview_mismatch` for a preview that nobody made
 * anew here, and as `checkApproval` does.
 */
export async function approvePlan(desk: Approving, ledger: Ledger, person: Person, given: PlanApproval): Promise<number | null> {
  const version = await inTransaction(desk.store.pool, async (client) => {
    await lockSettings(client, ledger.id, 'shared')
    const read = await readSettings(client, ledger, desk.now())
    const draft = await holdOpenDraft(client, ledger, given.draft)
    const isEnough = await takeApproval(client, desk, ledger, { person, given, draft, read })
    return isEnough ? await adopt(client, desk, ledger, { person, draft, read }) : null
  })
  if (version !== null) await refreshPlans(desk, ledger)
  return version
}

type Taking = { readonly person: Person; readonly draft: DraftRow; readonly read: LedgerSettings }

/** Writes the approval down. Answers whether the draft has all that it needs. */
async function takeApproval(
  client: PoolClient,
  desk: Approving,
  ledger: Ledger,
  { person, given, draft, read: { settings } }: Taking & { readonly given: PlanApproval },
): Promise<boolean> {
  const { plan_approvals: needed } = settings
  const of = { ledger: ledger.id, kind: 'plan', subject: draft.draft, hash: draft.hash } as const
  if (needed === 0) requireRight(person, person.rights.has('approve') ? 'approve' : 'propose')
  else requireRight(person, 'approve')
  requireSame(of, given.hash)
  requireLooked(given)
  if (needed === 0 && given.approval === null) return true
  // From before a second person was asked: who wrote it may be anybody, whoever approves it among them.
  if (needed > 0 && draft.drafted_by === null) {
    throw new Refusal('approval_forbidden', `nobody knows who wrote the draft ${draft.draft}: let a person write it anew, then approve that`, { by: 'owner', subject: draft.draft })
  }
  if (given.approval === null) {
    throw new Refusal('approval_invalid', 'an approval has approved_at and a signature: npx apportion approval sign makes them', { field: 'signature', subject: draft.draft })
  }
  const [approvals, approvers] = [await approvalsOf(client, [draft.draft]), await approversOf(client, ledger.id)]
  const except = new Set(needed === 0 ? [] : draft.authors)
  const approval = checkApproval(desk, { person, of, given: given.approval, except, approvals, approvers })
  await insertApprovals(client, [approval])
  const persons = personsApproving([...approvals, approval], approvers, { of, except, until: approval.recordedAt })
  if (persons.size >= needed) return true
  // What can never come to be in force shall be known before the last person looks at it.
  const newest = present((await planVersionsOf(client, ledger.id)).at(-1), 'plan version')
  if (draft.effective_from !== null) requireNotice(draft.effective_from, { newest, settings, at: desk.now() })
  return false
}

/** A hash alone says nothing: what it is of may be another draft's preview, or nothing at all, and nobody could tell afterwards. */
function requireLooked({ draft, approval, preview }: PlanApproval): void {
  const named = approval?.preview ?? null
  if (named === null || named === preview?.hash) return
  const problem = preview === null ? `${named} is a hash alone` : `what was signed is the hash ${named}, and that of the document is ${preview.hash}`
  throw new Refusal('preview_mismatch', `the preview does not stand for the draft ${draft}: ${problem}; give the document (--preview <file>, preview_document), which is made anew first`, { draft, problem })
}

async function adopt(client: PoolClient, desk: Approving, ledger: Ledger, { person, draft, read }: Taking): Promise<number> {
  const { data, hash } = parsePlan(draft.content)
  const { settings, number } = read
  const { version, at } = await adoptPlan(client, desk, ledger, { content: data, hash, effectiveFrom: draft.effective_from, settings, number })
  await closeDraft(client, draft.draft, { state: 'approved', version, by: person.key, at, reason: null })
  return version
}
