// JSON-RPC methods about the chain as a whole: slots, heights, blockhashes, the node itself.
import { ADDRESS_BYTES, textOf } from '../bytes.ts'
import { priorityPriceOf } from '../fees.ts'
import { hashOf } from '../history.ts'
import { BLOCKHASH_WINDOW, GENESIS_SLOT, heightOf } from '../chain.ts'
import { slotOfHash } from '../state.ts'
import { readWire } from '../wire.ts'
import { API_VERSION, asKey, commitmentConfig, configAt, contextSlot, withContext, type Method } from './method.ts'

// Slots of an epoch on the real network; epochs mean nothing here.
const EPOCH_SLOTS = 432_000
// Slots that getRecentPrioritizationFees looks back.
const FEE_SLOTS = 150

const getSlot: Method = (call) => contextSlot(call, configAt(call, 0, commitmentConfig))

const getBlockHeight: Method = (call) => heightOf(contextSlot(call, configAt(call, 0, commitmentConfig)))

const getLatestBlockhash: Method = (call) => {
  const slot = contextSlot(call, configAt(call, 0, commitmentConfig))
  return withContext(slot, {
    blockhash: textOf(hashOf(call.network, slot)),
    lastValidBlockHeight: heightOf(slot) + BLOCKHASH_WINDOW,
  })
}

const isBlockhashValid: Method = (call) => {
  const blockhash = asKey(call.params[0], ADDRESS_BYTES)
  const slot = contextSlot(call, configAt(call, 1, commitmentConfig))
  const born = slotOfHash(call.network, blockhash)
  return withContext(slot, born !== undefined && born <= slot && slot - born <= BLOCKHASH_WINDOW)
}

const getGenesisHash: Method = (call) => textOf(call.network.genesisHash)

const getHealth: Method = () => 'ok'

const getVersion: Method = () => ({ 'solana-core': API_VERSION, 'feature-set': 0 })

const getEpochInfo: Method = (call) => {
  const slot = contextSlot(call, configAt(call, 0, commitmentConfig))
  return {
    absoluteSlot: slot,
    blockHeight: heightOf(slot),
    epoch: Math.floor(slot / EPOCH_SLOTS),
    slotIndex: slot % EPOCH_SLOTS,
    slotsInEpoch: EPOCH_SLOTS,
    transactionCount: null,
  }
}

/**
 * The lowest price that got into each of the last slots: of its transactions, at least the floor of a fee spike; 0 when
 * the slot was empty.
 */
const getRecentPrioritizationFees: Method = (call) => {
  const { network, view } = call
  const floor = BigInt(network.knobs.minimumPriorityFee)
  const lowest = new Map<number, bigint>()
  for (const block of network.blocks) {
    const prices = block.entries.map((entry) => priceOf(entry.wire))
    lowest.set(block.slot, prices.reduce((low, price) => (price < low ? price : low)))
  }
  const from = Math.max(GENESIS_SLOT, view.processed - FEE_SLOTS + 1)
  const slots = Array.from({ length: view.processed - from + 1 }, (_, index) => from + index)
  return slots.map((slot) => {
    const price = lowest.get(slot) ?? 0n
    return { slot, prioritizationFee: price > floor ? price : floor }
  })
}

function priceOf(bytes: Uint8Array): bigint {
  const wire = readWire(bytes)
  return 'problem' in wire ? 0n : priorityPriceOf(wire)
}

export const chainMethods = {
  getSlot, getBlockHeight, getLatestBlockhash, isBlockhashValid, getGenesisHash, getHealth, getVersion, getEpochInfo,
  getRecentPrioritizationFees,
} satisfies Record<string, Method>
