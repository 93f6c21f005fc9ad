// Networks that lose, drop, forget and freeze: nothing is paid twice, nothing is given up, and only proof ends an attempt.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dollarEvent, dollars, USDC } from '../../test/dollars.ts'
import {
  breaks, COIN, legs, mustRecord, nameAddress, onChain, openHouse, payouts, paymentsTo, round, run, runUntilStill, sale, type Home, type House,
} from '../../test/house.ts'
import { SLOTS_TO_EXPIRY } from '../rails/solana/testbed.ts'
import { makePayouts } from './make-payouts.ts'
import { prepareAttempts } from '../../test/prepare-attempts.ts'
import { submitAttempts } from './submit-attempts.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterEach(() => {
  house.chain.tamper(null)
  house.chain.knobs({ transactionDropRate: 0, responseLossRate: 0, requestLossRate: 0, forgetRate: 0, acceptThenErrorRate: 0 })
})
afterAll(async () => await house.close())

const SETTLED = { ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' }

/** Once on the network for everybody, whatever happened on the way. */
async function expectPaidOnce(home: Home, sales: number): Promise<void> {
  const { ai, dao, lucky, creator } = home.addresses
  const sums = await Promise.all([ai, dao, lucky, creator].map((address) => onChain(house, address)))
  expect(sums).toEqual([80n, 15n, 3n, 2n].map((coins) => coins * COIN * BigInt(sales)))
  for (const address of [ai, dao, lucky, creator]) expect(await paymentsTo(house, address)).toHaveLength(sales)
  expect(await breaks(house, home)).toEqual([])
}

async function attemptsOf(home: Home, reference: string) {
  const [first] = await payouts(house, home, reference)
  return first?.attempts ?? []
}

describe('transactions that the network drops', () => {
  it('are proven never to pay once their blockhash has expired, signed anew as they were, and paid once', async () => {
    const home = await house.makeLedger({ funds: 101n })
    house.chain.knobs({ transactionDropRate: 1 })
    await mustRecord(house.main, home, sale(home, 'dropped', '100'))
    await round(house.main, home)
    await round(house.main, home)
    house.chain.pass(SLOTS_TO_EXPIRY)
    house.chain.knobs({ transactionDropRate: 0 })
    await runUntilStill(house, home)
    const [first, second, ...others] = await attemptsOf(home, 'dropped')
    expect(others).toEqual([])
    expect(first).toMatchObject({ state: 'never', proof: { lastValidBlockHeight: expect.any(String), finalizedHeight: expect.any(String) } })
    const { finalizedHeight = '0', lastValidBlockHeight = '0' } = (first?.proof ?? {}) as Partial<Record<'finalizedHeight' | 'lastValidBlockHeight', string>>
    expect(BigInt(finalizedHeight)).toBeGreaterThan(BigInt(lastValidBlockHeight))
    expect(second?.state).toBe('settled')
    // All legs went together again.
    const all = await payouts(house, home, 'dropped')
    expect(new Set(all.map(({ attempts }) => attempts[1]?.attempt)).size).toBe(1)
    await expectPaidOnce(home, 1)
  })

  it('are sent again with the same bytes while they may still land', async () => {
    const home = await house.makeLedger({ funds: 101n })
    house.chain.knobs({ transactionDropRate: 1 })
    await mustRecord(house.main, home, sale(home, 'resent', '100'))
    await round(house.main, home)
    house.chain.knobs({ transactionDropRate: 0 })
    await runUntilStill(house, home)
    const attempts = await attemptsOf(home, 'resent')
    expect(attempts).toHaveLength(1)
    expect(attempts[0]?.submits).toBeGreaterThan(1)
    await expectPaidOnce(home, 1)
  })
})

describe('answers that get lost', () => {
  it('leave an attempt unknown until a look shows that it settled', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'lost', '100'))
    await makePayouts(house.main.world, home.ledger, home.lane)
    const { world, rail } = house.main
    const attempts = await prepareAttempts(world, home.ledger, home.lane, rail)
    house.chain.knobs({ responseLossRate: 1 })
    await submitAttempts(world, rail, { lane: home.lane, attempts, pace: { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 60_000 } })
    expect((await attemptsOf(home, 'lost'))[0]).toMatchObject({ state: 'unknown', reason: expect.stringMatching(/^unknown: /), ended_at: null })
    house.chain.knobs({ responseLossRate: 0 })
    await runUntilStill(house, home)
    expect(await attemptsOf(home, 'lost')).toHaveLength(1)
    await expectPaidOnce(home, 1)
  })

  it('or a node that takes a transaction and answers an error, or loses every third word, pay each leg once', async () => {
    const home = await house.makeLedger({ funds: 301n })
    house.chain.knobs({ responseLossRate: 0.2, requestLossRate: 0.2, acceptThenErrorRate: 0.5, transactionDropRate: 0.3 })
    for (const reference of ['a', 'b', 'c']) {
      await mustRecord(house.main, home, sale(home, reference, '100'))
      await runUntilStill(house, home)
    }
    house.chain.knobs({ responseLossRate: 0, requestLossRate: 0, acceptThenErrorRate: 0, transactionDropRate: 0 })
    for (const reference of ['a', 'b', 'c']) expect(await legs(house, home, reference)).toEqual(SETTLED)
    await expectPaidOnce(home, 3)
  })
})

