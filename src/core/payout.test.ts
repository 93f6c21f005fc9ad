// The payout's decider: each action is allowed exactly where the table says, and a payout settles at most once.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { advanceAttempt, LIVE_ATTEMPT_STATES, type AttemptAction, type AttemptState } from './attempt.ts'
import { advancePayout, PAYOUT_TRANSITIONS, payoutStatesBefore, type PayoutAction, type PayoutState } from './payout.ts'

const SOON = Temporal.Instant.from('2026-01-01T00:00:00Z')
const LATER = Temporal.Instant.from('2026-01-02T00:00:00Z')

const STATES: readonly PayoutState[] = [
  { state: 'queued', dueAt: SOON },
  { state: 'held', reason: 'no_wallet', detail: 'no destination yet', dueAt: null },
  { state: 'awaiting_approval' },
  { state: 'held', reason: 'rejected', detail: 'not without a receipt', dueAt: null },
  { state: 'reserved', attempt: 'one' },
  { state: 'settled', attempt: 'one' },
  { state: 'cancelled' },
]

const ACTIONS: readonly PayoutAction[] = [
  { type: 'reserve', attempt: 'one' },
  { type: 'reserve', attempt: 'two' },
  { type: 'settle', attempt: 'one' },
  { type: 'settle', attempt: 'two' },
  { type: 'release', attempt: 'one', dueAt: LATER },
  { type: 'release', attempt: 'two', dueAt: LATER },
  { type: 'fail', attempt: 'one', reason: 'frozen', detail: 'its account is frozen', dueAt: LATER },
  { type: 'fail', attempt: 'two', reason: 'frozen', detail: 'its account is frozen', dueAt: LATER },
  { type: 'hold', reason: 'no_funds', detail: 'the wallet is empty', dueAt: LATER },
  { type: 'hold', reason: 'creator_unknown', detail: 'no such token', dueAt: null },
  { type: 'requeue', dueAt: LATER },
  { type: 'await' },
  { type: 'approve', dueAt: LATER },
  { type: 'reject', detail: 'not without a receipt' },
  { type: 'cancel' },
]

// Written a second time, state by state: everything that is not here is refused.
const ALLOWED: Readonly<Record<string, PayoutState>> = {
  'queued: reserve one': { state: 'reserved', attempt: 'one' },
  'queued: reserve two': { state: 'reserved', attempt: 'two' },
  'queued: hold no_funds': { state: 'held', reason: 'no_funds', detail: 'the wallet is empty', dueAt: LATER },
  'queued: hold creator_unknown': { state: 'held', reason: 'creator_unknown', detail: 'no such token', dueAt: null },
  'queued: requeue': { state: 'queued', dueAt: LATER },
  'queued: await': { state: 'awaiting_approval' },
  'queued: cancel': { state: 'cancelled' },
  'awaiting_approval: cancel': { state: 'cancelled' },
  'held: cancel': { state: 'cancelled' },
  'held rejected: cancel': { state: 'cancelled' },
  'awaiting_approval: approve': { state: 'queued', dueAt: LATER },
  'awaiting_approval: reject': { state: 'held', reason: 'rejected', detail: 'not without a receipt', dueAt: null },
  'held rejected: approve': { state: 'queued', dueAt: LATER },
  'held: hold no_funds': { state: 'held', reason: 'no_funds', detail: 'the wallet is empty', dueAt: LATER },
  'held: hold creator_unknown': { state: 'held', reason: 'creator_unknown', detail: 'no such token', dueAt: null },
  'held: requeue': { state: 'queued', dueAt: LATER },
  'reserved: settle one': { state: 'settled', attempt: 'one' },
  'reserved: release one': { state: 'queued', dueAt: LATER },
  'reserved: fail one': { state: 'held', reason: 'frozen', detail: 'its account is frozen', dueAt: LATER },
}

function nameOf(action: PayoutAction): string {
  if (action.type === 'hold') return `hold ${action.reason}`
  return 'attempt' in action ? `${action.type} ${action.attempt}` : action.type
}

const stateName = (state: PayoutState): string => (state.state === 'held' && state.reason === 'rejected' ? 'held rejected' : state.state)

const pairs = STATES.flatMap((state) => ACTIONS.map((action) => ({ name: `${stateName(state)}: ${nameOf(action)}`, state, action })))

it.each(pairs)('$name leads where it may, or nowhere', ({ name, state, action }) => {
  expect(advancePayout(state, action)).toEqual(ALLOWED[name] ?? null)
})

