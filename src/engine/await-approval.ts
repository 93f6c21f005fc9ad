// The gate before signing: payouts above what their ledger pays without asking go on only with a person's approval, the others wait for
// one. The signer asks the same questions of its own reading; this gate only keeps what it would refuse from being offered.

import { isPayoutApproved, payoutHash, type Approved } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import type { Settings } from '../core/settings.ts'
import { approvalsOf, approversOf } from '../store/approval.ts'
import { awaitApprovals, releaseUnasked } from '../store/await-payouts.ts'
import type { DuePayout, PayoutRow } from '../store/payout.ts'
import type { Ledger } from './ledger.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

/** What an approval of this payout names. */
export function approvalOf(ledger: Ledger, { payout, asset, units, destination }: Pick<PayoutRow, 'payout' | 'asset' | 'units' | 'destination'>): Approved {
  const hash = payoutHash({ ledger: ledger.id, payout, asset, units, destination: present(destination, 'destination of a payout that waits') })
  return { ledger: ledger.id, kind: 'payout', subject: payout, hash }
}

/** Those of the due payouts that may go. The others wait for a person from now on. */
export async function passApproved(
  { store, now }: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  { due, settings: { payout_approval_above: above } }: { due: readonly DuePayout[]; settings: Settings },
): Promise<readonly DuePayout[]> {
  const asked = due.filter(({ asset, units }) => above[asset] !== undefined && units > BigInt(above[asset]))
  if (asked.length === 0) return due
  const [approvals, approvers] = await Promise.all([approvalsOf(store.pool, asked.map(({ payout }) => payout)), approversOf(store.pool, ledger.id)])
  const bySubject = Map.groupBy(approvals, ({ subject }) => subject)
  const at = now()
  const waiting = asked.filter((row) => !isPayoutApproved(bySubject.get(row.payout) ?? [], approvers, { of: approvalOf(ledger, row), at }))
  if (waiting.length === 0) return due
  await awaitApprovals(store.pool, { lanes: ledger.lanes, payouts: waiting.map(({ payout }) => payout), at })
  const held = new Set(waiting)
  return due.filter((row) => !held.has(row))
}

/**
 * Lets go what waits on a lane for an approval that is not asked for: it was put to wait by settings that were read before others loosened
 * them, or by a clock that was behind, and whoever loosened them did not see it.
 */
export async function recheckAwaiting({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, lane: bigint): Promise<void> {
  const at = now()
  const { settings } = await readSettings(store.pool, ledger, at)
  await releaseUnasked(store.pool, { lanes: [lane], above: settings.payout_approval_above, at })
}
