// Turns new shares into payouts: each share once, by the cursor of its lane and the key of its transfer. A share without a known
// recipient or wallet becomes a payout that waits and says why.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { roleOfPart } from '../core/part.ts'
import type { PayoutHold } from '../core/payout.ts'
import { movePayoutTransfer, newLargeShares, unpaidDistribution } from '../store/distribution.ts'
import { requeueHeld } from '../store/held-payout.ts'
import { lastTransfer } from '../store/journal.ts'
import {
  hasWalletless, insertPayouts, isBeyondCursor, lockPayoutCursor, movePayoutCursor, nameDestinations, nameWallets, newShares, type NewShare,
} from '../store/payout.ts'
import { inTransaction } from '../store/statement.ts'
import { walletsOf } from '../store/wallet.ts'
import { newestPlan, planVersion, refreshNewPlans, type Ledger } from './ledger.ts'
import { payingWalletOf } from './wallet.ts'
import type { Desk } from './world.ts'

/** Shares made into payouts in one transaction. */
const MAX_SHARES = 5000
/** Payouts looked at again in one go because something they waited for may be there. */
const MAX_RECHECKED = 1000
/** Payouts whose time has come that are queued in one statement: more than the signer and the network take in that time. */
const MAX_REQUEUED = 5000
/** What waits for something else than time is looked at again this much later, should the sign that it came be lost. */
export const RECHECK_AFTER = { minutes: 15 }

/**
 * Makes payouts of a lane's new shares. Answers how many; as many as the limit means that there may be more. While the ledger has no
 * wallet to pay from, they wait and say so.
 */
export async function makePayouts(desk: Desk, ledger: Ledger, lane: bigint): Promise<number> {
  const made = await makeNew(desk, ledger, lane)
  return made > 0 ? made : await makeOfLarge(desk, ledger, lane)
}

async function makeNew(desk: Desk, ledger: Ledger, lane: bigint): Promise<number> {
  // Asked without the cursor's lock, which costs a transaction of its own: an idle lane writes nothing.
  if (!(await isBeyondCursor(desk.store.pool, lane))) return 0
  const newest = newestPlan(ledger).version
  const made = await inTransaction(desk.store.pool, async (client) => await makeFromCursor(client, desk, { ledger, lane }))
  if (made !== 'new plan') return made
  await refreshNewPlans(desk, ledger, newest)
  return await makeNew(desk, ledger, lane)
}

/** Of shares of large distributions, which the cursor passes over: they are paid when the last of them is posted. */
async function makeOfLarge(desk: Desk, ledger: Ledger, lane: bigint): Promise<number> {
  if ((await unpaidDistribution(desk.store.pool, lane)) === null) return 0
  return await inTransaction(desk.store.pool, async (client) => {
    await lockPayoutCursor(client, lane)
    const found = await unpaidDistribution(client, lane)
    if (found === null) return 0
    const { event, digest, payout_transfer: after, last_transfer: last } = found
    const upTo = present(last, 'last share')
    const shares = await newLargeShares(client, { ledger: ledger.id, lane, event, digest, after, upTo, limit: MAX_SHARES })
    await insertShares(client, desk, { ledger, lane, shares })
    await movePayoutTransfer(client, found, shares.length < MAX_SHARES ? upTo : present(shares.at(-1), 'share').transfer)
    return shares.length
  })
}

type At = { readonly ledger: Ledger; readonly lane: bigint }

async function makeFromCursor(client: PoolClient, desk: Pick<Desk, 'now' | 'id'>, { ledger, lane }: At): Promise<number | 'new plan'> {
  const cursor = await lockPayoutCursor(client, lane)
  const head = await lastTransfer(client, lane)
  const shares = await newShares(client, { ledger: ledger.id, lane, after: cursor, limit: MAX_SHARES })
  if (shares.some(({ plan }) => !ledger.plans.some(({ version }) => version === plan))) return 'new plan'
  const last = shares.at(-1)?.transfer ?? cursor
  // All shares up to the head as it was read before them are among these, unless there were too many. What else stands there is no
  // share and need not be read again: payouts make twice as many transfers as shares do.
  const next = shares.length < MAX_SHARES && head > last ? head : last
  if (next > cursor) await movePayoutCursor(client, lane, next)
  await insertShares(client, desk, { ledger, lane, shares })
  return shares.length
}

async function insertShares(client: PoolClient, desk: Pick<Desk, 'now' | 'id'>, { ledger, lane, shares }: At & { readonly shares: readonly NewShare[] }): Promise<void> {
  if (shares.length === 0) return
  const wallet = payingWalletOf(await walletsOf(client, ledger.id))?.id ?? null
  const payouts = shares.map((share) => {
    const role = present(roleOfPart(planVersion(ledger, share.plan), share.part), `role of part ${share.part}`)
    const reason = obstacleOf(share, role, wallet)
    return { ...share, payout: desk.id(), role, wallet, state: reason === null ? ('queued' as const) : ('held' as const), reason }
  })
  await insertPayouts(client, lane, payouts, desk.now())
}

function obstacleOf({ recipient_known: known, destination }: NewShare, role: string, wallet: string | null): PayoutHold | null {
  if (destination === null) return known ? 'no_wallet' : `${role}_unknown`
  return wallet === null ? 'no_paying_wallet' : null
}

/** Queues held payouts whose obstacle may have gone: a wallet was named, or it is time to try again. True when there may be more of them. */
export async function recheckHeld(desk: Desk, ledger: Ledger, lane: bigint): Promise<boolean> {
  const now = desk.now()
  const recheckAt = now.add(RECHECK_AFTER)
  const wallet = (await hasWalletless(desk.store.pool, lane)) ? payingWalletOf(await walletsOf(desk.store.pool, ledger.id)) : null
  if (wallet !== null) await nameWallets(desk.store.pool, { lane, wallet: wallet.id, now, limit: MAX_SHARES })
  await nameDestinations(desk.store.pool, { ledger: ledger.id, lane, now, recheckAt, limit: MAX_RECHECKED })
  return (await requeueHeld(desk.store.pool, { lane, now, recheckAt, limit: MAX_REQUEUED })) === MAX_REQUEUED
}
