// The chain's own laws: commitments, the blockhash window, once-only landing, forks; through Solana's real client over
// HTTP.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lamports, type KeyPairSigner } from '@solana/kit'
import { getSetComputeUnitLimitInstruction, getSetComputeUnitPriceInstruction } from '@solana-program/compute-budget'
import { fundedWallet, openTestbed, send, signed, SOL, statusOf, transfer, wallet, type Testbed } from './testbed.ts'

let bed: Testbed
let payer: KeyPairSigner
let friend: KeyPairSigner

beforeAll(async () => {
  bed = await openTestbed()
  payer = await fundedWallet(bed, 'payer', 1_000n)
  friend = await fundedWallet(bed, 'friend')
})

afterAll(async () => { await bed.close() })

describe('a transfer', () => {
  it('passes processed, confirmed and finalized, and its balance is shown at each commitment only when reached', async () => {
    const someone = (await wallet('commitments')).address
    const balances = async (): Promise<readonly bigint[]> => Promise.all((['processed', 'confirmed', 'finalized'] as const)
      .map(async (commitment) => (await bed.rpc.getBalance(someone, { commitment }).send()).value))
    const tx = await signed(bed, payer, [transfer(payer, someone, SOL)])
    expect(await bed.rpc.sendTransaction(tx.wire, { encoding: 'base64' }).send()).toBe(tx.signature)
    expect(await statusOf(bed, tx.signature)).toBeNull()
    bed.slots(1)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'processed', confirmations: 0n, err: null })
    expect(await balances()).toEqual([SOL, 0n, 0n])
    bed.slots(2)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'confirmed', confirmations: 2n })
    expect(await balances()).toEqual([SOL, SOL, 0n])
    bed.slots(5)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'confirmed' })
    bed.slots(1)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'finalized', confirmations: null })
    expect(await balances()).toEqual([SOL, SOL, SOL])
  })

  it('is found with fee, balances and accounts, in both message versions', async () => {
    const someone = (await wallet('meta')).address
    for (const version of ['legacy', 0] as const) {
      const tx = await signed(bed, payer, [transfer(payer, someone, SOL)], { version })
      await send(bed, tx)
      bed.slots(9)
      const found = await bed.rpc.getTransaction(tx.signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send()
      expect(found).toMatchObject({ version, meta: { err: null, fee: 5_000n } })
      expect(found?.transaction.message.accountKeys.slice(0, 2)).toEqual([payer.address, someone])
      const { preBalances, postBalances } = found?.meta ?? { preBalances: [], postBalances: [] }
      expect((preBalances[0] ?? 0n) - (postBalances[0] ?? 0n)).toBe(SOL + 5_000n)
      expect((postBalances[1] ?? 0n) - (preBalances[1] ?? 0n)).toBe(SOL)
    }
  })

  it('is charged what getFeeForMessage says, priority included', async () => {
    const tx = await signed(bed, payer, [
      getSetComputeUnitLimitInstruction({ units: 12_345 }), getSetComputeUnitPriceInstruction({ microLamports: 777_777n }), transfer(payer, friend.address, 1n),
    ])
    const message = Buffer.from(tx.wire, 'base64').subarray(65).toString('base64')
    const { result } = await bed.call('getFeeForMessage', message, { commitment: 'processed' })
    await send(bed, tx)
    bed.slots(9)
    const found = await bed.rpc.getTransaction(tx.signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send()
    expect(found?.meta?.fee).toBe(5_000n + 9_602n)
    expect(result).toMatchObject({ value: 14_602 })
  })

  it('lands once, however often its bytes are sent', async () => {
    const before = (await bed.rpc.getBalance(friend.address, { commitment: 'processed' }).send()).value
    const tx = await signed(bed, payer, [transfer(payer, friend.address, 7n)])
    for (let round = 0; round < 12; round += 1) {
      await send(bed, tx)
      await send(bed, tx)
      bed.slots(12)
    }
    expect((await bed.rpc.getBalance(friend.address, { commitment: 'processed' }).send()).value - before).toBe(7n)
    await expect(bed.rpc.sendTransaction(tx.wire, { encoding: 'base64', preflightCommitment: 'processed' }).send())
      .rejects.toMatchObject({ cause: { message: expect.stringContaining('already been processed') } })
  })
})

describe('the blockhash window', () => {
  it('lets a transaction into the block of its last valid height and into none after it', async () => {
    const first = await signed(bed, payer, [transfer(payer, friend.address, 11n)])
    const second = await signed(bed, payer, [transfer(payer, friend.address, 12n)])
    const height = Number(await bed.rpc.getBlockHeight({ commitment: 'processed' }).send())
    bed.slots(Number(first.lastValidBlockHeight) - height - 1)
    await send(bed, first)
    bed.slots(1)
    expect(await bed.rpc.getBlockHeight({ commitment: 'processed' }).send()).toBe(first.lastValidBlockHeight)
    await send(bed, second)
    bed.slots(9)
    expect(await statusOf(bed, first.signature)).toMatchObject({ confirmationStatus: 'finalized' })
    expect(await statusOf(bed, second.signature, true)).toBeNull()
    expect(await bed.rpc.getBlockHeight({ commitment: 'finalized' }).send()).toBeGreaterThan(second.lastValidBlockHeight)
  })

  it('refuses an expired or unknown blockhash in preflight', async () => {
    const { value: lifetime } = await bed.rpc.getLatestBlockhash().send()
    const tx = await signed(bed, payer, [transfer(payer, friend.address, 13n)], { lifetime })
    expect((await bed.rpc.isBlockhashValid(lifetime.blockhash).send()).value).toBe(true)
    bed.slots(151)
    expect((await bed.rpc.isBlockhashValid(lifetime.blockhash, { commitment: 'processed' }).send()).value).toBe(false)
    await expect(bed.rpc.sendTransaction(tx.wire, { encoding: 'base64' }).send())
      .rejects.toMatchObject({ cause: { message: expect.stringContaining('lockhash') } })
  })

  it('counts blocks, not slots', async () => {
    const slot = await bed.rpc.getSlot().send()
    const height = await bed.rpc.getBlockHeight().send()
    expect(slot - height).toBe(1_000n)
  })
})

