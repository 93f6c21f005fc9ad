// The attempt's decider: a live attempt takes any answer, an ended one none; and the pace of the tries.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { advanceAttempt, ATTEMPT_TRANSITIONS, backoffMs, LIVE_ATTEMPT_STATES, type AttemptAction, type AttemptState } from './attempt.ts'

const STATES: readonly AttemptState[] = [
  { state: 'prepared' },
  { state: 'submitted', answer: 'accepted' },
  { state: 'unknown', reason: 'timeout' },
  { state: 'settled', proof: { slot: '7' } },
  { state: 'failed', reason: 'frozen', proof: { slot: '7' } },
  { state: 'never', proof: { height: '9' } },
]

const ACTIONS: readonly (readonly [AttemptAction, AttemptState])[] = [
  [
    { type: 'submitted', answer: 'rejected: node is behind' },
    { state: 'submitted', answer: 'rejected: node is behind' },
  ],
  [
    { type: 'lost', reason: 'connection reset' },
    { state: 'unknown', reason: 'connection reset' },
  ],
  [
    { type: 'settle', proof: { slot: '8' } },
    { state: 'settled', proof: { slot: '8' } },
  ],
  [
    { type: 'fail', reason: 'no account', proof: { slot: '8' } },
    { state: 'failed', reason: 'no account', proof: { slot: '8' } },
  ],
  [
    { type: 'expire', proof: { height: '10' } },
    { state: 'never', proof: { height: '10' } },
  ],
]

const LIVE = new Set(['prepared', 'submitted', 'unknown'])
const pairs = STATES.flatMap((state) => ACTIONS.map(([action, next]) => ({ from: state.state, type: action.type, state, action, next })))

it.each(pairs)('$from: $type leads where it may, or nowhere', ({ state, action, next }) => {
  expect(advanceAttempt(state, action)).toEqual(LIVE.has(state.state) ? next : null)
})

it('shows the same table that it decides by', () => {
  for (const { from, type, state, action } of pairs) {
    const allowed: Partial<Record<string, string>> = ATTEMPT_TRANSITIONS[from]
    expect(allowed[type] ?? null).toBe(advanceAttempt(state, action)?.state ?? null)
  }
  expect(Object.keys(ATTEMPT_TRANSITIONS).toSorted()).toEqual(STATES.map(({ state }) => state).toSorted())
})

it('calls live exactly the states that an attempt can still leave', () => {
  const left = STATES.filter((state) => ACTIONS.some(([action]) => advanceAttempt(state, action) !== null))
  expect([...LIVE_ATTEMPT_STATES]).toEqual(left.map(({ state }) => state))
  expect(new Set<string>(LIVE_ATTEMPT_STATES)).toEqual(LIVE)
})

it('ends once: after any answers it has one end, whatever comes later', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ACTIONS), { maxLength: 30, size: 'max' }), (answers) => {
      let state: AttemptState = { state: 'prepared' }
      let ends = 0
      for (const [action] of answers) {
        const next = advanceAttempt(state, action)
        if (next === null) continue
        expect(LIVE.has(state.state)).toBe(true)
        if (!LIVE.has(next.state)) ends += 1
        state = next
      }
      expect(ends).toBe(LIVE.has(state.state) ? 0 : 1)
    }),
  )
})

it.each([
  [0, 0, 250],
  [0, 255, 500],
  [1, 0, 500],
  [1, 255, 1000],
  [3, 255, 4000],
  [10, 255, 512_000],
  [11, 255, 900_000],
  [11, 0, 450_000],
  [20, 255, 900_000],
  [1e9, 255, 900_000],
])('waits before try %i + 1 with jitter %i: %i ms', (tries, jitter, ms) => {
  expect(backoffMs(tries, jitter)).toBe(ms)
})

it('waits a whole number of milliseconds between half and all of a span that doubles up to a quarter of an hour', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(255), (tries, jitter) => {
      const wait = backoffMs(tries, jitter)
      const span = Math.min(900_000, 500 * 2 ** Math.min(tries, 12))
      expect(Number.isInteger(wait)).toBe(true)
      expect(wait >= span / 2 && wait <= span).toBe(true)
      expect(backoffMs(tries + 1, jitter) >= wait).toBe(true)
      // The first span has 250 ms for 256 bytes: there two neighbours may fall on one millisecond.
      if (jitter < 255) expect(backoffMs(tries, jitter + 1) - wait).toBeGreaterThanOrEqual(span / 2 > 255 ? 1 : 0)
    }),
  )
})
