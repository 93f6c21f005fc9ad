// JSON-RPC methods that take transactions: send, simulate, price. Simulation runs on the newest state; what a
// commitment changes is only which blockhashes the node knows.
import { z } from 'zod'
import { accountJson } from './accounts.ts'
import { blockhashIsLive } from '../block.ts'
import { ADDRESS_BYTES, decodeBase58, bytesOf, textOf } from '../bytes.ts'
import { feeOf } from '../fees.ts'
import { happens } from '../generator.ts'
import { hashOf } from '../history.ts'
import type { Value } from '../json.ts'
import { readBalance, setClock, simulate, type Simulation } from '../machine.ts'
import { accept } from '../mempool.ts'
import { airdrop } from '../own-transactions.ts'
import { BLOCKHASH_WINDOW, heightOf } from '../chain.ts'
import { transactionErrorSentence } from '../transaction-error.ts'
import { MAX_WIRE_BYTES, identityOf, readWire, type Wire } from '../wire.ts'
import { failure } from './failure.ts'
import { addressAt, asKey, commitmentConfig, configAt, contextSlot, unitsAt, withContext, type Call, type Method } from './method.ts'

const wireEncoding = z.enum(['base58', 'base64']).default('base58')

const sendConfig = z.object({
  encoding: wireEncoding,
  skipPreflight: z.boolean().default(false),
  preflightCommitment: z.enum(['processed', 'confirmed', 'finalized']).default('finalized'),
  minContextSlot: z.int().min(0).optional(),
})

const sendTransaction: Method = (call) => {
  const { network } = call
  const config = configAt(call, 1, sendConfig)
  const wire = wireAt(call, config.encoding)
  if (!config.skipPreflight) preflight(call, wire, contextSlot(call, { ...config, commitment: config.preflightCommitment }))
  const signature = accept(network, wire)
  if (happens(network.generator, network.knobs.acceptThenErrorRate)) {
    network.counters.acceptedThenErrored += 1
    throw failure('internal_error', 'Internal error')
  }
  return textOf(signature)
}

function preflight(call: Call, wire: Wire, slot: number): void {
  const run = dryRun(call, wire, { slot, verifySignatures: true, anyBlockhash: false })
  if (run.err === null) return
  if (run.err === 'SignatureFailure') throw failure('signature_invalid', 'Transaction signature verification failure')
  throw failure('preflight_failed', `Transaction simulation failed: ${transactionErrorSentence(run.err)}`, {
    ...simulationJson(run),
    accounts: null,
    fee: null,
    innerInstructions: null,
    loadedAddresses: null,
    postBalances: null,
    preBalances: null,
    replacementBlockhash: null,
  })
}

const simulateConfig = commitmentConfig.extend({
  encoding: wireEncoding,
  sigVerify: z.boolean().default(false),
  replaceRecentBlockhash: z.boolean().default(false),
  innerInstructions: z.boolean().default(false),
  accounts: z.object({
    addresses: z.array(z.string()).max(64),
    encoding: z.enum(['base58', 'base64', 'jsonParsed']).default('base64'),
  }).optional(),
})

const simulateTransaction: Method = (call) => {
  const { network } = call
  const config = configAt(call, 1, simulateConfig)
  if (config.sigVerify && config.replaceRecentBlockhash) {
    throw failure('invalid_params', 'sigVerify may not be used with replaceRecentBlockhash')
  }
  const slot = contextSlot(call, config)
  const wire = wireAt(call, config.encoding)
  const preBalances = wire.keys.map((key) => readBalance(network.machine, key))
  const run = dryRun(call, wire, { slot, verifySignatures: config.sigVerify, anyBlockhash: config.replaceRecentBlockhash })
  const worked = run.err === null
  return withContext(slot, {
    ...simulationJson(run),
    accounts: config.accounts?.addresses.map((address) => {
      const key = asKey(address, ADDRESS_BYTES)
      return worked ? accountJson(network, run.after.get(key) ?? null, { encoding: config.accounts?.encoding }) : null
    }) ?? null,
    fee: feeOf(wire),
    innerInstructions: config.innerInstructions ? run.innerInstructions : null,
    loadedAddresses: { readonly: [], writable: [] },
    postBalances: worked ? wire.keys.map((key) => run.after.get(key)?.lamports ?? 0n) : null,
    preBalances: worked ? preBalances : null,
    replacementBlockhash: config.replaceRecentBlockhash
      ? { blockhash: textOf(hashOf(network, slot)), lastValidBlockHeight: heightOf(slot) + BLOCKHASH_WINDOW }
      : null,
  })
}

type DryRun = { readonly slot: number; readonly verifySignatures: boolean; readonly anyBlockhash: boolean }

function dryRun({ network }: Call, wire: Wire, { slot, verifySignatures, anyBlockhash }: DryRun): Simulation {
  if (network.recent.has(identityOf(wire))) return notRun('AlreadyProcessed')
  if (!anyBlockhash && !blockhashIsLive(network, slot, wire.blockhash)) return notRun('BlockhashNotFound')
  setClock(network.machine, network.slot, network.seconds)
  return simulate(network.machine, wire, verifySignatures)
}

function notRun(err: string): Simulation {
  return { err, logs: [], unitsConsumed: 0n, innerInstructions: [], returnData: null, after: new Map() }
}

function simulationJson(run: Simulation): { readonly [key: string]: Value } {
  const { err, logs, unitsConsumed, returnData } = run
  return { err, logs, unitsConsumed, returnData, loadedAccountsDataSize: null, postTokenBalances: null, preTokenBalances: null }
}

const getFeeForMessage: Method = (call) => {
  const slot = contextSlot(call, configAt(call, 1, commitmentConfig))
  const message = bytesAt(call, 'base64')
  // The message alone has no signatures: empty ones make it a transaction to read. The count stands in its header.
  const count = ((message[0] ?? 0) & 0x80 ? message[1] : message[0]) ?? 0
  const wire = readWire(new Uint8Array(Buffer.concat([Uint8Array.of(count), new Uint8Array(64 * count), message])))
  if ('problem' in wire) throw failure('invalid_params', `failed to deserialize message: ${wire.problem}`)
  return withContext(slot, blockhashIsLive(call.network, slot, wire.blockhash) ? feeOf(wire) : null)
}

const requestAirdrop: Method = (call) => textOf(airdrop(call.network, addressAt(call, 0), unitsAt(call, 1)))

function wireAt(call: Call, encoding: 'base58' | 'base64'): Wire {
  const wire = readWire(bytesAt(call, encoding))
  if ('problem' in wire) throw failure('invalid_params', `failed to deserialize transaction: ${wire.problem}`)
  return wire
}

function bytesAt(call: Call, encoding: 'base58' | 'base64'): Uint8Array {
  const text = call.params[0]
  if (typeof text !== 'string') throw failure('invalid_params', 'Invalid params: expected a string')
  // The codecs' cost grows with the text, base58's with its square.
  if (text.length > MAX_WIRE_BYTES * 2) {
    throw failure('invalid_params', `${encoding} encoded transaction too large: ${text.length} characters`)
  }
  if (encoding === 'base58') {
    const key = decodeBase58(text)
    if (key === null) throw failure('invalid_params', 'invalid base58 encoding')
    return bytesOf(key)
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw failure('invalid_params', 'invalid base64 encoding')
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export const transactionMethods = {
  sendTransaction, simulateTransaction, getFeeForMessage, requestAirdrop,
} satisfies Record<string, Method>
