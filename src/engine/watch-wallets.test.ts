// Money that comes into a wallet or leaves it by its owner's hand stands in the ledger once, wherever a watcher stops and begins again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dollars, USDC } from '../../test/dollars.ts'
import { accounts, breaks, COIN, mustRecord, nameAddress, onChain, openHouse, runUntilStill, sale, type Home, type House, type Process } from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import type { RailWallet } from '../rails/rail.ts'
import { importWallet } from './wallet.ts'
import { watchWallets } from './watch-wallets.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const watch = async (home: Home, process: Process = house.main): Promise<number> => await watchWallets(process.world, home.ledger, process.rail)

async function movementsOf({ ledger }: Home): Promise<readonly { direction: string; units: bigint; asset: string }[]> {
  const { rows } = await house.database.pool.query<{ direction: string; units: bigint; asset: string }>(
    `select direction, movement.units, movement.asset from apportion.movement join apportion.wallet using (wallet)
      where wallet.ledger = $1 order by proof ->> 'slot', movement.identity`,
    [ledger.id],
  )
  return rows
}

async function walletInLedger(home: Home): Promise<bigint | undefined> {
  return (await accounts(house, home))[`wallet:${home.wallet.id}`]
}

/** A wallet whose owner has the key as well, and moves its money by hand. */
async function shared(home: Home): Promise<RailWallet> {
  const owner = await house.chain.wallet()
  const { wallet, address } = await importWallet(house.main.world, home.ledger, { label: 'shared', key: JSON.stringify([...house.chain.secretOf(owner)]) })
  expect(address).toBe(owner.address)
  return { id: wallet, address }
}

describe('funding', () => {
  it('is seen once, by however many watchers, and the ledger shows what the network does', async () => {
    const home = await house.makeLedger({ funds: 3n })
    house.chain.fund(home.wallet.address, 4n * COIN)
    const watchers = [house.main, house.start(), house.start()]
    const posted = await Promise.all(watchers.map(async (process) => await watch(home, process)))
    expect(posted.reduce((all, count) => all + count)).toBe(2)
    expect([await watch(home), await watch(home, house.start())]).toEqual([0, 0])
    expect(await movementsOf(home)).toEqual([3n, 4n].map((coins) => ({ direction: 'in', units: coins * COIN, asset: 'SOL/9' })))
    expect([await walletInLedger(home), (await accounts(house, home))['expected']]).toEqual([7n * COIN, -7n * COIN])
    expect(await breaks(house, home)).toEqual([])
  })

  it('of a token is seen beside the coins that came with it', async () => {
    const mint = house.chain.mint(`dollar ${crypto.randomUUID()}`, 6)
    const home = await house.makeLedger({ program: dollars, tokens: { [USDC]: mint }, funds: 1n })
    await watch(home)
    house.chain.mintTo(mint, home.wallet.address, 250n)
    house.chain.mintTo(mint, home.wallet.address, 50n)
    expect(await watch(home)).toBe(2)
    expect((await movementsOf(home)).map(({ asset, units }) => [asset, units])).toEqual([['SOL/9', COIN], [USDC, 250n], [USDC, 50n]])
  })

  it('of many times is read to the end in one watch', async () => {
    const home = await house.makeLedger()
    for (let time = 1; time <= 130; time += 1) house.chain.fund(home.wallet.address, BigInt(time) * COIN)
    expect(await watch(home)).toBe(130)
    expect(await walletInLedger(home)).toBe(await onChain(house, home.wallet.address))
    expect(await breaks(house, home)).toEqual([])
  })
})

