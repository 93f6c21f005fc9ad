// The sandbox network as a state machine: slots, blocks, forks, finality, and its life on disk. Time is an argument,
// chance comes from the seeded generator. Never calls a slot final before its transactions and accounts are on disk.
import { present } from '../../../core/assert.ts'
import { produceBlock } from './block.ts'
import { bytesOf, keyOf, sha256, type Key } from './bytes.ts'
import { createGenerator, happens } from './generator.ts'
import { CALM, knobSettings, turnKnobs, zeroCounters, type Counters, type KnobSettings, type Knobs } from './knobs.ts'
import { createMachine, readAccount, writeAccount } from './machine.ts'
import { FAUCET_LAMPORTS, SYSTEM_PROGRAM, faucetOf } from './own-keys.ts'
import { FINALIZED_DEPTH, GENESIS_SLOT, HASHES_KEPT, RECENT_SLOTS, RESERVED_SLOTS } from './chain.ts'
import { firstBefore, rememberSlot, type Block, type Network } from './state.ts'
import {
  closeStore, entryId, forgetEverything, inOneCommit, readAccountRow, readBlockBefore, readBlocks, readSetting, readStatuses, slotOfEntry,
  writeAccountRow, writeBlocks, writeSetting, type FinalBlock, type Store,
} from './store.ts'

export type NetworkOptions = {
  readonly store: Store
  /** Names the network when its books are new, and seeds the faults of each run. */
  readonly seed: string
  readonly at: Temporal.Instant
  readonly knobs?: KnobSettings
}

/**
 * Opens the network of a store: a new one from genesis, or the last final state of an old one at a slot past all that
 * was ever answered.
 */
export function openNetwork(options: NetworkOptions): Network {
  const { store, seed, at } = options
  const life = beginLife(store, seed)
  const network: Network = {
    store,
    machine: createMachine((key) => readAccountRow(store, key)),
    genesisHash: life.genesisHash,
    faucet: faucetOf(life.genesisHash),
    generator: createGenerator(`${seed} ${life.restarts}`),
    counters: countersOf(store, life),
    knobs: turnKnobs(CALM, knobSettings.parse(options.knobs ?? {})),
    slot: life.slot,
    finalized: life.slot,
    reserved: life.slot,
    anchor: life.genesisHash,
    seconds: 0,
    historyFrom: life.historyFrom,
    oldestState: life.slot,
    ownTransactions: 0,
    blocks: [],
    mempool: new Map(),
    recent: new Map(),
    slotOfHash: new Map(),
    hashOfSlot: new Map(),
    anchorOfSlot: new Map(),
  }
  for (const { signature, id, err } of readStatuses(store, entryId(life.slot - RECENT_SLOTS, 0))) {
    network.recent.set(signature, { id, err })
  }
  recallHashes(network)
  network.seconds = Math.max(unixSeconds(at), readBlockBefore(store, network.slot)?.seconds ?? 0)
  writeRestartKnob(network)
  return network
}

/**
 * Makes what is processed final and closes the books at the present slot. The mempool is lost, as it would be on any
 * node.
 */
export function closeNetwork(network: Network, at: Temporal.Instant): void {
  network.mempool.clear()
  if (network.blocks.some((block) => block.slot > network.finalized)) advance(network, FINALIZED_DEPTH, at)
  inOneCommit(network.store, () => writeSetting(network.store, 'reserved', String(network.slot)))
  closeStore(network.store)
}

/** Makes `slots` slots. */
export function advance(network: Network, slots: number, at: Temporal.Instant): void {
  const seconds = unixSeconds(at)
  for (let made = 0; made < slots; made += 1) tickAt(network, seconds)
}

/** Makes the next slot: a block of what waits, and finality for the block eight slots before. */
export function tick(network: Network, at: Temporal.Instant): void {
  tickAt(network, unixSeconds(at))
}

function tickAt(network: Network, seconds: number): void {
  const { knobs, counters } = network
  if (happens(network.generator, knobs.reorgRate)) reorganize(network, knobs.reorgSlots)
  const slot = network.slot + 1
  if (slot > network.reserved) inOneCommit(network.store, () => reserve(network, slot))
  network.seconds = Math.max(network.seconds, seconds)
  const block = produceBlock(network, slot)
  if (block !== null) {
    network.blocks.push(block)
    network.anchor = block.hash
  }
  rememberSlot(network, slot, block?.hash ?? null)
  network.slot = slot
  counters.slots += 1
  finalize(network)
  forgetOld(network)
}

/**
 * Replaces the newest `slots` slots by empty ones, as a fork does. What is final stays. Returns how many transactions
 * were undone.
 */
export function reorganize(network: Network, slots: number): number {
  const from = Math.max(network.finalized + 1, network.slot - slots + 1)
  const undone = network.blocks.filter((block) => block.slot >= from)
  if (undone.length === 0) return 0
  for (const block of undone.toReversed()) {
    for (const [key, image] of block.before) writeAccount(network.machine, key, image)
    for (const entry of block.entries) network.recent.delete(entry.signature)
  }
  network.blocks = network.blocks.filter((block) => block.slot < from)
  network.anchor = present(undone[0], 'an undone block').anchor
  for (let slot = from; slot <= network.slot; slot += 1) rememberSlot(network, slot, null)
  const transactions = undone.reduce((total, block) => total + block.entries.length, 0)
  network.counters.reorgs += 1
  network.counters.transactionsReorged += transactions
  return transactions
}

/** Changes knobs of the running network; what a restart forgets is kept on disk. */
export function setKnobs(network: Network, settings: KnobSettings): void {
  network.knobs = turnKnobs(network.knobs, settings)
  if (settings.onRestart !== undefined) writeRestartKnob(network)
}

