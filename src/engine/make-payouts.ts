// Turns new shares into payouts: each share once, by the cursor of its lane and the key of its transfer. A share without a known
// recipient or wallet becomes a payout that waits and says why.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { payableFrom, roleOfPart } from '../core/part.ts'
import type { PayoutHold } from '../core/payout.ts'
import { lastRun } from '../core/schedule.ts'
import { lockDistribution, movePayoutTransfer, newLargeShares, unpaidDistribution, type DistributionRow } from '../store/distribution.ts'
import { requeueHeld } from '../store/held-payout.ts'
import { lastTransfer } from '../store/journal.ts'
import {
  insertPayouts, isBeyondCursor, lastTransferBefore, lockPayoutCursor, movePayoutCursor, nameDestinations, nameWallets, newShares, payoutCursor, waitingFor,
  type NewPayout, type NewShare,
} from '../store/payout.ts'
import { hasOwing, lockCursor } from '../store/reversal.ts'
import { inTransaction, rows } from '../store/statement.ts'
import { walletsOf } from '../store/wallet.ts'
import { joinShares } from './join-shares.ts'
import { recheckAwaiting } from './await-approval.ts'
import { newestPlan, planVersion, refreshNewPlans, type Ledger } from './ledger.ts'
import { postKept } from './keep-back.ts'
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
 * wallet to pay from, they wait and say so. What a recipient owes is kept back first. A ledger with a schedule makes them of the shares that
 * were recorded before its last scheduled instant: whenever that is done, and by whom, it is done once, by the lane's cursor.
 */
export async function makePayouts(desk: Desk, ledger: Ledger, lane: bigint): Promise<number> {
  const { schedule } = ledger.program
  const at = { ledger, lane, before: schedule === undefined ? null : lastRun(schedule, desk.now()) }
  const made = await makeNew(desk, at)
  return made > 0 ? made : await makeOfLarge(desk, at)
}

/** `before`: shares that were recorded before this instant, the ledger's last scheduled one, become payouts now; null: all. */
type At = { readonly ledger: Ledger; readonly lane: bigint; readonly before: Temporal.Instant | null }

/** `again`: somebody else was first, and what was read is no longer so. */
type Made = number | 'new plan' | 'owing' | 'again'

/** How far the shares of a lane go that become payouts now; null: as far as there are any. */
async function endOf(on: Parameters<typeof lastTransferBefore>[0], { lane, before }: At): Promise<bigint | null> {
  return before === null ? null : await lastTransferBefore(on, lane, before)
}

async function makeNew(desk: Desk, at: At): Promise<number> {
  const { ledger, lane } = at
  // Asked without the cursor's lock, which costs a transaction of its own: an idle lane writes nothing.
  if (!(await isBeyondCursor(desk.store.pool, lane, await endOf(desk.store.pool, at)))) return 0
  const newest = newestPlan(ledger).version
  const first = await inTransaction(desk.store.pool, async (client) => await makeFromCursor(client, desk, at))
  const made = first === 'owing' ? await makeKeepingBack(desk, at) : first
  if (typeof made === 'number') return made
  if (made === 'new plan') await refreshNewPlans(desk, ledger, newest)
  return await makeNew(desk, at)
}

async function makeFromCursor(client: PoolClient, desk: Pick<Desk, 'now' | 'id'>, at: At): Promise<Made> {
  const { ledger, lane } = at
  const cursor = await lockPayoutCursor(client, lane)
  const head = (await endOf(client, at)) ?? (await lastTransfer(client, lane))
  const shares = await newShares(client, { ledger: ledger.id, lane, after: cursor, upTo: head, limit: MAX_SHARES })
  if (!areKnown(ledger, shares)) return 'new plan'
  // Whoever comes to owe holds the cursor's lock meanwhile.
  if (shares.length > 0 && (await hasOwing(client, lane))) return 'owing'
  const last = shares.at(-1)?.transfer ?? cursor
  // All shares up to the head as it was read before them are among these, unless there were too many. What else stands there is no
  // share and need not be read again: payouts make twice as many transfers as shares do.
  const next = shares.length < MAX_SHARES && head > last ? head : last
  if (next > cursor) await rows(client, movePayoutCursor(lane, next))
  await insertShares(client, desk, { ...at, shares })
  return shares.length
}

/** The same where recipients owe. Shares never change, so that they can be read before the lane is locked. */
async function makeKeepingBack(desk: Desk, at: At): Promise<Made> {
  const { ledger, lane } = at
  const { pool } = desk.store
  const place = await payoutCursor(pool, lane)
  const upTo = (await endOf(pool, at)) ?? (await lastTransfer(pool, lane))
  const shares = await newShares(pool, { ledger: ledger.id, lane, after: place, upTo, limit: MAX_SHARES })
  if (!areKnown(ledger, shares)) return 'new plan'
  const last = shares.at(-1)?.transfer ?? place
  return await keepBack(desk, at, { shares, place, guards: [lockCursor(lane)], move: movePayoutCursor(lane, last) })
}

