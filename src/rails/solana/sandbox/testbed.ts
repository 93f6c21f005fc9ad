// For tests: the sandbox network in this process behind real HTTP, with slots made by hand, and wallets of Solana's own
// client. Never used by the product.
import {
  appendTransactionMessageInstructions, createKeyPairSignerFromPrivateKeyBytes, createSolanaRpc, createTransactionMessage,
  getBase64EncodedWireTransaction, getSignatureFromTransaction, lamports, pipe, setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash, signTransactionMessageWithSigners, type Address, type Base64EncodedWireTransaction,
  type Blockhash, type Instruction, type KeyPairSigner, type Rpc, type Signature, type SolanaRpcApi,
} from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import { bytesOf, keyOf, sha256, uint64, type Key } from './bytes.ts'
import type { KnobSettings } from './knobs.ts'
import { advance, openNetwork } from './network.ts'
import { answer, createNode, type Node } from './node.ts'
import { SYSTEM_PROGRAM, signWith, type OwnKey } from './own-keys.ts'
import { serve } from './server.ts'
import { closeStore, openStore, type Store } from './store.ts'

export const SOL = 1_000_000_000n

export type Testbed = {
  readonly node: Node
  readonly url: string
  readonly rpc: Rpc<SolanaRpcApi>
  /** Makes slots. */
  readonly slots: (count: number) => void
  /** Kills the node at once and opens it again from its store, as after kill -9. */
  readonly crash: (knobs?: KnobSettings) => void
  /** One JSON-RPC call without the client's opinions. Resolves to the whole answer. */
  readonly call: (method: string, ...params: readonly unknown[]) => Promise<RawAnswer>
  readonly close: () => Promise<void>
}

export type RawAnswer = {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

const START = Temporal.Instant.from('2026-01-01T00:00:00Z')

export type TestbedOptions = { readonly knobs?: KnobSettings; readonly file?: string; readonly seed?: string }

export async function openTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  let at = START
  let store: Store = openStore(options.file ?? ':memory:')
  const open = (knobs: KnobSettings = {}): Node['network'] => openNetwork({ store, seed: options.seed ?? 'test', at, knobs })
  const problems: unknown[] = []
  const node = createNode(open(options.knobs), { now: () => at, report: (error) => problems.push(error) })
  const crash = (knobs?: KnobSettings): void => {
    if (options.file !== undefined) {
      closeStore(store)
      store = openStore(options.file)
    }
    node.network = open(knobs)
    node.host.dying = false
  }
  const server = await serve({ node, sleep: async () => {}, onCrash: () => crash() }, 0)
  return {
    node,
    url: server.url,
    rpc: createSolanaRpc(server.url),
    crash,
    slots: (count) => {
      for (let made = 0; made < count; made += 1) {
        at = at.add({ milliseconds: 20 })
        advance(node.network, 1, at)
      }
    },
    call: async (method, ...params) => {
      const response = await fetch(server.url, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
      return await response.json() as RawAnswer
    },
    close: async () => {
      await server.close()
      closeStore(store)
      if (problems.length > 0) throw new AggregateError(problems, 'the sandbox had errors of its own')
    },
  }
}

/** A wallet that is the same in every run. */
export function wallet(name: string): Promise<KeyPairSigner> {
  return createKeyPairSignerFromPrivateKeyBytes(sha256('test wallet', name))
}

/** A wallet with money that is final. */
export async function fundedWallet(bed: Testbed, name: string, sol = 100n): Promise<KeyPairSigner> {
  const signer = await wallet(name)
  await bed.rpc.requestAirdrop(signer.address, lamports(sol * SOL)).send()
  bed.slots(9)
  return signer
}

export type Signed = {
  readonly wire: Base64EncodedWireTransaction
  readonly signature: Signature
  readonly lastValidBlockHeight: bigint
}
export type Lifetime = Readonly<{ blockhash: Blockhash; lastValidBlockHeight: bigint }>

/** Signs a transaction; without a lifetime with the newest final blockhash. */
export async function signed(
  bed: Testbed,
  payer: KeyPairSigner,
  instructions: readonly Instruction[],
  options: { readonly version?: 'legacy' | 0; readonly lifetime?: Lifetime } = {},
): Promise<Signed> {
  const lifetime = options.lifetime ?? (await bed.rpc.getLatestBlockhash({ commitment: 'finalized' }).send()).value
  const message = pipe(
    createTransactionMessage({ version: options.version ?? 0 }),
    (m) => setTransactionMessageFeePayerSigner(payer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  )
  const transaction = await signTransactionMessageWithSigners(message)
  return {
    wire: getBase64EncodedWireTransaction(transaction),
    signature: getSignatureFromTransaction(transaction),
    lastValidBlockHeight: lifetime.lastValidBlockHeight,
  }
}

export function transfer(source: KeyPairSigner, destination: Address, units: bigint): Instruction {
  return getTransferSolInstruction({ source, destination, amount: units })
}

/** Sends without preflight, so that only the chain decides. */
export function send(bed: Testbed, { wire }: Signed): Promise<Signature> {
  return bed.rpc.sendTransaction(wire, { encoding: 'base64', skipPreflight: true }).send()
}

export async function statusOf(bed: Testbed, signature: Signature, searchTransactionHistory = false) {
  const { value } = await bed.rpc.getSignatureStatuses([signature], { searchTransactionHistory }).send()
  return value[0] ?? null
}

export type RawTransfer = { readonly wire: Uint8Array<ArrayBuffer>; readonly signature: Key }

/** A transfer built by hand, without the client: cheap enough for thousands. */
export function rawTransfer(from: OwnKey, to: Key, units: bigint, blockhash: Key): RawTransfer {
  const data = Buffer.concat([Uint8Array.of(2, 0, 0, 0), uint64(units)])
  const message = Buffer.concat([
    Uint8Array.of(0x80, 1, 0, 1, 3), bytesOf(from.key), bytesOf(to), bytesOf(SYSTEM_PROGRAM), bytesOf(blockhash),
    Uint8Array.of(1, 2, 2, 0, 1, data.length), data, Uint8Array.of(0),
  ])
  const signature = signWith(from, message)
  return { wire: new Uint8Array(Buffer.concat([Uint8Array.of(1), signature, message])), signature: keyOf(signature) }
}

/** A call straight into the node, past HTTP. Throws when it is refused or lost. */
export function ask(bed: Testbed, method: string, ...params: readonly unknown[]): unknown {
  const reply = answer(bed.node, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  if (reply.kind !== 'answer') throw new Error(`the answer was ${reply.kind}`)
  const { result, error } = JSON.parse(reply.body) as RawAnswer
  if (error !== undefined) throw new Error(JSON.stringify(error))
  return result
}
