// The Solana network of a history: the sandbox in this process, whose slots come with virtual time, reached by each process through a wire
// on which requests and answers travel, get lost, come late or twice. Its own hand makes money and freezes accounts.

import { present } from '../../src/core/assert.ts'
import { parseKey, textOf } from '../../src/rails/solana/sandbox/bytes.ts'
import { SLOT_MS } from '../../src/rails/solana/sandbox/chain.ts'
import type { Counters, KnobSettings } from '../../src/rails/solana/sandbox/knobs.ts'
import { readAccount, releaseMachine, type Machine } from '../../src/rails/solana/sandbox/machine.ts'
import { advance, openNetwork, reorganize, setKnobs } from '../../src/rails/solana/sandbox/network.ts'
import { createNode, type Node } from '../../src/rails/solana/sandbox/node.ts'
import { airdrop, createMint, mintTo, setFrozen } from '../../src/rails/solana/sandbox/own-transactions.ts'
import { sandboxFetch } from '../../src/rails/solana/sandbox/server.ts'
import { closeStore, openStore } from '../../src/rails/solana/sandbox/store.ts'
import { associatedTokenKey } from '../../src/rails/solana/sandbox/token.ts'
import type { Books } from '../history.ts'
import type { Random } from '../random.ts'
import { booksOf } from './books.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'
import type { Steps } from './steps.ts'
import { outsider, type Owner } from './waiting.ts'

export const NETWORK_URL = 'http://sandbox'

/** What the network's own hand does: money made of nothing, and accounts frozen. Amounts in units. It lands with the next slots. */
export type Hand = {
  readonly fund: (address: string, lamports: bigint) => void
  /** Makes the token of that asset (`USDC/6`) where there is none, and answers its address. */
  readonly mint: (asset: string) => string
  readonly mintTo: (asset: string, owner: string, units: bigint) => void
  /** Nothing happens to an owner without an account of the token. */
  readonly freeze: (asset: string, owner: string, frozen: boolean) => boolean
}

export type Network = {
  /** The network as a process reaches it. */
  readonly fetchOf: (owner: Owner) => typeof fetch
  /** Slots until an instant (microseconds). */
  readonly moveTo: (now: number) => void
  readonly hand: Hand
  readonly books: Books
  readonly knobs: (settings: KnobSettings) => void
  readonly reorganize: (slots: number) => number
  /** It dies and is there again, with what was final. */
  readonly restart: () => void
  /** Over all its lives. */
  readonly counters: () => Counters
  readonly requests: () => number
  readonly close: () => void
}

export type NetworkParts = {
  readonly seed: string
  readonly scheduler: Scheduler
  readonly steps: Steps
  readonly random: Random
  readonly faults: Faults
  /** Ends whoever is at a point where it shall end. Told before a request leaves and after it was carried out. */
  readonly atPoint: (owner: Owner, moment: 'before' | 'after', body: string) => void
}

/** After a long leap of time the network has made no more slots than these: it was slow, and all that waited for slots goes on. */
const MAX_SLOTS_AT_ONCE = 1_000
const SLOT_US = SLOT_MS * 1000
/** A request and an answer travel for up to so long when nothing delays them. */
const TRAVEL_US = 12_000
/** Beyond the client's limit of 15 s for a request. */
const LATE_US = 20_000_000

