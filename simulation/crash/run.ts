// A run: callers do what a workload says while everything that they talk to is killed and comes back; then all is left in peace until nothing
// moves, and an outsider compares the network's own books with what the API shows.

import { join } from 'node:path'
import type { Effects } from '../../src/core/effects.ts'
import type { KnobSettings } from '../../src/rails/solana/sandbox/knobs.ts'
import { createPool } from '../../src/store/pool.ts'
import type { Offer } from '../history.ts'
import { pause } from '../process.ts'
import type { PointName } from '../points.ts'
import { randomOf, type Random } from '../random.ts'
import { readStanding, type Standing } from '../world/standing.ts'
import type { Doors } from '../workload/doors.ts'
import { makeWorkload } from '../workload/make-workload.ts'
import { play } from '../workload/play.ts'
import type { Workload } from '../workload/workload.ts'
import { auditLedgers, type Audited } from './audit.ts'
import { callUntil, comeBack, insisting } from './careful.ts'
import { openRealDoors } from './doors.ts'
import { startKilling, type Kill, type Killing, type PartName } from './kills.ts'
import { folderOf, found, nodeOf, openPlace, type Founded, type Place } from './place.ts'
import { ordering } from './preload.ts'
import { followTold, untilServing } from './rig.ts'

/** What the network does to the servers meanwhile. */
const FAULTS: KnobSettings = { requestLossRate: 0.1, responseLossRate: 0.15, transactionDropRate: 0.4, acceptThenErrorRate: 0.1 }
/** When nothing is killed any more, what can be paid is paid within this. */
const SETTLING_LIMIT_MS = 300_000
const LOOK_MS = 500
/** What has not moved for so long will not, although it might: whether it may wait is for the auditor to say. */
const STILL_LOOKS = 80

export type RunOptions = {
  readonly directory: string
  readonly seed: string
  readonly parts: ReadonlySet<PartName>
  readonly kills: number
  readonly minutes: number
  readonly ledgers: number
  /** Payouts that come of what callers do, more or less. */
  readonly payouts: number
  readonly asked: AbortSignal
}

export type Ran = {
  readonly place: Place
  readonly workload: Workload
  readonly kills: readonly Kill[]
  readonly missing: readonly PointName[]
  readonly offers: readonly Offer[]
  readonly standing: Standing
  readonly audited: readonly Audited[]
}

export type Say = (line: string) => void

/** Runs all of it and answers what `look` makes of what was found, while everything still runs. Rejects when it is asked to end. */
export async function run<T>(effects: Effects, options: RunOptions, { say, look }: { readonly say: Say; readonly look: (ran: Ran) => Promise<T> }): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  options.asked.addEventListener('abort', () => reject(options.asked.reason as Error), { once: true })
  ended.catch(() => {})
  const place = await openPlace(options.directory, effects)
  let killing: Killing | null = null
  try {
    return await Promise.race([live(place, effects, options, { say, look, begun: (begun) => void (killing = begun) }), ended])
  } finally {
    // What is being started again must be there before it can be ended.
    await (killing as Killing | null)?.done.catch(() => {})
    await place.close()
  }
}

type Looking<T> = { readonly say: Say; readonly look: (ran: Ran) => Promise<T>; readonly begun: (killing: Killing) => void }

async function live<T>(place: Place, effects: Effects, options: RunOptions, { say, look, begun }: Looking<T>): Promise<T> {
  const { seed, ledgers, payouts, minutes, asked } = options
  const random = randomOf(seed)
  // Where points are to be met, somebody goes on until they are, and then there is nothing more to see.
  const forPoints = options.parts.has('server')
  const workload = makeWorkload(random.fork('workload'), { start: effects.now(), payouts, ledgers, leastLedgers: ledgers, spanMs: minutes * 60_000, everything: forPoints })
  const founded = await found(place, workload.ledgers, effects)
  await place.network.restart(FAULTS)
  for (const server of place.servers) server.start({})
  for (const server of place.servers) await untilServing(server, () => ({}), () => asked.aborted)
  say(`two servers serve ${workload.ledgers.length} ledgers; ${workload.callers.length} callers begin, and the network loses requests, answers and transactions`)
  const offers: Offer[] = []
  const { killing, doors } = begin({ place, founded, random, options, offered: (offer) => void offers.push(offer) }, say)
  begun(killing)
  const back = forPoints ? comeBack(workload, doors, killing.isOver) : Promise.resolve()
  await Promise.all([callUntil(insisting(workload), doors, () => forPoints && killing.isOver()), back, killing.done])
  say('nothing is killed any more, and all callers have come to their end')
  const standing = await settle(place, { doors, workload, asked })
  say('the auditor reads the chain and the public records')
  const logs = (): readonly string[] => place.servers.flatMap((server) => server.logs())
  const audited = await auditLedgers({ place, founded, ledgers: workload.ledgers, offers: [...offers], call: doors.call, logs })
  return await look({ place, workload, kills: killing.kills, missing: killing.missing(), offers, standing, audited })
}

type Beginning = { readonly place: Place; readonly founded: Founded; readonly random: Random; readonly options: RunOptions; readonly offered: (offer: Offer) => void }

/** Begins to kill, and opens the doors. */
function begin({ place, founded, random, options, offered }: Beginning, say: Say): { readonly killing: Killing; readonly doors: Doors } {
  const { kills: enough, minutes, parts, asked } = options
  const dataDirectory = folderOf(place, 'commands')
  const tell = join(dataDirectory, 'told')
  const killing = startKilling({
    ...{ ...place, commands: followTold(tell), knobs: FAULTS, random: random.fork('kills'), parts, enough, deadline: Date.now() + minutes * 60_000, asked },
    told: ({ part, point, awayMs }, count) => {
      say(`${String(count).padStart(4)}  ${part} ${point === null ? 'at a random moment' : `at "${point}"`}${awayMs === null ? '' : `, away ${awayMs} ms`}`)
    },
  })
  const doors = openRealDoors({
    ...{ urls: () => place.servers.flatMap((server) => server.url() ?? []), databaseUrl: place.database.url, node: nodeOf(place.network), dataDirectory },
    ...{ homes: founded.homes, mints: founded.mints, random: random.fork('doors'), offered, hurry: killing.isOver },
    settings: () => {
      const { execArgv, env } = ordering({ process: 'server', at: killing.ordersOfCommand(), tell })
      return { ...place.settings(), ...env, NODE_OPTIONS: execArgv.join(' ') }
    },
  })
  return { killing, doors }
}

/** Peace, money and time, until nothing moves. */
async function settle(place: Place, { doors, workload, asked }: { readonly doors: Doors; readonly workload: Workload; readonly asked: AbortSignal }): Promise<Standing> {
  await place.network.restart({})
  for (const deed of workload.ending) await play(deed, doors)
  const pool = createPool({ url: place.database.url(), max: 1, applicationName: 'watcher' })
  const limit = Date.now() + SETTLING_LIMIT_MS
  try {
    let before = ''
    for (let still = 0; ; ) {
      const standing = await readStanding(pool, { now: Temporal.Now.instant(), forgotten: false, onChain: [] })
      const now = JSON.stringify(standing)
      still = now === before ? still + 1 : 0
      before = now
      if (still === (standing.moving.length === 0 ? 3 : STILL_LOOKS) || Date.now() > limit || asked.aborted) return standing
      await pause(LOOK_MS)
    }
  } finally {
    await pool.end()
  }
}
