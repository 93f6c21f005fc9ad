// Approvals: what a person signs, what its hash is made of, and which approvals count. The server, the signer and `verify` all ask here,
// each with what it read itself. An approval never names less than what it lets happen.

import { canonicalJson, instantText, sha256 } from './canonical.ts'
import type { Json } from './effects.ts'
import { isSealed } from './seal.ts'

export type ApprovalKind = 'plan' | 'payout' | 'settings'

/** What is approved: a draft, a payout or a change of settings (`subject`, a UUID) of a ledger (its id), with the hash of its content. */
export type Approved = {
  readonly ledger: string
  readonly kind: ApprovalKind
  readonly subject: string
  readonly hash: string
}

export type Approval = Approved & {
  /** Hash of the preview that the person looked at, where there was one. */
  readonly preview: string | null
  readonly key: string
  /** When, by the person's own clock; it is part of what was signed. */
  readonly at: Temporal.Instant
  readonly signature: Uint8Array
  /** When it reached us. */
  readonly recordedAt: Temporal.Instant
}

/** A person who may approve, as the owner of the database wrote it down. */
export type Approver = { readonly key: string; readonly publicKey: Uint8Array; readonly revokedAt: Temporal.Instant | null }

/**
 * How long the approval of a payout holds: long enough for a weekend and an empty wallet, too short for one that lies about until
 * everybody has forgotten why it was given. Approvals of plans and settings name their content whole and need no limit.
 */
export const PAYOUT_APPROVAL_HOURS = 7 * 24

/** Most that a person's clock may differ from ours: an approval is dated by the person, inside what is signed. */
export const APPROVAL_SKEW_MINUTES = 5

/** The text that a person signs: one line, tabs between the parts, `-` for no preview. */
export function approvalStatement({ ledger, kind, subject, hash, preview, at }: Omit<Approval, 'key' | 'signature' | 'recordedAt'>): string {
  return ['apportion approval 1', kind, ledger, subject, hash, preview ?? '-', instantText(at)].join('\t')
}

function hashOf(content: Json): string {
  return sha256(canonicalJson(content)).toHex()
}

/** What approving a draft approves: this plan in this ledger from this instant (null: as soon as its notice allows). */
export function draftHash({ ledger, plan, effectiveFrom }: { ledger: string; plan: Json; effectiveFrom: Temporal.Instant | null }): string {
  return hashOf({ ledger, plan, effective_from: effectiveFrom === null ? null : instantText(effectiveFrom) })
}

/** What approving a payout approves: these units of this asset to this destination, once. */
export function payoutHash(payout: { ledger: string; payout: string; asset: string; units: bigint; destination: Json }): string {
  return hashOf({ ...payout, units: payout.units.toString() })
}

/** What approving a change of settings approves: these settings, as the change of this number, proposed by this person. */
export function settingsHash(change: { ledger: string; number: number; settings: Json; proposedBy: string | null }): string {
  return hashOf({ ledger: change.ledger, number: change.number, settings: change.settings, proposed_by: change.proposedBy })
}

/**
 * The persons, by key, whose approvals count for this and nothing else: sealed by the person, dated before their key was revoked and not
 * after `until` (but for a difference of clocks), and not by somebody who may not (`except`: who proposed it).
 */
export function personsApproving(
  approvals: readonly Approval[],
  approvers: readonly Approver[],
  { of, except, until }: { of: Approved; except: ReadonlySet<string>; until: Temporal.Instant },
): ReadonlyMap<string, Approval> {
  const latest = until.add({ minutes: APPROVAL_SKEW_MINUTES })
  const counted = new Map<string, Approval>()
  for (const approval of approvals) {
    const { key, at, signature, preview } = approval
    const approver = approvers.find((one) => one.key === key)
    const isSame = approval.ledger === of.ledger && approval.kind === of.kind && approval.subject === of.subject && approval.hash === of.hash
    if (approver === undefined || !isSame || except.has(key) || Temporal.Instant.compare(at, latest) > 0) continue
    if (approver.revokedAt !== null && Temporal.Instant.compare(at, approver.revokedAt) >= 0) continue
    if (isSealed(approver.publicKey, approvalStatement({ ...of, preview, at }), signature)) counted.set(key, approval)
  }
  return counted
}

/** Whether somebody's approval lets this payout go at an instant: one that still holds, of a person who is still one. */
export function isPayoutApproved(
  approvals: readonly Approval[],
  approvers: readonly Approver[],
  { of, at }: { of: Approved; at: Temporal.Instant },
): boolean {
  const oldest = at.subtract({ hours: PAYOUT_APPROVAL_HOURS })
  const young = approvals.filter((approval) => Temporal.Instant.compare(approval.at, oldest) >= 0)
  const present = approvers.filter(({ revokedAt }) => revokedAt === null || Temporal.Instant.compare(revokedAt, at) > 0)
  return personsApproving(young, present, { of, except: new Set(), until: at }).size > 0
}
