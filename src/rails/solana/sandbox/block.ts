// Makes a block from what waits in the mempool: executes it, and records what each transaction did in the shape of
// Solana's RPC.
import { assert } from '../../../core/assert.ts'
import { textOf, type Key } from './bytes.ts'
import { encodeJson, type Value } from './json.ts'
import { execute, readAccount, readBalance, setClock, type AccountImage, type Execution } from './machine.ts'
import { BLOCKHASH_WINDOW, MAX_BLOCK_TRANSACTIONS, blockHash } from './chain.ts'
import { slotOfHash, type Block, type BlockEntry, type Network, type Pending } from './state.ts'
import { entryId } from './store.ts'
import { isTokenProgram, mintStateOf, tokenAmount, tokenStateOf } from './token.ts'
import { priorityPriceOf } from './fees.ts'
import { identityOf, isWritable, type Wire } from './wire.ts'

/** Executes what is ripe into a block of `slot`. Null when no transaction landed. Changes the machine and the mempool. */
export function produceBlock(network: Network, slot: number): Block | null {
  if (network.mempool.size === 0) return null
  setClock(network.machine, slot, network.seconds)
  const entries: BlockEntry[] = []
  const before = new Map<Key, AccountImage | null>()
  for (const [signature, pending] of network.mempool) {
    if (entries.length === MAX_BLOCK_TRANSACTIONS) break
    if (!leavesMempool(network, slot, signature, pending)) continue
    network.mempool.delete(signature)
    if (!mayLand(network, slot, signature, pending.wire)) continue
    const entry = land(network, entryId(slot, entries.length), pending.wire, before)
    if (entry === null) {
      network.counters.transactionsRefused += 1
      continue
    }
    entries.push(entry)
    network.recent.set(signature, { id: entry.id, err: entry.err })
  }
  if (entries.length === 0) return null
  network.counters.transactionsLanded += entries.length
  const { anchor, seconds } = network
  const hash = blockHash(network.genesisHash, anchor, slot, entries.map((entry) => entry.signature))
  return { slot, hash, anchor, seconds, entries, before }
}

/**
 * Whether a block of `slot` may hold a transaction with this blockhash: its last valid height is the blockhash's + 150.
 */
export function blockhashIsLive(network: Network, slot: number, blockhash: Key): boolean {
  const born = slotOfHash(network, blockhash)
  return born !== undefined && born <= slot && slot - born <= BLOCKHASH_WINDOW
}

// A transaction leaves the mempool when it is taken into a block or can never be; it stays while it is early or pays
// too little.
function leavesMempool(network: Network, slot: number, signature: Key, pending: Pending): boolean {
  if (network.recent.has(signature) || !blockhashIsLive(network, slot, pending.wire.blockhash)) return true
  if (pending.readyAt > slot) return false
  if (pending.own || priorityPriceOf(pending.wire) >= BigInt(network.knobs.minimumPriorityFee)) return true
  if (!pending.underpriced) network.counters.transactionsUnderpriced += 1
  pending.underpriced = true
  return false
}

function mayLand(network: Network, slot: number, signature: Key, wire: Wire): boolean {
  if (network.recent.has(signature)) return false
  if (blockhashIsLive(network, slot, wire.blockhash)) return true
  network.counters.transactionsExpired += 1
  return false
}

// Executes one transaction. What was refused before execution (no such payer, bad signature) lands in no block and
// leaves no trace.
function land(network: Network, id: number, wire: Wire, before: Map<Key, AccountImage | null>): BlockEntry | null {
  const { machine } = network
  const images = new Map<Key, AccountImage | null>()
  for (const [index, key] of wire.keys.entries()) {
    if (isWritable(wire, index) && !before.has(key)) images.set(key, readAccount(machine, key))
  }
  const preBalances = wire.keys.map((key) => readBalance(machine, key))
  const preTokenBalances = tokenBalances(network, wire.keys)
  const execution = execute(machine, wire)
  const postBalances = wire.keys.map((key) => readBalance(machine, key))
  // Lamports are conserved among a transaction's accounts but for the fee.
  const fee = sum(preBalances) - sum(postBalances)
  assert(fee >= 0n, `a transaction made ${-fee} lamports`)
  if (fee === 0n) return null
  for (const [key, image] of images) before.set(key, image)
  const postTokenBalances = tokenBalances(network, wire.keys)
  const meta = encodeJson(metaOf(execution, { fee, preBalances, postBalances, preTokenBalances, postTokenBalances }))
  const err = execution.err === null ? null : encodeJson(execution.err)
  return { id, signature: identityOf(wire), err, wire: wire.bytes, meta, keys: wire.keys }
}

type Balances = {
  readonly fee: bigint
  readonly preBalances: readonly bigint[]
  readonly postBalances: readonly bigint[]
  readonly preTokenBalances: readonly Value[]
  readonly postTokenBalances: readonly Value[]
}

function metaOf(execution: Execution, balances: Balances): Value {
  const { err, logs, unitsConsumed, innerInstructions, returnData } = execution
  return {
    computeUnitsConsumed: unitsConsumed,
    err,
    fee: balances.fee,
    innerInstructions,
    loadedAddresses: { readonly: [], writable: [] },
    logMessages: logs,
    postBalances: balances.postBalances,
    postTokenBalances: balances.postTokenBalances,
    preBalances: balances.preBalances,
    preTokenBalances: balances.preTokenBalances,
    ...(returnData === null ? {} : { returnData }),
    rewards: [],
    status: err === null ? { Ok: null } : { Err: err },
  }
}

/** Token balances of the accounts as they stand, empty unless a token program is among them (only it can change them). */
export function tokenBalances(network: Network, keys: readonly Key[]): readonly Value[] {
  if (!keys.some(isTokenProgram)) return []
  const balances: Value[] = []
  for (const [accountIndex, key] of keys.entries()) {
    const image = readAccount(network.machine, key)
    const token = image === null ? null : tokenStateOf(image)
    if (token === null) continue
    balances.push({
      accountIndex,
      mint: textOf(token.mint),
      owner: textOf(token.owner),
      programId: textOf(token.program),
      uiTokenAmount: tokenAmount(token.amount, decimalsOf(network, token.mint)),
    })
  }
  return balances
}

/** Decimals of a mint as it stands; they never change once it is initialized. */
export function decimalsOf(network: Network, mint: Key): number {
  const image = readAccount(network.machine, mint)
  return image === null ? 0 : (mintStateOf(image)?.decimals ?? 0)
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
