// Changes of a ledger's settings: added in order, each closed at most once by who took it back.

import type { SettingsChange } from '../core/settings.ts'
import { rows, type Queryable } from './statement.ts'

export type SettingsChangeRow = SettingsChange & {
  readonly closedAt: Temporal.Instant | null
  readonly closedBy: string | null
  readonly reason: string | null
}

type Row = {
  readonly change: string
  readonly number: number
  readonly content: unknown
  readonly proposed_by: string | null
  readonly proposed_at: Temporal.Instant
  readonly closed_at: Temporal.Instant | null
  readonly closed_by: string | null
  readonly reason: string | null
}

/** The changes of a ledger in their order, at most `limit`. */
export async function settingsChangesOf(on: Queryable, ledger: string, limit: number): Promise<SettingsChangeRow[]> {
  const found = await rows<Row>(on, {
    text: `select change, number, content, proposed_by, proposed_at, closed_at, closed_by, reason from apportion.settings_change
      where ledger = $1 order by number limit $2`,
    values: [ledger, limit],
  })
  return found.map(({ proposed_by: proposedBy, proposed_at: at, closed_at: closedAt, closed_by: closedBy, ...row }) => {
    return { ...row, proposedBy, at, closedAt, closedBy }
  })
}

export async function insertSettingsChange(
  on: Queryable,
  { ledger, change, number, content, proposedBy, at }: SettingsChange & { readonly ledger: string },
): Promise<void> {
  await rows(on, {
    text: `insert into apportion.settings_change (change, ledger, number, content, proposed_by, proposed_at) values ($1, $2, $3, $4, $5, $6)`,
    values: [change, ledger, number, JSON.stringify(content), proposedBy, at.toString()],
  })
}

export type Closing = { readonly by: string | null; readonly at: Temporal.Instant; readonly reason: string | null }

/** Takes back a change that is still open. */
export async function closeSettingsChange(on: Queryable, change: string, { by, at, reason }: Closing): Promise<void> {
  await rows(on, {
    text: `update apportion.settings_change set closed_at = $2, closed_by = $3, reason = $4 where change = $1 and closed_at is null`,
    values: [change, at.toString(), by, reason],
  })
}

/**
 * Keeps the settings of a ledger as they are until the transaction ends: shared by those who act under them, alone for who changes them.
 * An advisory lock, because the server's role may not lock a row of a table that it cannot update.
 */
export async function lockSettings(on: Queryable, ledger: string, how: 'shared' | 'alone'): Promise<void> {
  const lock = how === 'alone' ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await rows(on, { text: `select ${lock}(hashtextextended('apportion settings ' || $1::uuid, 0))`, values: [ledger] })
}
