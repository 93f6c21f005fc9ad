// The servers of a history: started, ended at any turn, started again a while later under another name, as a supervisor does.

import type { Random } from '../random.ts'
import type { Running } from './doors.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'
import { startServer, type ServerParts } from './server.ts'
import type { Steps } from './steps.ts'
import { outsider, type Owner, type Turn } from './waiting.ts'

export type Fleet = {
  readonly start: (places: readonly string[]) => void
  readonly running: () => readonly Running[]
  /** Ends a server, or a signer beside its server. */
  readonly kill: (owner: Owner, why: string) => void
  readonly killAll: (why: string) => void
  /** Told of each turn before it is taken. */
  readonly beforeTurn: (turn: Turn) => void
  /** Ends at the database what was ended in this step. */
  readonly bury: () => Promise<void>
  /** Wakes who sleeps too long, and sets clocks right: the end of faults. */
  readonly calm: () => void
  /** Ends all servers for good. */
  readonly end: () => void
}

export type FleetParts = {
  readonly server: ServerParts
  readonly scheduler: Scheduler
  readonly steps: Steps
  readonly random: Random
  readonly faults: Faults
  /** Ends the sessions of a process. */
  readonly endSessions: (owner: Owner) => Promise<void>
}

/** A server is there again after up to so long. */
const RESTART_US = 3_000_000
const FIRST_RESTART_US = 50_000
/** How far a clock may be off. */
const SKEW_US = 2_000_000

type Place = { readonly name: string; life: number; current: { readonly running: Running; readonly end: () => void } | null }

export function createFleet({ server, scheduler, steps, random, faults, endSessions }: FleetParts): Fleet {
  const supervisor = outsider('supervisor')
  const places: Place[] = []
  const dying: Owner[] = []
  let isOver = false
  const start = (place: Place): void => {
    place.life += 1
    const skew = faults.happens('clock skewed') ? random.between(-SKEW_US, SKEW_US) : 0
    const owner: Owner = { name: `${place.name}${place.life}`, kind: 'server', alive: true, pausedUntil: 0, skew }
    const started = startServer(server, owner)
    const { promise, resolve } = Promise.withResolvers<void>()
    place.current = { running: { server: started, gone: promise }, end: resolve }
    started.startWorker()
  }
  const restart = async (place: Place): Promise<void> => {
    await scheduler.turn(supervisor, `starts ${place.name} again`, FIRST_RESTART_US + random.below(RESTART_US))
    if (!isOver) start(place)
  }
  const placeOf = (owner: Owner): Place | undefined =>
    places.find(({ current }) => current?.running.server.owner === owner || current?.running.server.signer.owner() === owner)
  const kill = (owner: Owner, why: string): void => {
    const place = placeOf(owner)
    if (!owner.alive || place?.current == null) return
    steps.note(scheduler.now(), owner.name, `✝ ends: ${why}`)
    owner.alive = false
    dying.push(owner)
    const { running, end } = place.current
    if (owner.kind === 'signer') {
      running.server.signer.ended()
      return
    }
    const signer = running.server.signer.owner()
    signer.alive = false
    dying.push(signer)
    place.current = null
    end()
    scheduler.spawn(restart(place))
  }
  const running = (): readonly Running[] => places.flatMap(({ current }) => current?.running ?? [])
  return {
    start: (names) => {
      for (const name of names) {
        const place: Place = { name, life: 0, current: null }
        places.push(place)
        start(place)
      }
    },
    running,
    kill,
    end: () => {
      isOver = true
      running().forEach(({ server }) => kill(server.owner, 'all is still'))
    },
    killAll: (why) => running().forEach(({ server }) => kill(server.owner, why)),
    beforeTurn: ({ owner }) => {
      if (owner.kind === 'server' && faults.happens('server killed at any turn')) kill(owner, 'in the middle of something')
      if (owner.kind === 'signer' && faults.happens('signer killed at any turn')) kill(owner, 'in the middle of something')
    },
    bury: async () => {
      // All at once: one may hold the transaction for whose end another's session waits.
      while (dying.length > 0) await Promise.all(dying.splice(0).map(endSessions))
    },
    calm: () => {
      for (const { server } of running()) for (const owner of [server.owner, server.signer.owner()]) Object.assign(owner, { pausedUntil: 0, skew: 0 })
    },
  }
}

