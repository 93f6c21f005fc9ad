// Reversing an event: a refund or a chargeback, whole or in part. It is an event of its own. What was not paid yet is taken from the
// shares and their payouts; what was paid, or is on its way, is owed by its recipient from then on and never taken silently.

import { accountKey, accountName, balanceOf, partyOf } from '../core/account.ts'
import { assert, present } from '../core/assert.ts'
import type { Share } from '../core/distribution.ts'
import type { Json, JsonObject } from '../core/effects.ts'
import { formatUnits, parseAsset } from '../core/money.ts'
import { payoutStatesBefore } from '../core/payout.ts'
import { decideBatch, type EventMember, type Known, type Leg } from '../core/posting.ts'
import { lanePosition, referenceDigest } from '../core/reference.ts'
import { Refusal } from '../core/refusal.ts'
import {
  carriedUnder, holdingsOf, lastingStep, reversalFingerprint, reversedBy, reversible, statesAfterReversal, undo, type ChangedState, type Remembered, type Undone,
} from '../core/reversal.ts'
import { eventByDigest, type StoredEvent } from '../store/event.ts'
import { runOnLane } from '../store/posting.ts'
import {
  deductedFrom, insertDeductions, lockCursor, lockPayoutsOf, lowerPayouts, reversedUnitsOf, statesChangedBy, undoneOf,
  type OpenPayout,
} from '../store/reversal.ts'
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
 * Records a reversal. Refuses `event_not_found`, `reversal_forbidden` (of a reversal, or where a rule remembers what cannot be given
 * back), `reversal_exceeded` with what is left, `reference_conflict`, `ledger_copy_forbidden`, and `reference_lane_mismatch` where the
 * ledger's lanes would part it from its event.
 */
export async function reverseEvent(desk: Pick<Desk, 'store' | 'now' | 'rails'>, ledger: Ledger, given: Reversal): Promise<Reversed> {
  requireOriginal(ledger)
  const original = await storedEvent(desk, ledger, given.reverses)
  if (original.reverses !== null) {
    throw new Refusal('reversal_forbidden', `${given.reverses} is a reversal itself: record what came in after all as an event of its own`, { reference: given.reverses })
  }
  checkLarge(given, original)
  checkLane(ledger, given)
  const state = await post(desk, ledger, { given, original })
  const event = present(await eventByDigest(desk.store.pool, original.lane, referenceDigest(given.reference)) ?? undefined, 'reversal')
  return { state, event, original }
}

