// SPL tokens made by the sandbox's own methods, read through Solana's real client.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address, KeyPairSigner } from '@solana/kit'
import {
  TOKEN_PROGRAM_ADDRESS, findAssociatedTokenPda, getCreateAssociatedTokenIdempotentInstruction, getTransferCheckedInstruction,
} from '@solana-program/token'
import { fundedWallet, openTestbed, send, signed, statusOf, wallet, type Signed, type Testbed } from './testbed.ts'

let bed: Testbed
let payer: KeyPairSigner
let friend: Address
let mint: Address

beforeAll(async () => {
  bed = await openTestbed()
  payer = await fundedWallet(bed, 'payer')
  friend = (await wallet('friend')).address
  mint = (await made('sandbox_createMint', { name: 'USDC', decimals: 6 }))['mint'] as Address
  bed.slots(9)
  await made('sandbox_mintTo', { mint, owner: payer.address, amount: '1000000000' })
  bed.slots(9)
})

afterAll(async () => { await bed.close() })

async function made(method: string, input: object): Promise<Record<string, unknown>> {
  const { result, error } = await bed.call(method, input)
  expect(error).toBeUndefined()
  return result as Record<string, unknown>
}

async function tokenAccount(owner: Address): Promise<Address> {
  return (await findAssociatedTokenPda({ owner, mint, tokenProgram: TOKEN_PROGRAM_ADDRESS }))[0]
}

async function tokenTransfer(to: Address, amount: bigint): Promise<Signed> {
  const ata = await tokenAccount(to)
  return signed(bed, payer, [
    getCreateAssociatedTokenIdempotentInstruction({ payer, ata, owner: to, mint }),
    getTransferCheckedInstruction({ source: await tokenAccount(payer.address), mint, destination: ata, authority: payer, amount, decimals: 6 }),
  ])
}

describe('a mint', () => {
  it('has the decimals asked for, the faucet\'s authorities, and one address a name', async () => {
    const { value } = await bed.rpc.getAccountInfo(mint, { encoding: 'jsonParsed' }).send()
    expect(value?.data).toMatchObject({ program: 'spl-token', parsed: { type: 'mint', info: { decimals: 6, isInitialized: true, supply: '1000000000' } } })
    expect(await made('sandbox_createMint', { name: 'USDC', decimals: 6 })).toEqual({ mint, signature: null })
    expect(await bed.call('sandbox_createMint', { name: 'USDC', decimals: 9 })).toMatchObject({ error: { code: -32602 } })
    expect((await bed.rpc.getTokenSupply(mint).send()).value).toMatchObject({ amount: '1000000000', uiAmountString: '1000' })
  })

  it('is refused to strangers\' addresses', async () => {
    for (const method of ['sandbox_mintTo', 'sandbox_freeze']) {
      expect(await bed.call(method, { mint: friend, owner: friend, amount: '1' })).toMatchObject({ error: { code: -32602 } })
    }
  })
})

describe('a token transfer', () => {
  it('makes the missing associated account, costs fee and rent, and shows balances before and after', async () => {
    const before = (await bed.rpc.getBalance(payer.address).send()).value
    const tx = await tokenTransfer(friend, 2_500_000n)
    await bed.rpc.sendTransaction(tx.wire, { encoding: 'base64' }).send()
    bed.slots(9)
    expect(before - (await bed.rpc.getBalance(payer.address).send()).value).toBe(2_044_280n)
    const ata = await tokenAccount(friend)
    expect((await bed.rpc.getTokenAccountBalance(ata).send()).value).toEqual({ amount: '2500000', decimals: 6, uiAmount: 2.5, uiAmountString: '2.5' })
    const found = await bed.rpc.getTransaction(tx.signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send()
    const changes = (found?.meta?.postTokenBalances ?? []).map((post) => {
      const pre = found?.meta?.preTokenBalances?.find((one) => one.accountIndex === post.accountIndex)
      return [post.owner, post.mint, BigInt(post.uiTokenAmount.amount) - BigInt(pre?.uiTokenAmount.amount ?? '0')]
    })
    expect(changes).toEqual(expect.arrayContaining([[friend, mint, 2_500_000n], [payer.address, mint, -2_500_000n]]))
    expect(found?.meta?.innerInstructions?.[0]?.instructions.length).toBeGreaterThan(0)
  })

  it('is listed with its owner, by mint and by program', async () => {
    for (const filter of [{ mint }, { programId: TOKEN_PROGRAM_ADDRESS }]) {
      const { value } = await bed.rpc.getTokenAccountsByOwner(payer.address, filter, { encoding: 'jsonParsed' }).send()
      expect(value.map((one) => one.pubkey)).toEqual([await tokenAccount(payer.address)])
      expect(value[0]?.account.data.parsed.info).toMatchObject({ mint, owner: payer.address, state: 'initialized' })
    }
  })

  it('of more than there is fails with the program\'s own code', async () => {
    const tx = await tokenTransfer(friend, 10n ** 15n)
    await send(bed, tx)
    bed.slots(9)
    expect((await statusOf(bed, tx.signature))?.err).toEqual({ InstructionError: [1n, { Custom: 1n }] })
  })
})

describe('a frozen account', () => {
  it('takes nothing until it is thawed', async () => {
    const account = await tokenAccount(friend)
    expect(await made('sandbox_freeze', { mint, owner: friend })).toMatchObject({ tokenAccount: account })
    bed.slots(9)
    expect((await bed.rpc.getAccountInfo(account, { encoding: 'jsonParsed' }).send()).value?.data).toMatchObject({ parsed: { info: { state: 'frozen' } } })
    const refused = await tokenTransfer(friend, 1n)
    await expect(bed.rpc.sendTransaction(refused.wire, { encoding: 'base64' }).send())
      .rejects.toMatchObject({ cause: { context: { code: 17, index: 1 } } })
    await send(bed, refused)
    await bed.call('sandbox_thaw', { mint, owner: friend })
    bed.slots(9)
    expect((await statusOf(bed, refused.signature))?.err).toEqual({ InstructionError: [1n, { Custom: 17n }] })
    const taken = await tokenTransfer(friend, 3n)
    await send(bed, taken)
    bed.slots(9)
    expect((await statusOf(bed, taken.signature))?.err).toBeNull()
  })

  it('keeps its state over a crash', async () => {
    await bed.call('sandbox_freeze', { mint, owner: friend })
    bed.slots(9)
    bed.crash()
    const { value } = await bed.rpc.getTokenAccountsByOwner(friend, { mint }, { encoding: 'jsonParsed' }).send()
    expect(value[0]?.account.data.parsed.info).toMatchObject({ state: 'frozen', tokenAmount: { amount: '2500003' } })
  })
})