describe('a node that forgot its history', () => {
  it('proves nothing: what landed there stays live, and is settled when a node that remembers answers', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'forgotten', '100'))
    // Sent and landed, but nobody looked in time.
    await makePayouts(house.main.world, home.ledger, home.lane)
    const { world, rail } = house.main
    const attempts = await prepareAttempts(world, home.ledger, home.lane, rail)
    await submitAttempts(world, rail, { lane: home.lane, attempts, pace: { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 500 } })
    house.chain.pass(SLOTS_TO_EXPIRY * 2)
    house.chain.knobs({ forgetRate: 1, forgetAfterSlots: 20 })
    for (let rounds = 0; rounds < 10; rounds += 1) {
      await round(house.main, home)
      house.chain.pass(50)
      house.elapse({ seconds: 1 })
    }
    expect(await attemptsOf(home, 'forgotten')).toMatchObject([{ ended_at: null, proof: null }])
    expect(new Set(Object.values(await legs(house, home, 'forgotten')))).toEqual(new Set(['reserved']))
    house.chain.knobs({ forgetRate: 0 })
    await runUntilStill(house, home)
    expect(await attemptsOf(home, 'forgotten')).toHaveLength(1)
    await expectPaidOnce(home, 1)
  })
})

describe('a token that its maker can freeze', () => {
  const makeShop = async (): Promise<{ home: Home; mint: string; to: Record<'shop' | 'first' | 'second', string> }> => {
    const mint = house.chain.mint(`dollar ${crypto.randomUUID()}`, 6)
    const home = await house.makeLedger({ program: dollars, tokens: { [USDC]: mint }, funds: 1n })
    house.chain.mintTo(mint, home.wallet.address, 1_000_000_000n)
    const to = { shop: await house.chain.address(), first: await house.chain.address(), second: await house.chain.address() }
    for (const [recipient, address] of Object.entries(to)) await nameAddress(house.main, home, recipient, address)
    // Accounts that exist can be frozen.
    for (const address of Object.values(to)) house.chain.mintTo(mint, address, 1n)
    return { home, mint, to }
  }
  const heldBy = async (mint: string, address: string): Promise<bigint> => await onChain(house, address, { asset: USDC, token: mint })

  it('pays the others while one account is frozen, and that one when it is thawed', async () => {
    const { home, mint, to } = await makeShop()
    house.chain.freeze(mint, to.first, true)
    await mustRecord(house.main, home, dollarEvent('frozen', '600'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'frozen')).toEqual({ shop: 'settled', first: 'frozen', second: 'settled' })
    house.chain.freeze(mint, to.first, false)
    house.elapse({ minutes: 16 })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'frozen')).toEqual({ shop: 'settled', first: 'settled', second: 'settled' })
    expect(await Promise.all([to.shop, to.first, to.second].map((address) => heldBy(mint, address)))).toEqual([401n, 101n, 101n])
    expect(await breaks(house, home)).toEqual([])
  })

  it('takes the frozen member out of a batch that failed on the network, and signs the others anew together', async () => {
    const { home, mint, to } = await makeShop()
    await mustRecord(house.main, home, dollarEvent('late freeze', '600'))
    const { world, rail } = house.main
    await makePayouts(world, home.ledger, home.lane)
    const attempts = await prepareAttempts(world, home.ledger, home.lane, rail)
    expect(attempts).toHaveLength(1)
    house.chain.freeze(mint, to.first, true)
    await submitAttempts(world, rail, { lane: home.lane, attempts, pace: { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 500 } })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'late freeze')).toEqual({ shop: 'settled', first: 'frozen', second: 'settled' })
    const [shop, first, second] = await payouts(house, home, 'late freeze')
    expect(first?.attempts).toMatchObject([{ state: 'failed' }])
    expect(shop?.attempts).toMatchObject([{ state: 'failed' }, { state: 'settled' }])
    expect(second?.attempts[1]?.attempt).toBe(shop?.attempts[1]?.attempt)
    house.chain.freeze(mint, to.first, false)
    house.elapse({ minutes: 16 })
    await runUntilStill(house, home)
    expect(await Promise.all([to.shop, to.first, to.second].map((address) => heldBy(mint, address)))).toEqual([401n, 101n, 101n])
    expect(await breaks(house, home)).toEqual([])
  })

  it('makes the accounts that are missing, and books their rent and the fees as costs of the network', async () => {
    const mint = house.chain.mint(`dollar ${crypto.randomUUID()}`, 6)
    const home = await house.makeLedger({ program: dollars, tokens: { [USDC]: mint }, funds: 1n })
    house.chain.mintTo(mint, home.wallet.address, 600n)
    for (const recipient of ['shop', 'first', 'second']) await nameAddress(house.main, home, recipient, await house.chain.address())
    await mustRecord(house.main, home, dollarEvent('new', '600'))
    await runUntilStill(house, home)
    await run(house, home, async () => (await breaks(house, home)).length === 0)
    const { rows } = await house.database.pool.query<{ kind: string; units: bigint }>(
      `select kind, sum(units) as units from apportion.transfer where lane = $1 and kind in ('fee', 'rent') group by kind order by kind`,
      [home.lane],
    )
    expect(rows).toEqual([{ kind: 'fee', units: 5_000n }, { kind: 'rent', units: 3n * 2_039_280n }])
    expect(await onChain(house, home.wallet.address)).toBe(COIN - 5_000n - 3n * 2_039_280n)
  })
})