/** Notes that the node is about to die of a knob, so that the counter outlives it. */
export function countCrash(network: Network): void {
  network.counters.crashes += 1
  inOneCommit(network.store, () => writeSetting(network.store, 'crashes', String(network.counters.crashes)))
}

function finalize(network: Network): void {
  const target = Math.max(network.finalized, network.slot - FINALIZED_DEPTH)
  // Most slots find nothing: one is made every 20 ms, also where nobody pays.
  const blocks = network.blocks.length === 0 ? [] : network.blocks.filter((block) => block.slot > network.finalized && block.slot <= target)
  if (blocks.length > 0) {
    inOneCommit(network.store, () => {
      writeBlocks(network.store, blocks.map((block) => finalBlock(network, block)))
      // The commit is paid for: renew the reservation with it when it is half used.
      if (network.reserved - network.slot < RESERVED_SLOTS / 2) reserve(network, network.slot)
    })
  }
  network.finalized = target
}

function finalBlock(network: Network, block: Block): FinalBlock {
  const accounts = new Map([...block.before.keys()].map((key) => {
    const later = firstBefore(network, block.slot, key)
    return [key, later === undefined ? readAccount(network.machine, key) : later] as const
  }))
  return { slot: block.slot, hash: block.hash, anchor: block.anchor, seconds: block.seconds, entries: block.entries, accounts }
}

function reserve(network: Network, slot: number): void {
  network.reserved = slot + RESERVED_SLOTS
  writeSetting(network.store, 'reserved', String(network.reserved))
}

function forgetOld(network: Network): void {
  const keepFrom = network.slot - FINALIZED_DEPTH - network.knobs.lagSlots
  if (keepFrom > network.oldestState) {
    network.oldestState = keepFrom
    const oldest = network.blocks[0]?.slot ?? Infinity
    if (oldest <= keepFrom) network.blocks = network.blocks.filter((block) => block.slot > keepFrom)
  }
  for (const [signature, { id }] of network.recent) {
    if (slotOfEntry(id) > network.slot - RECENT_SLOTS) break
    network.recent.delete(signature)
  }
}

type Life = {
  readonly genesisHash: Key
  readonly slot: number
  readonly historyFrom: number
  readonly restarts: number
  readonly forgot: boolean
}

// Reads where the books stand, makes them when they are new, and applies what the last life was told to forget.
function beginLife(store: Store, seed: string): Life {
  return inOneCommit(store, () => {
    const forget = readSetting(store, 'on_restart') as Knobs['onRestart'] | null
    const incarnation = numberSetting(store, 'incarnation')
    const known = readSetting(store, 'genesis_hash')
    if (known === null || forget === 'forget_everything') return beginNetwork(store, `${seed} ${incarnation}`, incarnation + 1)
    const slot = numberSetting(store, 'reserved')
    const restarts = numberSetting(store, 'restarts') + 1
    writeSetting(store, 'restarts', String(restarts))
    if (forget === 'forget_history') writeSetting(store, 'history_from', String(slot))
    const historyFrom = numberSetting(store, 'history_from')
    return { genesisHash: keyOf(Buffer.from(known, 'hex')), slot, historyFrom, restarts, forgot: forget === 'forget_history' }
  })
}

function beginNetwork(store: Store, name: string, incarnation: number): Life {
  const genesisHash = keyOf(sha256('sandbox genesis', name))
  const restarts = incarnation === 1 ? 0 : numberSetting(store, 'restarts') + 1
  forgetEverything(store)
  const faucet = { lamports: FAUCET_LAMPORTS, owner: SYSTEM_PROGRAM, executable: false, data: new Uint8Array(0) }
  writeAccountRow(store, faucetOf(genesisHash).key, faucet)
  writeSetting(store, 'genesis_hash', Buffer.from(bytesOf(genesisHash)).toString('hex'))
  writeSetting(store, 'incarnation', String(incarnation))
  writeSetting(store, 'restarts', String(restarts))
  writeSetting(store, 'reserved', String(GENESIS_SLOT))
  writeSetting(store, 'history_from', String(GENESIS_SLOT))
  return { genesisHash, slot: GENESIS_SLOT, historyFrom: GENESIS_SLOT, restarts, forgot: restarts > 0 }
}

// The hashes of the last slots, from the blocks on disk: stored ones have theirs, empty ones are computed as they were
// the first time.
function recallHashes(network: Network): void {
  const from = Math.max(GENESIS_SLOT, network.slot - HASHES_KEPT + 1)
  network.anchor = readBlockBefore(network.store, from - 1)?.hash ?? network.genesisHash
  const stored = new Map(readBlocks(network.store, from, network.slot).map((block) => [block.slot, block]))
  for (let slot = from; slot <= network.slot; slot += 1) {
    const block = stored.get(slot)
    if (block !== undefined) network.anchor = block.hash
    rememberSlot(network, slot, block?.hash ?? null)
  }
}

function countersOf(store: Store, life: Life): Counters {
  const { restarts, forgot } = life
  return { ...zeroCounters(), restarts, crashes: numberSetting(store, 'crashes'), historiesForgotten: forgot ? 1 : 0 }
}

function writeRestartKnob(network: Network): void {
  inOneCommit(network.store, () => writeSetting(network.store, 'on_restart', network.knobs.onRestart))
}

function numberSetting(store: Store, name: string): number {
  return Number(readSetting(store, name) ?? '0')
}

function unixSeconds(at: Temporal.Instant): number {
  return Math.floor(at.epochMilliseconds / 1000)
}
