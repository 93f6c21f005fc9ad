// The worker: takes in queued rows, makes payouts, sends and looks, for all ledgers, until it is stopped. Several may run on one
// database: they divide the lanes among them, and each step is a conditional update or an idempotent posting, so that nothing is done
// twice even where two are at one lane for a moment.

import { present } from '../core/assert.ts'
import { agenda, type LaneWork } from '../engine/agenda.ts'
import { growTree } from '../engine/prove-shares.ts'
import { createDistributor, type Distributor } from '../engine/carry-distributions.ts'
import { divideLanes, type LaneDivision } from '../engine/divide-lanes.ts'
import { forgetIdempotencyKeys } from '../engine/idempotency.ts'
import type { Ledger, Ledgers } from '../engine/ledger.ts'
import { lookAttempts } from '../engine/look-attempts.ts'
import { makePayouts, recheckHeld } from '../engine/make-payouts.ts'
import type { Recorder } from '../engine/recorder.ts'
import { sendPayouts } from '../engine/send-payouts.ts'
import type { Pace } from '../engine/submit-attempts.ts'
import { takeInboxRows } from '../engine/take-inbox.ts'
import { watchWallets } from '../engine/watch-wallets.ts'
import type { World } from '../engine/world.ts'
import { createBell, createRest, runTask, type Rest, type Step, type Task } from './task.ts'

export type Worker = {
  readonly start: () => void
  /** Finishes the step at hand and takes no other. */
  readonly stop: () => Promise<void>
  /** The last fault of each task that is failing now; empty when all is well. */
  readonly faults: () => readonly { readonly task: string; readonly reason: string }[]
}

/** A public network settles in seconds; the sandbox's slots are a twentieth of its, and a block there is final after eight of 20 ms. */
const NETWORK_PACE: Pace = { firstLookAfterMs: 1000, lookAfterMs: 1000, resendAfterMs: 2000 }
const SANDBOX_PACE: Pace = { firstLookAfterMs: 180, lookAfterMs: 60, resendAfterMs: 500 }

/** A task rests this long when it found nothing, growing to the limit, so that an idle server is idle. */
const REST_FIRST_MS = 20
const REST_LIMIT_MS = 200
/** New ledgers, made by a command beside the server, are noticed this often. */
const LEDGERS_EVERY_MS = 1000
const WALLETS_EVERY_MS = 500
const HELD_EVERY_MS = 250
/** Answers to repeated calls are kept seven days; an hour more hurts nobody. */
const FORGET_EVERY_MS = 3_600_000

const every = (ms: number): Rest => createRest({ first: ms, limit: ms })
const shortRest = (): Rest => createRest({ first: REST_FIRST_MS, limit: REST_LIMIT_MS })

export function createWorker(world: World, { ledgers, recorder }: { ledgers: Ledgers; recorder: Recorder }): Worker {
  const stopping = new AbortController()
  const faults = new Map<string, string>()
  const started = new Set<string>()
  const running: Promise<void>[] = []
  const division = divideLanes(world)
  const distributor = createDistributor(world)
  const tasks: Task[] = []
  const begin = (task: Task): void => {
    if (started.has(task.name)) return
    started.add(task.name)
    tasks.push(task)
    running.push(runTask(world, ofDivision(division, task), { signal: stopping.signal, faults }))
  }
  const discover: Task = {
    name: 'ledgers',
    lane: null,
    ...{ rest: every(LEDGERS_EVERY_MS), bell: null },
    step: async () => {
      const problems: unknown[] = []
      const opened: Ledger[] = []
      for (const name of await ledgers.names()) {
        try {
          opened.push(await ledgers.open(name))
        } catch (error) {
          // The others are served all the same.
          problems.push(error)
        }
      }
      const failing = tasks.flatMap(({ name, lane }) => (lane !== null && faults.has(name) ? [lane] : []))
      await division.look(opened, failing)
      for (const ledger of opened) tasksOf(world, { recorder, distributor }, ledger).map((task) => ofOpened(ledgers, ledger, task)).forEach(begin)
      if (problems.length > 0) throw problems[0]
      return false
    },
  }
  const forget: Task = {
    name: 'idempotency keys',
    lane: null,
    ...{ rest: every(FORGET_EVERY_MS), bell: null },
    step: async () => {
      await forgetIdempotencyKeys(world)
      return false
    },
  }
  return {
    start: () => [discover, forget].forEach(begin),
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
      await division.end()
    },
    faults: () => [...faults].map(([task, reason]) => ({ task, reason })),
  }
}

