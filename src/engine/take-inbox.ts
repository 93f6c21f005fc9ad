// Takes queued rows of a ledger's inbox table and records them as events. A row is taken again when its worker dies: the reference
// makes it one event all the same.

import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { admittedOf, clearInbox, judgeInbox, readInboxRows, takeInbox, type InboxVerdict } from '../store/inbox.ts'
import type { Ledger } from './ledger.ts'
import type { Offer } from './record-event.ts'
import { SQL_DOOR, type Recorder } from './recorder.ts'
import type { Desk } from './world.ts'

const MAX_ROWS = 1000
/** How long taken rows stay with a worker that does not come back. */
const LEASE = { seconds: 30 }

/** Refusals that an operator may overrule, or that time heals: the row waits instead of being refused. */
const WAITING_CODES: ReadonlySet<string> = new Set(['event_backdated_forbidden', 'event_time_exceeded'])

/** Records what is queued. Answers how many rows were taken; as many as the limit means that there may be more. */
export async function takeInboxRows(desk: Desk, recorder: Recorder, ledger: Ledger): Promise<number> {
  const { inbox } = ledger.program
  const schema = ledger.row.inbox_schema
  if (inbox === null || schema === null) return 0
  const now = desk.now()
  const { pool } = desk.store
  const taking = { ledger: ledger.id, until: now.add(LEASE) }
  const references = await takeInbox(pool, { ...taking, now, limit: MAX_ROWS })
  if (references.length === 0) return 0
  const [found, admitted] = await Promise.all([
    readInboxRows(pool, { schema, inbox }, references),
    admittedOf(pool, ledger.id, references),
  ])
  const rows = new Map(found.map((row) => [present(row[inbox.reference], inbox.reference), row]))
  const offers: Offer[] = []
  const verdicts: InboxVerdict[] = []
  for (const reference of references) {
    const row = rows.get(reference)
    if (row === undefined) continue
    try {
      offers.push({ input: inbox.toEvent(row), door: SQL_DOOR, mayBackdate: admitted.has(reference) })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      verdicts.push(verdictOf(reference, error))
    }
  }
  const results = await recorder.record(ledger, offers)
  for (const [index, result] of results.entries()) {
    if (result.state === 'refused') verdicts.push(verdictOf(present(offers[index], 'offer').input.reference, result.refusal))
  }
  const judged = new Set(verdicts.map(({ reference }) => reference))
  // What is neither refused nor waiting is an event now, or was deleted by its owner before it was taken.
  await clearInbox(pool, taking, references.filter((reference) => !judged.has(reference)))
  if (verdicts.length > 0) await judgeInbox(pool, taking, verdicts)
  return references.length
}

function verdictOf(reference: string, { code, message }: Refusal): InboxVerdict {
  return { reference, state: WAITING_CODES.has(code) ? 'waiting' : 'refused', code, reason: message }
}
