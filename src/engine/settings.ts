// The settings of a ledger as they stand: read from its changes, folded by the core, and shown as a document.

import { present } from '../core/assert.ts'
import { canonicalJson } from '../core/canonical.ts'
import { Refusal } from '../core/refusal.ts'
import { approvalsToLoosen, changeHash, firstSettings, foldSettings, isLoosening, type FoldedSettings, type Folding, type Settings } from '../core/settings.ts'
import { approvalsOf, approversOf } from '../store/approval.ts'
import { settingsChangesOf, type SettingsChangeRow } from '../store/settings.ts'
import type { Queryable } from '../store/statement.ts'
import { namesOfKeys } from './api-key.ts'
import type { Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** Changes of a ledger's settings over its life. All are read to know what is in force: a thousand is one in every week for twenty years. */
export const MAX_CHANGES = 1000

export type LedgerSettings = FoldedSettings & { readonly folding: Folding; readonly changes: readonly SettingsChangeRow[] }

/** What is in force now. One query where nothing was ever changed. */
export async function readSettings(on: Queryable, { id: ledger, row: { sandbox } }: Ledger, now: Temporal.Instant): Promise<LedgerSettings> {
  const changes = await settingsChangesOf(on, ledger, MAX_CHANGES)
  if (changes.length === 0) {
    const folding = { ledger, sandbox, changes, approvals: [], approvers: [] }
    return { settings: firstSettings({ sandbox }), number: 0, pending: null, folding, changes }
  }
  const [approvals, approvers] = [await approvalsOf(on, changes.map(({ change }) => change)), await approversOf(on, ledger)]
  const folding = { ledger, sandbox, changes, approvals, approvers }
  const folded = foldSettings(folding, now)
  const isClosed = folded.pending !== null && changes.at(-1)?.closedAt !== null
  return { ...folded, pending: isClosed ? null : folded.pending, folding, changes }
}

export type SettingsDocument = {
  readonly settings: Settings
  /** Of the newest change; 0 before any. */
  readonly number: number
  /** What waits for approvals: the newest change, as far as it asks for less. */
  readonly pending: {
    readonly change: string
    readonly number: number
    readonly settings: Settings
    readonly hash: string
    readonly proposed_by: string
    readonly proposed_at: string
    readonly approvals_needed: number
    readonly approved_by: readonly string[]
  } | null
}

export async function settings({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger): Promise<SettingsDocument> {
  const [read, names] = [await readSettings(store.pool, ledger, now()), await namesOfKeys(store.pool, ledger)]
  return settingsDocument(ledger, read, names)
}

export function settingsDocument(ledger: Ledger, { settings: found, number, pending }: FoldedSettings, names: ReadonlyMap<string | null, string>): SettingsDocument {
  const name = (key: string | null): string => present(names.get(key), 'name of a key')
  return {
    settings: found,
    number,
    pending: pending === null ? null : {
      change: pending.change.change,
      number: pending.change.number,
      settings: pending.wanted,
      hash: changeHash(ledger.id, pending.change, pending.wanted),
      proposed_by: name(pending.change.proposedBy),
      proposed_at: pending.change.at.toString(),
      approvals_needed: pending.needed,
      approved_by: pending.given.map(name),
    },
  }
}

/** A change of some parts; what is null in a map is taken out of it. */
export type SettingsPatch = {
  readonly [Key in 'plan_approvals' | 'plan_notice_seconds' | 'recoup_percent']?: Settings[Key] | undefined
} & {
  readonly payout_approval_above?: Readonly<Record<string, string | null>> | undefined
  readonly fact_notice_seconds?: Readonly<Record<string, number | null>> | undefined
}

/** Settings with some parts changed. They are still to be checked. */
export function patched(current: Settings, patch: SettingsPatch): unknown {
  const merged = <Value>(map: Readonly<Record<string, Value>>, changes: Readonly<Record<string, Value | null>> = {}): Record<string, Value> =>
    Object.fromEntries(Object.entries({ ...map, ...changes }).filter((entry): entry is [string, Value] => entry[1] !== null))
  return {
    plan_approvals: patch.plan_approvals ?? current.plan_approvals,
    plan_notice_seconds: patch.plan_notice_seconds ?? current.plan_notice_seconds,
    payout_approval_above: merged(current.payout_approval_above, patch.payout_approval_above),
    recoup_percent: patch.recoup_percent ?? current.recoup_percent,
    fact_notice_seconds: merged(current.fact_notice_seconds, patch.fact_notice_seconds),
  }
}

/** Refuses `approver_missing` for settings that ask for more persons than there are: nothing could be approved any more. */
export function requireApprovers(approvers: Folding['approvers'], { current, wanted }: { current: Settings; wanted: Settings }): void {
  const found = approvers.filter(({ revokedAt }) => revokedAt === null).length
  const needed = approvalsToLoosen(wanted)
  if (found >= needed || !isLoosening(wanted, current)) return
  const message = `these settings take ${needed} persons who may approve, and the ledger has ${found}: make keys with the role approver first`
  throw new Refusal('approver_missing', message, { needed, found })
}

export function areEqual(one: Settings, other: Settings): boolean {
  return canonicalJson(one) === canonicalJson(other)
}
