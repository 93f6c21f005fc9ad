// What a reversal does to a ledger: the transfers that undo an event, and from which shares they are deducted. Pure; whoever calls says
// what of each share was not paid yet. The recorder's ledgers and those in memory reverse by it alike.

import { accountName, partyOf } from './account.ts'
import { assert, present } from './assert.ts'
import type { Share } from './distribution.ts'
import type { JsonObject } from './effects.ts'
import { formatUnits, parseAsset, type AssetName } from './money.ts'
import type { EventMember, Leg, Reversing } from './posting.ts'
import { referenceDigest } from './reference.ts'
import { Refusal } from './refusal.ts'
import { carriedUnder, DISTRIBUTING, holdingsOf, reversalFingerprint, reversedBy, REVERSING, reversible, statesAfterReversal, undo, type Remembered, type Undone } from './reversal.ts'
import type { RuleState } from './rules/rule.ts'

/** The event that is reversed. */
export type Reversed = {
  readonly reference: string
  readonly asset: AssetName
  readonly units: bigint
  readonly shares: readonly Pick<Share, 'part' | 'from' | 'account' | 'units'>[]
}

/** How things stand before. */
export type Standing = {
  /** Units that earlier reversals took back, and what each undid. */
  readonly before: bigint
  readonly undone: readonly Undone[]
  readonly remembered: Remembered
  /** What rules remember now, of the keys that the event changed. */
  readonly states: RuleState
  /** What of a share, by its part, can still be taken without owing. */
  readonly unpaidOf: (part: number) => bigint
  /** What stands in another account. */
  readonly balanceOf: (account: string) => bigint
}

/** `deductions`: by the leg that takes from a share. */
export type ReversalWork = {
  readonly units: bigint
  readonly legs: readonly Leg[]
  readonly deductions: readonly { readonly leg: number; readonly part: number; readonly units: bigint }[]
  /** What of it is to be taken back chunk by chunk of what was given out so; null: nothing. */
  readonly passage: { readonly part: number; readonly units: bigint } | null
  readonly state: RuleState
}

/** Of a reversal that was recorded before nothing is worked out. */
export const NO_WORK: ReversalWork = { units: 0n, legs: [], deductions: [], passage: null, state: new Map() }

type Draft = { readonly legs: Leg[]; readonly deductions: ReversalWork['deductions'][number][]; readonly carried: Map<string, bigint> }

/**
 * Works out a reversal of `asked` units, or of all that is left. Refuses `reversal_exceeded` with what is left, and `reversal_forbidden` for an
 * event without money: no part of it belongs to a unit, so nothing says how much of what rules remember of it would be given back.
 */
export function workReversal(original: Reversed, asked: bigint | null, standing: Standing): ReversalWork {
  if (original.units === 0n) throw withoutMoney(original)
  const { before, undone, remembered, states } = standing
  const reversed = reversedBy(undone)
  const shares = original.shares.map(({ part, from, account, units }) => ({ part, role: '', from, account, recipient: null, units }))
  const holdings = holdingsOf(shares).map((holding) => ({ ...holding, reversed: reversed(holding) }))
  const of = reversible(holdings, original.units)
  const left = of - before
  const units = asked ?? left
  if (units > left || units === 0n) throw exceeded(original, { units, left, kept: original.units - of })
  const portion = { units, of, before }
  const draft: Draft = { legs: [], deductions: [], carried: new Map() }
  const undoing = undo(holdings, portion)
  const passage = undoing.find(({ account }) => account === DISTRIBUTING) ?? null
  for (const each of undoing) {
    if (each === passage) draft.legs.push({ asset: original.asset, subject: null, kind: 'reversed', debit: REVERSING, credit: 'received', units: each.units, part: each.part })
    else if (each.units < 0n) restore(draft, each, original)
    else take(draft, each, { original, standing })
  }
  // What came back to the ledger goes out again by the way it came.
  const back = draft.legs.reduce((all, { kind, units: moved }) => (kind === 'reversed' ? all + moved : all - moved), 0n)
  assert(back === units, `a reversal of ${units} units took back ${back}`)
  draft.legs.push({ asset: original.asset, subject: null, kind: 'refunded', debit: 'received', credit: 'expected', units, part: null })
  const { legs, deductions, carried } = draft
  return { units, legs, deductions, passage, state: statesAfterReversal(remembered, { now: states, portion, carried }) }
}

function restore(draft: Draft, { part, account, units }: Undone, { asset }: Reversed): void {
  draft.legs.push({ asset, subject: null, kind: 'restored', debit: 'received', credit: account, units: -units, part })
  noteCarried(draft.carried, account, -units)
}

