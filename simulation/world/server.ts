// A server of a history: the engine, the worker and the API as they are, in a world of their own, with a signer beside it. Both can end at
// any turn; what they knew is then gone, and what they asked of database and network stays as it was carried out.

import type { FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
import { Refusal } from '../../src/core/refusal.ts'
import { createLedgers, type Ledgers } from '../../src/engine/ledger.ts'
import { createRecorder } from '../../src/engine/recorder.ts'
import type { World } from '../../src/engine/world.ts'
import { createApp } from '../../src/http/app.ts'
import { programs } from '../../src/programs/index.ts'
import { rails } from '../../src/rails/index.ts'
import type { Rail } from '../../src/rails/rail.ts'
import type { MasterKey } from '../../src/signer/envelope.ts'
import type { Signer } from '../../src/signer/signer.ts'
import { inProcessSigner } from '../../src/signer/testbed.ts'
import { createWorker } from '../../src/worker/worker.ts'
import { createLanes } from '../../src/store/lane.ts'
import type { Store } from '../../src/store/store.ts'
import type { Random } from '../random.ts'
import { effectsOf, type EffectParts, type LogLine } from './effects.ts'
import { NETWORK_URL } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import type { Owner } from './waiting.ts'

/** Pools of a process: as many connections as the program has, and none is closed for being idle. */
export type OpenPool = (owner: Owner, of: { readonly role: 'app' | 'signer'; readonly max: number; readonly pipeline: boolean }) => Pool

export type ServerParts = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly openPool: OpenPool
  readonly fetchOf: (owner: Owner) => typeof fetch
  readonly masterKey: MasterKey
  readonly logged: (line: LogLine) => void
  readonly rest: EffectParts['rest']
}

export type Server = {
  readonly owner: Owner
  readonly world: World
  readonly ledgers: Ledgers
  /** Made when it is first asked for: many a server ends before anybody asks it anything. */
  readonly app: () => Promise<FastifyInstance>
  /** Signers end and are started again beside their server. */
  readonly signer: SignerLink
  readonly startWorker: () => void
}

const HOT_CONNECTIONS = 4
const OTHER_CONNECTIONS = 8
const SIGNER_CONNECTIONS = 4

export function startServer(parts: ServerParts, owner: Owner): Server {
  const { world, signer } = worldOf(parts, owner)
  const ledgers = createLedgers(world)
  const recorder = createRecorder(world)
  const worker = createWorker(world, { ledgers, recorder })
  let made: Promise<FastifyInstance> | null = null
  const app = (): Promise<FastifyInstance> => (made ??= createApp(world, { ledgers, recorder, faults: worker.faults }))
  return { owner, world, ledgers, app, signer, startWorker: worker.start }
}

/** A process without worker and API, such as a command of the CLI. */
export function worldOf(parts: ServerParts, owner: Owner): { readonly world: World; readonly signer: SignerLink } {
  const { scheduler, random, openPool, fetchOf, logged, rest } = parts
  const effects = effectsOf({ owner, scheduler, random: random.fork(owner.name), fetch: fetchOf(owner), logged, rest })
  const store: Store = {
    hot: openPool(owner, { role: 'app', max: HOT_CONNECTIONS, pipeline: true }),
    lanes: createLanes(),
    pool: openPool(owner, { role: 'app', max: OTHER_CONNECTIONS, pipeline: false }),
    close: () => Promise.resolve(),
  }
  const connected = new Map<string, Rail>()
  const signer = linkSigner(parts, owner)
  const world: World = {
    ...effects,
    ...{ store, programs, rails, signer: signer.signer },
    connect: (rail, url) =>
      connected.getOrInsertComputed(`${rail} ${url ?? ''}`, () => {
        const module = rails[rail]
        if (module === undefined) throw new Refusal('rail_not_found', `there is no rail ${rail}`)
        return module.connect(effects, { url: url ?? NETWORK_URL })
      }),
  }
  return { world, signer }
}

export type SignerLink = {
  readonly signer: Signer
  /** The signer's process as it is now. */
  readonly owner: () => Owner
  /** Tells those who wait that it ended, and starts another one. */
  readonly ended: () => void
}

function linkSigner({ scheduler, random, openPool, masterKey, logged, rest }: ServerParts, server: Owner): SignerLink {
  let started = 0
  const start = (): { readonly owner: Owner; readonly inner: Signer; readonly waiting: Set<(refusal: Refusal) => void> } => {
    started += 1
    const owner: Owner = { name: `${server.name} signer ${started}`, kind: 'signer', alive: true, pausedUntil: 0, skew: server.skew }
    const chance = random.fork(owner.name)
    const effects = effectsOf({ owner, scheduler, random: chance, fetch: globalThis.fetch, logged, rest })
    const pool = openPool(owner, { role: 'signer', max: SIGNER_CONNECTIONS, pipeline: true })
    return { owner, inner: inProcessSigner({ effects, pool, masterKey, rails }), waiting: new Set() }
  }
  let link = start()
  const asked = async <T>(what: string, work: (signer: Signer) => Promise<T>): Promise<T> => {
    const { owner, inner, waiting } = link
    const gone = Promise.withResolvers<never>()
    gone.promise.catch(() => {})
    waiting.add(gone.reject)
    const answered = (async () => {
      await scheduler.turn(owner, `is asked to ${what}`, 0)
      return await work(inner)
    })()
    try {
      return await Promise.race([answered, gone.promise])
    } finally {
      waiting.delete(gone.reject)
    }
  }
  return {
    signer: {
      create: async (request) => await asked('make a key', async (signer) => await signer.create(request)),
      import: async (request) => await asked('take a key over', async (signer) => await signer.import(request)),
      sign: async (request) => await asked('sign', async (signer) => await signer.sign(request)),
      stop: () => Promise.resolve(),
      onExit: () => {},
    },
    owner: () => link.owner,
    ended: () => {
      const { waiting } = link
      link = start()
      for (const reject of waiting) reject(new Refusal('rail_unavailable', 'the signer ended before it answered; nothing was sent: ask again'))
    },
  }
}