it('shows the same table that it decides by', () => {
  const table = Object.entries(PAYOUT_TRANSITIONS).flatMap(([state, actions]) =>
    Object.entries(actions).map(([action, next]) => `${state}: ${action} → ${next}`),
  )
  const decided = pairs.flatMap(({ state, action }) => {
    const next = advancePayout(state, action)
    return next === null ? [] : [`${state.state}: ${action.type} → ${next.state}`]
  })
  expect(table.toSorted()).toEqual([...new Set(decided)].toSorted())
})

it.each([
  ['reserve', ['queued']],
  ['settle', ['reserved']],
  ['release', ['reserved']],
  ['fail', ['reserved']],
  ['hold', ['queued', 'held']],
  ['requeue', ['queued', 'held']],
  ['await', ['queued']],
  ['cancel', ['queued', 'awaiting_approval', 'held']],
  ['approve', ['awaiting_approval', 'held']],
  ['reject', ['awaiting_approval']],
] as const)('%s starts from %s', (action, states) => {
  expect(payoutStatesBefore(action)).toEqual(states)
})

// A payout and its attempts as the engine moves them: a payout is settled or released only by the end of the attempt it stands on, and
// in the same step. Everything else may come at any time: late answers, repeated looks, other workers with an old view.
type Move =
  | { readonly on: 'payout'; readonly action: 'reserve' | 'hold' | 'requeue' }
  | { readonly on: 'attempt'; readonly which: number; readonly action: AttemptAction['type'] }

const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    fc.record({ on: fc.constant('payout' as const), action: fc.constantFrom('reserve' as const, 'hold' as const, 'requeue' as const) }),
    fc.record({
      on: fc.constant('attempt' as const),
      which: fc.nat(),
      action: fc.constantFrom('submitted' as const, 'lost' as const, 'settle' as const, 'fail' as const, 'expire' as const),
    }),
  ),
  { maxLength: 60, size: 'max' },
)

function attemptAction(type: AttemptAction['type']): AttemptAction {
  if (type === 'submitted') return { type, answer: 'accepted' }
  if (type === 'lost') return { type, reason: 'timeout' }
  return type === 'fail' ? { type, reason: 'frozen', proof: {} } : { type, proof: {} }
}

const isLive = ({ state }: AttemptState): boolean => LIVE_ATTEMPT_STATES.some((live) => live === state)

type Walk = { payout: PayoutState; readonly attempts: AttemptState[]; settlements: number; releases: number }

function step(walk: Walk, move: Move): void {
  if (move.on === 'payout') {
    const next = advancePayout(walk.payout, payoutAction(move.action, walk.attempts.length))
    if (next === null) return
    walk.payout = next
    if (next.state === 'reserved') walk.attempts.push({ state: 'prepared' })
    return
  }
  if (walk.attempts.length === 0) return
  const which = move.which % walk.attempts.length
  const next = advanceAttempt(walk.attempts[which] as AttemptState, attemptAction(move.action))
  if (next === null) return
  walk.attempts[which] = next
  if (isLive(next)) return
  const attempt = `${which}`
  const after = advancePayout(walk.payout, next.state === 'settled' ? { type: 'settle', attempt } : { type: 'release', attempt, dueAt: LATER })
  // An attempt that was live a moment ago is always the one the payout stands on: its end is never refused.
  if (after === null) throw new Error(`the end of attempt ${which} (${next.state}) found the payout ${walk.payout.state}`)
  walk.payout = after
  if (next.state === 'settled') walk.settlements += 1
  else walk.releases += 1
}

function payoutAction(type: 'reserve' | 'hold' | 'requeue', attempts: number): PayoutAction {
  if (type === 'reserve') return { type, attempt: `${attempts}` }
  return type === 'hold' ? { type, reason: 'no_funds', detail: '', dueAt: SOON } : { type, dueAt: SOON }
}

it('settles a payout at most once, has at most one live attempt, and never releases what is settled', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(moves, (all) => {
      const walk: Walk = { payout: { state: 'queued', dueAt: SOON }, attempts: [], settlements: 0, releases: 0 }
      for (const move of all) {
        const before = walk.payout
        step(walk, move)
        if (before.state === 'settled') expect(walk.payout).toBe(before)
        const live = walk.attempts.filter(isLive).length
        if (live !== (walk.payout.state === 'reserved' ? 1 : 0)) throw new Error(`${live} live attempts of a payout ${walk.payout.state}`)
      }
      expect(walk.settlements).toBe(walk.payout.state === 'settled' ? 1 : 0)
      expect(walk.attempts.filter(({ state }) => state === 'settled')).toHaveLength(walk.settlements)
      expect(walk.attempts.filter(({ state }) => state === 'failed' || state === 'never')).toHaveLength(walk.releases)
      reached.add(`${walk.payout.state}, ${walk.releases > 1 ? 'released more than once' : 'released at most once'}`)
    }),
    { numRuns: 300 },
  )
  expect(reached.has('settled, released more than once')).toBe(true)
})
