// The gate before signing: payouts above what their ledger pays without asking go on only with a person's approval, the others wait for
// one. The signer asks the same questions of its own reading; this gate only keeps what it would refuse from being offered.

import { isPayoutApproved, payoutHash, type Approved } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import type { Settings } from '../core/settings.ts'
import { approvalsOf, approversOf } from '../store/approval.ts'
import { awaitApprovals, hasAwaiting, releaseUnasked } from '../store/await-payouts.ts'
import type { PayoutRow } from '../store/payout.ts'
import { lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import type { Ledger } from './ledger.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

/** What an approval of this payout names. */
export function approvalOf(ledger: Ledger, { payout, asset, units, destination }: PayoutRow): Approved {
  const hash = payoutHash({ ledger: ledger.id, payout, asset, units, destination: present(destination, 'destination of a payout that waits') })
  return { ledger: ledger.id, kind: 'payout', subject: payout, hash }
}

/**
 * Those of the due payouts that may go. The others wait for a person from now on: those for whom one is asked still when they begin to.
 * Whoever changes the settings meanwhile lets go what waits already, and would not see what begins to wait by the settings before.
 */
export async function passApproved(
  { store, now }: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  { due, settings: { payout_approval_above: above } }: { due: readonly PayoutRow[]; settings: Settings },
): Promise<readonly PayoutRow[]> {
  const asked = due.filter((row) => isAsked(row, above))
  if (asked.length === 0) return due
  const [approvals, approvers] = await Promise.all([approvalsOf(store.pool, asked.map(({ payout }) => payout)), approversOf(store.pool, ledger.id)])
  const bySubject = Map.groupBy(approvals, ({ subject }) => subject)
  const at = now()
  const waiting = asked.filter((row) => !isPayoutApproved(bySubject.get(row.payout) ?? [], approvers, { of: approvalOf(ledger, row), at }))
  if (waiting.length === 0) return due
  await inTransaction(store.pool, async (client) => {
    await lockSettings(client, ledger.id, 'shared')
    const { settings } = await readSettings(client, ledger, now())
    const still = waiting.filter((row) => isAsked(row, settings.payout_approval_above))
    if (still.length > 0) await awaitApprovals(client, { lanes: ledger.lanes, payouts: still.map(({ payout }) => payout), at })
  })
  // Of whom nobody is asked for any more the next round decides, by the settings as they are then.
  const held = new Set(waiting)
  return due.filter((row) => !held.has(row))
}

/**
 * Lets go what waits on a lane for an approval that is not asked for: it began to wait by a clock that was behind that of whoever asked for
 * less, and whoever asked for less did not see it.
 */
export async function recheckAwaiting({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, lane: bigint): Promise<void> {
  if (!(await hasAwaiting(store.pool, lane))) return
  await inTransaction(store.pool, async (client) => {
    await lockSettings(client, ledger.id, 'shared')
    const at = now()
    const { settings } = await readSettings(client, ledger, at)
    await releaseUnasked(client, { lanes: [lane], above: settings.payout_approval_above, at })
  })
}

function isAsked({ asset, units }: PayoutRow, above: Settings['payout_approval_above']): boolean {
  return above[asset] !== undefined && units > BigInt(above[asset])
}
