// What a ledger asks for before money moves otherwise than before: approvals, notice, limits. Settings are a list of changes; what a
// change tightens counts at once, what it loosens once enough persons approved it. Pure: the server, the signer and `verify` fold alike.

import { z } from 'zod'
import { personsApproving, settingsHash, type Approval, type Approver } from './approval.ts'
import { canonicalJson } from './canonical.ts'
import { clip, parseAsset } from './money.ts'
import { Refusal } from './refusal.ts'

/** More persons than anybody gets to agree on a Friday. */
const MAX_APPROVALS = 9
/** A year: longer than that nobody means. */
const MAX_NOTICE_SECONDS = 366 * 86_400
/** Names of facts and assets with a setting of their own. */
const MAX_NAMES = 100

/** Real money gets at least this notice before its division changes. */
export const PRODUCTION_NOTICE_SECONDS = 600

export const FACT_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/

const notice = z.int().min(0).max(MAX_NOTICE_SECONDS)
const units = z.string().regex(/^(0|[1-9][0-9]{0,38})$/, 'must be an integer of the smallest unit, as text')

function named<Value extends z.ZodType>(name: z.ZodString, value: Value) {
  return z.record(name, value).refine((map) => Object.keys(map).length <= MAX_NAMES, `has at most ${MAX_NAMES} names`)
}

export const settingsSchema = z.strictObject({
  /** Persons besides the one who drafted a plan that must approve it. */
  plan_approvals: z.int().min(0).max(MAX_APPROVALS),
  /** Least time from the approval of a plan to its effect. */
  plan_notice_seconds: notice,
  /** By asset: a payout of more units than this goes only with a person's approval. */
  payout_approval_above: named(z.string().regex(/^[A-Z][A-Z0-9]{0,15}\/[0-9]{1,2}$/, 'must be an asset such as USDC/6'), units),
  /** Of each share of a recipient who owes, so many per cent are kept back until nothing is owed any more. */
  recoup_percent: z.int().min(0).max(100).default(100),
  /** By name of a fact: least time from the announcement of a raise to its effect. A lowering counts at once. */
  fact_notice_seconds: named(z.string().regex(FACT_NAME), notice),
})

export type Settings = z.infer<typeof settingsSchema>

/** What a ledger asks for before anybody changed anything. */
export function firstSettings({ sandbox }: { readonly sandbox: boolean }): Settings {
  const seconds = sandbox ? 0 : PRODUCTION_NOTICE_SECONDS
  return { plan_approvals: 0, plan_notice_seconds: seconds, payout_approval_above: {}, recoup_percent: 100, fact_notice_seconds: {} }
}

/** Reads settings from data. Refuses `settings_invalid`, naming the place. */
export function parseSettings(data: unknown, { sandbox }: { readonly sandbox: boolean }): Settings {
  const parsed = settingsSchema.safeParse(data)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = clip(issue?.path.map(String).join('.') ?? '', 200)
    throw new Refusal('settings_invalid', `settings${field === '' ? '' : `, ${field}`}: ${clip(issue?.message ?? 'are none', 200)}`, { field })
  }
  for (const asset of Object.keys(parsed.data.payout_approval_above)) parseAsset(asset)
  const { plan_notice_seconds: seconds } = parsed.data
  if (!sandbox && seconds < PRODUCTION_NOTICE_SECONDS) {
    throw new Refusal('settings_invalid', `plan_notice_seconds is ${seconds}; where real money is paid it is at least ${PRODUCTION_NOTICE_SECONDS}`, {
      field: 'plan_notice_seconds',
      value: seconds,
      least: PRODUCTION_NOTICE_SECONDS,
    })
  }
  return parsed.data
}

/** Of two settings, part by part, what asks for more. */
export function strictest(one: Settings, other: Settings): Settings {
  const { payout_approval_above: above, fact_notice_seconds: notices } = one
  return {
    plan_approvals: Math.max(one.plan_approvals, other.plan_approvals),
    plan_notice_seconds: Math.max(one.plan_notice_seconds, other.plan_notice_seconds),
    payout_approval_above: merged(above, other.payout_approval_above, (a, b) => (BigInt(a) < BigInt(b) ? a : b)),
    // What is kept back leaves no wallet, and can be let go later.
    recoup_percent: Math.max(one.recoup_percent, other.recoup_percent),
    fact_notice_seconds: merged(notices, other.fact_notice_seconds, Math.max),
  }
}

function merged<Value>(one: Readonly<Record<string, Value>>, other: Readonly<Record<string, Value>>, choose: (a: Value, b: Value) => Value): Record<string, Value> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(
    [...names].map((name) => {
      const [a, b] = [one[name], other[name]]
      return [name, a === undefined ? (b as Value) : b === undefined ? a : choose(a, b)]
    }),
  )
}

/** Whether `wanted` asks for less than `current` in any part. */
export function isLoosening(current: Settings, wanted: Settings): boolean {
  return canonicalJson(strictest(current, wanted)) !== canonicalJson(wanted)
}

/** Persons besides the proposer who must approve a loosening: as many as for a plan, and one where payouts are approved. */
export function approvalsToLoosen({ plan_approvals: approvals, payout_approval_above: above }: Settings): number {
  return Math.max(approvals, Object.keys(above).length > 0 ? 1 : 0)
}

/** A change as it was proposed. `content` is what was written, which may be nothing that can be read. */
export type SettingsChange = {
  readonly change: string
  readonly number: number
  readonly content: unknown
  readonly proposedBy: string | null
  readonly at: Temporal.Instant
}

export type Folding = {
  readonly ledger: string
  readonly sandbox: boolean
  /** In the order of their numbers. */
  readonly changes: readonly SettingsChange[]
  readonly approvals: readonly Approval[]
  readonly approvers: readonly Approver[]
}

/** What is in force at an instant, and how the newest change stands: it is `pending` while something in it waits for approvals. */
export type FoldedSettings = {
  readonly settings: Settings
  /** Of the newest change by then; 0 before any. */
  readonly number: number
  readonly pending: { readonly change: SettingsChange; readonly wanted: Settings; readonly needed: number; readonly given: readonly string[] } | null
}

/** What is in force after these changes, with the approvals that had come by `at`. Refuses `settings_invalid` for a change that is none. */
export function foldSettings({ ledger, sandbox, changes, approvals, approvers }: Folding, at: Temporal.Instant): FoldedSettings {
  let folded: FoldedSettings = { settings: firstSettings({ sandbox }), number: 0, pending: null }
  const given = approvals.filter((approval) => Temporal.Instant.compare(approval.recordedAt, at) <= 0)
  for (const change of changes) {
    const wanted = parseSettings(change.content, { sandbox })
    const { settings } = folded
    const needed = isLoosening(settings, wanted) ? approvalsToLoosen(settings) : 0
    const of = { ledger, kind: 'settings', subject: change.change, hash: changeHash(ledger, change, wanted) } as const
    const except = new Set(change.proposedBy === null ? [] : [change.proposedBy])
    const persons = needed === 0 ? [] : [...personsApproving(given, approvers, { of, except, until: at }).keys()]
    const isApproved = persons.length >= needed
    folded = {
      settings: isApproved ? wanted : strictest(settings, wanted),
      number: change.number,
      pending: isApproved ? null : { change, wanted, needed, given: persons },
    }
  }
  return folded
}

export function changeHash(ledger: string, { number, proposedBy }: SettingsChange, settings: Settings): string {
  return settingsHash({ ledger, number, settings, proposedBy })
}
