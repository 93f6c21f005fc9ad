// What waits for a person, with all that the person has to look at and sign.

import { approvalStatement, type Approved } from '../core/approval.ts'
import { changeHash } from '../core/settings.ts'
import { approvalsOf, approversOf, waitingForApproval, type Waiting } from '../store/approval.ts'
import { findPayouts } from '../store/payout.ts'
import { draftsOf } from '../store/plan-draft.ts'
import { namesOfKeys } from './api-key.ts'
import { approvalOf } from './await-approval.ts'
import { ageSeconds, amountDocument, type AmountDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { malformedCursor, nextCursor, type Page } from './page.ts'
import { UUID } from './read-ledger.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

export type WaitingDocument = {
  readonly kind: Approved['kind']
  /** The draft, payout or change of settings. */
  readonly subject: string
  /** Of what is approved: an approval names it. */
  readonly hash: string
  /** The line to sign, but for its end: a tab, the preview's hash or `-`, another tab, and the instant with six digits of a second. */
  readonly statement: string
  readonly since: string
  readonly age_seconds: number
  readonly payout: (AmountDocument & { readonly recipient: string; readonly destination: string }) | null
}

type Reader = Pick<Desk, 'store' | 'now' | 'rails'>

/** What waits, the longest first; a change of settings on the first page. Refuses `cursor_malformed`. */
export async function waitingApprovals(reader: Reader, ledger: Ledger, { cursor, limit }: { cursor: string | null; limit: number }): Promise<Page<WaitingDocument>> {
  const { store, now } = reader
  const at = now()
  const after = cursor === null ? null : placeOf(cursor)
  const waiting = await waitingForApproval(store.pool, { ledger: ledger.id, lanes: ledger.lanes, after, limit })
  const drafts = new Map((await draftsOf(store.pool, ledger.id, { open: true })).map((draft) => [draft.draft, draft]))
  const payouts = new Map((await findPayouts(store.pool, ledger.lanes, waiting.flatMap(({ kind, subject }) => (kind === 'payout' ? [subject] : [])))).map((row) => [row.payout, row]))
  const document = (of: Approved, since: Temporal.Instant, payout: WaitingDocument['payout']): WaitingDocument => {
    return { kind: of.kind, subject: of.subject, hash: of.hash, statement: statementStart(of), since: since.toString(), age_seconds: ageSeconds(since, at), payout }
  }
  const items = waiting.flatMap(({ kind, subject, since }: Waiting): WaitingDocument[] => {
    const [draft, payout] = [drafts.get(subject), payouts.get(subject)]
    if (kind === 'plan') return draft === undefined ? [] : [document({ ledger: ledger.id, kind, subject, hash: draft.hash }, since, null)]
    if (payout === undefined || payout.destination === null) return []
    const destination = reader.rails[ledger.row.rail]?.describe(payout.destination) ?? JSON.stringify(payout.destination)
    return [document(approvalOf(ledger, payout), since, { ...amountDocument(payout.units, payout.asset), recipient: payout.recipient, destination })]
  })
  const { pending } = await readSettings(store.pool, ledger, at)
  const settings = pending === null || cursor !== null
    ? []
    : [document({ ledger: ledger.id, kind: 'settings', subject: pending.change.change, hash: changeHash(ledger.id, pending.change, pending.wanted) }, pending.change.at, null)]
  return { items: [...settings, ...items], next: nextCursor(waiting, limit, ({ since, subject }) => Buffer.from(`${since.toString()} ${subject}`).toString('base64url')) }
}

/** What stands before the preview and the instant of the person who signs. */
function statementStart(of: Approved): string {
  const whole = approvalStatement({ ...of, preview: null, at: Temporal.Instant.fromEpochMilliseconds(0) })
  return whole.split('\t').slice(0, -2).join('\t')
}

function placeOf(cursor: string): { since: Temporal.Instant; subject: string } {
  const [at = '', subject = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ')
  try {
    if (UUID.test(subject)) return { since: Temporal.Instant.from(at), subject }
  } catch {
    // Not ours either.
  }
  throw malformedCursor(cursor)
}

export type GivenApprovalDocument = {
  readonly kind: Approved['kind']
  readonly subject: string
  readonly hash: string
  readonly preview: string | null
  readonly by: string
  readonly at: string
  readonly signature: string
  readonly public_key: string
  readonly statement: string
}

/** The approvals that were ever given for a draft, a payout or a change of settings, with all that it takes to check them. */
export async function approvalsGiven({ store }: Pick<Desk, 'store'>, ledger: Ledger, subject: string): Promise<readonly GivenApprovalDocument[]> {
  const found = UUID.test(subject) ? await approvalsOf(store.pool, [subject]) : []
  const [names, approvers] = [await namesOfKeys(store.pool, ledger), await approversOf(store.pool, ledger.id)]
  return found
    .filter((approval) => approval.ledger === ledger.id)
    .map(({ kind, hash, preview, key, at, signature, ...rest }) => ({
      ...{ kind, subject, hash, preview },
      by: names.get(key) ?? key,
      at: at.toString(),
      signature: signature.toBase64(),
      public_key: approvers.find((approver) => approver.key === key)?.publicKey.toBase64() ?? '',
      statement: approvalStatement({ kind, hash, preview, at, ledger: rest.ledger, subject }),
    }))
}