function checkLarge({ reverses }: Reversal, { shares }: StoredEvent): void {
  if (!shares.some(({ account }) => account === 'distributing')) return
  const message = `${reverses} was divided by a snapshot, in chunks, which are not taken back: record an event that corrects it`
  throw new Refusal('reversal_forbidden', message, { reference: reverses })
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

type Asked = { readonly given: Reversal; readonly original: StoredEvent }

/** What was found under the lock. */
type Found = {
  readonly known: Known
  readonly cursor: bigint
  readonly payouts: ReadonlyMap<number, OpenPayout>
  readonly before: bigint
  readonly undone: readonly Undone[]
  readonly deducted: ReadonlyMap<bigint, bigint>
}

async function post(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, asked: Asked): Promise<Reversed['state']> {
  const { given, original } = asked
  const { lane, number, asset } = original
  const now = desk.now()
  const changed = await rows<ChangedState>(desk.store.pool, statesChangedBy(lane, number))
  const remembered: Remembered = { plan: planVersion(ledger, original.plan), asset, changed }
  checkLasting(given, remembered)
  return await runOnLane<Reversed['state']>(desk.store, {
    lane,
    digests: [referenceDigest(given.reference)],
    accounts: accountNames(original).map((name) => ({ name, asset })),
    states: changed.map(({ key }) => key),
    guards: [lockCursor(lane), lockPayoutsOf(lane, number), reversedUnitsOf(lane, number), undoneOf(lane, number), deductedFrom(lane, original.shares.map(({ transfer }) => transfer))],
    decide: ({ head, known, guarded }) => {
      const [cursor, payouts, reversed, undone, deducted] = guarded.map(({ rows: found }) => found as unknown[])
      const found: Found = {
        known,
        cursor: (cursor?.[0] as { transfer: bigint } | undefined)?.transfer ?? 0n,
        payouts: new Map((payouts as OpenPayout[]).map((payout) => [payout.part, payout])),
        before: present((reversed as { units: bigint }[])[0], 'units reversed').units,
        undone: undone as Undone[],
        deducted: new Map((deducted as { share: bigint; units: bigint }[]).map(({ share, units }) => [share, units])),
      }
      // One that was recorded before is answered by its fingerprint, whatever is left by now.
      const isNew = !known.references.has(referenceDigest(given.reference))
      const worked = isNew ? workOut(asked, { ...found, remembered }) : NOTHING
      const member = memberOf(ledger, asked, { ...worked, now })
      const { outcomes, write } = decideBatch(head, known, [member], now)
      const [outcome] = outcomes
      if (outcome?.state === 'duplicate') return { abort: true, result: 'duplicate' }
      if (outcome?.state === 'conflict') throw conflict(given)
      if (outcome?.state === 'refused') throw outcome.refusal
      assert(outcome?.state === 'posted', 'a reversal is posted, was recorded before, or is refused')
      const deductions = worked.deductions.map(({ leg, share, units }) => ({ share, units, transfer: outcome.firstTransfer + BigInt(leg) }))
      return { abort: false, write, after: [insertDeductions(lane, deductions), lowerPayouts(lane, worked.lowered, now)], result: 'recorded' }
    },
  })
}

/** What a reversal does: legs, deductions from shares (by the leg that takes them), payouts that get smaller, and what rules forget. */
type Work = {
  readonly units: bigint
  readonly legs: readonly Leg[]
  readonly deductions: readonly { readonly leg: number; readonly share: bigint; readonly units: bigint }[]
  readonly lowered: readonly { readonly payout: string; readonly units: bigint }[]
  readonly state: ReadonlyMap<string, Json>
}

const NOTHING: Work = { units: 0n, legs: [], deductions: [], lowered: [], state: new Map() }

type Draft = { readonly legs: Leg[]; readonly deductions: Work['deductions'][number][]; readonly lowered: Work['lowered'][number][]; readonly carried: Map<string, bigint> }

type StoredShare = StoredEvent['shares'][number]

type Taking = { readonly original: StoredEvent; readonly shares: ReadonlyMap<number, StoredShare>; readonly found: Found & { readonly remembered: Remembered } }

function workOut({ given, original }: Asked, found: Taking['found']): Work {
  const reversed = reversedBy(found.undone)
  const holdings = holdingsOf(sharesOf(original)).map((holding) => ({ ...holding, reversed: reversed(holding) }))
  const of = reversible(holdings, original.units)
  const left = of - found.before
  const units = given.units ?? left
  if (units > left || units === 0n) throw exceeded({ given, original, units, left, kept: original.units - of })
  const portion = { units, of, before: found.before }
  const shares = new Map(original.shares.map((share) => [share.part, share]))
  const draft: Draft = { legs: [], deductions: [], lowered: [], carried: new Map() }
  for (const each of undo(holdings, portion)) {
    if (each.units < 0n) restore(draft, each, original)
    else take(draft, each, { original, shares, found })
  }
  // What came back to the ledger goes out again by the way it came.
  const back = draft.legs.reduce((all, { kind, units: moved }) => (kind === 'reversed' ? all + moved : all - moved), 0n)
  assert(back === units, `a reversal of ${units} units took back ${back}`)
  draft.legs.push({ asset: original.asset, subject: null, kind: 'refunded', debit: 'received', credit: 'expected', units, part: null })
  return { ...draft, units, state: statesAfterReversal(found.remembered, { now: found.known.states, portion, carried: draft.carried }) }
}

function restore(draft: Draft, { part, account, units }: Undone, { asset }: StoredEvent): void {
  draft.legs.push({ asset, subject: null, kind: 'restored', debit: 'received', credit: account, units: -units, part })
  noteCarried(draft.carried, account, -units)
}

/** Takes units back from one holding: from what is not paid yet, and for the rest its recipient owes them. */
function take(draft: Draft, { part, account, units }: Undone, { original, shares, found }: Taking): void {
  const base = { asset: original.asset, subject: null, kind: 'reversed', credit: 'received', part } as const
  const recipient = partyOf('payable', account) ?? partyOf('carried', account)
  const share = account.startsWith('payable:') ? shares.get(part) : undefined
  const unpaid = share === undefined ? standingIn(account, original.asset, found) : unpaidOf(share, found)
  const taken = units < unpaid ? units : unpaid
  if (taken < units && recipient === null) {
    throw new Refusal('reversal_exceeded', `${account} holds ${unpaid} units, and ${units} would have to come back from it: give it money first, or reverse less`, {
      account,
      units: units.toString(),
      balance: unpaid.toString(),
    })
  }
  if (taken > 0n) {
    if (share !== undefined) {
      draft.deductions.push({ leg: draft.legs.length, share: share.transfer, units: taken })
      const payout = found.payouts.get(part)
      if (payout !== undefined) draft.lowered.push({ payout: payout.payout, units: taken })
    }
    draft.legs.push({ ...base, debit: account, units: taken })
    noteCarried(draft.carried, account, -taken)
  }
  if (taken < units) draft.legs.push({ ...base, debit: accountName('owed_by', present(recipient ?? undefined, 'recipient')), units: units - taken })
}

function noteCarried(carried: Map<string, bigint>, account: string, units: bigint): void {
  if (account.startsWith('carried:')) carried.set(account, (carried.get(account) ?? 0n) + units)
}

/** What can be taken from an account of the plan's own; of what is carried, only what the event's own steps remember of it. */
function standingIn(account: string, asset: string, { known, remembered }: Taking['found']): bigint {
  const found = known.accounts.get(accountKey({ name: account, asset }))
  const balance = found === undefined ? 0n : balanceOf(account, found)
  if (!account.startsWith('carried:')) return balance
  const carried = carriedUnder(account, remembered, known.states)
  return carried < balance ? carried : balance
}

/** What of a share can still be taken without owing: a payout that waits has it, or none was made of it yet. */
function unpaidOf({ part, transfer, units }: StoredShare, { cursor, payouts, deducted }: Found): bigint {
  const payout = payouts.get(part)
  if (payout !== undefined) return (UNPAID as readonly string[]).includes(payout.state) ? payout.units : 0n
  return transfer > cursor ? units - (deducted.get(transfer) ?? 0n) : 0n
}

const UNPAID = payoutStatesBefore('cancel')

function sharesOf({ shares }: StoredEvent): readonly Share[] {
  return shares.map(({ part, from, account, units }) => ({ part, role: '', from, account, recipient: null, units }))
}

/** Names of all accounts that a reversal may touch. */
function accountNames({ shares }: StoredEvent): readonly string[] {
  const owed = shares.flatMap(({ account }) => partyOf('payable', account) ?? partyOf('carried', account) ?? [])
  return [...new Set(['expected', 'received', ...shares.flatMap(({ from, account }) => [from, account]), ...owed.map((recipient) => accountName('owed_by', recipient))])]
}

function memberOf(ledger: Ledger, { given, original }: Asked, { units, legs, state, now }: Work & { readonly now: Temporal.Instant }): EventMember {
  const { asset, plan, number } = original
  return {
    type: 'event',
    input: { reference: given.reference, asset, units, parties: {}, facts: {}, eventAt: now, claimed: null, details: given.details },
    digest: referenceDigest(given.reference),
    fingerprint: reversalFingerprint({ asset, units: given.units, reverses: referenceDigest(original.reference) }),
    plan,
    planHash: planVersion(ledger, plan).hash,
    door: given.door,
    backdated: false,
    standing: {},
    shares: { reverses: number, legs, state },
  }
}

function checkLasting({ reverses }: Reversal, remembered: Remembered): void {
  const found = lastingStep(remembered)
  if (found === null) return
  const { step, remembers } = found
  throw new Refusal('reversal_forbidden', `${reverses} cannot be reversed: step ${step} remembers of it ${remembers}, which nobody can give back in part; record an event that corrects it`, {
    reference: reverses,
    step,
  })
}

type Exceeding = Asked & { readonly units: bigint; readonly left: bigint; readonly kept: bigint }

/** `kept`: units of the event that stand in a rounding's account. */
function exceeded({ given, original, units, left, kept }: Exceeding): Refusal {
  const { scale } = parseAsset(original.asset)
  const amounts = { given: formatUnits(units, scale), left: formatUnits(left, scale), of: formatUnits(original.units, scale), rounding: formatUnits(kept, scale) }
  const what = units === 0n ? 'nothing' : `${amounts.given} cannot be reversed`
  const rest = kept === 0n ? '' : `; ${amounts.rounding} stand in a rounding's account for whom it will round up next`
  return new Refusal('reversal_exceeded', `${what} of ${given.reverses}${units === 0n ? ' can be reversed' : ''}: ${amounts.left} of ${amounts.of} are left${rest}`, {
    field: 'units',
    ...amounts,
    asset: original.asset,
  })
}

function conflict({ reference }: Reversal): Refusal {
  return new Refusal('reference_conflict', `the reference ${reference} was recorded before with other content: an event never changes, send a new reference`, {
    field: 'reference',
    fields: ['reference'],
    value: reference,
  })
}
