// What people and programs get to see: plain JSON documents, units as text. The API's schemas and the CLI's `--json` show these.

import { present } from '../core/assert.ts'
import { formatUnits, parseAsset, type Asset } from '../core/money.ts'
import { lastRun, nextRun, type Schedule } from '../core/schedule.ts'
import type { AttemptRow } from '../store/attempt.ts'
import type { LedgerRow } from '../store/ledger.ts'
import type { PayoutRow } from '../store/payout.ts'
import type { Ledger } from './ledger.ts'
import type { RecordedEvent } from './recorder.ts'

/** An amount twice: exact units, and the same as a decimal of the asset. */
export type AmountDocument = { readonly asset: string; readonly units: string; readonly amount: string }

export function amountDocument(units: bigint, asset: string): AmountDocument {
  return amountOf(units, parseAsset(asset))
}

function amountOf(units: bigint, { name, scale }: Asset): AmountDocument {
  return { asset: name, units: units.toString(), amount: formatUnits(units, scale) }
}

/** `recipient` is null for what goes to an account of the plan's own. */
export type ShareDocument = AmountDocument & { readonly role: string; readonly recipient: string | null; readonly account: string }

export type EventDocument = AmountDocument & {
  readonly reference: string
  /** The event's number in its lane. */
  readonly event: string
  readonly event_at: string
  readonly recorded_at: string
  readonly parties: Readonly<Record<string, string>>
  readonly plan_version: number
  readonly backdated: boolean
  /** Number of the event that it reverses; null for all others. */
  readonly reverses: string | null
  readonly shares: readonly ShareDocument[]
}

export function eventDocument(event: RecordedEvent): EventDocument {
  const { reference, number, eventAt, recordedAt, parties, plan, backdated, reverses, shares, units } = event
  const asset = parseAsset(event.asset)
  return {
    reference,
    event: number.toString(),
    event_at: printed(eventAt),
    recorded_at: printed(recordedAt),
    // In one order, whether they come from the caller or from the database.
    parties: Object.fromEntries(Object.keys(parties).toSorted().map((name) => [name, present(parties[name], 'party')])),
    ...amountOf(units, asset),
    plan_version: plan,
    backdated,
    reverses: reverses?.toString() ?? null,
    shares: shares.map((share) => ({ role: share.role, recipient: share.recipient, account: share.account, ...amountOf(share.units, asset) })),
  }
}

/** Printing an instant is slow, and the events of one batch mostly share theirs. */
const printedInstants = new WeakMap<Temporal.Instant, string>()

function printed(instant: Temporal.Instant): string {
  return printedInstants.getOrInsertComputed(instant, (one) => one.toString())
}

export type AttemptDocument = {
  readonly attempt: string
  readonly state: AttemptRow['state']
  readonly identity: string
  readonly submits: number
  readonly reason: string | null
  readonly proof: unknown
  readonly prepared_at: string
  readonly ended_at: string | null
}

export function attemptDocument({ attempt, state, identity, submits, reason, proof, prepared_at, ended_at }: AttemptRow): AttemptDocument {
  const [preparedAt, endedAt] = [prepared_at.toString(), ended_at?.toString() ?? null]
  return { attempt, state, identity, submits, reason, proof, prepared_at: preparedAt, ended_at: endedAt }
}

/** What a payout draws on: how many shares, and the first hundred of them, each less what was taken from it before it was paid. */
export type DrawnDocument = {
  readonly shares: number
  readonly draws_on: readonly (AmountDocument & { readonly reference: string; readonly part: number; readonly role: string })[]
}

export type PayoutDocument = AmountDocument & {
  readonly payout: string
  readonly reference: string
  readonly role: string
  readonly recipient: string
  readonly destination: string | null
  readonly state: PayoutRow['state']
  readonly reason: string | null
  readonly detail: string | null
  readonly due_at: string | null
  readonly locked_until: string | null
  readonly tries: number
  readonly created_at: string
  readonly changed_at: string
  readonly attempts: readonly AttemptDocument[]
} & DrawnDocument

export function payoutDocument(
  row: PayoutRow,
  { reference, destination, attempts, drawn }: { reference: string; destination: string | null; attempts: readonly AttemptRow[]; drawn: DrawnDocument },
): PayoutDocument {
  return {
    payout: row.payout,
    reference,
    role: row.role,
    recipient: row.recipient,
    ...amountDocument(row.units, row.asset),
    destination,
    state: row.state,
    reason: row.reason,
    detail: row.detail,
    due_at: row.due_at?.toString() ?? null,
    locked_until: row.locked_until?.toString() ?? null,
    tries: row.tries,
    created_at: row.created_at.toString(),
    changed_at: row.changed_at.toString(),
    attempts: attempts.map(attemptDocument),
    ...drawn,
  }
}

export type LedgerDocument = {
  readonly name: string
  readonly program: string
  readonly network: 'sandbox' | 'production'
  readonly rail: string
  readonly schema: string | null
  readonly created_at: string
}

export function ledgerDocument({ name, program, sandbox, rail, inbox_schema: schema, created_at }: LedgerRow): LedgerDocument {
  return { name, program, network: sandbox ? 'sandbox' : 'production', rail, schema, created_at: created_at.toString() }
}

/** One ledger by itself, with the file that its terms come from, where its program takes one. */
export type LedgerDetailDocument = LedgerDocument & {
  readonly program_file: string | null
  /** When payouts are made: the schedule, its last instant and its next; null: at once. */
  readonly schedule: { readonly payouts: Schedule; readonly last_run_at: string; readonly next_run_at: string } | null
}

export function ledgerDetailDocument({ row, program: { schedule } }: Ledger, now: Temporal.Instant): LedgerDetailDocument {
  const runs = schedule === undefined ? null : { payouts: schedule, last_run_at: lastRun(schedule, now).toString(), next_run_at: nextRun(schedule, now).toString() }
  return { ...ledgerDocument(row), program_file: row.program_file, schedule: runs }
}

export type WalletDocument = {
  readonly wallet: string
  readonly label: string
  readonly rail: string
  readonly address: string
  /** What the ledger says it holds. */
  readonly ledger_balances: readonly AmountDocument[]
}

export type BalanceDocument = AmountDocument & { readonly account: string; readonly debits: string; readonly credits: string }

export type RecipientDocument = {
  readonly recipient: string
  readonly label: string | null
  readonly destination: string | null
  readonly effective_from: string | null
}

export type InboxDocument = {
  readonly reference: string
  readonly state: string
  readonly code: string | null
  readonly reason: string | null
  readonly queued_at: string
}

/** Whole seconds; never below zero, whatever two clocks say. */
export function ageSeconds(since: Temporal.Instant, now: Temporal.Instant): number {
  return Math.max(0, Math.floor((now.epochMilliseconds - since.epochMilliseconds) / 1000))
}