describe("an owner's own hand", () => {
  it('is written down as withdrawn, with the fee', async () => {
    const home = await house.makeLedger()
    const wallet = await shared(home)
    house.chain.fund(wallet.address, 5n * COIN)
    await house.chain.transfer(wallet, await house.chain.address(), 2n * COIN)
    expect(await watch(home)).toBe(2)
    expect(await movementsOf(home)).toEqual([{ direction: 'in', units: 5n * COIN, asset: 'SOL/9' }, { direction: 'out', units: 2n * COIN + 5_000n, asset: 'SOL/9' }])
    const found = await accounts(house, home)
    expect([found['owner'], found[`wallet:${wallet.id}`]]).toEqual([-2n * COIN - 5_000n, await onChain(house, wallet.address)])
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('our own payouts', () => {
  it('are settlements and no movements, also those that are not settled yet, and money between our wallets is both', async () => {
    const home = await house.makeLedger({ funds: 101n })
    const second = await shared(home)
    await nameAddress(house.main, home, home.token, second.address)
    house.elapse({ seconds: 1 })
    await mustRecord(house.main, home, sale(home, 'to ourselves', '100'))
    await runUntilStill(house, home)
    house.chain.settle()
    await watch(home)
    expect(await movementsOf(home)).toEqual([{ direction: 'in', units: 101n * COIN, asset: 'SOL/9' }, { direction: 'in', units: 2n * COIN, asset: 'SOL/9' }])
    expect(await walletInLedger(home)).toBe(await onChain(house, home.wallet.address))
    expect((await accounts(house, home))[`wallet:${second.id}`]).toBe(2n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a watcher that stops anywhere', () => {
  it('is followed by one that posts the rest, each once', async () => {
    const home = await house.makeLedger()
    for (let time = 1; time <= 70; time += 1) house.chain.fund(home.wallet.address, COIN)
    let steps = 0
    let dead = true
    for (let limit = 1; dead; limit += 3) {
      steps = 0
      dead = false
      const process = house.start({
        store: (store) =>
          watchedStore(store, () => {
            steps += 1
            dead ||= steps > limit
            if (dead) throw new Error('the process died here')
          }),
      })
      await watch(home, process).catch((error: unknown) => {
        if (!dead) throw error
      })
      const posted = await movementsOf(home)
      expect((await walletInLedger(home)) ?? 0n).toBe(BigInt(posted.length) * COIN)
    }
    expect(await movementsOf(home)).toHaveLength(70)
    expect(await walletInLedger(home)).toBe(70n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('finds its place again at any cursor it ever had', async () => {
    const home = await house.makeLedger()
    const cursors: (string | null)[] = [null]
    for (let time = 1; time <= 4; time += 1) {
      house.chain.fund(home.wallet.address, COIN)
      await watch(home)
      const { rows } = await house.database.pool.query<{ cursor: string }>('select movement_cursor as cursor from apportion.wallet where wallet = $1', [home.wallet.id])
      cursors.push(present(rows[0], 'wallet').cursor)
    }
    for (const cursor of cursors) {
      await house.database.pool.query('update apportion.wallet set movement_cursor = $2 where wallet = $1', [home.wallet.id, cursor])
      expect(await watch(home)).toBe(0)
    }
    expect(await walletInLedger(home)).toBe(4n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a node that does not answer', () => {
  it('is told, and nothing is lost', async () => {
    const home = await house.makeLedger({ funds: 3n })
    house.chain.knobs({ requestLossRate: 1 })
    await expect(watch(home)).rejects.toMatchObject({ code: 'rail_unavailable' })
    house.chain.knobs({ requestLossRate: 0 })
    expect(await watch(home)).toBe(1)
  })
})

describe('a wallet that cannot be watched', () => {
  it('keeps no other one from being watched, and is told', async () => {
    const home = await house.makeLedger({ funds: 3n })
    const second = await shared(home)
    house.chain.fund(second.address, 2n * COIN)
    const process = house.start({
      rail: (rail) => ({
        ...rail,
        incoming: async (input) => {
          if (input.wallet.id === home.wallet.id) throw new Refusal('rail_unavailable', 'a node with its whole history is needed')
          return await rail.incoming(input)
        },
      }),
    })
    await expect(watch(home, process)).rejects.toMatchObject({ code: 'rail_unavailable', message: 'a node with its whole history is needed' })
    expect((await accounts(house, home))[`wallet:${second.id}`]).toBe(2n * COIN)
  })
})
