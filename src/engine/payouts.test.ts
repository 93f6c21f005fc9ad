// The way of the money from an event to its proof, on a network whose slots are made by hand: what is paid, what waits, and what the
// accounts say of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, COIN, legs, mustRecord, onChain, openHouse, payouts, paymentsTo, runUntilStill, sale, type House } from '../../test/house.ts'

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