/** Takes units back from one holding: from what is not paid yet, and for the rest its recipient owes them. */
function take(draft: Draft, { part, account, units }: Undone, { original, standing }: { original: Reversed; standing: Standing }): void {
  const base = { asset: original.asset, subject: null, kind: 'reversed', credit: 'received', part } as const
  const recipient = partyOf('payable', account) ?? partyOf('carried', account)
  const isShare = account.startsWith('payable:')
  const unpaid = isShare ? standing.unpaidOf(part) : standingIn(account, standing)
  const taken = units < unpaid ? units : unpaid
  if (taken < units && recipient === null) {
    throw new Refusal('reversal_exceeded', `${account} holds ${unpaid} units, and ${units} would have to come back from it: give it money first, or reverse less`, {
      account,
      units: units.toString(),
      balance: unpaid.toString(),
    })
  }
  if (taken > 0n) {
    if (isShare) draft.deductions.push({ leg: draft.legs.length, part, units: taken })
    draft.legs.push({ ...base, debit: account, units: taken })
    noteCarried(draft.carried, account, -taken)
  }
  if (taken < units) draft.legs.push({ ...base, debit: accountName('owed_by', present(recipient, 'recipient')), units: units - taken })
}

function noteCarried(carried: Map<string, bigint>, account: string, units: bigint): void {
  if (account.startsWith('carried:')) carried.set(account, (carried.get(account) ?? 0n) + units)
}

/** What can be taken from an account of the plan's own; of what is carried, only what the event's own steps remember of it. */
function standingIn(account: string, { balanceOf, remembered, states }: Standing): bigint {
  const balance = balanceOf(account)
  if (!account.startsWith('carried:')) return balance
  const carried = carriedUnder(account, remembered, states)
  return carried < balance ? carried : balance
}

function withoutMoney({ reference, asset }: Reversed): Refusal {
  const amount = formatUnits(0n, parseAsset(asset).scale)
  const message = `${reference} brought in ${amount}: there is nothing to take back. What rules remember of it is set right by an event that says the opposite, as a close of +50 does after one of -50`
  return new Refusal('reversal_forbidden', message, { reference, amount, asset })
}

/** `kept`: units of the event that stand in a rounding's account. */
function exceeded({ reference, asset, units: whole }: Reversed, { units, left, kept }: { units: bigint; left: bigint; kept: bigint }): Refusal {
  const { scale } = parseAsset(asset)
  const amounts = { given: formatUnits(units, scale), left: formatUnits(left, scale), of: formatUnits(whole, scale), rounding: formatUnits(kept, scale) }
  const what = units === 0n ? 'nothing' : `${amounts.given} cannot be reversed`
  const rest = kept === 0n ? '' : `; ${amounts.rounding} stand in a rounding's account for whom it will round up next`
  return new Refusal('reversal_exceeded', `${what} of ${reference}${units === 0n ? ' can be reversed' : ''}: ${amounts.left} of ${amounts.of} are left${rest}`, {
    field: 'units',
    ...amounts,
    asset,
  })
}

/** The accounts that a reversal may touch. */
export function accountsOfReversal({ shares }: Pick<Reversed, 'shares'>): readonly string[] {
  const owed = shares.flatMap(({ account }) => partyOf('payable', account) ?? partyOf('carried', account) ?? [])
  return [...new Set(['expected', 'received', REVERSING, ...shares.flatMap(({ from, account }) => [from, account]), ...owed.map((recipient) => accountName('owed_by', recipient))])]
}

export type ReversalMember = {
  readonly reference: string
  /** Units that were asked for; null for all that is left. */
  readonly asked: bigint | null
  readonly details: JsonObject | null
  readonly door: string
  readonly at: Temporal.Instant
  /** The event that is reversed, with the plan version that divided it. */
  readonly original: Reversed & { readonly number: bigint; readonly plan: number; readonly planHash: string }
  readonly work: ReversalWork
}

/** A reversal as a member of a posting batch: an event of its own. */
export function reversalMemberOf({ reference, asked, details, door, at, original, work: { units, legs, state } }: ReversalMember): EventMember {
  const { asset, number, plan, planHash } = original
  const shares: Reversing = { reverses: number, legs, state }
  return {
    type: 'event',
    input: { reference, asset, units, parties: {}, facts: {}, eventAt: at, claimed: null, details },
    digest: referenceDigest(reference),
    fingerprint: reversalFingerprint({ asset, units: asked, reverses: referenceDigest(original.reference) }),
    ...{ plan, planHash, door, backdated: false, standing: {}, shares },
  }
}
