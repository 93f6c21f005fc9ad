// What a node can tell of the chain: statuses, transactions and blocks, from memory while they are young and from disk
// for ever after, seen through a view (a node may lag or have forgotten). Reads only.
import { textOf, type Key } from './bytes.ts'
import { CONFIRMED_DEPTH, FINALIZED_DEPTH, GENESIS_SLOT, RECENT_SLOTS, blockHash } from './chain.ts'
import { hashOfSlot, type Block, type BlockEntry, type Network } from './state.ts'
import {
  entryId, readBlockBefore, readBlocks, readEntries, readEntriesOf, readEntry, readStatus, slotOfEntry, type Entry,
} from './store.ts'

export type Commitment = 'processed' | 'confirmed' | 'finalized'

/** The slots that a node has reached at each commitment, and the first one it remembers. */
export type View = { readonly [Level in Commitment]: number } & { readonly firstAvailable: number }

/**
 * The view of the node that answers: `lagSlots` behind, and without what is older than `forgetAfterSlots` before its
 * final slot.
 */
export function viewOf(network: Network, lagSlots: number, forgetAfterSlots: number | null): View {
  const newest = (slot: number): number => Math.max(slot - lagSlots, network.oldestState)
  const processed = newest(network.slot)
  const finalized = Math.min(newest(network.finalized), processed)
  const confirmed = Math.max(finalized, processed - CONFIRMED_DEPTH)
  const forgotten = forgetAfterSlots === null ? GENESIS_SLOT : finalized - forgetAfterSlots
  return { processed, confirmed, finalized, firstAvailable: Math.max(network.historyFrom, forgotten) }
}

export function commitmentOf(view: View, slot: number): Commitment {
  if (slot <= view.finalized) return 'finalized'
  return slot <= view.confirmed ? 'confirmed' : 'processed'
}

export type SeenStatus = { readonly slot: number; readonly err: string | null }

/** The status of a transaction. Without `searchHistory` only the last 300 slots are looked at, as on a real node. */
export function statusOf(network: Network, view: View, signature: Key, searchHistory: boolean): SeenStatus | null {
  const known = network.recent.get(signature) ?? readStatus(network.store, signature)
  if (known === null) return null
  const slot = slotOfEntry(known.id)
  if (!isSeen(view, slot, 'processed')) return null
  if (!searchHistory && slot <= view.processed - RECENT_SLOTS) return null
  return { slot, err: known.err }
}

/** A landed transaction as seen at a commitment, or null. */
export function entryOf(network: Network, view: View, signature: Key, commitment: Commitment): Entry | null {
  const young = youngEntries(network).find((entry) => entry.signature === signature)
  const entry = young ?? readEntry(network.store, signature)
  return entry !== null && isSeen(view, slotOfEntry(entry.id), commitment) ? entry : null
}

export type AddressQuery = {
  readonly before: Key | null
  readonly until: Key | null
  readonly limit: number
  readonly commitment: Commitment
}

/** The transactions that name an address, newest first, older than `before` and newer than `until`. */
export function entriesOf(network: Network, view: View, key: Key, query: AddressQuery): readonly Entry[] {
  const bound = (signature: Key | null): number | null => {
    if (signature === null) return null
    const known = network.recent.get(signature) ?? readStatus(network.store, signature)
    return known?.id ?? null
  }
  const before = Math.min(bound(query.before) ?? Infinity, entryId(view[query.commitment] + 1, 0))
  const after = Math.max(bound(query.until) ?? -1, entryId(view.firstAvailable, 0) - 1)
  const young = youngEntries(network)
    .filter((entry) => entry.id > after && entry.id < before && entry.keys.includes(key))
    .toReversed()
    .slice(0, query.limit)
  const limit = query.limit - young.length
  return limit === 0 ? young : [...young, ...readEntriesOf(network.store, key, { after, before, limit })]
}

export type SeenBlock = {
  readonly slot: number
  readonly hash: string
  readonly parentSlot: number
  readonly parentHash: string
  /** Unix time; null for an empty block, whose time is not kept. */
  readonly seconds: number | null
  readonly entries: readonly Entry[]
}

/** The block of a slot that the view has seen; empty blocks included. */
export function blockOf(network: Network, slot: number): SeenBlock {
  const young = youngBlock(network, slot)
  const stored = young === null ? readBlocks(network.store, slot, slot)[0] : undefined
  const parentSlot = Math.max(GENESIS_SLOT, slot - 1)
  return {
    slot,
    hash: textOf(hashOf(network, slot)),
    parentSlot,
    parentHash: textOf(hashOf(network, parentSlot)),
    seconds: young?.seconds ?? stored?.seconds ?? null,
    entries: young?.entries ?? readEntries(network.store, entryId(slot, 0), entryId(slot + 1, 0)),
  }
}

/** Unix time of the block that holds a transaction. */
export function secondsOf(network: Network, slot: number): number | null {
  return youngBlock(network, slot)?.seconds ?? readBlocks(network.store, slot, slot)[0]?.seconds ?? null
}

/**
 * The hash of the block of a slot, however old: kept while young, stored with its block, or computed for an empty slot.
 */
export function hashOf(network: Network, slot: number): Key {
  const young = hashOfSlot(network, slot)
  if (young !== undefined) return young
  const stored = readBlockBefore(network.store, slot)
  if (stored?.slot === slot) return stored.hash
  return blockHash(network.genesisHash, stored?.hash ?? network.genesisHash, slot, [])
}

export function isSeen(view: View, slot: number, commitment: Commitment): boolean {
  return slot >= view.firstAvailable && slot <= view[commitment]
}

function youngBlock(network: Network, slot: number): Block | null {
  return network.blocks.find((block) => block.slot === slot) ?? null
}

// Blocks that are not on disk yet; those kept only for a lagging view are.
function youngEntries(network: Network): readonly BlockEntry[] {
  return network.blocks.filter((block) => block.slot > network.finalized).flatMap((block) => block.entries)
}

/** Slots until a block is final, for a status that is not. */
export function confirmationsOf(view: View, slot: number): number | null {
  return slot <= view.finalized ? null : Math.min(view.processed - slot, FINALIZED_DEPTH)
}
