// The state of the sandbox network: everything that changes is in one record, so that a host can hold several networks
// and a simulator can drop one and open it again from its books.
import type { Key } from './bytes.ts'
import { HASHES_KEPT, blockHash } from './chain.ts'
import type { Generator } from './generator.ts'
import type { Counters, Knobs } from './knobs.ts'
import type { AccountImage, Machine } from './machine.ts'
import type { OwnKey } from './own-keys.ts'
import type { Entry, Store, StoredBlock } from './store.ts'
import type { Wire } from './wire.ts'

export type BlockEntry = Entry & { readonly keys: readonly Key[] }

/** A block with transactions that is not final yet (or is kept for a lagging view). */
export type Block = StoredBlock & {
  readonly entries: readonly BlockEntry[]
  /** The accounts that it may have changed, as they stood before it. */
  readonly before: ReadonlyMap<Key, AccountImage | null>
}

export type Pending = {
  readonly wire: Wire
  /** The first slot whose block may hold it. */
  readonly readyAt: number
  /** The network's own transactions are spared a fee spike. */
  readonly own: boolean
  underpriced: boolean
}

export type RecentStatus = { readonly id: number; readonly err: string | null }

export type Network = {
  readonly store: Store
  readonly machine: Machine
  readonly genesisHash: Key
  /** Pays airdrops and holds the authority of every mint made here. */
  readonly faucet: OwnKey
  readonly generator: Generator
  readonly counters: Counters
  knobs: Knobs
  /** The newest slot produced: `processed`. */
  slot: number
  /** The newest final slot; everything up to it is on disk. Never goes back. */
  finalized: number
  /** Slots up to this one may have been answered by this or an earlier process. */
  reserved: number
  /** Hash of the newest block with transactions (or the genesis hash). */
  anchor: Key
  /** Unix time of the newest block, never going back. */
  seconds: number
  /** Blocks older than this are forgotten for good (a start with `forget_history`). */
  historyFrom: number
  /** States of accounts can be shown from this slot on. */
  oldestState: number
  /** Numbers the network's own transactions, so that two equal ones in one block differ. */
  ownTransactions: number
  /** Blocks with transactions that are not final, or that a lagging view needs; oldest first. */
  blocks: Block[]
  readonly mempool: Map<Key, Pending>
  readonly recent: Map<Key, RecentStatus>
  readonly slotOfHash: Map<Key, number>
  readonly hashOfSlot: Map<number, Key>
  /** Empty slots whose hash nobody has asked for yet, each with the anchor from which it follows. */
  readonly anchorOfSlot: Map<number, Key>
}

/**
 * Makes `hash` the hash of `slot`, and forgets the oldest one. Null for an empty slot: its hash follows from the anchor as it is now, and is
 * worked out when somebody asks, which of most slots nobody does.
 */
export function rememberSlot(network: Network, slot: number, hash: Key | null): void {
  forgetSlot(network, slot)
  if (hash === null) network.anchorOfSlot.set(slot, network.anchor)
  else keepHash(network, slot, hash)
  forgetSlot(network, slot - HASHES_KEPT)
}

/** The hash of one of the recent slots. */
export function hashOfSlot(network: Network, slot: number): Key | undefined {
  const anchor = network.anchorOfSlot.get(slot)
  if (anchor === undefined) return network.hashOfSlot.get(slot)
  network.anchorOfSlot.delete(slot)
  const hash = blockHash(network.genesisHash, anchor, slot, [])
  keepHash(network, slot, hash)
  return hash
}

/** The recent slot that has this hash. One that was told by an earlier life of the network may be among those not worked out yet. */
export function slotOfHash(network: Network, hash: Key): number | undefined {
  const known = network.slotOfHash.get(hash)
  if (known !== undefined) return known
  for (const slot of [...network.anchorOfSlot.keys()]) hashOfSlot(network, slot)
  return network.slotOfHash.get(hash)
}

function keepHash(network: Network, slot: number, hash: Key): void {
  network.hashOfSlot.set(slot, hash)
  network.slotOfHash.set(hash, slot)
}

function forgetSlot(network: Network, slot: number): void {
  if (network.anchorOfSlot.delete(slot)) return
  const hash = network.hashOfSlot.get(slot)
  if (hash === undefined) return
  network.hashOfSlot.delete(slot)
  network.slotOfHash.delete(hash)
}

/**
 * The state of an account after the block of `slot`, which must be `oldestState` or newer. Null when it does not exist.
 */
export function firstBefore(network: Network, slot: number, key: Key): AccountImage | null | undefined {
  for (const block of network.blocks) {
    if (block.slot > slot && block.before.has(key)) return block.before.get(key) ?? null
  }
  return undefined
}
