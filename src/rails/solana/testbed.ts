// For tests and measurements of this rail: its sandbox in this process, with a clock that only the test moves, and no socket. Everything
// else is the real thing: the virtual machine, the blocks, the JSON-RPC, the client.

import { createHash } from 'node:crypto'
import {
  appendTransactionMessageInstructions,
  createKeyPairSignerFromBytes,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type BlockhashLifetimeConstraint,
  type Instruction,
  type TransactionSigner,
} from '@solana/kit'
import { getAddMemoInstruction } from '@solana-program/memo'
import { getTransferSolInstruction } from '@solana-program/system'
import { present } from '../../core/assert.ts'
import type { Effects, JsonObject } from '../../core/effects.ts'
import type { PrepareInput, RailAsset, RailPayout, RailWallet, Sign } from '../rail.ts'
import { MEMO_PROGRAM_ADDRESS, toAddress } from './address.ts'
import { parseKey, textOf } from './sandbox/bytes.ts'
import { accept } from './sandbox/mempool.ts'
import { advance, openNetwork, reorganize, setKnobs } from './sandbox/network.ts'
import { createNode, type Node } from './sandbox/node.ts'
import { airdrop, createMint, mintTo, setFrozen } from './sandbox/own-transactions.ts'
import type { KnobSettings } from './sandbox/knobs.ts'
import { sandboxFetch } from './sandbox/server.ts'
import { hashOfSlot } from './sandbox/state.ts'
import { openStore } from './sandbox/store.ts'
import { associatedTokenKey } from './sandbox/token.ts'
import { readWire } from './sandbox/wire.ts'
import { solana } from './rail.ts'

export const SOL: RailAsset = { asset: 'SOL/9', token: null }

/** Slots after which what was sent now is final, or what was not is forgotten. */
export const SLOTS_TO_FINAL = 12
export const SLOTS_TO_EXPIRY = 200

export type Testbed = ReturnType<typeof openTestbed>

/** An answer of the node as the test wants it: what was asked, and the result that the node gave. */
export type Tamper = (method: string, result: unknown, params: readonly unknown[]) => unknown

export function openTestbed({ seed = 'testbed', knobs = {} }: { readonly seed?: string; readonly knobs?: KnobSettings } = {}) {
  const host = hostNetwork(seed, knobs)
  return { ...host, ...networkHands(host), ...walletHands(host), connect: () => solana.connect(host.effects, { url: 'http://sandbox' }) }
}

type Host = ReturnType<typeof hostNetwork>

function hostNetwork(seed: string, knobs: KnobSettings) {
  const clock = createClock()
  const store = openStore(':memory:')
  const report = (error: unknown): never => {
    throw error
  }
  const node: Node = createNode(openNetwork({ store, seed, at: clock.now(), knobs }), { now: clock.now, report })
  let tamper: Tamper | null = null
  // Whoever runs a node starts it again when it has died: with what was final, and nothing of what waited.
  const restart = (): void => {
    node.network = openNetwork({ store, seed, at: clock.now(), knobs: { ...node.network.knobs, onRestart: 'keep' } })
    node.host.dying = false
  }
  const direct = sandboxFetch({ node, sleep: clock.sleep, onCrash: restart })
  const fetched: typeof fetch = async (input, init) => tampered(await direct(input, init), init?.body as string, tamper)
  const effects: Effects = { ...clock, random: randomFrom(seed), id: idsFrom(seed), fetch: fetched, log: () => {} }
  return {
    effects,
    clock,
    node,
    /** The node without tampering. */
    direct,
    /** Changes answers until called with null. */
    tamper: (change: Tamper | null) => {
      tamper = change
    },
    pass: (slots: number): void => advance(node.network, slots, clock.now()),
    close: () => store.database.close(),
  }
}

const keyOf = (address: string) => present(parseKey(address, 32), `key of ${address}`)

/** What the network's own hand does: time, faults, money made of nothing. */
function networkHands({ node, pass }: Host) {
  return {
    settle: () => pass(SLOTS_TO_FINAL),
    reorganize: (slots: number) => reorganize(node.network, slots),
    knobs: (settings: KnobSettings) => setKnobs(node.network, settings),
    counters: () => node.network.counters,
    fund: (address: string, lamports: bigint) => {
      airdrop(node.network, keyOf(address), lamports)
      pass(SLOTS_TO_FINAL)
    },
    mint: (name: string, decimals: number): string => {
      const { mint } = createMint(node.network, name, decimals)
      pass(SLOTS_TO_FINAL)
      return textOf(mint)
    },
    mintTo: (mint: string, owner: string, units: bigint) => {
      mintTo(node.network, keyOf(mint), keyOf(owner), units)
      pass(SLOTS_TO_FINAL)
    },
    freeze: (mint: string, owner: string, frozen: boolean) => {
      setFrozen(node.network, keyOf(mint), associatedTokenKey(keyOf(owner), keyOf(mint)), frozen)
      pass(SLOTS_TO_FINAL)
    },
  }
}

