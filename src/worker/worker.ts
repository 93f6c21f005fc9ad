// The worker: takes in queued rows, makes payouts, sends and looks, for all ledgers, until it is stopped. Several may run on one
// database: they divide the lanes among them, and each step is a conditional update or an idempotent posting, so that nothing is done
// twice even where two are at one lane for a moment.

import { present } from '../core/assert.ts'
import type { Effects } from '../core/effects.ts'
import { growTree } from '../engine/prove-shares.ts'
import { createDistributor, type Distributor } from '../engine/carry-distributions.ts'
import { divideLanes, type LaneDivision } from '../engine/divide-lanes.ts'
import { forgetIdempotencyKeys } from '../engine/idempotency.ts'
import type { Ledger, Ledgers } from '../engine/ledger.ts'
import { lookAttempts } from '../engine/look-attempts.ts'
import { makePayouts, recheckHeld } from '../engine/make-payouts.ts'
import { prepareAttempts } from '../engine/prepare-attempts.ts'
import type { Recorder } from '../engine/recorder.ts'
import { submitAttempts, type Pace } from '../engine/submit-attempts.ts'
import { takeInboxRows } from '../engine/take-inbox.ts'
import { watchWallets } from '../engine/watch-wallets.ts'
import type { World } from '../engine/world.ts'

export type Worker = {
  readonly start: () => void
  /** Finishes the step at hand and takes no other. */
  readonly stop: () => Promise<void>
  /** The last fault of each task that is failing now; empty when all is well. */
  readonly faults: () => readonly { readonly task: string; readonly reason: string }[]
}

/** A public network settles in seconds; the sandbox's slots are a twentieth of its. */
const NETWORK_PACE: Pace = { lookAfterMs: 1000, resendAfterMs: 2000 }
const SANDBOX_PACE: Pace = { lookAfterMs: 60, resendAfterMs: 500 }

/** A task rests this long when it found nothing, growing to the limit, so that an idle server is idle. */
const REST_FIRST_MS = 20
const REST_LIMIT_MS = 200
/** New ledgers, made by a command beside the server, are noticed this often. */
const LEDGERS_EVERY_MS = 1000
const WALLETS_EVERY_MS = 500
const HELD_EVERY_MS = 250
/** Answers to repeated calls are kept seven days; an hour more hurts nobody. */
const FORGET_EVERY_MS = 3_600_000
/** A failing task waits this long, growing to the limit. */
const FAULT_FIRST_MS = 100
const FAULT_LIMIT_MS = 10_000

/** One step of a task. Answers whether it did anything. */
type Step = () => Promise<boolean>

/** `lane`: the one that it works on; null for work that any worker does beside the others. */
type Task = { readonly name: string; readonly lane: bigint | null; readonly step: Step; readonly restMs: { readonly first: number; readonly limit: number } }

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
    running.push(run(world, ofDivision(division, task), { signal: stopping.signal, faults }))
  }
  const discover: Task = {
    name: 'ledgers',
    lane: null,
    restMs: { first: LEDGERS_EVERY_MS, limit: LEDGERS_EVERY_MS },
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
    restMs: { first: FORGET_EVERY_MS, limit: FORGET_EVERY_MS },
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

async function run(
  { log, sleep }: Pick<Effects, 'log' | 'sleep'>,
  { name, step, restMs }: Task,
  { signal, faults }: { readonly signal: AbortSignal; readonly faults: Map<string, string> },
): Promise<void> {
  let rest = restMs.first
  let wait = FAULT_FIRST_MS
  while (!signal.aborted) {
    try {
      const busy = await step()
      faults.delete(name)
      wait = FAULT_FIRST_MS
      rest = busy ? restMs.first : Math.min(rest * 2, restMs.limit)
      if (!busy) await sleep(rest, signal)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (faults.get(name) !== reason) log('error', 'a task of the worker failed and is tried again', { task: name, reason })
      faults.set(name, reason)
      await sleep(wait, signal)
      wait = Math.min(wait * 2, FAULT_LIMIT_MS)
    }
  }
}

function tasksOf(world: World, { recorder, distributor }: { recorder: Recorder; distributor: Distributor }, ledger: Ledger): readonly Task[] {
  // Whoever is owed something in a copy is paid by the ledger from which it was exported.
  if (ledger.row.copied_at !== null) return []
  const rest = { first: REST_FIRST_MS, limit: REST_LIMIT_MS }
  const every = (ms: number) => ({ first: ms, limit: ms })
  const pace = ledger.row.sandbox ? SANDBOX_PACE : NETWORK_PACE
  const railOf = () => world.connect(ledger.row.rail, ledger.row.rail_url)
  return [
    // Rows are taken by each worker for itself, and passed over by the others.
    { name: `inbox ${ledger.name}`, lane: null, restMs: rest, step: async () => (await takeInboxRows(world, recorder, ledger)) > 0 },
    // What is seen in wallets stands in the first lane.
    {
      name: `wallets ${ledger.name}`,
      lane: present(ledger.lanes[0], 'first lane'),
      restMs: every(WALLETS_EVERY_MS),
      step: async () => (await watchWallets(world, ledger, railOf())) > 0,
    },
    ...ledger.lanes.flatMap((lane, position): Task[] => [
      { name: `distributions ${ledger.name} ${position}`, lane, restMs: rest, step: async () => (await distributor.step(ledger, lane)) !== null },
      { name: `trees ${ledger.name} ${position}`, lane, restMs: rest, step: async () => await growTree(world, ledger, lane) },
      { name: `payouts ${ledger.name} ${position}`, lane, restMs: rest, step: async () => (await makePayouts(world, ledger, lane)) > 0 },
      {
        name: `held ${ledger.name} ${position}`,
        lane,
        restMs: every(HELD_EVERY_MS),
        step: async () => await recheckHeld(world, ledger, lane),
      },
      {
        name: `send ${ledger.name} ${position}`,
        lane,
        restMs: rest,
        step: async () => {
          const rail = railOf()
          const attempts = await prepareAttempts(world, ledger, lane, rail)
          await submitAttempts(world, rail, { lane, attempts, pace })
          return attempts.length > 0
        },
      },
      {
        name: `look ${ledger.name} ${position}`,
        lane,
        restMs: rest,
        step: async () => (await lookAttempts(world, ledger, { lane, rail: railOf(), pace })) > 0,
      },
    ]),
  ]
}
