// JSON-RPC methods that read blocks. Every slot has a block (none is skipped); those that a node forgot or has not
// reached are refused.
import { z } from 'zod'
import { blockOf, secondsOf, type SeenBlock } from '../history.ts'
import { textOf } from '../bytes.ts'
import type { Value } from '../json.ts'
import { heightOf } from '../chain.ts'
import { failure } from './failure.ts'
import { commitmentConfig, configAt, parse, type Call, type Method } from './method.ts'
import { assertConfirmed, encodingConfig, transactionJson } from './transaction-json.ts'

// Slots that getBlocks may span.
const MAX_BLOCKS_RANGE = 500_000

const blockConfig = encodingConfig.extend({
  transactionDetails: z.enum(['full', 'signatures', 'none']).default('full'),
  rewards: z.boolean().default(true),
})

const getFirstAvailableBlock: Method = (call) => call.view.firstAvailable

const getBlock: Method = (call) => {
  const slot = slotAt(call, 0)
  const config = configAt(call, 1, blockConfig)
  assertConfirmed(config.commitment)
  assertKept(call, slot, call.view[config.commitment])
  const block = blockOf(call.network, slot)
  return {
    blockHeight: heightOf(slot),
    blockTime: block.seconds,
    blockhash: block.hash,
    parentSlot: block.parentSlot,
    previousBlockhash: block.parentHash,
    ...(config.rewards ? { rewards: [] } : {}),
    ...transactionsOf(block, config),
  }
}

function transactionsOf(block: SeenBlock, config: z.output<typeof blockConfig>): { readonly [key: string]: Value } {
  if (config.transactionDetails === 'none') return {}
  if (config.transactionDetails === 'signatures') return { signatures: block.entries.map((entry) => textOf(entry.signature)) }
  return { transactions: block.entries.map((entry) => transactionJson(entry, config)) }
}

const getBlockTime: Method = (call) => {
  const slot = slotAt(call, 0)
  assertKept(call, slot, call.view.processed)
  return secondsOf(call.network, slot)
}

/** The slots from `start` to `end` (or the newest) that have a block: all of them. */
const getBlocks: Method = (call) => {
  const start = slotAt(call, 0)
  const explicit = typeof call.params[1] === 'number'
  const config = configAt(call, explicit ? 2 : 1, commitmentConfig)
  assertConfirmed(config.commitment)
  const end = Math.min(explicit ? slotAt(call, 1) : Infinity, call.view[config.commitment])
  if (end - start > MAX_BLOCKS_RANGE) throw failure('invalid_params', `Slot range too large; max ${MAX_BLOCKS_RANGE}`)
  const first = Math.max(start, call.view.firstAvailable)
  return Array.from({ length: Math.max(0, end - first + 1) }, (_, index) => first + index)
}

function slotAt(call: Call, index: number): number {
  return parse(z.int().min(0), call.params[index])
}

function assertKept(call: Call, slot: number, newest: number): void {
  const { firstAvailable } = call.view
  if (slot < firstAvailable) {
    throw failure(
      'block_cleaned_up',
      `Block ${slot} cleaned up, does not exist on node. First available block: ${firstAvailable}`,
    )
  }
  if (slot > newest) throw failure('block_not_available', `Block not available for slot ${slot}`)
}

export const blockMethods = { getFirstAvailableBlock, getBlock, getBlockTime, getBlocks } satisfies Record<string, Method>