/** Wallets with their keys, and what their owners do with them. */
function walletHands({ effects, node, direct, pass }: Host) {
  const keys = new Map<string, Uint8Array<ArrayBuffer>>()
  const secretOf = ({ address }: RailWallet) => present(keys.get(address), `secret of ${address}`)
  /** What the signer does, without its process and its database. */
  const signer = (wallet: RailWallet, payouts: readonly RailPayout[]): Sign => {
    const byId = new Map(payouts.map((payout) => [payout.id, payout]))
    return (ids, draft) => {
      const chosen = ids.map((id) => present(byId.get(id), id))
      return solana.custody.sign({ secret: secretOf(wallet), wallet, payouts: chosen, draft })
    }
  }
  /** A transaction outside any attempt: the owner's own hand. Returns its signature. */
  const send = async (from: RailWallet, instructions: (owner: TransactionSigner) => readonly Instruction[]): Promise<string> => {
    const owner = await createKeyPairSignerFromBytes(secretOf(from))
    const { value } = (await rpc(direct, 'getLatestBlockhash')) as { readonly value: BlockhashLifetimeConstraint }
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (empty) => setTransactionMessageFeePayerSigner(owner, empty),
      (paid) => setTransactionMessageLifetimeUsingBlockhash(value, paid),
      // The same transaction twice would be one.
      (living) => appendTransactionMessageInstructions([...instructions(owner), memoOf(effects.id())], living),
    )
    const wire = getBase64EncodedWireTransaction(await signTransactionMessageWithSigners(message))
    const signature = await rpc(direct, 'sendTransaction', wire, { encoding: 'base64', skipPreflight: true })
    pass(SLOTS_TO_FINAL)
    return signature as string
  }
  return {
    secretOf,
    signer,
    send,
    transfer: (from: RailWallet, to: string, lamports: bigint): Promise<string> =>
      send(from, (source) => [getTransferSolInstruction({ source, destination: toAddress(to), amount: lamports })]),
    wallet: async (): Promise<RailWallet> => {
      const { address, secret } = await solana.custody.create(effects.random)
      keys.set(address, secret)
      return { id: effects.id(), address }
    },
    address: async (): Promise<string> => (await solana.custody.create(effects.random)).address,
    payout: (address: string, units: bigint, asset: RailAsset = SOL): RailPayout => {
      return { id: effects.id(), units, asset, destination: { address: toAddress(address) } }
    },
    preparation: (wallet: RailWallet, payouts: readonly RailPayout[], committed: PrepareInput['committed'] = new Map()): PrepareInput => {
      return { attempt: effects.id(), head: '0123456789abcdef'.repeat(4), payouts, wallet, committed, sign: signer(wallet, payouts) }
    },
    /** One transaction a payout, in this order and without a socket: a backlog made in little time. */
    sendMany: async (from: RailWallet, payouts: readonly RailPayout[]): Promise<void> => {
      const blockhash = textOf(present(hashOfSlot(node.network, node.network.slot), 'newest blockhash'))
      const sign = signer(from, payouts)
      for (const [index, { id }] of payouts.entries()) {
        const { bytes } = await sign([id], draftOf(blockhash, effects.id()))
        const wire = readWire(bytes)
        if ('problem' in wire) throw new Error(wire.problem)
        accept(node.network, wire)
        if (index % 100 === 99) pass(1)
      }
      pass(SLOTS_TO_FINAL)
    },
  }
}

function draftOf(blockhash: string, attempt: string): JsonObject {
  return {
    blockhash,
    lastValidBlockHeight: '1',
    computeUnitLimit: '60000',
    computeUnitPrice: '0',
    createTokenAccounts: [],
    memo: `apportion:${attempt}:${'0'.repeat(32)}`,
  }
}

function memoOf(text: string): Instruction {
  return getAddMemoInstruction({ memo: text }, { programAddress: MEMO_PROGRAM_ADDRESS })
}

async function rpc(call: typeof fetch, method: string, ...params: readonly unknown[]): Promise<unknown> {
  const response = await call('http://sandbox', { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
  const answer = (await response.json()) as { readonly result?: unknown }
  return present(answer.result, `result of ${method}`)
}

// A clock that stands until it is moved. A sleep that nobody wakes is a request that never times out.
function createClock() {
  let ms = Date.parse('2026-01-01T00:00:00Z')
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    now: (): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(ms),
    sleep: (length: number, signal?: AbortSignal): Promise<void> => {
      if (signal?.aborted === true) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      const sleeper = { at: ms + length, wake: () => { sleepers.delete(sleeper); resolve() } }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
      return promise
    },
    /** Moves the clock and wakes who has slept long enough. */
    elapse: (length: number): void => {
      ms += length
      for (const sleeper of [...sleepers]) if (sleeper.at <= ms) sleeper.wake()
    },
  }
}

function randomFrom(seed: string): Effects['random'] {
  let drawn = 0
  return (bytes) => {
    drawn += 1
    return new Uint8Array(createHash('shake256', { outputLength: bytes }).update(`${seed} ${drawn}`).digest())
  }
}

function idsFrom(seed: string): Effects['id'] {
  const random = randomFrom(`${seed} ids`)
  return () => {
    const hex = random(16).toHex()
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }
}

type RpcRequest = { readonly id: unknown; readonly method: string; readonly params?: readonly unknown[] }
type RpcAnswer = { readonly id: unknown; readonly result?: unknown }

async function tampered(response: Response, body: string, tamper: Tamper | null): Promise<Response> {
  if (tamper === null) return response
  const asked = [JSON.parse(body) as RpcRequest | RpcRequest[]].flat()
  const answers = JSON.parse(await response.text()) as RpcAnswer | RpcAnswer[]
  const change = (answer: RpcAnswer): RpcAnswer => {
    const request = present(asked.find(({ id }) => id === answer.id), 'request')
    return answer.result === undefined ? answer : { ...answer, result: tamper(request.method, answer.result, request.params ?? []) }
  }
  return new Response(JSON.stringify(Array.isArray(answers) ? answers.map(change) : change(answers)), { status: response.status })
}