/** A task of a lane rests while another worker has the lane. */
function ofDivision({ isMine }: LaneDivision, task: Task): Task {
  const { lane, step } = task
  return lane === null ? task : { ...task, step: async () => isMine(lane) && (await step()) }
}

/** A task rests for good once its ledger has become a copy, with other lanes. */
function ofOpened(ledgers: Ledgers, ledger: Ledger, task: Task): Task {
  return { ...task, step: async () => (await ledgers.open(ledger.name)) === ledger && (await task.step()) }
}

type Hands = { readonly recorder: Recorder; readonly distributor: Distributor }

function tasksOf(world: World, hands: Hands, ledger: Ledger): readonly Task[] {
  // Whoever is owed something in a copy is paid by the ledger from which it was exported.
  if (ledger.row.copied_at !== null) return []
  return [
    // Rows are taken by each worker for itself, and passed over by the others.
    { name: `inbox ${ledger.name}`, lane: null, rest: shortRest(), bell: null, step: async () => (await takeInboxRows(world, hands.recorder, ledger)) > 0 },
    // What is seen in wallets stands in the first lane.
    {
      ...{ name: `wallets ${ledger.name}`, lane: present(ledger.lanes[0], 'first lane'), rest: every(WALLETS_EVERY_MS), bell: null },
      step: async () => (await watchWallets(world, ledger, world.connect(ledger.row.rail, ledger.row.rail_url))) > 0,
    },
    ...ledger.lanes.flatMap((lane, position) => laneTasks(world, { lane, label: `${ledger.name} ${position}` }, stepsOf(world, hands, { ledger, lane }))),
  ]
}

type Steps = Readonly<Record<LaneWork, Step>>

function stepsOf(world: World, { distributor }: Hands, { ledger, lane }: { readonly ledger: Ledger; readonly lane: bigint }): Steps {
  const pace = ledger.row.sandbox ? SANDBOX_PACE : NETWORK_PACE
  const railOf = () => world.connect(ledger.row.rail, ledger.row.rail_url)
  return {
    distributions: async () => (await distributor.step(ledger, lane)) !== null,
    trees: async () => await growTree(world, ledger, lane),
    payouts: async () => (await makePayouts(world, ledger, lane)) > 0,
    held: async () => await recheckHeld(world, ledger, lane),
    send: async () => await sendPayouts(world, { ledger, lane, rail: railOf() }, pace),
    look: async () => (await lookAttempts(world, ledger, { lane, rail: railOf(), pace })) > 0,
  }
}

/** All work of a lane, and who looks for all of it at once and wakes those that may have something to do. */
function laneTasks(world: World, { lane, label }: { readonly lane: bigint; readonly label: string }, steps: Steps): readonly Task[] {
  const rest = shortRest()
  const tasks = (Object.keys(steps) as LaneWork[]).map((kind) => {
    const step = async (): Promise<boolean> => {
      const did = await steps[kind]()
      // What one does gives the next something to do.
      if (did) rest.ms = rest.first
      return did
    }
    return { kind, name: `${kind} ${label}`, lane, rest: kind === 'held' ? every(HELD_EVERY_MS) : shortRest(), bell: createBell(), step }
  })
  const look = async (): Promise<boolean> => {
    const due = await agenda(world, lane)
    for (const { kind, bell } of tasks) if (due[kind]) bell.ring()
    return false
  }
  return [{ name: `agenda ${label}`, lane, rest, bell: null, step: look }, ...tasks]
}
