// The way of the money from an event to its proof, on a network whose slots are made by hand: what is paid, what waits, and what the
// accounts say of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, COIN, legs, mustRecord, onChain, openHouse, payouts, paymentsTo, record, runUntilStill, sale, type House } from '../../test/house.ts'
import { makePayouts } from './make-payouts.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

describe('a sale of 100', () => {
  it('is paid 80, 15, 3 and 2, with proof, and the accounts say so', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'first', '100'))
    await runUntilStill(house, home)
    const { ai, dao, lucky, creator } = home.addresses
    const paid = await Promise.all([ai, dao, lucky, creator].map((address) => onChain(house, address)))
    expect(paid).toEqual([80n * COIN, 15n * COIN, 3n * COIN, 2n * COIN])
    expect(await legs(house, home, 'first')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' })
    const documents = await payouts(house, home, 'first')
    for (const { attempts } of documents) {
      expect(attempts).toHaveLength(1)
      expect(attempts[0]).toMatchObject({ state: 'settled', proof: expect.objectContaining({ signature: attempts[0]?.identity }) })
    }
    const identity = documents[0]?.attempts[0]?.identity
    for (const address of [ai, dao, lucky, creator]) expect(await paymentsTo(house, address)).toEqual([identity])
    const fees = 5000n
    expect(await accounts(house, home)).toEqual({
      expected: -1n * COIN,
      received: 0n,
      ...Object.fromEntries(['ai', 'dao', 'lucky', home.token].flatMap((party) => [[`payable:${party}`, 0n], [`in_flight:${party}`, 0n]])),
      [`wallet:${home.wallet.id}`]: COIN - fees,
      network: fees,
    })
    expect(await onChain(house, home.wallet.address)).toBe(COIN - fees)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('more shares than are made into payouts in one go', () => {
  it('are made in several, each share once', async () => {
    const home = await house.makeLedger({ inbox: false })
    await record(house.main, home, Array.from({ length: 1300 }, (_, index) => sale(home, `sale ${index}`, '1')))
    const made = async (): Promise<number> => await makePayouts(house.main.world, home.ledger, home.lane)
    expect([await made(), await made(), await made()]).toEqual([5000, 200, 0])
    const { rows } = await house.database.pool.query(`select count(*) as payouts, count(distinct (event, part)) as shares from apportion.payout where lane = $1`, [home.lane])
    expect(rows).toEqual([{ payouts: 5200n, shares: 5200n }])
  })

  it('wanted by two workers at once are made once', async () => {
    const home = await house.makeLedger({ inbox: false })
    await record(house.main, home, Array.from({ length: 20 }, (_, index) => sale(home, `sale ${index}`, '1')))
    const made = await Promise.all([house.main, house.start(), house.start()].map(async ({ world }) => await makePayouts(world, home.ledger, home.lane)))
    expect(made.reduce((all, count) => all + count)).toBe(80)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a sale so small that most shares are nothing', () => {
  it('makes payouts only of what there is', async () => {
    const home = await house.makeLedger({ funds: 1n })
    house.chain.fund(home.addresses.ai, COIN)
    await mustRecord(house.main, home, sale(home, 'tiny', '0.000000001'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'tiny')).toEqual({ ai: 'settled' })
    expect(await onChain(house, home.addresses.ai)).toBe(COIN + 1n)
    expect(await breaks(house, home)).toEqual([])
  })
})