/** Of shares of large distributions, which the cursor passes over: they are paid when the last of them is posted. */
async function makeOfLarge(desk: Desk, at: At): Promise<number> {
  const { ledger, lane, before } = at
  if ((await unpaidDistribution(desk.store.pool, lane, before)) === null) return 0
  const first = await inTransaction(desk.store.pool, async (client) => {
    await lockPayoutCursor(client, lane)
    const found = await unpaidDistribution(client, lane, before)
    if (found === null) return 0
    if (await hasOwing(client, lane)) return 'owing'
    const { shares, move } = await largeShares(client, ledger, found)
    await insertShares(client, desk, { ...at, shares })
    await rows(client, move)
    return shares.length
  })
  const made = first === 'owing' ? await makeOfLargeKeepingBack(desk, at) : first
  return typeof made === 'number' ? made : await makeOfLarge(desk, at)
}

async function makeOfLargeKeepingBack(desk: Desk, at: At): Promise<Made> {
  const found = await unpaidDistribution(desk.store.pool, at.lane, at.before)
  if (found === null) return 'again'
  const { shares, move } = await largeShares(desk.store.pool, at.ledger, found)
  return await keepBack(desk, at, { shares, place: found.payout_transfer, guards: [lockCursor(at.lane), lockDistribution(found)], move })
}

type Kept = Pick<Parameters<typeof postKept>[2], 'shares' | 'place' | 'guards' | 'move'>

async function keepBack(desk: Desk, { ledger, lane }: At, { shares, place, guards, move }: Kept): Promise<number | 'again'> {
  const wallet = payingWalletOf(await walletsOf(desk.store.pool, ledger.id))?.id ?? null
  const payoutOfShares = (joined: readonly NewShare[], left: { payout: string; units: bigint }): NewPayout => payoutOf(joined, { ledger, wallet, ...left })
  return await postKept(desk, { ledger, lane }, { shares, place, guards, move, payoutOfShares })
}

async function largeShares(on: Parameters<typeof newLargeShares>[0], ledger: Ledger, found: DistributionRow) {
  const { lane, event, digest, payout_transfer: after, last_transfer: last } = found
  const upTo = present(last, 'last share')
  const shares = await newLargeShares(on, { ledger: ledger.id, lane, event, digest, after, upTo, limit: MAX_SHARES })
  return { shares, move: movePayoutTransfer(found, shares.length < MAX_SHARES ? upTo : present(shares.at(-1), 'share').transfer) }
}

async function insertShares(client: PoolClient, desk: Pick<Desk, 'now' | 'id'>, { ledger, lane, shares }: At & { readonly shares: readonly NewShare[] }): Promise<void> {
  if (shares.length === 0) return
  const wallet = payingWalletOf(await walletsOf(client, ledger.id))?.id ?? null
  const payouts = joinShares(ledger, shares).map((joined) => {
    return payoutOf(joined, { ledger, wallet, payout: desk.id(), units: joined.reduce((all, { units, deducted }) => all + units - deducted, 0n) })
  })
  await rows(client, insertPayouts(lane, payouts, desk.now()))
}

function areKnown({ plans }: Ledger, shares: readonly NewShare[]): boolean {
  return shares.every(({ plan }) => plans.some(({ version }) => version === plan))
}

/** The payout of shares that go together; where nothing is left of them, one that was cancelled from the first and says what it was. */
function payoutOf(joined: readonly NewShare[], { ledger, wallet, payout, units }: { ledger: Ledger; wallet: string | null; payout: string; units: bigint }): NewPayout {
  const share = present(joined[0], 'share')
  const version = planVersion(ledger, share.plan)
  const role = present(roleOfPart(version, share.part), `role of part ${share.part}`)
  const base = { ...share, units: joined.reduce((all, each) => all + each.units, 0n), payout, transfers: joined.map(({ transfer }) => transfer), role, wallet, lockedUntil: payableFrom(version, share.part, share.event_at) }
  if (units === 0n) return { ...base, state: 'cancelled', reason: null }
  const reason = obstacleOf(share, role, wallet)
  return { ...base, units, state: reason === null ? 'queued' : 'held', reason }
}

function obstacleOf({ recipient_known: known, destination }: NewShare, role: string, wallet: string | null): PayoutHold | null {
  if (destination === null) return known ? 'no_wallet' : `${role}_unknown`
  return wallet === null ? 'no_paying_wallet' : null
}

/**
 * Queues held payouts whose obstacle may have gone: a wallet was named, no approval is asked for, or it is time to try again. True when
 * there may be more of them.
 */
export async function recheckHeld(desk: Desk, ledger: Ledger, lane: bigint): Promise<boolean> {
  const now = desk.now()
  const recheckAt = now.add(RECHECK_AFTER)
  const waits = await waitingFor(desk.store.pool, lane)
  const wallet = waits.wallet ? payingWalletOf(await walletsOf(desk.store.pool, ledger.id)) : null
  if (wallet !== null) await nameWallets(desk.store.pool, { lane, wallet: wallet.id, now, limit: MAX_SHARES })
  await nameDestinations(desk.store.pool, { ledger: ledger.id, lane, now, recheckAt, limit: MAX_RECHECKED })
  if (waits.approval) await recheckAwaiting(desk, ledger, lane)
  return (await requeueHeld(desk.store.pool, { lane, now, recheckAt, limit: MAX_REQUEUED })) === MAX_REQUEUED
}
