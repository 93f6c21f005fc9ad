// The JSON-RPC edge: batches, errors with Solana's codes, limits, paging, blocks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KeyPairSigner, Signature } from '@solana/kit'
import { MAX_BODY_BYTES } from '../node.ts'
import { fundedWallet, openTestbed, send, signed, transfer, wallet, type Testbed } from '../testbed.ts'

let bed: Testbed
let payer: KeyPairSigner
const signatures: Signature[] = []

beforeAll(async () => {
  bed = await openTestbed()
  payer = await fundedWallet(bed, 'payer')
  const recipient = (await wallet('recipient')).address
  for (let n = 0; n < 7; n += 1) {
    const tx = await signed(bed, payer, [transfer(payer, recipient, 1_000_000n + BigInt(n))])
    signatures.unshift(await send(bed, tx))
    // Two of them share a block.
    if (n !== 3) bed.slots(2)
  }
  bed.slots(9)
})

afterAll(async () => { await bed.close() })

const post = (body: string): Promise<Response> => fetch(bed.url, { method: 'POST', body })

describe('the protocol', () => {
  it('answers a batch in order, each with its id', async () => {
    const batch = [
      { jsonrpc: '2.0', id: 7, method: 'getHealth' }, { jsonrpc: '2.0', id: 'x', method: 'nothing' }, { id: 1, method: 'getHealth' },
      { jsonrpc: '2.0', id: 8, method: 'getSlot', params: [{ commitment: 'processed' }] },
    ]
    expect(await (await post(JSON.stringify(batch))).json()).toEqual([
      { jsonrpc: '2.0', id: 7, result: 'ok' },
      { jsonrpc: '2.0', id: 'x', error: { code: -32601, message: 'Method not found' } },
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid request' } },
      { jsonrpc: '2.0', id: 8, result: bed.node.network.slot },
    ])
  })

  it.each([
    ['no JSON', '{', -32700], ['an empty batch', '[]', -32600], ['a number', '3', -32600], ['named parameters', '{"jsonrpc":"2.0","id":1,"method":"getSlot","params":{}}', -32602],
  ])('refuses %s', async (_name, body, code) => {
    expect(await (await post(body)).json()).toMatchObject({ error: { code } })
  })

  it('refuses large bodies and other verbs, and says that it is well', async () => {
    expect((await post(' '.repeat(MAX_BODY_BYTES + 1))).status).toBe(413)
    expect((await fetch(bed.url)).status).toBe(405)
    expect(await (await fetch(`${bed.url}/health`)).text()).toBe('ok')
  })

  it('keeps integers above 2^53 exact, in and out', async () => {
    const { value } = await bed.rpc.getBalance((await bed.call('sandbox_getStatus').then(({ result }) => (result as { faucet: string }).faucet)) as typeof payer.address).send()
    expect(value).toBeGreaterThan(2n ** 53n)
    expect(value % 10n).toBe(0n)
    const someone = (await wallet('rich')).address
    await post(`{"jsonrpc":"2.0","id":1,"method":"requestAirdrop","params":["${someone}",9007199254740993]}`)
    bed.slots(9)
    expect((await bed.rpc.getBalance(someone).send()).value).toBe(9_007_199_254_740_993n)
  })
})

describe('wrong parameters', () => {
  it.each([
    ['getBalance', ['nonsense']], ['getBalance', []], ['getBalance', ['1'.repeat(5_000)]], ['getAccountInfo', ['11111111111111111111111111111111', { encoding: 'base63' }]],
    ['getSlot', [{ commitment: 'soon' }]], ['getSignatureStatuses', [['xyz']]], ['getSignatureStatuses', [Array.from({ length: 257 }, () => '1'.repeat(64))]],
    ['getSignatureStatuses', ['xyz']], ['getTransaction', ['xyz']], ['getTransaction', ['1'.repeat(64), { commitment: 'processed' }]],
    ['getTransaction', ['1'.repeat(64), { encoding: 'jsonParsed' }]], ['getSignaturesForAddress', ['11111111111111111111111111111111', { limit: 1_001 }]],
    ['sendTransaction', ['AAAA', { encoding: 'base64' }]], ['sendTransaction', ['*', { encoding: 'base64' }]], ['sendTransaction', ['0', { encoding: 'base58' }]],
    ['sendTransaction', ['A'.repeat(3_000), { encoding: 'base64' }]], ['sendTransaction', [7]], ['getBlock', ['1']], ['getBlock', [-1]], ['requestAirdrop', ['11111111111111111111111111111111', -1]],
    ['requestAirdrop', ['11111111111111111111111111111111', 0.5]], ['getMinimumBalanceForRentExemption', [1e9]], ['sandbox_advance', [{ slots: 0 }]],
    ['sandbox_createMint', [{ name: '', decimals: 6 }]], ['getMultipleAccounts', [Array.from({ length: 101 }, () => '11111111111111111111111111111111')]],
  ])('%s %j', async (method, params) => {
    const { error } = await bed.call(method, ...params)
    expect(error?.code).toBe(-32602)
    expect(error?.message).not.toBe('')
  })
})

