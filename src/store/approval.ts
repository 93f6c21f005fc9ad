// Approvals and the persons who may give them. Rows are only ever added; whether one counts is decided by who reads it.

import type { Approval, ApprovalKind, Approver } from '../core/approval.ts'
import { overLanes } from './over-lanes.ts'
import { plainArray, rows, type Queryable, type Statement } from './statement.ts'

export async function insertApprovals(on: Queryable, approvals: readonly (Approval & { readonly id: string })[]): Promise<void> {
  await rows(on, {
    text: `insert into apportion.approval (approval, ledger, kind, subject, hash, preview, key, approved_at, signature, recorded_at)
      select row.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[], $9::bytea[],
        $10::timestamptz[]) as row (approval, ledger, kind, subject, hash, preview, key, approved_at, signature, recorded_at)`,
    values: [
      plainArray(approvals.map(({ id }) => id)),
      plainArray(approvals.map(({ ledger }) => ledger)),
      plainArray(approvals.map(({ kind }) => kind)),
      plainArray(approvals.map(({ subject }) => subject)),
      approvals.map(({ hash }) => hash),
      approvals.map(({ preview }) => preview),
      plainArray(approvals.map(({ key }) => key)),
      plainArray(approvals.map(({ at }) => at.toString())),
      approvals.map(({ signature }) => Buffer.from(signature)),
      plainArray(approvals.map(({ recordedAt }) => recordedAt.toString())),
    ],
  })
}

type ApprovalRow = {
  readonly ledger: string
  readonly kind: ApprovalKind
  readonly subject: string
  readonly hash: string
  readonly preview: string | null
  readonly key: string
  readonly at: Temporal.Instant
  readonly signature: Uint8Array
  readonly recorded_at: Temporal.Instant
}

const COLUMNS = `approval.ledger, approval.kind, approval.subject, approval.hash, approval.preview, approval.key, approval.approved_at as at,
  approval.signature, approval.recorded_at`

function approvalOf({ recorded_at: recordedAt, signature, ...row }: ApprovalRow): Approval {
  return { ...row, signature: new Uint8Array(signature), recordedAt }
}

/** Approvals of these subjects, in the order in which they came. */
export async function approvalsOf(on: Queryable, subjects: readonly string[]): Promise<Approval[]> {
  return await approvalsAsked(async (statement) => await rows(on, statement), subjects)
}

/** The same, asked by whoever knows how. */
export async function approvalsAsked(
  ask: (statement: Statement) => Promise<ApprovalRow[]>,
  subjects: readonly string[],
): Promise<Approval[]> {
  if (subjects.length === 0) return []
  const found = await ask({
    text: `select ${COLUMNS} from apportion.approval where subject = any ($1::uuid[]) order by recorded_at, approval`,
    values: [plainArray(subjects)],
  })
  return found.map(approvalOf)
}

/** The persons of a ledger who may or might approve, revoked ones too. Only what the owner wrote counts: the public half of a seal. */
export async function approversOf(on: Queryable, ledger: string): Promise<Approver[]> {
  const found = await rows<{ key: string; public_key: Uint8Array; revoked_at: Temporal.Instant | null }>(on, {
    text: `select key, public_key, revoked_at from apportion.api_key where ledger = $1 and public_key is not null order by key`,
    values: [ledger],
  })
  return found.map(({ key, public_key: publicKey, revoked_at: revokedAt }) => ({ key, publicKey: new Uint8Array(publicKey), revokedAt }))
}

export type Waiting = {
  readonly kind: ApprovalKind
  readonly subject: string
  readonly since: Temporal.Instant
  /** Of a payout. */
  readonly asset: string | null
  readonly units: bigint | null
  readonly recipient: string | null
  readonly destination: unknown
}

/** What waits for approvals: open drafts and payouts, the longest waiting first. A change of settings is told by the settings. */
export async function waitingForApproval(
  on: Queryable,
  { ledger, lanes, after, limit }: { ledger: string; lanes: readonly bigint[]; after: { since: Temporal.Instant; subject: string } | null; limit: number },
): Promise<Waiting[]> {
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    // Each lane gives the payouts of a page from its index; drafts are few.
    part: (edge) => `select waiting.payout, waiting.changed_at, waiting.asset, waiting.units, waiting.recipient, waiting.destination
      from ${edge}
      cross join lateral (
        select payout, changed_at, asset, units, recipient, destination from apportion.payout
        where payout.lane = edge.lane and state = 'awaiting_approval' and ($3::timestamptz is null or (changed_at, payout) > ($3, $4::uuid))
        order by changed_at, payout
        limit $5
      ) waiting`,
    whole: (parts) => `select kind, subject, since, asset, units, recipient, destination
      from (
        select 'plan' as kind, plan_draft.draft as subject, revision.drafted_at as since, null as asset, null::numeric as units,
          null as recipient, null::jsonb as destination
        from apportion.plan_draft
        cross join lateral (
          select drafted_at from apportion.plan_revision where plan_revision.draft = plan_draft.draft order by revision desc limit 1
        ) revision
        where plan_draft.ledger = $2 and plan_draft.state = 'draft'
          and ($3::timestamptz is null or (revision.drafted_at, plan_draft.draft) > ($3, $4::uuid))
        union all
        select 'payout', payout, changed_at, asset, units, recipient, destination from ${parts}
      ) listed
      order by since, subject
      limit $5`,
    values: [plainArray(lanes), ledger, after?.since.toString() ?? null, after?.subject ?? null, limit],
  })
}
