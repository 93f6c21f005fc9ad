// The fault knobs of the sandbox network, and the counters of what each of them did. All faults are off by default.
import { z } from 'zod'
import { MAX_LAG_SLOTS, FINALIZED_DEPTH } from './chain.ts'

const rate = z.number().min(0).max(1)
const count = z.int().min(0).max(1_000_000)
const range = z.tuple([count, count]).refine(([low, high]) => low <= high, 'a range is [low, high] with low <= high')

/**
 * Knobs as they may be given, all optional. Rates are probabilities from 0 to 1 per request, transaction or slot, drawn
 * from the seeded generator. Requests of `sandbox_…` methods are spared all faults.
 */
export const knobSettings = z.strictObject({
  /** Requests that vanish before they are handled (connection destroyed). */
  requestLossRate: rate,
  /** Requests that are handled and whose answer vanishes (connection destroyed). */
  responseLossRate: rate,
  /** Requests that arrive twice; the second answer is the one that comes back. */
  requestDuplicationRate: rate,
  /** Milliseconds a request is on its way before the node sees it, whoever waits for it: later ones may overtake it. */
  requestDelayMs: range,
  /** Milliseconds an answer is held back. */
  responseDelayMs: range,
  /** Slots a transaction waits before the first block that may hold it. */
  inclusionDelaySlots: range,
  /** Transactions that sendTransaction accepts and no block ever holds. */
  transactionDropRate: rate,
  /** Transactions that are taken in, and whose sender is told an internal error. */
  acceptThenErrorRate: rate,
  /**
   * Share of requests answered by a node that forgot everything older than `forgetAfterSlots` slots before its
   * finalized one.
   */
  forgetRate: rate,
  forgetAfterSlots: count,
  /** Share of requests answered by a node that is `lagSlots` behind. */
  lagRate: rate,
  lagSlots: z.int().min(0).max(MAX_LAG_SLOTS),
  /** Requests at which the node dies, half of them before and half after handling. */
  crashRate: rate,
  /** Requests a slot; those above get HTTP 429. Null for no limit. */
  requestsPerSlot: z.int().min(0).nullable(),
  /**
   * Slots at which the newest `reorgSlots` slots are replaced by empty ones; their transactions are gone until sent
   * again.
   */
  reorgRate: rate,
  reorgSlots: z.int().min(1).max(FINALIZED_DEPTH),
  /** Transactions that offer less than this per compute unit (micro-lamports) wait, as in a fee spike. */
  minimumPriorityFee: count,
  /**
   * What the next start forgets of what was final: nothing, all blocks and transactions (accounts stay), or the whole
   * network. Applies once.
   */
  onRestart: z.enum(['keep', 'forget_history', 'forget_everything']),
}).partial()

export type KnobSettings = z.input<typeof knobSettings>

export type Knobs = { readonly [Name in keyof KnobSettings]-?: Exclude<KnobSettings[Name], undefined> }

export const CALM: Knobs = {
  requestLossRate: 0,
  responseLossRate: 0,
  requestDuplicationRate: 0,
  requestDelayMs: [0, 0],
  responseDelayMs: [0, 0],
  inclusionDelaySlots: [0, 0],
  transactionDropRate: 0,
  acceptThenErrorRate: 0,
  forgetRate: 0,
  forgetAfterSlots: 0,
  lagRate: 0,
  lagSlots: 0,
  crashRate: 0,
  requestsPerSlot: null,
  reorgRate: 0,
  reorgSlots: 1,
  minimumPriorityFee: 0,
  onRestart: 'keep',
}

/** What happened so far in this process; `crashes` and `restarts` count over all processes on the same directory. */
export type Counters = {
  slots: number
  requests: number
  requestsLost: number
  responsesLost: number
  requestsDuplicated: number
  requestsDelayed: number
  responsesDelayed: number
  requestsLimited: number
  requestsForgetful: number
  requestsLagging: number
  inclusionsDelayed: number
  transactionsAccepted: number
  transactionsLanded: number
  transactionsDropped: number
  transactionsExpired: number
  transactionsRefused: number
  transactionsUnderpriced: number
  acceptedThenErrored: number
  reorgs: number
  transactionsReorged: number
  historiesForgotten: number
  crashes: number
  restarts: number
}

export function zeroCounters(): Counters {
  return {
    slots: 0,
    requests: 0,
    requestsLost: 0,
    responsesLost: 0,
    requestsDuplicated: 0,
    requestsDelayed: 0,
    responsesDelayed: 0,
    requestsLimited: 0,
    requestsForgetful: 0,
    requestsLagging: 0,
    inclusionsDelayed: 0,
    transactionsAccepted: 0,
    transactionsLanded: 0,
    transactionsDropped: 0,
    transactionsExpired: 0,
    transactionsRefused: 0,
    transactionsUnderpriced: 0,
    acceptedThenErrored: 0,
    reorgs: 0,
    transactionsReorged: 0,
    historiesForgotten: 0,
    crashes: 0,
    restarts: 0,
  }
}

/** `current` with the given settings changed. `undefined` leaves a knob as it is. */
export function turnKnobs(current: Knobs, settings: KnobSettings): Knobs {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  return { ...current, ...given }
}
