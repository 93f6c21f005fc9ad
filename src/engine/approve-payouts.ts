// A person lets payouts go that wait for one, or turns them away. Each is decided by itself: one that is refused takes nobody down.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { approversOf, insertApprovals } from '../store/approval.ts'
import { holdRejected, lockPayouts, queueApproved } from '../store/await-payouts.ts'
import { findPayouts, type PayoutRow } from '../store/payout.ts'
import { inTransaction } from '../store/statement.ts'
import { approvalOf } from './await-approval.ts'
import { checkApproval, type GivenApproval } from './check-approval.ts'
import type { Ledger } from './ledger.ts'
import { requireRight, type Person } from './person.ts'
import { checkReason } from './reason.ts'
import { UUID } from './read-ledger.ts'
import type { Desk } from './world.ts'

/** Payouts decided about in one call: as many as one transaction checks in a moment. */
export const MAX_DECIDED = 500

export type PayoutApproval = { readonly payout: string; readonly approval: GivenApproval }

export type Decided = { readonly payout: string; readonly refusal: Refusal | null }

/**
 * Approves payouts, each answered by itself in the order given: null, or why not (`payout_not_found`, `payout_locked` for one that waits
 * for no approval, and as `checkApproval` refuses). Refuses `permission_missing`, `field_malformed` for too many or one twice.
 */
export async function approvePayouts(
  desk: Pick<Desk, 'store' | 'now' | 'id'>,
  ledger: Ledger,
  person: Person,
  given: readonly PayoutApproval[],
): Promise<readonly Decided[]> {
  requireRight(person, 'approve')
  return await decide(desk, ledger, given.map(({ payout }) => payout), async (client, rows) => {
    const approvers = await approversOf(client, ledger.id)
    const checked = given.map(({ payout, approval }) =>
      refusalOr(() => {
        const row = requireWaiting(ledger, rows, payout, isRejected)
        const of = approvalOf(ledger, row)
        // What waits has no approval that counts: an earlier one has run out, or names another destination.
        return checkApproval(desk, { person, of, given: approval, except: new Set(), approvals: [], approvers })
      }),
    )
    const sound = checked.flatMap((one) => (one instanceof Refusal ? [] : [one]))
    if (sound.length > 0) {
      await insertApprovals(client, sound)
      await queueApproved(client, { lanes: ledger.lanes, payouts: sound.map(({ subject }) => subject), at: desk.now() })
    }
    return checked.map((one) => (one instanceof Refusal ? one : null))
  })
}

/**
 * Turns payouts away that wait for an approval: they are held as `rejected`, owed as before, until somebody approves them after all.
 * Refuses `permission_missing`, `field_malformed`; each is answered as `approvePayouts` does.
 */
export async function rejectPayouts(
  desk: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  person: Person,
  { payouts, reason }: { payouts: readonly string[]; reason: string },
): Promise<readonly Decided[]> {
  requireRight(person, 'approve')
  const why = present(checkReason(reason), 'reason')
  return await decide(desk, ledger, payouts, async (client, rows) => {
    const checked = payouts.map((payout) => refusalOr(() => requireWaiting(ledger, rows, payout, () => false)))
    const waiting = checked.flatMap((one) => (one instanceof Refusal ? [] : [one.payout]))
    await holdRejected(client, { lanes: ledger.lanes, payouts: waiting, at: desk.now(), detail: `${person.name}: ${why}` })
    return checked.map((one) => (one instanceof Refusal ? one : null))
  })
}

async function decide(
  { store }: Pick<Desk, 'store'>,
  ledger: Ledger,
  payouts: readonly string[],
  work: (client: PoolClient, rows: ReadonlyMap<string, PayoutRow>) => Promise<readonly (Refusal | null)[]>,
): Promise<readonly Decided[]> {
  if (payouts.length === 0 || payouts.length > MAX_DECIDED || new Set(payouts).size < payouts.length) {
    throw new Refusal('field_malformed', `payouts must be 1 to ${MAX_DECIDED} different ones; ${payouts.length} were given, of them ${new Set(payouts).size} different`, {
      field: 'payouts',
      given: payouts.length,
    })
  }
  const ids = payouts.filter((payout) => UUID.test(payout))
  return await inTransaction(store.pool, async (client) => {
    await lockPayouts(client, { lanes: ledger.lanes, payouts: ids })
    const rows = new Map((await findPayouts(client, ledger.lanes, ids)).map((row) => [row.payout, row]))
    const refusals = await work(client, rows)
    return payouts.map((payout, place) => ({ payout, refusal: refusals[place] ?? null }))
  })
}

function isRejected({ state, reason }: PayoutRow): boolean {
  return state === 'held' && reason === 'rejected'
}

function requireWaiting(ledger: Ledger, rows: ReadonlyMap<string, PayoutRow>, payout: string, orElse: (row: PayoutRow) => boolean): PayoutRow {
  const row = rows.get(payout)
  if (row === undefined) {
    throw new Refusal('payout_not_found', `the ledger ${ledger.name} has no payout ${JSON.stringify(payout.slice(0, 80))}`, { payout: payout.slice(0, 80) })
  }
  if (row.state === 'awaiting_approval' || orElse(row)) return row
  const why = row.reason === null ? '' : ` (${row.reason})`
  throw new Refusal('payout_locked', `payout ${payout} is ${row.state}${why}: it waits for no approval`, { payout, state: row.state })
}

function refusalOr<T>(check: () => T): T | Refusal {
  try {
    return check()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
