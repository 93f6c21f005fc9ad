// What payouts and attempts may do, written down a second time from the published pages and not from the deciders, and what the network really
// did. It decides nothing: it is told each move and says which law the move broke.

import type { AttemptState } from '../../src/core/attempt.ts'
import type { PayoutAction, PayoutState } from '../../src/core/payout.ts'

/** What the network did with an attempt: nothing yet, took it in, paid by it, refused it for good, or let it die. */
export type Fate = 'away' | 'waiting' | 'paid' | 'failed' | 'dead'

export type Oracle = {
  /** The first law that was broken, in words; null while all hold. */
  readonly finding: () => string | null
  readonly prepared: (attempt: number, members: readonly number[]) => void
  readonly fated: (attempt: number, fate: Fate) => void
  readonly attemptMoved: (attempt: number, from: AttemptState, to: AttemptState) => void
  readonly payoutMoved: (payout: number, move: { readonly from: PayoutState; readonly to: PayoutState; readonly by: PayoutAction['type'] }) => void
  /** An attempt ended, and this payout of it did not take the news. */
  readonly stuck: (payout: number, attempt: number) => void
  /** Faults are over and everybody had time: what is still open is open for ever. */
  readonly rested: (payouts: readonly PayoutState[]) => void
}

const MOVES_OF_ATTEMPTS = new Set([
  ...['prepared', 'submitted', 'unknown'].flatMap((live) => ['submitted', 'unknown', 'settled', 'failed', 'never'].map((next) => `${live} ${next}`)),
])

const MOVES_OF_PAYOUTS = new Set([
  ...['reserved', 'held', 'queued', 'awaiting_approval', 'cancelled'].map((next) => `queued ${next}`),
  ...['queued', 'held', 'cancelled'].map((next) => `awaiting_approval ${next}`),
  ...['queued', 'held', 'cancelled'].map((next) => `held ${next}`),
  ...['settled', 'queued', 'held'].map((next) => `reserved ${next}`),
])

/** What the network must have done for an attempt to be said to have ended so. */
const FATE_OF: Readonly<Record<string, Fate>> = { settled: 'paid', failed: 'failed', never: 'dead' }

type Seen = { readonly members: readonly number[]; state: AttemptState['state']; fate: Fate }

export function oracleOf(units: readonly bigint[]): Oracle {
  let broken: string | null = null
  const attempts = new Map<number, Seen>()
  const demand: Demand = (holds, law) => {
    if (!holds) broken ??= law()
  }
  const seen = (attempt: string | number): Seen => attempts.get(Number(attempt)) ?? { members: [], state: 'prepared', fate: 'away' }
  const books = booksOf(units, demand)
  return {
    finding: () => broken,
    prepared: (attempt, members) => {
      for (const [number, earlier] of attempts) {
        const shared = earlier.members.some((member) => members.includes(member))
        demand(!shared || earlier.state === 'failed' || earlier.state === 'never', () => `attempt ${attempt} was made while attempt ${number} of the same payout was ${earlier.state}`)
      }
      attempts.set(attempt, { members, state: 'prepared', fate: 'away' })
    },
    fated: (attempt, fate) => {
      const one = seen(attempt)
      one.fate = fate
      if (fate !== 'paid') return
      for (const member of one.members) {
        const times = [...attempts.values()].filter((other) => other.fate === 'paid' && other.members.includes(member)).length
        demand(times === 1, () => `payout ${member} was paid ${times} times`)
      }
    },
    attemptMoved: (attempt, from, to) => {
      const one = seen(attempt)
      demand(one.state === from.state, () => `attempt ${attempt} was ${one.state} and moved as if it were ${from.state}`)
      demand(MOVES_OF_ATTEMPTS.has(`${from.state} ${to.state}`), () => `attempt ${attempt} went from ${from.state} to ${to.state}`)
      one.state = to.state
      const fate = FATE_OF[to.state]
      demand(fate === undefined || one.fate === fate, () => `attempt ${attempt} is said to have ${to.state}, and the network says ${one.fate}`)
      demand(fate === undefined || ('proof' in to && Object.keys(to.proof).length > 0), () => `attempt ${attempt} ended without proof`)
    },
    payoutMoved: (payout, { from, to, by }) => {
      demand(MOVES_OF_PAYOUTS.has(`${from.state} ${to.state}`), () => `payout ${payout} went from ${from.state} to ${to.state} by ${by}`)
      const turnedAway = from.state === 'held' && from.reason === 'rejected'
      demand(!turnedAway || by === 'approve' || by === 'cancel', () => `payout ${payout}, which a person turned away, went on by ${by}`)
      if (to.state === 'reserved') books.transfer(payout, 'payable', 'inFlight')
      if (from.state !== 'reserved') {
        demand(to.state !== 'settled', () => `payout ${payout} settled without an attempt`)
        return
      }
      const { fate, state, members } = seen(from.attempt)
      demand(members.includes(payout), () => `payout ${payout} stood on attempt ${from.attempt}, which is not its own`)
      books.transfer(payout, 'inFlight', to.state === 'settled' ? 'paid' : 'payable')
      if (to.state === 'settled') {
        demand(to.attempt === from.attempt && fate === 'paid', () => `payout ${payout} settled by attempt ${to.attempt}, and the network says ${fate}`)
      } else {
        demand((fate === 'failed' || fate === 'dead') && (state === 'failed' || state === 'never'), () => `payout ${payout} was let go while its attempt may still pay (${state}, ${fate})`)
      }
    },
    stuck: (payout, attempt) => demand(false, () => `payout ${payout} did not take the end of its attempt ${attempt}`),
    rested: (payouts) => {
      for (const [payout, state] of payouts.entries()) {
        const isNamed = state.state === 'settled' || state.state === 'cancelled' || state.state === 'awaiting_approval' || (state.state === 'held' && state.reason === 'rejected')
        demand(isNamed, () => `payout ${payout} is ${state.state} for ever`)
        const paid = [...attempts.values()].some(({ fate, members }) => fate === 'paid' && members.includes(payout))
        demand(paid === (state.state === 'settled'), () => `payout ${payout} is ${state.state}, and the network ${paid ? 'paid' : 'never paid'} it`)
        books.check(payout)
      }
      for (const [attempt, { state }] of attempts) demand(FATE_OF[state] !== undefined, () => `attempt ${attempt} is ${state} for ever`)
    },
  }
}

type Demand = (holds: boolean, law: () => string) => void

/** What is owed for each payout: to be paid, on its way, or paid; never less than nothing, always the same together. */
function booksOf(units: readonly bigint[], demand: Demand) {
  const books = units.map((owed) => ({ owed, payable: owed, inFlight: 0n, paid: 0n }))
  const check = (payout: number): void => {
    const book = books[payout]
    demand(book !== undefined && book.payable >= 0n && book.inFlight >= 0n, () => `payout ${payout} gave out more than it had`)
    demand(book !== undefined && book.payable + book.inFlight + book.paid === book.owed, () => `payout ${payout} does not add up to what is owed`)
  }
  return {
    check,
    transfer: (payout: number, from: 'payable' | 'inFlight', to: 'payable' | 'inFlight' | 'paid'): void => {
      const book = books[payout]
      if (book === undefined) return
      book[from] -= book.owed
      book[to] += book.owed
      check(payout)
    },
  }
}