export function hostNetwork(parts: NetworkParts): Network {
  const { seed, scheduler, steps, random, faults, atPoint } = parts
  const instant = (): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(Math.floor(scheduler.now() / 1000))
  const { node, restart, counters, close } = openLives(seed, instant)
  const wire = outsider('network')
  const direct = sandboxFetch({ node, sleep: async (ms) => await scheduler.turn(wire, 'holds an answer back', ms * 1000), onCrash: restart })
  let slotDue = scheduler.now() + SLOT_US
  let requests = 0
  const travel = async (owner: Owner, body: string): Promise<Response | null> => {
    const late = faults.happens('rpc request late')
    await scheduler.turn(wire, `gets ${methodsOf(body)} of ${owner.name}`, late ? random.below(LATE_US) : random.below(TRAVEL_US))
    if (owner.alive) atPoint(owner, 'before', body)
    // Whoever died meanwhile may have sent it, or not.
    if (!owner.alive && random.chance(0.5)) return null
    if (faults.happens('rpc request twice, the second late')) {
      const again = scheduler.turn(wire, `gets ${methodsOf(body)} of ${owner.name} again`, random.below(LATE_US))
      // Nobody hears of its answer, nor of its loss.
      scheduler.spawn(again.then(async () => await direct(NETWORK_URL, { body }).catch(() => {})))
    }
    requests += 1
    const response = await direct(NETWORK_URL, { body })
    if (owner.alive) atPoint(owner, 'after', body)
    return response
  }
  const fetchOf = (owner: Owner): typeof fetch => async (_, init) => {
    const body = init?.body as string
    steps.note(scheduler.now(), owner.name, `asks ${methodsOf(body)}`, body)
    const cut = Promise.withResolvers<never>()
    cut.promise.catch(() => {})
    init?.signal?.addEventListener('abort', () => cut.reject(new DOMException('This operation was aborted', 'AbortError')), { once: true })
    const response = await Promise.race([travel(owner, body), cut.promise]).catch(async (error: unknown) => {
      await scheduler.turn(owner, `hears nothing of ${methodsOf(body)}`, random.below(TRAVEL_US))
      throw error
    })
    const late = faults.happens('rpc answer late')
    await Promise.race([scheduler.turn(owner, `hears of ${methodsOf(body)}`, late ? random.below(LATE_US) : random.below(TRAVEL_US)), cut.promise])
    return present(response, 'an answer to somebody alive')
  }
  const mints = new Map<string, string>()
  return {
    fetchOf,
    moveTo: (now) => {
      const due = Math.floor((now - slotDue) / SLOT_US) + 1
      if (due <= 0) return
      slotDue += due * SLOT_US
      advance(node.network, Math.min(due, MAX_SLOTS_AT_ONCE), instant())
    },
    hand: handOf(node, mints),
    books: booksOf(node, mints),
    knobs: (settings) => setKnobs(node.network, settings),
    reorganize: (slots) => reorganize(node.network, slots),
    restart,
    ...{ counters, close, requests: () => requests },
  }
}

type Lives = Pick<Network, 'restart' | 'counters' | 'close'> & { readonly node: Node }

/** The node, over all its lives. */
function openLives(seed: string, instant: () => Temporal.Instant): Lives {
  const store = openStore(':memory:')
  const machines: Machine[] = []
  const open = (): Node['network'] => {
    const opened = openNetwork({ store, seed, at: instant() })
    machines.push(opened.machine)
    return opened
  }
  const report = (error: unknown): never => {
    throw error
  }
  const node = createNode(open(), { now: instant, report })
  const past: Counters[] = []
  return {
    node,
    restart: () => {
      past.push({ ...node.network.counters })
      const { knobs } = node.network
      node.network = open()
      setKnobs(node.network, knobs)
      node.host.dying = false
    },
    counters: () => summed([...past, node.network.counters]),
    close: () => {
      // Not before: what was asked of an earlier life may still be on its way.
      machines.forEach(releaseMachine)
      closeStore(store)
    },
  }
}

const keyOf = (address: string) => present(parseKey(address, 32), `key of ${address}`)

function handOf(node: Node, mints: Map<string, string>): Hand {
  const mintOf = (asset: string) => keyOf(present(mints.get(asset), `the token ${asset}`))
  return {
    fund: (address, lamports) => void airdrop(node.network, keyOf(address), lamports),
    mint: (asset) =>
      mints.getOrInsertComputed(asset, () => {
        const [name = '', scale = ''] = asset.split('/')
        return textOf(createMint(node.network, name, Number(scale)).mint)
      }),
    mintTo: (asset, owner, units) => void mintTo(node.network, mintOf(asset), keyOf(owner), units),
    freeze: (asset, owner, frozen) => {
      const account = associatedTokenKey(keyOf(owner), mintOf(asset))
      if (readAccount(node.network.machine, account) === null) return false
      setFrozen(node.network, mintOf(asset), account, frozen)
      return true
    },
  }
}

function summed(lives: readonly Counters[]): Counters {
  const last = present(lives.at(-1), 'a life')
  const names = Object.keys(last) as (keyof Counters)[]
  const total = { ...last }
  // Kept on disk, so that the last life knows them all.
  for (const name of names) if (name !== 'crashes' && name !== 'restarts') total[name] = lives.reduce((sum, life) => sum + life[name], 0)
  return total
}

const METHOD = /"method":"(\w+)"/g

function methodsOf(body: string): string {
  return [...new Set(Array.from(body.matchAll(METHOD), ([, method = '']) => method))].join(' and ')
}
