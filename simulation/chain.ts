// What the chain's own books say, read by plain JSON-RPC. It shares no code with the engine or with the rail's client.

import type { Books, ChainTransaction, Movement } from './history.ts'

type TokenBalance = { readonly accountIndex: number; readonly mint: string; readonly owner: string; readonly uiTokenAmount: { readonly amount: string } }

type Instruction = { readonly programIdIndex: number; readonly accounts: readonly number[]; readonly data: string }

type RpcTransaction = {
  readonly slot: number
  readonly meta: {
    readonly err: unknown
    readonly fee: number
    readonly preBalances: readonly number[]
    readonly postBalances: readonly number[]
    readonly preTokenBalances?: readonly TokenBalance[] | null
    readonly postTokenBalances?: readonly TokenBalance[] | null
  }
  readonly transaction: { readonly message: { readonly accountKeys: readonly string[]; readonly instructions: readonly Instruction[] } }
}

const SYSTEM_PROGRAM = '11111111111111111111111111111111'
const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'
const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'
const SYSTEM_TRANSFER = 2
const TOKEN_TRANSFER = 3
const TOKEN_TRANSFER_CHECKED = 12
const PAGE = 1000
const TRIES = 200
const NATIVE = 'SOL/9'

/** Where the chain is asked, and how. */
export type Node = { readonly url: string; readonly fetch: typeof fetch }

/** Asks until the network answers: the auditor comes after the faults, but a lost answer must not decide anything. */
export async function rpc<T>({ url, fetch: ask }: Node, method: string, params: readonly unknown[]): Promise<T> {
  let last: unknown
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const response = await ask(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: tries, method, params }),
      })
      const answer = (await response.json()) as { result?: T; error?: { message: string } }
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result as T
    } catch (error) {
      last = error
    }
  }
  throw last
}

/** The books of some wallets as they stand now, and the balances of these and of other addresses. `mints`: assets by the tokens' addresses. */
export async function readBooks(node: Node, { wallets, others = [], mints = new Map() }: { wallets: readonly string[]; others?: readonly string[]; mints?: ReadonlyMap<string, string> }): Promise<Books> {
  const found = new Map<string, ChainTransaction>()
  for (const wallet of wallets) for (const each of await historyOf(node, wallet, mints)) found.set(each.signature, each)
  const transactions = [...found.values()].toSorted((a, b) => a.slot - b.slot)
  const balances = new Map<string, bigint>()
  for (const address of new Set([...wallets, ...others])) {
    balances.set(`${address} ${NATIVE}`, await balanceOn(node, address))
    for (const [mint, asset] of mints) balances.set(`${address} ${asset}`, await tokensOf(node, address, mint))
  }
  return { transactions: () => transactions, balance: (address, asset) => balances.get(`${address} ${asset}`) ?? 0n }
}

async function balanceOn(node: Node, address: string): Promise<bigint> {
  const { value } = await rpc<{ value: number }>(node, 'getBalance', [address, { commitment: 'finalized' }])
  return BigInt(value)
}

async function tokensOf(node: Node, owner: string, mint: string): Promise<bigint> {
  const { value } = await rpc<{ value: readonly { account: { data: readonly [string, string] } }[] }>(node, 'getTokenAccountsByOwner', [owner, { mint }, { encoding: 'base64', commitment: 'finalized' }])
  return value.reduce((all, { account }) => all + Buffer.from(account.data[0], 'base64').readBigUInt64LE(64), 0n)
}

/** All final transactions that an address took part in, oldest first. */
async function historyOf(node: Node, address: string, mints: ReadonlyMap<string, string>): Promise<readonly ChainTransaction[]> {
  const signatures: string[] = []
  for (let before: string | undefined; ; ) {
    const page = await rpc<{ signature: string }[]>(node, 'getSignaturesForAddress', [
      address,
      { limit: PAGE, commitment: 'finalized', ...(before !== undefined && { before }) },
    ])
    signatures.push(...page.map(({ signature }) => signature))
    before = page.at(-1)?.signature
    if (page.length < PAGE) break
  }
  const found: ChainTransaction[] = []
  for (const signature of signatures.reverse()) {
    const answer = await rpc<RpcTransaction | null>(node, 'getTransaction', [
      signature,
      { encoding: 'json', commitment: 'finalized', maxSupportedTransactionVersion: 0 },
    ])
    if (answer === null) throw new Error(`the chain lists ${signature} but does not show it`)
    found.push(readTransaction(signature, answer, mints))
  }
  return found
}

function readTransaction(signature: string, { slot, meta, transaction: { message } }: RpcTransaction, mints: ReadonlyMap<string, string>): ChainTransaction {
  const failed = meta.err !== null
  const keys = message.accountKeys
  const tokens = new Map([...(meta.preTokenBalances ?? []), ...(meta.postTokenBalances ?? [])].map((each) => [each.accountIndex, each]))
  const made = [...tokens.keys()].filter((index) => meta.preBalances[index] === 0)
  const memo = message.instructions.find(({ programIdIndex }) => keys[programIdIndex] === MEMO_PROGRAM)
  return {
    ...{ signature, slot, failed, fee: BigInt(meta.fee), feePayer: keys[0] ?? '' },
    movements: failed ? [] : message.instructions.flatMap((each) => movementOf(each, { keys, tokens, mints })),
    rent: failed ? 0n : made.reduce((all, index) => all + BigInt(meta.postBalances[index] ?? 0), 0n),
    memo: memo === undefined ? null : new TextDecoder().decode(base58(memo.data)),
  }
}

type Accounts = { readonly keys: readonly string[]; readonly tokens: ReadonlyMap<number, TokenBalance>; readonly mints: ReadonlyMap<string, string> }

function movementOf({ programIdIndex, accounts, data }: Instruction, { keys, tokens, mints }: Accounts): readonly Movement[] {
  const bytes = base58(data)
  const view = new DataView(bytes.buffer)
  const program = keys[programIdIndex]
  if (program === SYSTEM_PROGRAM && bytes.length === 12 && view.getUint32(0, true) === SYSTEM_TRANSFER) {
    const [from = '', to = ''] = accounts.map((index) => keys[index] ?? '')
    return [{ from, to, asset: NATIVE, units: view.getBigUint64(4, true) }]
  }
  const isChecked = bytes[0] === TOKEN_TRANSFER_CHECKED
  if (program !== TOKEN_PROGRAM || (bytes[0] !== TOKEN_TRANSFER && !isChecked)) return []
  const [from, to] = [tokens.get(accounts[0] ?? -1), tokens.get(accounts[isChecked ? 2 : 1] ?? -1)]
  if (from === undefined || to === undefined) return []
  return [{ from: from.owner, to: to.owner, asset: mints.get(from.mint) ?? from.mint, units: view.getBigUint64(1, true) }]
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function base58(text: string): Uint8Array<ArrayBuffer> {
  let value = 0n
  for (const letter of text) value = value * 58n + BigInt(ALPHABET.indexOf(letter))
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  const hex = value === 0n ? '' : value.toString(16)
  const body = Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`)
  const bytes = new Uint8Array(zeros + body.length)
  bytes.set(body, zeros)
  return bytes
}
