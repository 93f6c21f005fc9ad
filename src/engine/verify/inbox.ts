// The rows of a ledger's inbox table beside its events: every row that neither waits nor was refused has its event, every event its row,
// and what a row says is what was recorded.

import { distribute, stateKeysFor, type Share } from '../../core/distribution.ts'
import type { EventInput } from '../../core/event.ts'
import type { PlanVersion } from '../../core/plan.ts'
import type { Inbox, InboxRow } from '../../core/program.ts'
import { Refusal } from '../../core/refusal.ts'
import { statesBefore, type StateRow } from '../../store/rule-state.ts'
import { inboxPairs, type InboxPair } from '../../store/verify-inbox.ts'
import type { Snapshot } from '../../store/verify.ts'
import type { Ledger } from '../ledger.ts'
import { feedOf } from './feed.ts'
import type { Findings, Place } from './findings.ts'
import type { Plans } from './plans.ts'
import { claimedUnits, factsOf, instantOf, textsOf } from './stored.ts'

export type InboxReading = { readonly snapshot: Snapshot; readonly ledger: Ledger; readonly plans: Plans; readonly findings: Findings }

export async function checkInbox({ snapshot, ledger, plans, findings }: InboxReading): Promise<void> {
  const { inbox } = ledger.program
  const schema = ledger.row.inbox_schema
  if (inbox === null || schema === null) return
  const pairs = feedOf(snapshot.pages<InboxPair>(inboxPairs({ schema, inbox }, { ledger: ledger.id, lanes: ledger.lanes })))
  for (let pair = await pairs.load(); pair !== undefined && findings.room() > 0; pair = pairs.peek() ?? (await pairs.load())) {
    pairs.skip()
    findings.looked('inbox')
    const problem = await problemOf(pair, { inbox, plans, snapshot, ledger })
    if (problem !== null) findings.broken('inbox', placeOf(pair), problem)
  }
  await pairs.end()
}

function placeOf({ position, number, reference }: InboxPair): Place {
  return { lane: position, event: number, reference }
}

async function problemOf(
  pair: InboxPair,
  { inbox, plans, ...reading }: { inbox: Inbox; plans: Plans; snapshot: Snapshot; ledger: Ledger },
): Promise<{ expected: string; found: string } | null> {
  const { cells, state, number } = pair
  if (number === null) {
    return state === null ? { expected: 'an event of this row, or a note of why there is none', found: 'neither' } : null
  }
  if (cells === null) return { expected: `a row of ${inbox.table} for this event`, found: 'no row' }
  // A row in the queue is looked at when it is taken; one that was refused is not this event's.
  if (state !== null) return null
  const row: InboxRow = Object.fromEntries(inbox.columns.map(({ name }, index) => [name, cells[index] ?? null]))
  const event = eventOf(pair)
  const plan = plans.version(pair.plan ?? 0)
  const shares = event === null || plan === undefined ? null : await sharesOf(event, { pair, plan, ...reading })
  // An event that cannot be read or divided any more was named by the journal's own checks.
  const difference = event === null || shares === null ? null : inbox.compare(row, event, shares)
  return difference === null ? null : { expected: `the row of ${inbox.table} as the event was recorded`, found: difference }
}

/** The event as it was recorded; null when it was made unreadable. */
function eventOf({ reference, asset, units, parties, claimed, details, facts, event_at: at }: InboxPair): (EventInput & { eventAt: Temporal.Instant }) | null {
  const [named, given, eventAt] = [textsOf(parties), factsOf(facts), at === null ? null : instantOf(at)]
  if (asset === null || typeof units !== 'bigint' || named === null || given === null || eventAt === null) return null
  return { reference, asset, units, parties: named, facts: given, eventAt, claimed: claimedUnits(textsOf(claimed)), details }
}

async function sharesOf(
  given: EventInput & { readonly eventAt: Temporal.Instant },
  { pair, plan, snapshot, ledger }: { pair: InboxPair; plan: PlanVersion; snapshot: Snapshot; ledger: Ledger },
): Promise<readonly Share[] | null> {
  const event = { ...given, facts: { ...given.facts, ...factsOf(pair.standing) } }
  try {
    const keys = stateKeysFor(event, plan)
    const lane = ledger.lanes[pair.position ?? 0] ?? 0n
    const state = keys.length === 0 ? [] : await snapshot.rows<StateRow>(statesBefore(lane, { event: pair.number ?? 0n, keys }))
    return distribute(event, plan, { state: new Map(state.map(({ key, value }) => [key, value])) }).shares
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}
