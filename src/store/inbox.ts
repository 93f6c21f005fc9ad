// Inbox tables: real tables in a ledger's own schema by which events come in as SQL inserts, and the queue of rows not yet events.

import { escapeIdentifier } from 'pg'
import type { Inbox, InboxRow } from '../core/program.ts'
import { oneRow, plainArray, rows, type Queryable, type Statement } from './statement.ts'

export type InboxTable = { readonly schema: string; readonly inbox: Inbox }

function nameOf({ schema, inbox }: InboxTable): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(inbox.table)}`
}

/**
 * How long a row waits for somebody's open transaction that inserted the same reference. Whoever posts holds the lane meanwhile, so the
 * wait is short, and where one is known to be waited for in vain, and only has to be found, it is as short as can be.
 */
export const PATIENCE = { first: '250ms', again: '20ms' } as const

/**
 * Writes the rows of events that came in by doors of our own, in the posting's transaction. The setting tells the table's trigger not
 * to queue them. A row that is there already is left as it is; what is left of one that its owner deleted is forgotten.
 */
export function insertInboxRows(
  table: InboxTable,
  ledger: string,
  given: readonly InboxRow[],
  patience: keyof typeof PATIENCE,
): readonly [Statement, Statement] {
  const { inbox } = table
  const columns = inbox.columns.map(({ name }) => escapeIdentifier(name)).join(', ')
  const casts = inbox.columns.map(({ name, type }) => `row.${escapeIdentifier(name)}::${type}`).join(', ')
  const arrays = inbox.columns.map((_, index) => `$${index + 2}::text[]`).join(', ')
  return [
    // A statement of its own: the insert takes the table's lock before anything in it runs.
    { name: `lock-timeout-${patience}`, text: `set local lock_timeout = '${PATIENCE[patience]}'`, values: [] },
    {
      // Not by schema and table: a statement's name has 63 bytes.
      name: `inbox-rows-${ledger}`,
      text: `with door as materialized (
          select set_config('apportion.door', 'engine', true)
        ), written as (
          insert into ${nameOf(table)} (${columns})
          select ${casts} from door cross join unnest(${arrays}) as row (${columns})
          on conflict (${escapeIdentifier(inbox.reference)}) do nothing
          returning ${escapeIdentifier(inbox.reference)} as reference
        )
        delete from apportion.inbox using written
        where inbox.ledger = $1 and inbox.reference = written.reference collate "C" and inbox.state in ('refused', 'waiting')`,
      values: [ledger, ...inbox.columns.map(({ name }) => given.map((row) => row[name] ?? null))],
    },
  ]
}

/** Takes queued rows for a while; another worker takes them when this one is gone. Order is that of queueing. */
export async function takeInbox(
  on: Queryable,
  { ledger, now, until, limit }: Taking & { readonly now: Temporal.Instant; readonly limit: number },
): Promise<string[]> {
  const taken = await rows<{ reference: string }>(on, {
    text: `with due as (
        select reference, queued_at from apportion.inbox
        where ledger = $1 and state = 'queued' and (taken_until is null or taken_until < $2)
        order by queued_at, reference
        limit $4
        for update skip locked
      ), taken as (
        update apportion.inbox set taken_until = $3 from due
        where inbox.ledger = $1 and inbox.reference = due.reference
      )
      select reference from due order by queued_at, reference`,
    values: [ledger, now.toString(), until.toString(), limit],
  })
  return taken.map(({ reference }) => reference)
}

/** The rows with these references, each value as PostgreSQL prints it. */
export async function readInboxRows(on: Queryable, table: InboxTable, references: readonly string[]): Promise<InboxRow[]> {
  const { inbox } = table
  const columns = inbox.columns.map(({ name }) => `${escapeIdentifier(name)}::text`).join(', ')
  return await rows(on, {
    text: `select ${columns} from ${nameOf(table)} where ${escapeIdentifier(inbox.reference)} = any ($1::text[])`,
    values: [references],
  })
}

/**
 * Rows that have become events (or were deleted by their owner) need no entry any more: their event is their status. `until` is that of
 * the taking: a row that was inserted again since stays queued.
 */
export async function clearInbox(on: Queryable, { ledger, until }: Taking, references: readonly string[]): Promise<void> {
  await rows(on, {
    text: `delete from apportion.inbox where ledger = $1 and reference = any ($2::text[]) and state = 'queued' and taken_until = $3`,
    values: [ledger, references, until.toString()],
  })
}

/** Which ledger's rows were taken, and until when: nobody else has them until then. */
export type Taking = { readonly ledger: string; readonly until: Temporal.Instant }

export type InboxVerdict = {
  readonly reference: string
  readonly state: 'refused' | 'waiting'
  readonly code: string
  readonly reason: string
}

/** Keeps why rows are no events, of those that still are what was taken. */
export async function judgeInbox(on: Queryable, { ledger, until }: Taking, verdicts: readonly InboxVerdict[]): Promise<void> {
  await rows(on, {
    text: `update apportion.inbox set state = row.state, code = row.code, reason = row.reason, taken_until = null
      from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as row (reference, state, code, reason)
      where inbox.ledger = $1 and inbox.reference = row.reference and inbox.state = 'queued' and inbox.taken_until = $6`,
    values: [
      ledger,
      verdicts.map(({ reference }) => reference),
      plainArray(verdicts.map(({ state }) => state)),
      plainArray(verdicts.map(({ code }) => code)),
      verdicts.map(({ reason }) => reason),
      until.toString(),
    ],
  })
}

export type InboxEntry = {
  readonly reference: string
  readonly state: string
  readonly code: string | null
  readonly reason: string | null
  readonly queued_at: Temporal.Instant
}

export type InboxPlace = Pick<InboxEntry, 'queued_at' | 'reference'>

const LIST_INBOX = `select reference, state, code, reason, queued_at from apportion.inbox
      where ledger = $1 and ($2::timestamptz is null or (queued_at, reference) > ($2, $3))`

/** What waits or was refused, oldest first, `after` the last entry shown. What the system before us paid neither waits nor was refused. */
export async function listInbox(
  on: Queryable,
  { ledger, after = null, limit }: { ledger: string; after?: InboxPlace | null; limit: number },
): Promise<InboxEntry[]> {
  return await rows(on, {
    // One index holds what waits to be taken, another what was judged.
    text: `select reference, state, code, reason, queued_at from (
        (${LIST_INBOX} and state = 'queued' order by queued_at, reference limit $4)
        union all
        (${LIST_INBOX} and state in ('refused', 'waiting') order by queued_at, reference limit $4)
      ) listed
      order by queued_at, reference limit $4`,
    values: [ledger, after?.queued_at.toString() ?? null, after?.reference ?? null, limit],
  })
}

/** Admits rows that waited for an operator: they are queued again. Answers the references that did wait. */
export async function admitInbox(on: Queryable, ledger: string, references: readonly string[]): Promise<string[]> {
  const admitted = await rows<{ reference: string }>(on, {
    text: `update apportion.inbox set state = 'queued', code = 'admitted', reason = null, taken_until = null
      where ledger = $1 and reference = any ($2::text[]) and state = 'waiting' returning reference`,
    values: [ledger, references],
  })
  return admitted.map(({ reference }) => reference)
}

/** Which of these rows an operator has admitted though they lie in the past. */
export async function admittedOf(on: Queryable, ledger: string, references: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await rows<{ reference: string }>(on, {
    text: `select reference from apportion.inbox where ledger = $1 and reference = any ($2::text[]) and code = 'admitted'`,
    values: [ledger, references],
  })
  return new Set(found.map(({ reference }) => reference))
}

/** Which of these references stood in the table when it was adopted: the system before us has paid them. */
export function readAdopted(ledger: string, references: readonly string[]): Statement {
  return {
    name: 'read-adopted',
    text: `select reference from apportion.inbox where ledger = $1 and reference = any ($2::text[]) and state = 'before_adoption'`,
    values: [ledger, references],
  }
}

/** Whether a ledger's table held rows when it was adopted. That never changes afterwards. */
export async function hasAdopted(on: Queryable, ledger: string): Promise<boolean> {
  const { adopted } = await oneRow<{ adopted: boolean }>(on, {
    text: `select exists (select from apportion.inbox where ledger = $1 and state = 'before_adoption') as adopted`,
    values: [ledger],
  })
  return adopted
}

/** Statements that grant again what people had on a schema's views before a migration dropped them, as far as those people are still there. */
export async function viewGrants(owner: Queryable, schema: string): Promise<readonly string[]> {
  const found = await rows<{ statement: string }>(owner, {
    text: `select format('grant %s on %I.%I to %I%s', privilege, schema, view, grantee, case when grantable then ' with grant option' end) as statement
      from apportion.dropped_view_grant
      where schema = $1 and to_regrole(quote_ident(grantee)) is not null and to_regclass(format('%I.%I', schema, view)) is not null
      order by view, grantee, privilege`,
    values: [schema],
  })
  return found.map(({ statement }) => statement)
}

export async function forgetViewGrants(owner: Queryable): Promise<void> {
  await rows(owner, { text: 'delete from apportion.dropped_view_grant', values: [] })
}
