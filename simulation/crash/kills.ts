// Kills what runs, over and over: servers, signers and commands at random moments and at every named point, PostgreSQL, the network, and now
// and then everything at once. Each part has a loop of its own, so that one dies while another comes back. Counts what it did and how long
// each was away.

import { present } from '../../src/core/assert.ts'
import type { KnobSettings } from '../../src/rails/solana/sandbox/knobs.ts'
import { pause } from '../process.ts'
import { POINTS, type PointName } from '../points.ts'
import type { Random } from '../random.ts'
import type { Orders } from './preload.ts'
import { untilServing, type Database, type Network, type ServerPart } from './rig.ts'

export const PARTS = ['server', 'signer', 'command', 'database', 'network', 'everything'] as const
export type PartName = (typeof PARTS)[number]

/** `point`: null for a random moment. `awayMs`: until it served again; null for a command, which does not come back, and for a server that never served. */
export type Kill = { readonly part: PartName; readonly point: PointName | null; readonly awayMs: number | null }

export type Killing = {
  readonly kills: readonly Kill[]
  /** Points that ended no process. */
  readonly missing: () => readonly PointName[]
  /** The points at which the next command ends, if it comes to one of them. */
  readonly ordersOfCommand: () => Orders['at']
  readonly isOver: () => boolean
  /** Ends when there were enough kills and no point is missing, or when the time is over. Everything runs then, with no orders. */
  readonly done: Promise<void>
}

export type KillPlan = {
  readonly database: Database
  readonly network: Network
  readonly servers: readonly ServerPart[]
  /** What commands have told. */
  readonly commands: ServerPart['told']
  readonly knobs: KnobSettings
  readonly random: Random
  /** What is killed; with servers, signers and commands at each point at least once. */
  readonly parts: ReadonlySet<PartName>
  readonly enough: number
  readonly deadline: number
  readonly told: (kill: Kill, count: number) => void
  /** Aborted when the whole run is to end. */
  readonly asked: AbortSignal
}

/** A server is up again after this, on a machine that does nothing else. */
const USUAL_START_MS = 1500
/** How long each part is left alone between two kills, in milliseconds. A server that waits for points that are missing lives longer. */
const REST = { server: [300, 2500], missing: [3000, 7000], signer: [2000, 5000], database: [4000, 8000], network: [2500, 6000], everything: [6000, 12_000] } as const
/** One of so many servers is killed before it is up. */
const EARLY = 6
/** One of so many commands has orders. */
const COMMANDS = 2
const LOOK_MS = 20
/** Points that a process is ordered to end at: with all of them it would not come far. */
const MOST_POINTS = 10
const MOST_TIMES = 12

type State = KillPlan & { readonly kills: readonly Kill[]; readonly missing: Set<PointName>; readonly isOver: () => boolean; readonly count: (kill: Kill) => void }

export function startKilling(plan: KillPlan): Killing {
  const { parts, random, servers, asked } = plan
  const kills: Kill[] = []
  const missing = new Set<PointName>(parts.has('server') ? POINTS.map(({ name }) => name) : [])
  const isOver = (): boolean => asked.aborted || Date.now() > plan.deadline || (kills.length >= plan.enough && missing.size === 0)
  const count = (kill: Kill): void => {
    kills.push(kill)
    plan.told(kill, kills.length)
  }
  const state: State = { ...plan, kills, missing, isOver, count }
  const lives = servers.map((server): Life => ({ server, ends: new Map(), signer: null, away: null }))
  const loops: Readonly<Record<PartName, () => Promise<unknown>>> = {
    server: async () => await Promise.all(lives.map(async (life) => await killServer(state, life))),
    signer: async () => await Promise.all(lives.map(async (life) => await killSigner(state, life))),
    command: async () => await hearCommands(state),
    database: async () => await again(state, 'database', async () => await plan.database.restart()),
    network: async () => await again(state, 'network', async () => await plan.network.restart(plan.knobs)),
    everything: async () => await again(state, 'everything', async () => await killEverything(state)),
  }
  const done = (async () => {
    await Promise.all([...parts].map(async (part) => await loops[part]()))
    if (parts.has('server')) await Promise.all(servers.map(async (server) => await withoutOrders(server, asked)))
  })()
  return { kills, missing: () => [...missing], ordersOfCommand: () => (isOver() || random.below(COMMANDS) > 0 ? {} : ordersOf(state)), isOver, done }
}

/** On a machine that is busy everything takes longer to come back, and what the servers need rests longer too: else nothing would be done. */
function slowness({ kills }: State): number {
  const away = kills.flatMap(({ part, awayMs }) => (part === 'server' && awayMs !== null ? [awayMs] : [])).toSorted((one, other) => one - other)
  return Math.max(1, (away[Math.floor(away.length / 2)] ?? 0) / USUAL_START_MS)
}

