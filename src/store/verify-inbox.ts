// Reading a ledger's inbox table beside its events, for `verify`. Nothing is written here, and nothing is judged.

import { escapeIdentifier, escapeLiteral } from 'pg'
import type { JsonObject } from '../core/effects.ts'
import type { InboxTable } from './inbox.ts'
import { plainArray } from './statement.ts'

/** A row of the inbox table beside the event of its reference; either may be missing. `cells` are in the order of the inbox's columns. */
export type InboxPair = {
  readonly reference: string
  readonly cells: readonly (string | null)[] | null
  /** What the queue says of the row; null when it says nothing. */
  readonly state: string | null
  /** Position of the event's lane; null without an event, like all that follows. */
  readonly position: number | null
  readonly number: bigint | null
  readonly units: bigint | string | null
  readonly asset: string | null
  readonly plan: number | null
  readonly event_at: string | null
  readonly parties: unknown
  readonly claimed: unknown
  readonly facts: unknown
  readonly standing: unknown
  readonly details: JsonObject | null
}

/** Every row and every event of a ledger, in the order of events, rows without one last. For a cursor, so it takes no parameters. */
export function inboxPairs({ schema, inbox }: InboxTable, { ledger, lanes }: { ledger: string; lanes: readonly bigint[] }): string {
  const reference = escapeIdentifier(inbox.reference)
  const cells = inbox.columns.map(({ name }) => `${escapeIdentifier(name)}::text`).join(', ')
  return `select coalesce(given.reference, event.reference) as reference, given.cells, entry.state,
      lane.position, event.number, event.units, event.asset, event.plan, event.event_at::text as event_at, event.parties, event.claimed,
      event.details, event.facts, event.standing
    from (
      select ${reference}::text collate "C" as reference, array[${cells}] as cells from ${escapeIdentifier(schema)}.${escapeIdentifier(inbox.table)}
    ) given
    full join (
      -- By itself: lanes may be on other machines than the table.
      select * from apportion.event where reverses is null and lane = any ('${plainArray(lanes)}'::bigint[]) offset 0
    ) event on event.reference = given.reference
    left join apportion.lane on lane.lane = event.lane
    left join apportion.inbox entry
      on entry.ledger = ${escapeLiteral(ledger)} and entry.reference = coalesce(given.reference, event.reference)
    order by lane.position, event.number, given.reference`
}