describe('a wallet that has the rents of one batch', () => {
  it('does not spend on another what the first, still on its way, will be charged', async () => {
    const mint = house.chain.mint(`dollar ${crypto.randomUUID()}`, 6)
    const home = await house.makeLedger({ program: dollars, tokens: { [USDC]: mint } })
    house.chain.mintTo(mint, home.wallet.address, 1200n)
    // Three accounts, a fee and the wallet's own minimum; what is left of it makes no fourth account.
    house.chain.fund(home.wallet.address, 8_500_000n)
    for (const recipient of ['shop', 'first', 'second']) await nameAddress(house.main, home, recipient, await house.chain.address())
    const { world, rail } = house.main
    const prepare = async (reference: string) => {
      await mustRecord(house.main, home, dollarEvent(reference, '600'))
      await makePayouts(world, home.ledger, home.lane)
      return await prepareAttempts(world, home.ledger, home.lane, rail)
    }
    expect(await prepare('first')).toHaveLength(1)
    expect(await prepare('second')).toEqual([])
    expect(await legs(house, home, 'second')).toEqual({ shop: 'no_funds', first: 'no_funds', second: 'no_funds' })
    await runUntilStill(house, home)
    house.elapse({ minutes: 16 })
    await runUntilStill(house, home)
    const settled = { shop: 'settled', first: 'settled', second: 'settled' }
    expect([await legs(house, home, 'first'), await legs(house, home, 'second')]).toEqual([settled, settled])
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('two workers on one lane', () => {
  it('share the work and pay each leg once', async () => {
    const home = await house.makeLedger({ funds: 2101n })
    const workers = [house.main, house.start(), house.start()]
    await Promise.all(Array.from({ length: 20 }, async (_, place) => await mustRecord(house.main, home, sale(home, `both ${place}`, '100'))))
    const open = async (): Promise<boolean> => {
      const { rows } = await house.database.pool.query<{ open: bigint }>(`select count(*) as open from apportion.payout where lane = $1 and state <> 'settled'`, [home.lane])
      return rows[0]?.open !== 0n
    }
    do {
      const rounds = await Promise.allSettled(workers.map(async (worker) => await round(worker, home)))
      for (const { reason } of rounds.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]) throw reason
      house.chain.pass(6)
      house.elapse({ milliseconds: 120 })
    } while (await open())
    const { ai, creator } = home.addresses
    expect([await onChain(house, ai), await onChain(house, creator)]).toEqual([1600n * COIN, 40n * COIN])
    expect(await breaks(house, home)).toEqual([])
  })
})
