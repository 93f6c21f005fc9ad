// That nothing left, and no plan came to be, without the approvals that the ledger's settings asked for at that time. Signatures are
// checked anew; clocks of several servers may differ by the minutes that an approval may.

import type { PoolClient } from 'pg'
import { APPROVAL_SKEW_MINUTES, draftHash, isPayoutApproved, payoutHash, personsApproving, type Approval } from '../../core/approval.ts'
import type { Json } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import { foldSettings, type Settings } from '../../core/settings.ts'
import { approvalsAsked, approvalsOf, approversOf } from '../../store/approval.ts'
import type { PlanVersionRow } from '../../store/ledger.ts'
import { draftsOf, type DraftRow } from '../../store/plan-draft.ts'
import { offeredPayouts, type OfferedPayout } from '../../store/verify-approvals.ts'
import type { Ledger } from '../ledger.ts'
import { readSettings } from '../settings.ts'
import type { Reading } from './books.ts'
import type { Findings } from './findings.ts'

export type Policing = {
  /** The settings under which something was done that names the change it knew of; null when they cannot be read. */
  readonly under: (number: number, at: Temporal.Instant) => Settings | null
  /** The number of a change that must have been known by then, if one was missed. */
  readonly missed: (number: number, at: Temporal.Instant) => number | null
  /** By asset, the least that any settings ever let go without asking. */
  readonly leastAbove: Readonly<Record<string, bigint>>
  readonly approvers: Awaited<ReturnType<typeof approversOf>>
}

const SKEW = { minutes: APPROVAL_SKEW_MINUTES }

