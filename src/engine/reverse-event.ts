// Reversing an event: a refund or a chargeback, whole or in part. It is an event of its own. What was not paid yet is taken from the
// shares and their payouts; what was paid, or is on its way, is owed by its recipient from then on and never taken silently.

import { accountKey, balanceOf } from '../core/account.ts'
import { assert, present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { payoutStatesBefore } from '../core/payout.ts'
import { decideBatch, type Known } from '../core/posting.ts'
import { lanePosition, referenceDigest } from '../core/reference.ts'
import { Refusal } from '../core/refusal.ts'
import type { Remembered, Undone } from '../core/reversal.ts'
import { accountsOfReversal, NO_WORK, reversalMemberOf, workReversal, type ReversalWork } from '../core/reversal-work.ts'
import type { ChangedState } from '../core/rules/give-back.ts'
import { eventByDigest, type StoredEvent } from '../store/event.ts'
import { distributedShares, distributionsOf, lockDistribution, type DistributionRow } from '../store/distribution.ts'
import { lockLargePayouts, lockPayoutsOf, type SharePayout } from '../store/drawn-shares.ts'
import { runOnLane } from '../store/posting.ts'
import {
  deductedFrom, insertDeductions, lockCursor, lowerPayouts, reversedUnitsOf, statesChangedBy, undoneOf,
} from '../store/reversal.ts'
import { insertTakeBack, runningTakeBack } from '../store/take-back.ts'
import { rows } from '../store/statement.ts'
import { laneOf, planVersion, requireOriginal, type Ledger } from './ledger.ts'
import { storedEvent } from './read-ledger.ts'
import type { Desk } from './world.ts'

export type Reversal = {
  /** The reversal's own reference: the source's identity of the refund. */
  readonly reference: string
  /** Reference of the event to be reversed. */
  readonly reverses: string
  /** Null reverses all that is left. */
  readonly units: bigint | null
  readonly details: JsonObject | null
  readonly door: string
}

/** `duplicate`: recorded before with the same content; the event is the first one. */
export type Reversed = { readonly state: 'recorded' | 'duplicate'; readonly event: StoredEvent; readonly original: StoredEvent }

/**
 * Records a reversal. What a large distribution gave is taken back chunk by chunk by the worker, as it was given: the reversal is recorded
 * and running then, and counts when it is complete. Refuses `event_not_found`, `reversal_forbidden` (of a reversal), `distribution_locked`
 * while a large distribution is being given out or taken back, `reversal_exceeded` with what is left, `reference_conflict`, `ledger_copy_forbidden`, and `reference_lane_mismatch` where the
 * ledger's lanes would part it from its event.
 */
export async function reverseEvent(desk: Pick<Desk, 'store' | 'now' | 'rails'>, ledger: Ledger, given: Reversal): Promise<Reversed> {
  requireOriginal(ledger)
  const original = await storedEvent(desk, ledger, given.reverses)
  if (original.reverses !== null) {
    throw new Refusal('reversal_forbidden', `${given.reverses} is a reversal itself: record what came in after all as an event of its own`, { reference: given.reverses })
  }
  checkLane(ledger, given)
  const large = await largeOf(desk, given, original)
  const state = await post(desk, ledger, { given, original: { ...original, shares: [...original.shares, ...(large?.shares ?? [])] }, large })
  const event = present(await eventByDigest(desk.store.pool, original.lane, referenceDigest(given.reference)) ?? undefined, 'reversal')
  return { state, event, original }
}

/**
 * As many shares of a large distribution as this many chunks have are taken back at once, 24,576 of full chunks: a block of as many transfers,
 * or twice as many where each was paid in part. It holds its lane for two seconds.
 */
const AT_ONCE_CHUNKS = 3

/** `shares`: those that are taken back at once; null where it is done chunk by chunk. */
type Large = { readonly row: DistributionRow; readonly shares: StoredEvent['shares'] | null }

/** What an event gave by a snapshot; null for one that gave nothing so. Refuses `distribution_locked` while it is being given. */
async function largeOf({ store }: Pick<Desk, 'store'>, { reverses }: Reversal, { lane, number, shares }: StoredEvent): Promise<Large | null> {
  if (!shares.some(({ account }) => account === 'distributing')) return null
  const row = present((await distributionsOf(store.pool, lane, [number]))[0], 'distribution')
  if (row.state !== 'complete') {
    throw new Refusal('distribution_locked', `${reverses} is being distributed to ${row.recipients} recipients: reverse it once \`distribution show\` says complete`, { reference: reverses, recipients: row.recipients })
  }
  return { row, shares: row.shares > AT_ONCE_CHUNKS * row.chunk ? null : await distributedShares(store.pool, row) }
}

function checkLane(ledger: Ledger, { reference, reverses }: Reversal): void {
  if (laneOf(ledger, reference) === laneOf(ledger, reverses)) return
  const head = reverses.split('/', 1)[0] ?? reverses
  assert(lanePosition(`${head}/x`, ledger.lanes.length) === lanePosition(reverses, ledger.lanes.length), 'a reference and its first part share a lane')
  throw new Refusal('reference_lane_mismatch', `a ledger of several lanes keeps a reversal in the lane of its event: let its reference begin with ${head}/`, {
    field: 'reference',
    value: reference.slice(0, 80),
    begin: `${head}/`,
  })
}

type Asked = { readonly given: Reversal; readonly original: StoredEvent; readonly large: Large | null }

/** What was found under the lock. */
type Found = {
  readonly known: Known
  /** How far shares have become payouts: those of the event's own block, and those of a large distribution. */
  readonly cursor: bigint
  readonly largeCursor: bigint
  readonly payouts: ReadonlyMap<number, SharePayout>
  readonly before: bigint
  readonly undone: readonly Undone[]
  readonly deducted: ReadonlyMap<bigint, bigint>
}

async function post(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, asked: Asked): Promise<Reversed['state']> {
  const { given, original, large } = asked
  const atOnce = large?.shares == null ? null : large.row
  const { lane, number, asset } = original
  const now = desk.now()
  const changed = await rows<ChangedState>(desk.store.pool, statesChangedBy(lane, number))
  const remembered: Remembered = { plan: planVersion(ledger, original.plan), asset, changed }
  return await runOnLane<Reversed['state']>(desk.store, {
    lane,
    digests: [referenceDigest(given.reference)],
    accounts: accountsOfReversal(original).map((name) => ({ name, asset })),
    states: changed.map(({ key }) => key),
    guards: [lockCursor(lane), lockPayoutsOf(lane, number), reversedUnitsOf(lane, number), undoneOf(lane, number), deductedFrom(lane, original.shares.map(({ transfer }) => transfer)), runningTakeBack(lane, number), ...(atOnce === null ? [] : [lockDistribution(atOnce), lockLargePayouts(lane, number)])],
    decide: ({ head, known, guarded }) => {
      const [cursor, payouts, reversed, undone, deducted, running, largeCursor, largePayouts = []] = guarded.map(({ rows: found }) => found as unknown[])
      const found: Found = {
        known,
        cursor: (cursor?.[0] as { transfer: bigint } | undefined)?.transfer ?? 0n,
        largeCursor: (largeCursor?.[0] as { transfer: bigint } | undefined)?.transfer ?? 0n,
        payouts: new Map([...(largePayouts as SharePayout[]), ...(payouts as SharePayout[])].map((payout) => [payout.part, payout])),
        before: present((reversed as { units: bigint }[])[0], 'units reversed').units,
        undone: undone as Undone[],
        deducted: new Map((deducted as { share: bigint; units: bigint }[]).map(({ share, units }) => [share, units])),
      }
      // One that was recorded before is answered by its fingerprint, whatever is left by now.
      const isNew = !known.references.has(referenceDigest(given.reference))
      if (isNew) refuseRunning(given, running as RunningTakeBack[])
      const worked = isNew ? work(asked, { ...found, remembered }) : NO_WORK
      const member = reversalMemberOf({ ...given, asked: given.units, at: now, original: { ...original, planHash: planVersion(ledger, original.plan).hash }, work: worked })
      const { outcomes, write } = decideBatch(head, known, [member], now)
      const [outcome] = outcomes
      if (outcome?.state === 'duplicate') return { abort: true, result: 'duplicate' }
      if (outcome?.state === 'conflict') throw conflict(given)
      if (outcome?.state === 'refused') throw outcome.refusal
      assert(outcome?.state === 'posted', 'a reversal is posted, was recorded before, or is refused')
      const transfers = new Map(original.shares.map(({ part, transfer }) => [part, transfer]))
      const deductions = worked.deductions.map(({ leg, part, units }) => ({ share: present(transfers.get(part), `share ${part}`), units, transfer: outcome.firstTransfer + BigInt(leg) }))
      const taken = worked.deductions.flatMap(({ part, units }) => {
        const payout = found.payouts.get(part)
        return payout === undefined ? [] : [{ payout: payout.payout, units }]
      })
      // Several shares of the event may be in one payout.
      const lowered = [...Map.groupBy(taken, ({ payout }) => payout)].map(([payout, each]) => ({ payout, units: each.reduce((all, { units }) => all + units, 0n) }))
      const { passage } = worked
      const onward = passage === null ? [] : [insertTakeBack({ lane, event: present(outcome.event, 'event'), digest: member.digest, ...passage, of: present(large?.row, 'distribution') })]
      return { abort: false, write, after: [insertDeductions(lane, deductions), lowerPayouts(lane, lowered, now), ...onward], result: 'recorded' }
    },
  })
}

type RunningTakeBack = { readonly reference: string; readonly next_place: number; readonly recipients: number }

/** What is left of the shares is known when an earlier reversal of them is complete. */
function refuseRunning({ reverses }: Reversal, [running]: readonly RunningTakeBack[]): void {
  if (running === undefined) return
  const { reference, next_place: place, recipients } = running
  const message = `${reverses} is being taken back by ${reference}, from ${place} of ${recipients} recipients so far: reverse more of it once \`distribution show\` says that ${reference} is complete`
  throw new Refusal('distribution_locked', message, { reference: reverses, running: reference, place, recipients })
}

function work({ given, original }: Asked, { known, before, undone, remembered, ...found }: Found & { readonly remembered: Remembered }): ReversalWork {
  const shares = new Map(original.shares.map((share) => [share.part, share]))
  return workReversal(original, given.units, {
    ...{ before, undone, remembered, states: known.states },
    unpaidOf: (part) => unpaidOf(present(shares.get(part), `share ${part}`), found),
    balanceOf: (name) => {
      const account = known.accounts.get(accountKey({ name, asset: original.asset }))
      return account === undefined ? 0n : balanceOf(name, account)
    },
  })
}

/** What of a share can still be taken without owing: a payout that waits has it, or none was made of it yet. */
function unpaidOf({ part, from, transfer, units }: StoredEvent['shares'][number], { cursor, largeCursor, payouts, deducted }: Pick<Found, 'cursor' | 'largeCursor' | 'payouts' | 'deducted'>): bigint {
  const payout = payouts.get(part)
  const isUnpaid = payout === undefined ? transfer > (from === 'distributing' ? largeCursor : cursor) : (UNPAID as readonly string[]).includes(payout.state)
  return isUnpaid ? units - (deducted.get(transfer) ?? 0n) : 0n
}

const UNPAID = payoutStatesBefore('cancel')

function conflict({ reference }: Reversal): Refusal {
  return new Refusal('reference_conflict', `the reference ${reference} was recorded before with other content: an event never changes, send a new reference`, {
    field: 'reference',
    fields: ['reference'],
    value: reference,
  })
}
