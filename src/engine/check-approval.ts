// Whether an approval that somebody gives is one: by a person who may, for what stands there now, sealed, and not given before.

import { APPROVAL_SKEW_MINUTES, approvalStatement, personsApproving, type Approval, type Approved, type Approver } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import { clip } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { isSealed } from '../core/seal.ts'
import { requireRight, type Person } from './person.ts'
import type { Desk } from './world.ts'

/** An approval as its person gives it: what was looked at, when, and the seal on it. */
export type GivenApproval = Pick<Approval, 'hash' | 'preview' | 'at' | 'signature'>

type Checked = {
  readonly person: Person
  readonly of: Approved
  readonly given: GivenApproval
  /** Who may not: those who proposed it. */
  readonly except: ReadonlySet<string>
  /** Approvals of the same subject that came before, and those who may give any. */
  readonly approvals: readonly Approval[]
  readonly approvers: readonly Approver[]
}

/**
 * The approval as it is written down. Refuses `permission_missing`, `approval_mismatch` when something else stands there now,
 * `approval_forbidden` for who proposed it, `approval_invalid` for a date or signature that is none, `approval_conflict` when the person
 * approved the same before.
 */
export function checkApproval(
  { id, now }: Pick<Desk, 'id' | 'now'>,
  { person, of, given, except, approvals, approvers }: Checked,
): Approval & { readonly id: string } {
  requireRight(person, 'approve')
  requireSame(of, given.hash)
  const key = present(person.key, 'key of a person who may approve')
  if (except.has(key)) {
    throw new Refusal('approval_forbidden', `${person.name} proposed this: another person approves it`, { by: person.name, subject: of.subject })
  }
  const recordedAt = now()
  const approval = { ...of, ...given, hash: of.hash, key, recordedAt, id: id() }
  checkSeal(approval, approvers)
  if (personsApproving(approvals, approvers, { of, except, until: recordedAt }).has(key)) {
    throw new Refusal('approval_conflict', `${person.name} approved this already: what is missing is another person's approval`, {
      by: person.name,
      subject: of.subject,
    })
  }
  return approval
}

/** Refuses `approval_mismatch`: whoever approves names what they looked at, and it is not what stands there. */
export function requireSame({ subject, hash }: Approved, given: string): void {
  if (given === hash) return
  throw new Refusal('approval_mismatch', `${clip(given, 80)} is not what stands there now, which is ${hash}: look at it again, then approve that`, {
    subject,
    given: clip(given, 80),
    current: hash,
  })
}

function checkSeal(approval: Approval, approvers: readonly Approver[]): void {
  const { key, at, recordedAt, signature } = approval
  const [earliest, latest] = [recordedAt.subtract({ minutes: APPROVAL_SKEW_MINUTES }), recordedAt.add({ minutes: APPROVAL_SKEW_MINUTES })]
  if (Temporal.Instant.compare(at, earliest) < 0 || Temporal.Instant.compare(at, latest) > 0) {
    const message = `approved_at is ${at.toString()}, more than ${APPROVAL_SKEW_MINUTES} minutes from ${recordedAt.toString()}: set the clock and sign again`
    throw new Refusal('approval_invalid', message, { field: 'approved_at', value: at.toString(), now: recordedAt.toString() })
  }
  const approver = approvers.find((one) => one.key === key)
  if (approver !== undefined && isSealed(approver.publicKey, approvalStatement(approval), signature)) return
  throw new Refusal('approval_invalid', 'the signature is not that of this person under this statement: sign the line that `npx apportion approval list --json` shows', {
    field: 'signature',
    subject: approval.subject,
  })
}
