// Making ledgers and their wallets: all of it or nothing, and every mistake has its own refusal.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHouse, type House } from '../../test/house.ts'
import { ROLES } from '../../test/template.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { createLedger, type NewLedger } from './create-ledger.ts'
import { makePayouts, recheckHeld } from './make-payouts.ts'
import { payoutsOfEvent } from './read-ledger.ts'
import { setDestinations } from './set-destinations.ts'
import { verify } from './verify.ts'
import { createWallet, importWallet, payingWallet } from './wallet.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function create(name: string, own: Partial<NewLedger> = {}): Promise<void> {
  const given = { name, program: 'sale-split', sandbox: true, railUrl: null, inboxSchema: null, tokens: {}, lanes: 1, ...own }
  await createLedger({ ...house.main.world, owner: house.database.pool, appRole: ROLES.app }, given)
}

async function countLedgers(): Promise<number> {
  return (await house.database.pool.query('select from apportion.ledger')).rowCount ?? 0
}

describe('a ledger', () => {
  it.each<readonly [string, string, Partial<NewLedger>, string]>([
    ['of a program that there is not', 'fine', { program: 'none' }, 'program_not_found'],
    ['without a name', '', {}, 'field_malformed'],
    ['with capitals in its name', 'Sales', {}, 'field_malformed'],
    ['with a name of 64 characters', 'a'.repeat(64), {}, 'field_malformed'],
    ['without a lane', 'fine', { lanes: 0 }, 'field_malformed'],
    ['with more lanes than are any use', 'fine', { lanes: 257 }, 'field_malformed'],
    ['of real money without a network', 'fine', { sandbox: false }, 'field_malformed'],
    ["in the engine's own schema", 'fine', { inboxSchema: 'apportion' }, 'field_malformed'],
    ["in the database's own schema", 'fine', { inboxSchema: 'pg_catalog' }, 'field_malformed'],
    ['with a token whose asset is none', 'fine', { tokens: { usdc: 'mint' } }, 'asset_not_found'],
    ['with a token for the native coin', 'fine', { tokens: { 'SOL/9': 'mint' } }, 'asset_not_found'],
    ['that pays in a token without its name there', 'fine', { program: 'dollars' }, 'asset_not_found'],
  ])('%s is refused, and nothing of it is left', async (_, name, own, code) => {
    const before = await countLedgers()
    await expect(create(name, own)).rejects.toMatchObject({ code })
    expect(await countLedgers()).toBe(before)
  })

  it('of a name that is taken is refused, also to several who want it at once', async () => {
    const outcomes = await Promise.allSettled([1, 2, 3].map(async () => await create('wanted')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ledger_conflict' })
    await expect(create('wanted')).rejects.toMatchObject({ code: 'ledger_conflict' })
  })

  it('whose tables are taken is refused in words, and nothing of it is left', async () => {
    await create('first', { inboxSchema: 'taken' })
    const before = await countLedgers()
    await expect(create('second', { inboxSchema: 'taken' })).rejects.toMatchObject({ code: 'inbox_table_mismatch' })
    expect(await countLedgers()).toBe(before)
  })
})

describe('a ledger without a wallet', () => {
  it('holds what there is to pay and says why, and queues it by itself when a wallet is made', async () => {
    await create('walletless')
    const { world } = house.main
    const ledger = await house.main.ledgers.open('walletless')
    const [lane = 0n] = ledger.lanes
    expect(await makePayouts(world, ledger, lane)).toBe(0)
    const name = async (recipient: string): Promise<void> => {
      await setDestinations(world, ledger, [{ recipient, label: null, destination: { address: await house.chain.address() } }])
      await recheckHeld(world, ledger, lane)
    }
    const reasons = async (): Promise<object> => {
      const payouts = await payoutsOfEvent(world, ledger, 'sale')
      return Object.fromEntries(payouts.map(({ role, state, reason }) => [role, reason ?? state]))
    }
    await name('ai')
    const input = saleSplit.event.parse({ reference: 'sale', token_id: crypto.randomUUID(), sale_amount: '1' })
    await house.main.recorder.record(ledger, [{ input, door: 'api', mayBackdate: false }])
    expect(await makePayouts(world, ledger, lane)).toBe(4)
    const others = { dao: 'no_wallet', lucky: 'no_wallet', creator: 'creator_unknown' }
    expect(await reasons()).toEqual({ ai: 'no_paying_wallet', ...others })
    await name('dao')
    house.elapse({ minutes: 16 })
    await recheckHeld(world, ledger, lane)
    expect(await reasons()).toEqual({ ...others, ai: 'no_paying_wallet', dao: 'no_paying_wallet' })
    expect((await verify(world, ledger)).breaks).toEqual([])
    const wallet = await createWallet(world, ledger, 'main')
    await recheckHeld(world, ledger, lane)
    expect(await reasons()).toEqual({ ...others, ai: 'queued', dao: 'queued' })
    await name('lucky')
    expect(await reasons()).toEqual({ ai: 'queued', dao: 'queued', lucky: 'queued', creator: 'creator_unknown' })
    const { rows } = await house.database.pool.query(`select distinct wallet from apportion.payout where lane = $1`, [lane])
    expect(rows).toEqual([{ wallet: wallet.wallet }])
    expect((await verify(world, ledger)).breaks).toEqual([])
  })
})

describe('a wallet', () => {
  it('is the one that pays when it is the oldest, and without any there is none to pay from', async () => {
    await create('poor')
    const ledger = await house.main.ledgers.open('poor')
    await expect(payingWallet(house.main.world, ledger)).rejects.toMatchObject({ code: 'wallet_not_found' })
    const first = await createWallet(house.main.world, ledger, 'first')
    house.elapse({ seconds: 1 })
    await createWallet(house.main.world, ledger, 'second')
    expect(await payingWallet(house.main.world, ledger)).toEqual({ id: first.wallet, address: first.address })
  })

  it('with a label or a key that the ledger has is refused, also to several at once', async () => {
    await create('rich')
    const ledger = await house.main.ledgers.open('rich')
    const outcomes = await Promise.allSettled([1, 2, 3].map(async () => await createWallet(house.main.world, ledger, 'main')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'wallet_conflict', details: { label: 'main' } })
    const owner = await house.chain.wallet()
    const key = JSON.stringify([...house.chain.secretOf(owner)])
    expect((await importWallet(house.main.world, ledger, { label: 'mine', key })).address).toBe(owner.address)
    await expect(importWallet(house.main.world, ledger, { label: 'again', key })).rejects.toMatchObject({ code: 'wallet_conflict', details: { address: owner.address } })
  })
})
