// The network's own books in the words of the auditor: what each final transaction moved between owners, read from the bytes that landed
// and from nothing that the rail's client made of them.

import { present } from '../../src/core/assert.ts'
import { parseKey, textOf, type Key } from '../../src/rails/solana/sandbox/bytes.ts'
import { SYSTEM_PROGRAM } from '../../src/rails/solana/sandbox/own-keys.ts'
import { readAccountRow, readEntries, slotOfEntry, type Entry } from '../../src/rails/solana/sandbox/store.ts'
import { associatedTokenKey, isTokenProgram, tokenStateOf } from '../../src/rails/solana/sandbox/token.ts'
import type { Node } from '../../src/rails/solana/sandbox/node.ts'
import { readWire, type CompiledInstruction, type Wire } from '../../src/rails/solana/sandbox/wire.ts'
import type { Books, ChainTransaction, Movement } from '../history.ts'

/** `mints`: addresses of tokens by their assets. */
export function booksOf(node: Node, mints: ReadonlyMap<string, string>): Books {
  // What is final stays as it is, so that each transaction is read once.
  const known: ChainTransaction[] = []
  let next = 0
  return {
    transactions: () => {
      const assets = new Map([...mints].map(([asset, mint]) => [mint, asset]))
      for (const entry of readEntries(node.network.store, next, Number.MAX_SAFE_INTEGER)) {
        known.push(transactionOf(entry, assets))
        next = entry.id + 1
      }
      return known
    },
    balance: (address, asset) => {
      const owner = present(parseKey(address, 32), 'key')
      const mint = mints.get(asset)
      if (mint === undefined) return readAccountRow(node.network.store, owner)?.lamports ?? 0n
      const image = readAccountRow(node.network.store, associatedTokenKey(owner, present(parseKey(mint, 32), 'mint')))
      return image === null ? 0n : (tokenStateOf(image)?.amount ?? 0n)
    },
  }
}

type TokenBalance = { readonly accountIndex: number; readonly mint: string; readonly owner: string }

type Meta = {
  readonly fee: number
  readonly preBalances: readonly number[]
  readonly postBalances: readonly number[]
  readonly preTokenBalances: readonly TokenBalance[]
  readonly postTokenBalances: readonly TokenBalance[]
}

const MEMO_PROGRAMS: ReadonlySet<string> = new Set(['MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr', '4c5NYX1Bv2y3mYEKA3Zk8aqsw2NHCa12VH6Rs9y9Qo2j'])

function transactionOf({ id, signature, err, wire: bytes, meta: text }: Entry, assets: ReadonlyMap<string, string>): ChainTransaction {
  const wire = readWire(bytes)
  if ('problem' in wire) throw new Error(`a transaction that landed is unreadable: ${wire.problem}`)
  const meta = JSON.parse(text) as Meta
  const failed = err !== null
  const tokens = new Map([...meta.preTokenBalances, ...meta.postTokenBalances].map((balance) => [balance.accountIndex, balance]))
  const made = [...tokens.keys()].filter((index) => meta.preBalances[index] === 0)
  const memo = wire.instructions.find(({ program }) => MEMO_PROGRAMS.has(textOf(present(wire.keys[program], 'program'))))
  return {
    signature: textOf(signature),
    slot: slotOfEntry(id),
    failed,
    fee: BigInt(meta.fee),
    feePayer: textOf(present(wire.keys[0], 'payer')),
    movements: failed ? [] : wire.instructions.flatMap((instruction) => movementOf(wire, instruction, { tokens, assets })),
    rent: failed ? 0n : made.reduce((sum, index) => sum + BigInt(meta.postBalances[index] ?? 0), 0n),
    memo: memo === undefined ? null : Buffer.from(memo.data).toString('utf8'),
  }
}

const SYSTEM_TRANSFER = 2
const TOKEN_TRANSFER = 3
const TOKEN_TRANSFER_CHECKED = 12

type Tokens = { readonly tokens: ReadonlyMap<number, TokenBalance>; readonly assets: ReadonlyMap<string, string> }

function movementOf({ keys }: Wire, { program, accounts, data }: CompiledInstruction, { tokens, assets }: Tokens): readonly Movement[] {
  const by: Key = present(keys[program], 'program')
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const [first = 0, second = 0, third = 0] = accounts
  if (by === SYSTEM_PROGRAM && data.length === 12 && view.getUint32(0, true) === SYSTEM_TRANSFER) {
    const [from, to] = [first, second].map((index) => textOf(present(keys[index], 'account'))) as [string, string]
    return [{ from, to, asset: 'SOL/9', units: view.getBigUint64(4, true) }]
  }
  if (!isTokenProgram(by) || (data[0] !== TOKEN_TRANSFER && data[0] !== TOKEN_TRANSFER_CHECKED)) return []
  const [from, to] = [tokens.get(first), tokens.get(data[0] === TOKEN_TRANSFER ? second : third)]
  const [source, target] = [present(from, 'token account paid from'), present(to, 'token account paid to')]
  return [{ from: source.owner, to: target.owner, asset: assets.get(source.mint) ?? source.mint, units: view.getBigUint64(1, true) }]
}

