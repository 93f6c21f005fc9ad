// One thread's part of the histories, asked for in blocks of seeds; and the same by itself, for tests.

import { parentPort } from 'node:worker_threads'
import { advanceAttempt } from '../../src/core/attempt.ts'
import { decideSlots } from '../../src/core/lane-slots.ts'
import { advancePayout } from '../../src/core/payout.ts'
import { playPayouts, type Outcome, type PayoutDeciders } from './payouts.ts'
import { playSlots, type SlotDeciders } from './slots.ts'

export type Deciders = PayoutDeciders & SlotDeciders

/** The deciders that the engine runs on. */
export const REAL: Deciders = { advanceAttempt, advancePayout, decideSlots }

export const KINDS = ['payouts', 'slots'] as const
export type Kind = (typeof KINDS)[number]

/** Seeds from `first` on, so many. */
export type Block = { readonly kind: Kind; readonly first: number; readonly count: number }

export type Played = { readonly block: Block; readonly moves: number; readonly findings: readonly { readonly seed: number; readonly finding: string }[] }

const PLAY: Readonly<Record<Kind, (seed: number, deciders: Deciders) => Outcome>> = { payouts: playPayouts, slots: playSlots }

/** Plays a block of histories; a decider that throws broke a law too. */
export function playBlock(block: Block, deciders: Deciders = REAL): Played {
  const findings: { seed: number; finding: string }[] = []
  let moves = 0
  for (let seed = block.first; seed < block.first + block.count; seed += 1) {
    const outcome = played(block.kind, seed, deciders)
    moves += outcome.moves
    if (outcome.finding !== null) findings.push({ seed, finding: outcome.finding })
  }
  return { block, moves, findings }
}

function played(kind: Kind, seed: number, deciders: Deciders): Outcome {
  try {
    return PLAY[kind](seed, deciders)
  } catch (error) {
    return { finding: `it threw: ${error instanceof Error ? error.message : String(error)}`, moves: 0 }
  }
}

parentPort?.on('message', (block: Block) => parentPort?.postMessage(playBlock(block)))