/** Rests, and wakes early when all is over. */
async function rest(state: State, [least, most]: readonly [number, number], until: () => boolean = () => false): Promise<void> {
  const { random, isOver } = state
  const end = Date.now() + random.between(least, most) * slowness(state)
  while (Date.now() < end && !isOver() && !until()) await pause(LOOK_MS)
}

async function again(state: State, part: 'database' | 'network' | 'everything', restart: () => Promise<void>): Promise<void> {
  for (;;) {
    await rest(state, REST[part])
    if (state.isOver()) return
    const killed = Date.now()
    await restart()
    state.count({ part, point: null, awayMs: Date.now() - killed })
  }
}

/** As when the machine loses its power. Servers that a loop of their own looks after are started by it. */
async function killEverything({ database, network, servers, knobs, parts, asked }: State): Promise<void> {
  await Promise.all([database.restart(), network.restart(knobs), ...servers.map(async (server) => await server.program()?.kill())])
  if (!parts.has('server')) for (const server of servers) server.start({})
  for (const server of servers) await untilServing(server, () => ({}), () => asked.aborted || parts.has('server'))
}

async function hearCommands(state: State): Promise<void> {
  while (!state.isOver()) {
    await pause(LOOK_MS)
    for (const { what } of state.commands()) {
      if (what.type !== 'ended') continue
      const point = what.point as PointName
      state.missing.delete(point)
      state.count({ part: 'command', point, awayMs: null })
    }
  }
}

/** What a process is ordered: some points that are missing, the first time; else some of all, at some later time. */
function ordersOf({ missing, random }: State): Orders['at'] {
  const isMissing = missing.size > 0
  const some = random.shuffle(isMissing ? [...missing] : POINTS.map(({ name }) => name)).slice(0, MOST_POINTS)
  return Object.fromEntries(some.map((name) => [name, isMissing ? 1 : random.between(1, MOST_TIMES)]))
}

async function killServer(state: State, life: Life): Promise<void> {
  const { random, isOver, missing, asked } = state
  const { server } = life
  const orders = (): Orders['at'] => ordersOf(state)
  /** One that ended before it served: at a point, which is counted, or because the database was away. */
  const countEnd = (pid: number): void => {
    hear(state, life)
    const point = life.ends.get(pid)
    if (point !== undefined) state.count({ part: 'server', point, awayMs: null })
  }
  for (;;) {
    if (random.below(EARLY) > 0) await untilServing(server, orders, isOver, countEnd)
    const program = present(server.program() ?? undefined, 'process of the server')
    await rest(state, missing.size > 0 ? REST.missing : REST.server, () => program.hasEnded())
    if (isOver()) return
    await program.kill()
    const killed = Date.now()
    hear(state, life)
    const point = life.ends.get(program.pid) ?? null
    server.start(orders())
    await untilServing(server, orders, () => asked.aborted, countEnd)
    state.count({ part: 'server', point, awayMs: Date.now() - killed })
  }
}

/** A server and what its processes have told: the points at which they ended, and since when its signer is away. */
type Life = { readonly server: ServerPart; readonly ends: Map<number, PointName>; signer: number | null; away: { readonly sinceMs: number; readonly point: PointName | null } | null }

function hear(state: State, life: Life): void {
  for (const { atMs, pid, what } of life.server.told()) {
    if (what.type === 'ended') {
      const point = what.point as PointName
      state.missing.delete(point)
      if (what.process === 'server') life.ends.set(pid, point)
      else life.away = { sinceMs: atMs, point }
    }
    if (what.type !== 'ended') life.signer = what.type === 'signer ready' ? what.signer : null
    if (what.type === 'signer ready' && life.away !== null) {
      state.count({ part: 'signer', point: life.away.point, awayMs: atMs - life.away.sinceMs })
      life.away = null
    }
  }
}

async function killSigner(state: State, life: Life): Promise<void> {
  for (;;) {
    await rest(state, REST.signer, () => (hear(state, life), false))
    if (state.isOver()) return
    const { signer } = life
    if (signer === null || life.away !== null || life.server.program()?.hasEnded() !== false) continue
    try {
      process.kill(signer, 'SIGKILL')
    } catch {
      // It has ended by itself just now.
      continue
    }
    life.away = { sinceMs: Date.now(), point: null }
    life.signer = null
  }
}

async function withoutOrders(server: ServerPart, asked: AbortSignal): Promise<void> {
  if (asked.aborted) return
  await server.program()?.kill()
  server.start({})
  await untilServing(server, () => ({}), () => asked.aborted)
}
