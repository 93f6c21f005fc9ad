// One random history of payouts and attempts: workers with stale views, a network that answers late, twice or never, and people who change
// their minds. All state is what the deciders made of it; what was decided on an old view is carried out on the state as it is by then.

import type { advanceAttempt, AttemptAction, AttemptState } from '../../src/core/attempt.ts'
import type { advancePayout, PayoutAction, PayoutHold, PayoutState } from '../../src/core/payout.ts'
import { chanceOf, type Chance } from './chance.ts'
import { oracleOf, type Fate, type Oracle } from './payout-oracle.ts'

/** The deciders under test. */
export type PayoutDeciders = { readonly advanceAttempt: typeof advanceAttempt; readonly advancePayout: typeof advancePayout }

/** What came of a history: the law it broke, or null; and how much happened in it. */
export type Outcome = { readonly finding: string | null; readonly moves: number }

const MOST_PAYOUTS = 4
const MOST_STEPS = 240
/** More than any payout needs to go through failures, deaths and holds one after another when nothing goes wrong any more. */
const CALM_ROUNDS = 12
/** Histories never wait: any instants do. */
const DUE = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:30Z', '2026-01-02T00:00:00Z'].map((text) => Temporal.Instant.from(text))
const HOLDS: readonly PayoutHold[] = ['no_wallet', 'no_funds', 'frozen', 'below_minimum', 'signing_limit', 'creator_unknown']

type Attempt = { readonly number: number; readonly members: readonly number[]; state: AttemptState; fate: Fate }

/** What somebody has made up their mind to do, and does later, perhaps twice. */
type Errand = () => void

type History = {
  readonly chance: Chance
  readonly deciders: PayoutDeciders
  readonly oracle: Oracle
  readonly payouts: PayoutState[]
  readonly attempts: Attempt[]
  readonly errands: Errand[]
  moves: number
}

/** Plays the history of a seed to its end. */
export function playPayouts(seed: number, deciders: PayoutDeciders): Outcome {
  const chance = chanceOf(seed)
  const count = 1 + chance.below(MOST_PAYOUTS)
  const payouts = Array.from({ length: count }, (): PayoutState => ({ state: 'queued', dueAt: due(chance) }))
  const oracle = oracleOf(payouts.map(() => 1n + BigInt(chance.below(1_000_000))))
  const history: History = { chance, deciders, oracle, payouts, attempts: [], errands: [], moves: 0 }
  const steps = 1 + chance.below(MOST_STEPS)
  for (let step = 0; step < steps && oracle.finding() === null; step += 1) takeStep(history)
  calmDown(history)
  return { finding: oracle.finding(), moves: history.moves }
}

function takeStep(history: History): void {
  const { chance, attempts, errands } = history
  const turn = chance.below(10)
  if (turn < 4 || (errands.length === 0 && attempts.length === 0)) errands.push(errandOf(history))
  else if (turn < 8) runErrand(history)
  else if (attempts.length > 0) moveNetwork(history, chance.oneOf(attempts))
}

function runErrand({ chance, errands }: History): void {
  if (errands.length === 0) return
  const index = chance.below(errands.length)
  const errand = errands[index]
  // Now and then it is not crossed off: a message delivered twice, a worker that was asked again.
  if (!chance.onceIn(5)) errands.splice(index, 1)
  errand?.()
}

function errandOf(history: History): Errand {
  const { chance, attempts } = history
  const turn = chance.below(attempts.length === 0 ? 6 : 12)
  if (turn < 3) return prepareLater(history)
  if (turn < 6) return meddleLater(history)
  const attempt = chance.oneOf(attempts)
  return turn < 9 ? submitLater(history, attempt) : lookLater(history, attempt)
}

/** A worker packs what it sees queued, and commits it some time after. */
function prepareLater(history: History): Errand {
  const { chance, payouts } = history
  const seen = [...payouts.keys()].filter((payout) => payouts[payout]?.state === 'queued' && !chance.onceIn(4))
  return () => commitAttempt(history, seen)
}

/** All of them or none, as the one conditional update has it. */
function commitAttempt(history: History, members: readonly number[]): void {
  const { deciders, oracle, payouts, attempts } = history
  const number = attempts.length
  const action: PayoutAction = { type: 'reserve', attempt: String(number) }
  const reserved = members.map((payout) => advance(deciders, payouts, payout, action))
  if (members.length === 0 || reserved.includes(null)) return
  history.moves += 1
  oracle.prepared(number, members)
  attempts.push({ number, members, state: { state: 'prepared' }, fate: 'away' })
  for (const [index, payout] of members.entries()) place(history, payout, { to: reserved[index] ?? null, by: 'reserve' })
}

/** The bytes go out now; what the sender hears of it comes later, if ever. */
function submitLater(history: History, attempt: Attempt): Errand {
  const { chance, oracle } = history
  if (attempt.fate === 'away' && !chance.onceIn(3)) {
    attempt.fate = 'waiting'
    oracle.fated(attempt.number, 'waiting')
  }
  const action: AttemptAction = chance.onceIn(2) ? { type: 'submitted', answer: chance.onceIn(2) ? 'accepted' : 'rejected: no' } : { type: 'lost', reason: 'timeout' }
  return () => moveAttempt(history, attempt, action)
}

