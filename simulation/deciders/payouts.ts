// One random history of payouts and attempts: workers with stale views, a network that answers late, twice or never, and people who change
// their minds. All state is what the deciders made of it; what was decided on an old view is carried out on the state as it is by then.

import type { advanceAttempt, AttemptAction, AttemptState } from '../../src/core/attempt.ts'
import type { advancePayout, PayoutAction, PayoutHold, PayoutState } from '../../src/core/payout.ts'
import { randomOf, type Random } from '../random.ts'
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

/** True once in so many times. */
export const onceIn = (random: Random, times: number): boolean => random.below(times) === 0

type Attempt = { readonly number: number; readonly members: readonly number[]; state: AttemptState; fate: Fate }

/** What somebody has made up their mind to do, and does later, perhaps twice. */
type Errand = () => void

type History = {
  readonly random: Random
  readonly deciders: PayoutDeciders
  readonly oracle: Oracle
  readonly payouts: PayoutState[]
  readonly attempts: Attempt[]
  readonly errands: Errand[]
  /** All that was ever told to payouts of the ends of their attempts. */
  readonly news: Errand[]
  moves: number
}

/** Plays the history of a seed to its end. */
export function playPayouts(seed: number, deciders: PayoutDeciders): Outcome {
  const random = randomOf(`payouts ${seed}`)
  const count = 1 + random.below(MOST_PAYOUTS)
  const payouts = Array.from({ length: count }, (): PayoutState => ({ state: 'queued', dueAt: due(random) }))
  const oracle = oracleOf(payouts.map(() => 1n + BigInt(random.below(1_000_000))))
  const history: History = { random, deciders, oracle, payouts, attempts: [], errands: [], news: [], moves: 0 }
  const steps = 1 + random.below(MOST_STEPS)
  for (let step = 0; step < steps && oracle.finding() === null; step += 1) takeStep(history)
  calmDown(history)
  return { finding: oracle.finding(), moves: history.moves }
}

function takeStep(history: History): void {
  const { random, attempts, errands } = history
  const turn = random.below(10)
  if (turn < 4 || (errands.length === 0 && attempts.length === 0)) errands.push(errandOf(history))
  else if (turn < 8) runErrand(history)
  else if (attempts.length > 0) moveNetwork(history, random.pick(attempts))
}

function runErrand({ random, errands }: History): void {
  if (errands.length === 0) return
  const index = random.below(errands.length)
  const errand = errands[index]
  // Now and then it is not crossed off: a message delivered twice, a worker that was asked again.
  if (!onceIn(random, 5)) errands.splice(index, 1)
  errand?.()
}

function errandOf(history: History): Errand {
  const { random, attempts } = history
  const turn = random.below(attempts.length === 0 ? 6 : 12)
  if (turn < 3) return prepareLater(history)
  if (turn < 6) return meddleLater(history)
  const attempt = random.pick(attempts)
  return turn < 9 ? submitLater(history, attempt) : lookLater(history, attempt)
}

/** A worker packs what it sees queued, and commits it some time after. */
function prepareLater(history: History): Errand {
  const { random, payouts } = history
  const seen = [...payouts.keys()].filter((payout) => payouts[payout]?.state === 'queued' && !onceIn(random, 4))
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
  const { random, oracle } = history
  if (attempt.fate === 'away' && !onceIn(random, 3)) {
    attempt.fate = 'waiting'
    oracle.fated(attempt.number, 'waiting')
  }
  const action: AttemptAction = onceIn(random, 2) ? { type: 'submitted', answer: onceIn(random, 2) ? 'accepted' : 'rejected: no' } : { type: 'lost', reason: 'timeout' }
  return () => moveAttempt(history, attempt, action)
}

/** A look tells the truth of the moment in which it was answered, or nothing. */
function lookLater(history: History, attempt: Attempt): Errand {
  const action = onceIn(history.random, 4) ? ({ type: 'lost', reason: 'no answer' } as const) : truthOf(attempt)
  return () => moveAttempt(history, attempt, action)
}

function truthOf({ number, fate }: Attempt): AttemptAction {
  const proof = { attempt: number, fate }
  if (fate === 'paid') return { type: 'settle', proof }
  if (fate === 'failed') return { type: 'fail', reason: 'frozen', proof }
  return fate === 'dead' ? { type: 'expire', proof } : { type: 'submitted', answer: 'pending' }
}

function moveNetwork({ random, oracle }: History, attempt: Attempt): void {
  const next: Fate | undefined = attempt.fate === 'away' ? 'dead' : attempt.fate === 'waiting' ? random.pick(['paid', 'failed', 'dead', 'waiting'] as const) : undefined
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
  const { random, oracle, errands, news } = history
  const attempt = String(number)
  const action: PayoutAction =
    end === 'settled'
      ? { type: 'settle', attempt }
      : end === 'failed' && onceIn(random, 2)
        ? { type: 'fail', attempt, reason: random.pick(HOLDS), detail: 'frozen', dueAt: due(random) }
        : { type: 'release', attempt, dueAt: due(random) }
  if (!movePayout(history, payout, action)) oracle.stuck(payout, number)
  // The same news once more, long after: by then the payout may stand on another attempt.
  const again = (): void => void movePayout(history, payout, action)
  news.push(again)
  if (onceIn(random, 2)) errands.push(again)
}

/** What rails, people and settings do to payouts, on whatever they last saw. */
function meddleLater(history: History): Errand {
  const { random, payouts } = history
  const payout = random.below(payouts.length)
  const dueAt = due(random)
  const actions: readonly PayoutAction[] = [
    { type: 'hold', reason: random.pick(HOLDS), detail: 'it must wait', dueAt: onceIn(random, 2) ? dueAt : null },
    { type: 'requeue', dueAt },
    { type: 'requeue', dueAt },
    { type: 'await' },
    { type: 'approve', dueAt },
    { type: 'approve', dueAt },
    { type: 'reject', detail: 'not this one' },
    { type: 'cancel' },
  ]
  const action = random.pick(actions)
  // Few are cancelled, else most histories would end before anything is paid.
  if (action.type === 'cancel' && !onceIn(random, 4)) return () => {}
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
  // Everything comes once more when all is over.
  for (const again of history.news.splice(0)) again()
  oracle.rested(payouts)
}

function due(random: Random): Temporal.Instant {
  return random.pick(DUE)
}
