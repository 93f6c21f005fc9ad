// Drafts of plans: a row for each draft, and one for each time it was written. What was written is never changed.

import { maybeRow, rows, type Queryable } from './statement.ts'

export type DraftState = 'draft' | 'approved' | 'rejected' | 'withdrawn'

/** A draft with what it says now, and everybody who wrote any of it. */
export type DraftRow = {
  readonly draft: string
  readonly state: DraftState
  readonly version: number | null
  readonly closed_by: string | null
  readonly closed_at: Temporal.Instant | null
  readonly reason: string | null
  readonly created_at: Temporal.Instant
  readonly revision: number
  readonly content: unknown
  readonly effective_from: Temporal.Instant | null
  readonly hash: string
  readonly drafted_by: string | null
  readonly drafted_at: Temporal.Instant
  readonly authors: readonly string[]
}

const DRAFT = `select plan_draft.draft, plan_draft.state, plan_draft.version, plan_draft.closed_by, plan_draft.closed_at, plan_draft.reason,
    plan_draft.created_at, newest.revision, newest.content, newest.effective_from, newest.hash, newest.drafted_by, newest.drafted_at,
    array(
      select distinct drafted_by from apportion.plan_revision
      where plan_revision.draft = plan_draft.draft and drafted_by is not null
    ) as authors
  from apportion.plan_draft
  cross join lateral (
    select revision, content, effective_from, hash, drafted_by, drafted_at from apportion.plan_revision
    where plan_revision.draft = plan_draft.draft order by revision desc limit 1
  ) newest`

/** Drafts of a ledger, oldest first; only open ones when asked. */
export async function draftsOf(on: Queryable, ledger: string, { open }: { readonly open: boolean }): Promise<DraftRow[]> {
  return await rows(on, {
    text: `${DRAFT} where plan_draft.ledger = $1 and (not $2 or plan_draft.state = 'draft') order by plan_draft.created_at, plan_draft.draft`,
    values: [ledger, open],
  })
}

export async function findDraft(on: Queryable, ledger: string, draft: string): Promise<DraftRow | null> {
  return await maybeRow(on, { text: `${DRAFT} where plan_draft.ledger = $1 and plan_draft.draft = $2`, values: [ledger, draft] })
}

/** Holds others off a draft until the transaction ends; whoever waited reads what was left. */
export async function lockDraft(on: Queryable, ledger: string, draft: string): Promise<void> {
  await rows(on, { text: `select from apportion.plan_draft where ledger = $1 and draft = $2 for update`, values: [ledger, draft] })
}

/** False when there is a draft of that id; whoever meets one that is being written waits until it is. */
export async function insertDraft(on: Queryable, { ledger, draft, at }: { ledger: string; draft: string; at: Temporal.Instant }): Promise<boolean> {
  const inserted = await rows(on, {
    text: `insert into apportion.plan_draft (draft, ledger, state, created_at) values ($1, $2, 'draft', $3) on conflict (draft) do nothing returning draft`,
    values: [draft, ledger, at.toString()],
  })
  return inserted.length > 0
}

export type NewRevision = {
  readonly draft: string
  readonly revision: number
  readonly content: unknown
  readonly effectiveFrom: Temporal.Instant | null
  readonly hash: string
  readonly by: string | null
  readonly at: Temporal.Instant
}

export async function insertRevision(on: Queryable, { draft, revision, content, effectiveFrom, hash, by, at }: NewRevision): Promise<void> {
  await rows(on, {
    text: `insert into apportion.plan_revision (draft, revision, content, effective_from, hash, drafted_by, drafted_at)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [draft, revision, JSON.stringify(content), effectiveFrom?.toString() ?? null, hash, by, at.toString()],
  })
}

/** Ends an open draft: as a version, or without one. */
export async function closeDraft(
  on: Queryable,
  draft: string,
  end: { state: Exclude<DraftState, 'draft'>; version: number | null; by: string | null; at: Temporal.Instant; reason: string | null },
): Promise<void> {
  await rows(on, {
    text: `update apportion.plan_draft set state = $2, version = $3, closed_by = $4, closed_at = $5, reason = $6 where draft = $1 and state = 'draft'`,
    values: [draft, end.state, end.version, end.by, end.at.toString(), end.reason],
  })
}
