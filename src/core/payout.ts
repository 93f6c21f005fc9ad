// The payout: one share (or several) on its way to one destination. One type a state; the table of transitions is data.

import { unreachable } from './assert.ts'

/**
 * Why a payout waits. `no_wallet`: the recipient has no destination yet; `<role>_unknown`: nobody knows the recipient of the share
 * with that role (`creator_unknown`); `no_paying_wallet`: the ledger has no wallet to pay from yet; `rejected`: a person turned it
 * away, and only a person lets it go after all. The others come from the rail or the signer: they end when the obstacle goes.
 */
const HOLD_REASONS = [
  'no_wallet',
  'no_paying_wallet',
  'no_funds',
  'below_minimum',
  'frozen',
  'destination_invalid',
  'rail_refused',
  'signing_limit',
  'rejected',
] as const

export type PayoutHold = (typeof HOLD_REASONS)[number] | `${string}_unknown`

export type PayoutState =
  | { readonly state: 'queued'; readonly dueAt: Temporal.Instant }
  /** A person must let it go: it is more than the ledger pays without asking. */
  | { readonly state: 'awaiting_approval' }
  | { readonly state: 'held'; readonly reason: PayoutHold; readonly detail: string; readonly dueAt: Temporal.Instant | null }
  | { readonly state: 'reserved'; readonly attempt: string }
  | { readonly state: 'settled'; readonly attempt: string }
  /** Its event was reversed before it was paid, and nothing is left of it. */
  | { readonly state: 'cancelled' }

export type PayoutAction =
  | { readonly type: 'reserve'; readonly attempt: string }
  | { readonly type: 'settle'; readonly attempt: string }
  /** The attempt ended without paying: it failed, or it is proven that it never can. */
  | { readonly type: 'release'; readonly attempt: string; readonly dueAt: Temporal.Instant }
  /** The attempt failed, and this payout is to blame or must wait for what it failed by. */
  | { readonly type: 'fail'; readonly attempt: string; readonly reason: PayoutHold; readonly detail: string; readonly dueAt: Temporal.Instant }
  | { readonly type: 'hold'; readonly reason: PayoutHold; readonly detail: string; readonly dueAt: Temporal.Instant | null }
  | { readonly type: 'requeue'; readonly dueAt: Temporal.Instant }
  | { readonly type: 'await' }
  /** A person let it go; or it waited, and is no longer asked to. */
  | { readonly type: 'approve'; readonly dueAt: Temporal.Instant }
  | { readonly type: 'reject'; readonly detail: string }
  | { readonly type: 'cancel' }

/** Which actions each state allows and where they lead. Pages show the same table. */
export const PAYOUT_TRANSITIONS = {
  queued: { reserve: 'reserved', hold: 'held', requeue: 'queued', await: 'awaiting_approval', cancel: 'cancelled' },
  awaiting_approval: { approve: 'queued', reject: 'held', cancel: 'cancelled' },
  held: { requeue: 'queued', hold: 'held', approve: 'queued', cancel: 'cancelled' },
  reserved: { settle: 'settled', release: 'queued', fail: 'held' },
  settled: {},
  cancelled: {},
} as const satisfies Record<PayoutState['state'], Partial<Record<PayoutAction['type'], PayoutState['state']>>>

/** The states from which an action may start, for the condition of the update that carries it out. */
export function payoutStatesBefore(action: PayoutAction['type']): readonly PayoutState['state'][] {
  const table: Record<PayoutState['state'], Partial<Record<PayoutAction['type'], PayoutState['state']>>> = PAYOUT_TRANSITIONS
  return (Object.keys(table) as PayoutState['state'][]).filter((state) => table[state][action] !== undefined)
}

/** What may become of a payout that a person turned away: nobody's old view of it lets it go, or covers why it waits. */
const AFTER_REJECTION: readonly PayoutAction['type'][] = ['approve', 'cancel']

/** The state after an action, or null where the action is not allowed: a stale caller, who changes nothing. */
export function advancePayout(current: PayoutState, action: PayoutAction): PayoutState | null {
  if (!payoutStatesBefore(action.type).includes(current.state)) return null
  if (current.state === 'held' && current.reason === 'rejected' && !AFTER_REJECTION.includes(action.type)) return null
  switch (action.type) {
    case 'reserve':
      return { state: 'reserved', attempt: action.attempt }
    case 'settle':
      return current.state === 'reserved' && current.attempt === action.attempt ? { state: 'settled', attempt: action.attempt } : null
    case 'release':
      return current.state === 'reserved' && current.attempt === action.attempt ? { state: 'queued', dueAt: action.dueAt } : null
    case 'fail':
      return current.state === 'reserved' && current.attempt === action.attempt
        ? { state: 'held', reason: action.reason, detail: action.detail, dueAt: action.dueAt }
        : null
    case 'hold':
      return { state: 'held', reason: action.reason, detail: action.detail, dueAt: action.dueAt }
    case 'requeue':
      return { state: 'queued', dueAt: action.dueAt }
    case 'await':
      return { state: 'awaiting_approval' }
    case 'approve':
      // Of those held only what a person turned away.
      return current.state === 'held' && current.reason !== 'rejected' ? null : { state: 'queued', dueAt: action.dueAt }
    case 'reject':
      return { state: 'held', reason: 'rejected', detail: action.detail, dueAt: null }
    case 'cancel':
      return { state: 'cancelled' }
    default:
      return unreachable(action)
  }
}
