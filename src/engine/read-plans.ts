// The plans of a ledger as documents: its versions, and the drafts that may become some.

import { personsApproving, type Approval, type Approver } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import { parsePlan, versionInForce, type PlanVersion } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { approvalsOf, approversOf } from '../store/approval.ts'
import { draftsOf, type DraftRow, type DraftState } from '../store/plan-draft.ts'
import { namesOfKeys } from './api-key.ts'
import { refreshPlans, type Ledger } from './ledger.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

export type ApprovalDocument = {
  readonly by: string
  readonly at: string
  readonly hash: string
  readonly preview: string | null
  /** Whether it counts for what stands there now: not when that was written anew, or by who proposed it. */
  readonly counts: boolean
}

export type PlanState = Exclude<DraftState, 'approved'> | 'approved' | 'in_force' | 'superseded'

export type PlanDocument = {
  /** Null for a draft that is none yet. */
  readonly version: number | null
  /** The draft that it was; null for a version that never was one. */
  readonly draft: string | null
  readonly state: PlanState
  /** Null: from the beginning for version 1, as soon as the notice allows for a draft. */
  readonly effective_from: string | null
  /** Of the plan alone. */
  readonly plan_hash: string
  /** Of plan, instant and ledger: what an approval names. */
  readonly hash: string | null
  readonly drafted_by: string
  readonly drafted_at: string | null
  readonly approvals_needed: number
  readonly approvals: readonly ApprovalDocument[]
  readonly closed_by: string | null
  readonly closed_at: string | null
  readonly reason: string | null
  readonly plan: unknown
}

type Reader = Pick<Desk, 'store' | 'now'>

/** All versions in order of number, then all drafts that are none, oldest first. */
export async function plans(reader: Reader, ledger: Ledger): Promise<readonly PlanDocument[]> {
  const { pool } = reader.store
  await refreshPlans(reader, ledger)
  const drafts = await draftsOf(pool, ledger.id, { open: false })
  const now = reader.now()
  const [names, approvers, approvals] = [await namesOfKeys(pool, ledger), await approversOf(pool, ledger.id), await approvalsOf(pool, drafts.map(({ draft }) => draft))]
  const { settings } = await readSettings(pool, ledger, now)
  const known = { ledger, names, approvers, approvals, now, needed: settings.plan_approvals }
  const byVersion = new Map(drafts.map((draft) => [draft.version, draft]))
  return [
    ...ledger.plans.map((version) => versionDocument(version, byVersion.get(version.version) ?? null, known)),
    ...drafts.filter(({ version }) => version === null).map((draft) => draftDocument(draft, known)),
  ]
}

/** One plan by its version's number or its draft's id. Refuses `plan_not_found`. */
export async function plan(reader: Reader, ledger: Ledger, id: string): Promise<PlanDocument> {
  const found = (await plans(reader, ledger)).find(({ version, draft }) => version?.toString() === id || draft === id)
  if (found !== undefined) return found
  throw new Refusal('plan_not_found', `the ledger ${ledger.name} has no plan version or draft ${JSON.stringify(id.slice(0, 80))}`, { plan: id.slice(0, 80) })
}

type Known = {
  readonly ledger: Ledger
  readonly names: ReadonlyMap<string | null, string>
  readonly approvers: readonly Approver[]
  readonly approvals: readonly Approval[]
  readonly now: Temporal.Instant
  readonly needed: number
}

function versionDocument(version: PlanVersion, draft: DraftRow | null, known: Known): PlanDocument {
  const base = draft === null ? { draft: null, hash: null, drafted_by: 'owner', drafted_at: null, approvals: [], closed_by: null, closed_at: null } : fieldsOf(draft, known)
  return {
    ...base,
    version: version.version,
    state: stateOf(version, known),
    effective_from: version.effectiveFrom?.toString() ?? null,
    plan_hash: version.hash,
    approvals_needed: 0,
    reason: null,
    plan: version.data,
  }
}

function draftDocument(draft: DraftRow, known: Known): PlanDocument {
  return {
    ...fieldsOf(draft, known),
    version: null,
    state: draft.state,
    effective_from: draft.effective_from?.toString() ?? null,
    plan_hash: parsePlan(draft.content).hash,
    approvals_needed: draft.state === 'draft' ? known.needed : 0,
    reason: draft.reason,
    plan: draft.content,
  }
}

function fieldsOf(row: DraftRow, { ledger, names, approvers, approvals, now }: Known) {
  const name = (key: string | null): string => present(names.get(key), 'name of a key')
  const of = { ledger: ledger.id, kind: 'plan', subject: row.draft, hash: row.hash } as const
  const own = approvals.filter(({ subject }) => subject === row.draft)
  const counted = new Set(personsApproving(own, approvers, { of, except: new Set(row.authors), until: now }).values())
  return {
    draft: row.draft,
    hash: row.hash,
    drafted_by: name(row.drafted_by),
    drafted_at: row.drafted_at.toString(),
    approvals: own.map((approval): ApprovalDocument => {
      const { key, at, hash, preview } = approval
      return { by: name(key), at: at.toString(), hash, preview, counts: counted.has(approval) }
    }),
    closed_by: row.closed_at === null ? null : name(row.closed_by),
    closed_at: row.closed_at?.toString() ?? null,
  }
}

/** A version that a later one replaces from the same instant on never is in force. */
function stateOf(version: PlanVersion, { ledger, now }: Known): PlanState {
  const { effectiveFrom: from } = version
  const isFuture = from !== null && Temporal.Instant.compare(from, now) > 0
  const there = isFuture ? from : now
  if (versionInForce(ledger.plans, there).version !== version.version) return 'superseded'
  return isFuture ? 'approved' : 'in_force'
}
