// The faults that come by themselves, whatever anybody does: processes that sleep, clocks that jump, everything ended at once, a database
// or a node started again, fees that rise, limits that are reached.

import { FINALIZED_DEPTH } from '../../src/rails/solana/sandbox/chain.ts'
import { CALM, type KnobSettings } from '../../src/rails/solana/sandbox/knobs.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import type { Fleet } from './fleet.ts'
import type { Network } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import type { Statements } from './statements.ts'
import type { Steps } from './steps.ts'
import { outsider } from './waiting.ts'

export type WeatherParts = {
  readonly scheduler: Scheduler
  readonly steps: Steps
  readonly random: Random
  readonly faults: Faults
  readonly fleet: Fleet
  readonly network: Network
  readonly statements: Statements
}

const MOMENT_US = 150_000
const PAUSE_US = 12_000_000
const JUMP_US = 4_000_000
/** A spike lasts this long; what is signed meanwhile offers too little, and expires where it lasts longer than a blockhash. */
const SPIKE_US = 6_000_000
const LIMIT_US = 3_000_000
/** Micro-lamports a compute unit that nobody offers. */
const SPIKE_PRICE = 900_000
const LAG_SLOTS = 40
const FORGET_AFTER_SLOTS = 10
/** Beyond the 150 slots that a blockhash lives. */
const LATEST_INCLUSION = 220
const LATE_INCLUSION = 60

/** The network's own knobs under this seed. */
export function firstKnobs(faults: Faults, random: Random): KnobSettings {
  return {
    requestLossRate: faults.rate('rpc request lost'),
    responseLossRate: faults.rate('rpc answer lost'),
    requestDuplicationRate: faults.rate('rpc request twice'),
    transactionDropRate: faults.rate('transaction dropped'),
    acceptThenErrorRate: faults.rate('accepted, then an error answered'),
    forgetRate: faults.rate('node forgot history'),
    forgetAfterSlots: FORGET_AFTER_SLOTS,
    lagRate: faults.rate('node lagged'),
    lagSlots: LAG_SLOTS,
    crashRate: faults.rate('node crashed'),
    reorgRate: faults.rate('re-org'),
    reorgSlots: 1 + random.below(FINALIZED_DEPTH - 1),
    ...(random.chance(faults.rate('inclusion late, up to expiry')) && { inclusionDelaySlots: [0, random.chance(0.5) ? LATEST_INCLUSION : LATE_INCLUSION] }),
  }
}

export async function blow({ scheduler, steps, random, faults, fleet, network, statements }: WeatherParts, isOver: () => boolean): Promise<void> {
  const weather = outsider('weather')
  const note = (what: string): void => steps.note(scheduler.now(), weather.name, what)
  const later = (us: number, what: string, then: () => void): void => scheduler.spawn(scheduler.turn(weather, what, us).then(() => (isOver() ? undefined : then())))
  const limits = random.chance(faults.rate('rate limited'))
  for (;;) {
    await scheduler.turn(weather, 'looks around', MOMENT_US / 2 + random.below(MOMENT_US))
    if (isOver()) return
    const [somebody] = random.shuffle(fleet.running())
    if (faults.happens('all servers killed')) {
      fleet.killAll('all at once')
      if (random.chance(0.5)) statements.restart()
      if (random.chance(0.5)) network.restart()
    }
    if (somebody !== undefined && faults.happens('server paused, woken late')) {
      const us = random.below(PAUSE_US)
      note(`puts ${somebody.server.owner.name} to sleep for ${(us / 1e6).toFixed(1)} s`)
      somebody.server.owner.pausedUntil = scheduler.now() + us
    }
    if (somebody !== undefined && faults.happens('clock jumped')) {
      const us = random.between(-JUMP_US, JUMP_US)
      note(`sets the clock of ${somebody.server.owner.name} by ${(us / 1e6).toFixed(1)} s`)
      somebody.server.owner.skew += us
    }
    if (faults.happens('database restarted')) {
      note('starts the database again')
      statements.restart()
    }
    if (faults.happens('node crashed and forgot history')) {
      note('starts the node again, without its history')
      network.knobs({ onRestart: 'forget_history' })
      network.restart()
      network.knobs({ onRestart: 'keep' })
    }
    if (random.chance(faults.rate('fee spike'))) {
      note('lets fees rise')
      network.knobs({ minimumPriorityFee: SPIKE_PRICE })
      later(random.below(SPIKE_US), 'lets fees fall', () => network.knobs({ minimumPriorityFee: 0 }))
    }
    if (limits && random.chance(0.1)) {
      note('lets the network limit requests')
      network.knobs({ requestsPerSlot: random.below(2) })
      later(random.below(LIMIT_US), 'lifts the limit', () => network.knobs({ requestsPerSlot: null }))
    }
  }
}

/** The network without faults; what it forgot stays forgotten. */
export function calmNetwork(network: Network): void {
  network.knobs(CALM)
}