/** A look tells the truth of the moment in which it was answered, or nothing. */
function lookLater(history: History, attempt: Attempt): Errand {
  const action = history.chance.onceIn(4) ? ({ type: 'lost', reason: 'no answer' } as const) : truthOf(attempt)
  return () => moveAttempt(history, attempt, action)
}

function truthOf({ number, fate }: Attempt): AttemptAction {
  const proof = { attempt: number, fate }
  if (fate === 'paid') return { type: 'settle', proof }
  if (fate === 'failed') return { type: 'fail', reason: 'frozen', proof }
  return fate === 'dead' ? { type: 'expire', proof } : { type: 'submitted', answer: 'pending' }
}

function moveNetwork({ chance, oracle }: History, attempt: Attempt): void {
  const next: Fate | undefined = attempt.fate === 'away' ? 'dead' : attempt.fate === 'waiting' ? chance.oneOf(['paid', 'failed', 'dead', 'waiting'] as const) : undefined
  if (next === undefined) return
  attempt.fate = next
  oracle.fated(attempt.number, next)
}

function moveAttempt(history: History, attempt: Attempt, action: AttemptAction): void {
  const { deciders, oracle } = history
  const from = attempt.state
  const to = deciders.advanceAttempt(from, action)
  if (to === null) return
  history.moves += 1
  oracle.attemptMoved(attempt.number, from, to)
  attempt.state = to
  if (to.state !== 'settled' && to.state !== 'failed' && to.state !== 'never') return
  for (const payout of attempt.members) endMember(history, attempt, { payout, end: to.state })
}

function endMember(history: History, { number }: Attempt, { payout, end }: { readonly payout: number; readonly end: 'settled' | 'failed' | 'never' }): void {
  const { chance, oracle, errands } = history
  const attempt = String(number)
  const action: PayoutAction =
    end === 'settled'
      ? { type: 'settle', attempt }
      : end === 'failed' && chance.onceIn(2)
        ? { type: 'fail', attempt, reason: chance.oneOf(HOLDS), detail: 'frozen', dueAt: due(chance) }
        : { type: 'release', attempt, dueAt: due(chance) }
  if (!movePayout(history, payout, action)) oracle.stuck(payout, number)
  // The same news once more, long after: by then the payout may stand on another attempt.
  if (chance.onceIn(2)) errands.push(() => void movePayout(history, payout, action))
}

/** What rails, people and settings do to payouts, on whatever they last saw. */
function meddleLater(history: History): Errand {
  const { chance, payouts } = history
  const payout = chance.below(payouts.length)
  const dueAt = due(chance)
  const actions: readonly PayoutAction[] = [
    { type: 'hold', reason: chance.oneOf(HOLDS), detail: 'it must wait', dueAt: chance.onceIn(2) ? dueAt : null },
    { type: 'requeue', dueAt },
    { type: 'requeue', dueAt },
    { type: 'await' },
    { type: 'approve', dueAt },
    { type: 'approve', dueAt },
    { type: 'reject', detail: 'not this one' },
    { type: 'cancel' },
  ]
  const action = chance.oneOf(actions)
  // Few are cancelled, else most histories would end before anything is paid.
  if (action.type === 'cancel' && !chance.onceIn(4)) return () => {}
  return () => void movePayout(history, payout, action)
}

function movePayout(history: History, payout: number, action: PayoutAction): boolean {
  const to = advance(history.deciders, history.payouts, payout, action)
  if (to === null) return false
  history.moves += 1
  place(history, payout, { to, by: action.type })
  return true
}

function advance({ advancePayout: advanced }: PayoutDeciders, payouts: readonly PayoutState[], payout: number, action: PayoutAction): PayoutState | null {
  const from = payouts[payout]
  return from === undefined ? null : advanced(from, action)
}

function place({ oracle, payouts }: Pick<History, 'oracle' | 'payouts'>, payout: number, { to, by }: { readonly to: PayoutState | null; readonly by: PayoutAction['type'] }): void {
  const from = payouts[payout]
  if (from === undefined || to === null) return
  oracle.payoutMoved(payout, { from, to, by })
  payouts[payout] = to
}

/** No fault any more: what was under way arrives, and every worker does its work on what it sees. */
function calmDown(history: History): void {
  const { oracle, payouts, attempts, errands } = history
  for (let round = 0; round < CALM_ROUNDS && oracle.finding() === null; round += 1) {
    for (const errand of errands.splice(0)) errand()
    for (const attempt of attempts) {
      // What is sent again and again while it lives is paid, unless the network was through with it before.
      if (attempt.fate === 'away' || attempt.fate === 'waiting') {
        attempt.fate = 'paid'
        oracle.fated(attempt.number, 'paid')
      }
      moveAttempt(history, attempt, truthOf(attempt))
    }
    const dueAt = DUE[0] as Temporal.Instant
    for (const [payout, state] of payouts.entries()) if (state.state === 'held' && state.reason !== 'rejected') movePayout(history, payout, { type: 'requeue', dueAt })
    commitAttempt(history, [...payouts.keys()].filter((payout) => payouts[payout]?.state === 'queued'))
  }
  oracle.rested(payouts)
}

function due(chance: Chance): Temporal.Instant {
  return chance.oneOf(DUE)
}
