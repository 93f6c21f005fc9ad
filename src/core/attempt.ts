// The attempt: one artefact on a rail, with identity and bytes fixed before anything is sent. Only a look can end it.

import { unreachable } from './assert.ts'
import type { JsonObject } from './effects.ts'

export type AttemptState =
  | { readonly state: 'prepared' }
  | { readonly state: 'submitted'; readonly answer: string }
  | { readonly state: 'unknown'; readonly reason: string }
  | { readonly state: 'settled'; readonly proof: JsonObject }
  | { readonly state: 'failed'; readonly reason: string; readonly proof: JsonObject }
  | { readonly state: 'never'; readonly proof: JsonObject }

export type AttemptAction =
  | { readonly type: 'submitted'; readonly answer: string }
  | { readonly type: 'lost'; readonly reason: string }
  | { readonly type: 'settle'; readonly proof: JsonObject }
  | { readonly type: 'fail'; readonly reason: string; readonly proof: JsonObject }
  | { readonly type: 'expire'; readonly proof: JsonObject }

/** Which actions each state allows and where they lead. A live attempt may be sent again and again: the same bytes. */
export const ATTEMPT_TRANSITIONS = {
  prepared: { submitted: 'submitted', lost: 'unknown', settle: 'settled', fail: 'failed', expire: 'never' },
  submitted: { submitted: 'submitted', lost: 'unknown', settle: 'settled', fail: 'failed', expire: 'never' },
  unknown: { submitted: 'submitted', lost: 'unknown', settle: 'settled', fail: 'failed', expire: 'never' },
  settled: {},
  failed: {},
  never: {},
} as const satisfies Record<AttemptState['state'], Partial<Record<AttemptAction['type'], AttemptState['state']>>>

/** The states in which money may still leave by this attempt. */
export const LIVE_ATTEMPT_STATES = ['prepared', 'submitted', 'unknown'] as const satisfies readonly AttemptState['state'][]

/** The state after an action, or null where the attempt has ended already. */
export function advanceAttempt(current: AttemptState, action: AttemptAction): AttemptState | null {
  const allowed: Partial<Record<AttemptAction['type'], AttemptState['state']>> = ATTEMPT_TRANSITIONS[current.state]
  if (allowed[action.type] === undefined) return null
  switch (action.type) {
    case 'submitted':
      return { state: 'submitted', answer: action.answer }
    case 'lost':
      return { state: 'unknown', reason: action.reason }
    case 'settle':
      return { state: 'settled', proof: action.proof }
    case 'fail':
      return { state: 'failed', reason: action.reason, proof: action.proof }
    case 'expire':
      return { state: 'never', proof: action.proof }
    default:
      return unreachable(action)
  }
}

// A look that proves nothing is repeated at this pace in the end: often enough for a network that comes back, and no load on one that is away.
const LOOK_LIMIT_MS = 60_000

/** How long to wait before the next look after `looks` of them in a row that proved nothing; the first wait is the network's pace. */
export function lookBackoffMs(firstMs: number, looks: number): number {
  return Math.min(LOOK_LIMIT_MS, firstMs * 2 ** Math.min(looks, 20))
}

// First wait, growth and ceiling of the backoff between tries. Nothing gives up: the ceiling is the pace of a lasting outage.
const BACKOFF_FIRST_MS = 500
const BACKOFF_LIMIT_MS = 15 * 60 * 1000

/**
 * How long to wait before try number `tries` + 1: exponential with full jitter in its upper half, so that payouts that failed
 * together do not come back together. `jitter` is a random byte.
 */
export function backoffMs(tries: number, jitter: number): number {
  const whole = Math.min(BACKOFF_LIMIT_MS, BACKOFF_FIRST_MS * 2 ** Math.min(tries, 20))
  return Math.floor(whole / 2 + (whole / 2) * (jitter / 255))
}