describe('blocks', () => {
  it('hold their transactions and name their parents, empty ones too', async () => {
    const slot = Number((await bed.rpc.getTransaction(signatures[2] as Signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send())?.slot)
    const [parent, block, child] = await Promise.all([-1, 0, 1].map(async (offset) => (
      (await bed.call('getBlock', slot + offset, { maxSupportedTransactionVersion: 0, transactionDetails: 'signatures' })).result as Record<string, unknown>
    )))
    expect(block).toMatchObject({ blockHeight: slot - 1_000, previousBlockhash: parent?.['blockhash'], parentSlot: slot - 1, signatures: [signatures[3], signatures[2]] })
    expect(child).toMatchObject({ previousBlockhash: block?.['blockhash'], signatures: [], blockTime: null })
    expect((await bed.call('getBlock', slot, { maxSupportedTransactionVersion: 0 })).result).toMatchObject({ transactions: [{ meta: { fee: 5_000 } }, { version: 0 }] })
    expect(await bed.call('getBlock', slot)).toMatchObject({ error: { code: -32015 } })
    expect((await bed.call('getBlocks', slot - 1, slot + 1)).result).toEqual([slot - 1, slot, slot + 1])
  })

  it('that are not there yet or never were are refused', async () => {
    expect(await bed.call('getBlock', bed.node.network.slot)).toMatchObject({ error: { code: -32004 } })
    expect(await bed.call('getBlock', 5)).toMatchObject({ error: { code: -32001 } })
  })
})

describe('the history of an address', () => {
  it('comes newest first, page by page, the same from memory and from disk', async () => {
    const all = await bed.rpc.getSignaturesForAddress(payer.address).send()
    expect(all.map((one) => one.signature).slice(0, 7)).toEqual(signatures)
    const [first, second, third] = signatures
    if (first === undefined || second === undefined || third === undefined) throw new Error('seven were sent')
    const page = async (config: { before?: Signature; until?: Signature; limit?: number }): Promise<readonly Signature[]> => (
      (await bed.rpc.getSignaturesForAddress(payer.address, { commitment: 'finalized', ...config }).send()).map((one) => one.signature))
    expect(await page({ limit: 2 })).toEqual([first, second])
    expect(await page({ limit: 2, before: second })).toEqual(signatures.slice(2, 4))
    expect(await page({ until: third })).toEqual([first, second])
    const tx = await signed(bed, payer, [transfer(payer, payer.address, 1n)])
    await send(bed, tx)
    bed.slots(3)
    expect((await bed.rpc.getSignaturesForAddress(payer.address, { commitment: 'confirmed', limit: 2 }).send()).map((one) => one.signature)).toEqual([tx.signature, first])
    expect(await page({ limit: 1 })).toEqual([first])
    bed.slots(9)
    expect(await page({ limit: 2 })).toEqual([tx.signature, first])
  })
})

describe('simulation', () => {
  it('changes nothing, and tells units, logs, balances and accounts', async () => {
    const recipient = (await wallet('simulated')).address
    const tx = await signed(bed, payer, [transfer(payer, recipient, 5_000_000n)])
    const { value } = await bed.rpc.simulateTransaction(tx.wire, { encoding: 'base64', sigVerify: true, accounts: { addresses: [recipient], encoding: 'base64' } }).send()
    expect(value).toMatchObject({ err: null, unitsConsumed: 150n, fee: 5_000n })
    expect(value.accounts[0]?.lamports).toBe(5_000_000n)
    expect((await bed.rpc.getBalance(recipient, { commitment: 'processed' }).send()).value).toBe(0n)
    bed.slots(200)
    expect((await bed.rpc.simulateTransaction(tx.wire, { encoding: 'base64' }).send()).value.err).toBe('BlockhashNotFound')
    const replaced = await bed.rpc.simulateTransaction(tx.wire, { encoding: 'base64', replaceRecentBlockhash: true }).send()
    expect(replaced.value).toMatchObject({ err: null, replacementBlockhash: { lastValidBlockHeight: expect.any(BigInt) } })
  })
})