describe('a transaction that fails on the chain', () => {
  it('lands with its error and its fee, and moves nothing else', async () => {
    const poor = await fundedWallet(bed, 'poor', 1n)
    const tx = await signed(bed, poor, [transfer(poor, friend.address, 1n), transfer(poor, friend.address, 2n * SOL)])
    await send(bed, tx)
    bed.slots(9)
    expect((await bed.call('getSignatureStatuses', [tx.signature])).result)
      .toMatchObject({ value: [{ err: { InstructionError: [1, { Custom: 1 }] }, status: { Err: { InstructionError: [1, { Custom: 1 }] } } }] })
    const found = await bed.rpc.getTransaction(tx.signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send()
    expect(found?.meta).toMatchObject({ fee: 5_000n, err: { InstructionError: [1n, { Custom: 1n }] } })
    expect((await bed.rpc.getBalance(poor.address).send()).value).toBe(SOL - 5_000n)
  })

  it('says which account would be left below the rent-exempt minimum', async () => {
    const minimum = await bed.rpc.getMinimumBalanceForRentExemption(0n).send()
    expect(minimum).toBe(890_880n)
    const newcomer = (await wallet('newcomer')).address
    const tx = await signed(bed, payer, [transfer(payer, newcomer, minimum - 1n)])
    await expect(bed.rpc.sendTransaction(tx.wire, { encoding: 'base64' }).send()).rejects.toMatchObject({
      context: expect.objectContaining({ __code: -32002 }), cause: { message: expect.stringContaining('rent') },
    })
    await send(bed, tx)
    bed.slots(9)
    expect((await statusOf(bed, tx.signature))?.err).toEqual({ InsufficientFundsForRent: { account_index: 1n } })
    expect((await bed.rpc.getBalance(newcomer).send()).value).toBe(0n)
  })

  it('never lands when its payer does not exist or its signature is wrong', async () => {
    const nobody = await wallet('nobody')
    const unknown = await signed(bed, nobody, [transfer(nobody, friend.address, 1n)])
    const tampered = await signed(bed, payer, [transfer(payer, friend.address, 99n)])
    const bytes = Buffer.from(tampered.wire, 'base64')
    bytes.writeUInt8(bytes.readUInt8(5) ^ 1, 5)
    await expect(bed.call('sendTransaction', bytes.toString('base64'), { encoding: 'base64' }))
      .resolves.toMatchObject({ error: { code: -32003 } })
    await send(bed, unknown)
    await bed.call('sendTransaction', bytes.toString('base64'), { encoding: 'base64', skipPreflight: true })
    const refused = bed.node.network.counters.transactionsRefused
    bed.slots(9)
    expect(bed.node.network.counters.transactionsRefused - refused).toBe(2)
    expect(await statusOf(bed, unknown.signature, true)).toBeNull()
  })
})

describe('a fork', () => {
  it('undoes what is not final, keeps what is, and lets the undone bytes land again', async () => {
    const someone = (await wallet('forked')).address
    const kept = await signed(bed, payer, [transfer(payer, someone, SOL)])
    await send(bed, kept)
    bed.slots(8)
    const undone = await signed(bed, payer, [transfer(payer, someone, 2n * SOL)])
    await send(bed, undone)
    bed.slots(3)
    expect(await statusOf(bed, undone.signature)).toMatchObject({ confirmationStatus: 'confirmed' })
    expect((await bed.call('sandbox_reorganize', { slots: 8 })).result).toEqual({ transactionsReorged: 1 })
    expect(await statusOf(bed, undone.signature, true)).toBeNull()
    expect(await statusOf(bed, kept.signature)).toMatchObject({ confirmationStatus: 'finalized' })
    expect((await bed.rpc.getBalance(someone, { commitment: 'processed' }).send()).value).toBe(SOL)
    await send(bed, undone)
    bed.slots(9)
    expect((await bed.rpc.getBalance(someone).send()).value).toBe(3n * SOL)
  })
})

describe('an airdrop', () => {
  it('is a real transfer, and two equal ones are two', async () => {
    const someone = (await wallet('lucky')).address
    const first = await bed.rpc.requestAirdrop(someone, lamports(SOL)).send()
    const second = await bed.rpc.requestAirdrop(someone, lamports(SOL)).send()
    bed.slots(9)
    expect((await bed.rpc.getBalance(someone).send()).value).toBe(2n * SOL)
    const history = await bed.rpc.getSignaturesForAddress(someone).send()
    expect(history.map((entry) => entry.signature)).toEqual([second, first])
    expect(history[0]).toMatchObject({ confirmationStatus: 'finalized', err: null })
  })
})
