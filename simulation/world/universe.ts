// All of a history that is simulated, put together from its seed: time, network, database, servers, doors and faults. Nobody acts in it yet.

import type { Host } from '../database/host.ts'
import { assert } from '../../src/core/assert.ts'
import { masterKeyOf } from '../../src/signer/envelope.ts'
import type { HistoryPlan } from '../history.ts'
import { randomOf, type Random } from '../random.ts'
import { armPoints, type ArmedPoints } from './armed-points.ts'
import type { LogLine } from './effects.ts'
import { createFaults, type Faults } from './faults.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { takeMachine, type Machine } from './machine.ts'
import { hostNetwork, type Network } from './network.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import type { ServerParts } from './server.ts'
import { createStatements, type Statements } from './statements.ts'
import { createSteps, type Steps } from './steps.ts'
import type { Owner } from './waiting.ts'

export type Universe = {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly steps: Steps
  readonly faults: Faults
  readonly network: Network
  readonly statements: Statements
  readonly fleet: Fleet
  readonly server: ServerParts
  readonly points: ArmedPoints
  readonly masterKey: Uint8Array
  readonly logged: readonly LogLine[]
  /** Lets turns be taken until the work is done, or until an instant (microseconds). Rejects as the work does. */
  readonly drive: <T>(work: Promise<T>, until: number) => Promise<T | 'late'>
  readonly close: () => Promise<void>
}

/** When every history begins. */
export const BEGIN = Temporal.Instant.from('2026-03-01T12:00:00Z')
export const BEGIN_US = BEGIN.epochMilliseconds * 1000

export async function openUniverse({ seed, plan, host }: { readonly seed: number; readonly plan: HistoryPlan; readonly host: Host }): Promise<Universe> {
  const random = randomOf(`history ${seed}`)
  const steps = createSteps(BEGIN_US)
  const faults = createFaults(random.fork('faults'), plan)
  // The parts know of each other only while they run.
  const parts: { fleet?: Fleet; network?: Network; scheduler?: Scheduler } = {}
  const machine = takeMachine(() => (parts.scheduler?.now() ?? BEGIN_US) / 1000)
  try {
    await host.reset()
    const scheduler = createScheduler({
      begin: BEGIN_US,
      random: random.fork('turns'),
      steps,
      quiet: machine.quiet,
      beforeTurn: (turn) => parts.fleet?.beforeTurn(turn),
      atTime: (now) => parts.network?.moveTo(now),
    })
    parts.scheduler = scheduler
    const points = armPoints({ random: random.fork('points'), faults, kill: (owner, why) => parts.fleet?.kill(owner, why) })
    return assemble({ seed, random, host, steps, faults, scheduler, machine, points }, parts)
  } catch (error) {
    machine.release()
    throw error
  }
}

type Given = {
  readonly seed: number
  readonly random: Random
  readonly host: Host
  readonly steps: Steps
  readonly faults: Faults
  readonly scheduler: Scheduler
  readonly machine: Machine
  readonly points: ArmedPoints
}

function assemble({ seed, random, host, steps, faults, scheduler, machine, points }: Given, parts: { fleet?: Fleet; network?: Network }): Universe {
  const logged: LogLine[] = []
  const masterKey = random.fork('master key').bytes(32)
  const network = hostNetwork({ seed: `history ${seed}`, scheduler, steps, random: random.fork('wire'), faults, atPoint: points.fetch })
  parts.network = network
  const statements = createStatements({ host, outside: machine.outside, scheduler, steps, random: random.fork('statements'), faults, points: points.points, atPoint: points.sql })
  const server: ServerParts = {
    scheduler,
    random: random.fork('processes'),
    openPool: statements.openPool,
    fetchOf: network.fetchOf,
    masterKey: masterKeyOf(masterKey),
    rest: { factor: 1 },
    logged: (line) => {
      logged.push(line)
      if (line.level === 'warn' || line.level === 'error') steps.note(scheduler.now(), line.process, `logs: ${line.message}`, JSON.stringify(line.fields))
    },
  }
  const fleet = createFleet({ server, scheduler, steps, random: random.fork('fleet'), faults, endSessions: async (owner: Owner) => await statements.end(owner) })
  parts.fleet = fleet
  const step = async (until: number): Promise<boolean> => {
    const went = await scheduler.step(until)
    await fleet.bury()
    // Nobody waits for anything but the database while a transaction is open: not for the network, not for another connection.
    const open = statements.open()
    assert(open === null, `${open ?? ''}, and waits for something else`)
    return went
  }
  return {
    ...{ random, scheduler, steps, faults, network, statements, fleet, server, points, logged, masterKey },
    drive: async (work, until) => {
      let done = false
      const ended = work.finally(() => (done = true))
      ended.catch(() => {})
      await machine.quiet()
      while (!done && scheduler.now() < until) if (!(await step(until))) break
      return done ? await ended : 'late'
    },
    close: async () => {
      await statements.close()
      network.close()
      machine.release()
    },
  }
}