/** Reads what was asked for, at all times. A change that cannot be read is a break by itself. */
export async function readPolicing(client: PoolClient, ledger: Ledger, now: Temporal.Instant, findings: Findings): Promise<Policing> {
  try {
    const { folding } = await readSettings(client, ledger, now)
    const { changes } = folding
    const memo = new Map<string, Settings>()
    const leastAbove: Record<string, bigint> = {}
    const under = (number: number, at: Temporal.Instant): Settings => {
      const until = at.add(SKEW)
      const known = folding.approvals.filter(({ recordedAt }) => Temporal.Instant.compare(recordedAt, until) <= 0).length
      return memo.getOrInsertComputed(`${number} ${known}`, () => {
        return foldSettings({ ...folding, changes: changes.filter((change) => change.number <= number) }, until).settings
      })
    }
    for (const { number, at } of changes) {
      for (const [asset, units] of Object.entries(under(number, at).payout_approval_above)) {
        const least = leastAbove[asset]
        leastAbove[asset] = least === undefined || BigInt(units) < least ? BigInt(units) : least
      }
    }
    const missed = (number: number, at: Temporal.Instant): number | null => {
      const sure = at.subtract(SKEW)
      return changes.find((change) => change.number > number && Temporal.Instant.compare(change.at, sure) <= 0)?.number ?? null
    }
    return { under, missed, leastAbove, approvers: await approversOf(client, ledger.id) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    findings.broken('approval', {}, { expected: 'settings that can be read', found: error.message })
    return { under: () => null, missed: () => null, leastAbove: {}, approvers: [] }
  }
}

/** Versions after the first: each has the approvals and the notice that were asked for when it came to be. */
export async function checkPlanApprovals(
  client: PoolClient,
  { ledger, versions, policing, findings }: { ledger: Ledger; versions: readonly PlanVersionRow[]; policing: Policing; findings: Findings },
): Promise<void> {
  // The first came with its ledger: nobody was there to be asked.
  findings.looked('approval', Math.min(versions.length, 1))
  if (versions.length < 2) return
  const drafts = new Map((await draftsOf(client, ledger.id, { open: false })).map((draft) => [draft.version, draft]))
  const approvals = Map.groupBy(await approvalsOf(client, [...drafts.values()].map(({ draft }) => draft)), ({ subject }) => subject)
  for (const version of versions.slice(1)) {
    const { settings: number, created_at: at, effective_from: from } = version
    const settings = policing.under(number, at)
    if (settings === null) return
    findings.looked('approval')
    const where = { plan_version: version.version }
    const missed = policing.missed(number, at)
    if (missed !== null) findings.broken('approval', where, { expected: `under change ${missed} of the settings`, found: `under change ${number}` })
    const earliest = at.add({ seconds: settings.plan_notice_seconds })
    if (from === null || Temporal.Instant.compare(from, earliest) < 0) {
      findings.broken('approval', where, { expected: `in force from ${earliest.toString()} or later`, found: from?.toString() ?? 'from the beginning' })
    }
    const { plan_approvals: needed } = settings
    if (needed === 0) continue
    const given = personsOf(ledger, { version, draft: drafts.get(version.version) ?? null, approvals, policing })
    if (given < needed) findings.broken('approval', where, { expected: `${needed} persons who approved it`, found: `${given}` })
  }
}

function personsOf(
  ledger: Ledger,
  { version, draft, approvals, policing: { approvers } }: {
    version: PlanVersionRow
    draft: DraftRow | null
    approvals: ReadonlyMap<string, readonly Approval[]>
    policing: Policing
  },
): number {
  if (draft === null || (draft.effective_from !== null && version.effective_from?.equals(draft.effective_from) !== true)) return 0
  const hash = draftHash({ ledger: ledger.id, plan: version.content as Json, effectiveFrom: draft.effective_from })
  const of = { ledger: ledger.id, kind: 'plan', subject: draft.draft, hash } as const
  const given = (approvals.get(draft.draft) ?? []).filter(({ recordedAt }) => Temporal.Instant.compare(recordedAt, version.created_at.add(SKEW)) <= 0)
  return personsApproving(given, approvers, { of, except: new Set(draft.authors), until: version.created_at }).size
}

/** Payouts looked at in one go. */
const PAGE = 2000

/** Payouts that were ever offered to a network: each above what went without asking then has a person's approval of just that. */
export async function checkPayoutApprovals(
  { lane, position, snapshot, findings, ledger, policing }: Reading & { readonly ledger: Ledger; readonly policing: Policing },
): Promise<void> {
  if (Object.keys(policing.leastAbove).length === 0) return
  let after: OfferedPayout | null = null
  for (let full = true; full && findings.room() > 0; ) {
    const page: readonly OfferedPayout[] = await offeredPayouts(snapshot, { lane, above: policing.leastAbove, after, limit: PAGE })
    const approvals = Map.groupBy(await approvalsAsked(async (asked) => await snapshot.rows(asked), [...new Set(page.map(({ payout }) => payout))]), ({ subject }) => subject)
    for (const row of page) checkOffered(row, approvals.get(row.payout) ?? [], { position, findings, ledger, policing })
    after = page.at(-1) ?? null
    full = page.length === PAGE
  }
}

function checkOffered(
  row: OfferedPayout,
  approvals: readonly Approval[],
  { position, findings, ledger, policing }: { position: number; findings: Findings; ledger: Ledger; policing: Policing },
): void {
  const { payout, event, attempt, asset, units, destination, settings: number, prepared_at: at } = row
  const settings = policing.under(number, at)
  if (settings === null) return
  findings.looked('approval')
  const where = { lane: position, event, payout, attempt }
  const missed = policing.missed(number, at)
  if (missed !== null) findings.broken('approval', where, { expected: `under change ${missed} of the settings`, found: `under change ${number}` })
  const above = settings.payout_approval_above[asset]
  if (above === undefined || units <= BigInt(above)) return
  const hash = payoutHash({ ledger: ledger.id, payout, asset, units, destination: destination as Json })
  const of = { ledger: ledger.id, kind: 'payout', subject: payout, hash } as const
  const given = approvals.filter(({ recordedAt }) => Temporal.Instant.compare(recordedAt, at.add(SKEW)) <= 0)
  if (isPayoutApproved(given, policing.approvers, { of, at })) return
  findings.broken('approval', where, { expected: `a person's approval of ${units} units, which is above ${above}`, found: 'none that counts' })
}
