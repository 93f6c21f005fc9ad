// The constants of the sandbox's chain, each beside the real network's, and what follows from a slot's number alone.
import { bytesOf, keyOf, sha256, uint64, type Key } from './bytes.ts'

/** Normal length of a slot. A real slot is 400 ms; everything else here scales with it. */
export const SLOT_MS = 20
/**
 * The first slot, whose block height is 0. Height = slot − this, for ever (no slot is skipped, so nothing is stored for
 * an empty one); it is far from 0 so that a client that takes one for the other shows it at once.
 */
export const GENESIS_SLOT = 1_000
/** Slots until a block is confirmed. Real: two thirds of the stake have voted for it, one or two slots later. */
export const CONFIRMED_DEPTH = 2
/**
 * Slots until a block is final. Real: 32 confirmed blocks stand on it (about 13 s); 8 here, which is 160 ms, and still
 * a depth that forks can fill.
 */
export const FINALIZED_DEPTH = 8
/** A lagging node keeps what is needed to show its old state: six seconds of 20 ms slots. */
export const MAX_LAG_SLOTS = 300
/** Blocks that a blockhash is good for, as on the real network. */
export const BLOCKHASH_WINDOW = 150
/** Statuses that a node finds without searching its history: as on the real network, the last 300 blocks. */
export const RECENT_SLOTS = 300
/** Blockhashes kept in memory: the window as the most lagging node sees it. */
export const HASHES_KEPT = BLOCKHASH_WINDOW + MAX_LAG_SLOTS
/** Transactions a block holds. Bounds the time of one slot; 6,400 a second at 20 ms. */
export const MAX_BLOCK_TRANSACTIONS = 128
/** Transactions that wait. A real node drops silently what exceeds its queue, and so does this one. */
export const MEMPOOL_LIMIT = 20_000
/** Slots marked as used ahead on disk, so that an idle network writes once in 100 slots and a restart never goes back. */
export const RESERVED_SLOTS = 100

export const heightOf = (slot: number): number => slot - GENESIS_SLOT

/**
 * A block's hash from the newest block with transactions before it, its slot and its transactions. An empty block's
 * hash is thus a function of what is on disk: after a restart the empty slots have the hashes they had, and hashes of
 * lost blocks are unknown for ever.
 */
export function blockHash(genesisHash: Key, anchor: Key, slot: number, signatures: readonly Key[]): Key {
  return keyOf(sha256(bytesOf(genesisHash), bytesOf(anchor), uint64(slot), ...signatures.map(bytesOf)))
}
