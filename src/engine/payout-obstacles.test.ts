// What keeps a leg from being paid, and that it never keeps another one: each obstacle has its reason, and the leg goes when it is gone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  breaks, COIN, legs, mustRecord, nameAddress, onChain, openHouse, payouts, paymentsTo, record, round, runUntilStill, sale, type Home, type House,
} from '../../test/house.ts'
import { Refusal } from '../core/refusal.ts'
import { makePayouts } from './make-payouts.ts'
import { prepareAttempts } from '../../test/prepare-attempts.ts'
import type { World } from './world.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

/** Longer than any backoff. */
const LATER = { minutes: 16 }

/** Payouts that wait for one destination. */
const PILE = 30

const SETTLED = { ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' }

/** Time for a held leg to be tried again, and rounds until nothing moves. */
async function goOn(home: Home): Promise<void> {
  house.elapse(LATER)
  await runUntilStill(house, home)
}

async function tokenRow({ schema }: Home, token: string, wallet: string | null): Promise<void> {
  await house.database.pool.query(
    `insert into ${schema}.tokens (id, creator_wallet_address) values ($1, $2)
      on conflict (id) do update set creator_wallet_address = excluded.creator_wallet_address`,
    [token, wallet],
  )
}

describe('a recipient without an address', () => {
  it('waits as creator_unknown while the others are paid, and is paid as soon as the token appears', async () => {
    const home = await house.makeLedger({ funds: 101n, creator: false })
    await mustRecord(house.main, home, sale(home, 'unknown', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'unknown')).toEqual({ ...SETTLED, creator: 'creator_unknown' })
    const creator = await house.chain.address()
    await tokenRow(home, home.token, creator)
    await runUntilStill(house, home)
    expect(await legs(house, home, 'unknown')).toEqual(SETTLED)
    expect(await onChain(house, creator)).toBe(2n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('waits as no_wallet when the token is known without one, and is paid when one is named', async () => {
    const home = await house.makeLedger({ funds: 101n, creator: false })
    await tokenRow(home, home.token, null)
    await mustRecord(house.main, home, sale(home, 'walletless', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'walletless')).toEqual({ ...SETTLED, creator: 'no_wallet' })
    await goOn(home)
    expect(await legs(house, home, 'walletless')).toEqual({ ...SETTLED, creator: 'no_wallet' })
    const creator = await house.chain.address()
    await tokenRow(home, home.token, creator)
    await runUntilStill(house, home)
    expect(await legs(house, home, 'walletless')).toEqual(SETTLED)
    expect(await onChain(house, creator)).toBe(2n * COIN)
  })

  it('waits when its wallet was withdrawn, stops nobody, and is paid to the next one and not to the old one', async () => {
    const home = await house.makeLedger({ funds: 202n, creator: false })
    const [before, after] = [await house.chain.address(), await house.chain.address()]
    await tokenRow(home, home.token, before)
    await tokenRow(home, home.token, null)
    house.elapse({ minutes: 2 })
    await mustRecord(house.main, home, sale(home, 'withdrawn', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'withdrawn')).toEqual({ ...SETTLED, creator: 'no_wallet' })
    // Its being looked at again must not stop the lane.
    house.elapse(LATER)
    await mustRecord(house.main, home, sale(home, 'meanwhile', '100', { token_id: crypto.randomUUID() }))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'withdrawn')).toEqual({ ...SETTLED, creator: 'no_wallet' })
    expect(await legs(house, home, 'meanwhile')).toEqual({ ...SETTLED, creator: 'creator_unknown' })
    await tokenRow(home, home.token, after)
    await runUntilStill(house, home)
    expect(await legs(house, home, 'withdrawn')).toEqual(SETTLED)
    expect([await onChain(house, before), await onChain(house, after)]).toEqual([0n, 2n * COIN])
  })

  it('gets a changed wallet for later events only', async () => {
    const home = await house.makeLedger({ funds: 202n })
    await mustRecord(house.main, home, sale(home, 'early', '100'))
    house.elapse({ seconds: 1 })
    const changed = await house.chain.address()
    await nameAddress(house.main, home, home.token, changed)
    await mustRecord(house.main, home, sale(home, 'late', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'late')).toEqual(SETTLED)
    expect([await onChain(house, home.addresses.creator), await onChain(house, changed)]).toEqual([2n * COIN, 2n * COIN])
  })
})

describe('an amount that the destination cannot receive', () => {
  it('waits as below_minimum, and goes when the destination has come into being', async () => {
    const home = await house.makeLedger({ funds: 2n })
    // 2 % of this are 200,000 lamports; a new account needs 890,880.
    await mustRecord(house.main, home, sale(home, 'small', '0.01'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'small')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'below_minimum', creator: 'below_minimum' })
    house.chain.fund(home.addresses.creator, COIN)
    await goOn(home)
    expect(await legs(house, home, 'small')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'below_minimum', creator: 'settled' })
    expect(await onChain(house, home.addresses.creator)).toBe(COIN + 200_000n)
  })

  it('goes together with others of the same address once their sum can be received, each its own payout', async () => {
    const home = await house.makeLedger({ funds: 2n })
    // Another token of the same creator: the address counts, not the name.
    const other = crypto.randomUUID()
    await nameAddress(house.main, home, other, home.addresses.creator)
    const tokens = [home.token, other, home.token]
    for (const [place, token_id] of tokens.entries()) {
      // The ones before have waited for long, so that they are tried seldom, and not when the next one comes.
      await house.database.pool.query(`update apportion.payout set tries = 12, due_at = $2 where lane = $1 and state = 'held'`, [
        home.lane,
        house.now().add({ minutes: 10 + place }).toString(),
      ])
      await mustRecord(house.main, home, sale(home, `small ${place}`, '0.02', { token_id }))
      await runUntilStill(house, home)
    }
    house.elapse({ seconds: 1 })
    await runUntilStill(house, home)
    for (const place of tokens.keys()) expect(await legs(house, home, `small ${place}`)).toEqual(SETTLED)
    expect(await onChain(house, home.addresses.creator)).toBe(1_200_000n)
    expect(await paymentsTo(house, home.addresses.creator)).toHaveLength(1)
    expect(await breaks(house, home)).toEqual([])
  })

  it('goes together also where many other payouts are due between them', async () => {
    const home = await house.makeLedger({ funds: 20n })
    const small = sale(home, 'small', '0.03')
    await mustRecord(house.main, home, small)
    await runUntilStill(house, home)
    expect(await legs(house, home, 'small')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'below_minimum' })
    const crowd = await Promise.all(Array.from({ length: 25 }, async () => ({ token: crypto.randomUUID(), address: await house.chain.address() })))
    for (const { token, address } of crowd) await nameAddress(house.main, home, token, address)
    await record(house.main, home, [...crowd.map(({ token }, place) => sale(home, `crowd ${place}`, '0.1', { token_id: token })), sale(home, 'second', '0.03')])
    await runUntilStill(house, home)
    house.elapse(LATER)
    await runUntilStill(house, home)
    expect(await legs(house, home, 'small')).toEqual(SETTLED)
    expect(await legs(house, home, 'second')).toEqual(SETTLED)
    expect(await paymentsTo(house, home.addresses.creator)).toHaveLength(1)
  })

  it('costs as little to ask for again as one, however many wait, and all go when the destination has come into being', async () => {
    const home = await house.makeLedger({ funds: 2n })
    const references = Array.from({ length: PILE }, (_, place) => `tiny ${place}`)
    // 10,000 lamports for the creator: not enough together either.
    for (let start = 0; start < PILE; start += 10) {
      await record(house.main, home, references.slice(start, start + 10).map((reference) => sale(home, reference, '0.0005')))
      await runUntilStill(house, home)
    }
    const pile = async (): Promise<{ waiting: bigint; tries: bigint }> => {
      const { rows } = await house.database.pool.query<{ waiting: bigint; tries: bigint }>(
        `select count(*) filter (where reason = 'below_minimum') as waiting, sum(tries)::bigint as tries from apportion.payout where lane = $1 and role = 'creator'`,
        [home.lane],
      )
      return rows[0] as { waiting: bigint; tries: bigint }
    }
    const before = await pile()
    expect(before.waiting).toBe(BigInt(PILE))
    for (let minute = 0; minute < 60; minute += 1) {
      house.elapse({ minutes: 1 })
      await round(house.main, home)
    }
    const after = await pile()
    // The few that were held at once each keep their own time first; then one of them is asked for each quarter of an hour.
    expect(after.waiting).toBe(BigInt(PILE))
    expect(Number(after.tries - before.tries)).toBeLessThan(PILE)
    house.chain.fund(home.addresses.creator, COIN)
    await goOn(home)
    for (const reference of references) expect((await legs(house, home, reference))['creator']).toBe('settled')
    expect(await onChain(house, home.addresses.creator)).toBe(COIN + BigInt(PILE) * 10_000n)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a wallet without enough money', () => {
  it('pays the small legs past the large one, and the large one when money came', async () => {
    const home = await house.makeLedger({ funds: 30n })
    await mustRecord(house.main, home, sale(home, 'large', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'large')).toEqual({ ...SETTLED, ai: 'no_funds' })
    const [ai] = await payouts(house, home, 'large')
    expect(ai).toMatchObject({ detail: expect.stringMatching(/needs 80000000000 units of SOL\/9, and the wallet has [0-9]+ free/) })
    // A later, smaller sale passes the one that waits.
    await mustRecord(house.main, home, sale(home, 'later', '5'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'later')).toEqual(SETTLED)
    house.chain.fund(home.wallet.address, 80n * COIN)
    await goOn(home)
    expect(await legs(house, home, 'large')).toEqual(SETTLED)
    expect(await paymentsTo(house, home.addresses.ai)).toHaveLength(2)
    expect(await breaks(house, home)).toEqual([])
  })

  it('holds all legs when the wallet was never funded, and pays them afterwards', async () => {
    const home = await house.makeLedger()
    await mustRecord(house.main, home, sale(home, 'unfunded', '100'))
    await runUntilStill(house, home)
    expect(new Set(Object.values(await legs(house, home, 'unfunded')))).toEqual(new Set(['no_funds']))
    house.chain.fund(home.wallet.address, 101n * COIN)
    await goOn(home)
    expect(await legs(house, home, 'unfunded')).toEqual(SETTLED)
  })

  it('pays as soon as money is seen, in all lanes, however long the legs were to wait', async () => {
    const home = await house.makeLedger({ lanes: 3 })
    const references = ['a', 'b', 'c', 'd', 'e']
    await record(house.main, home, references.map((reference) => sale(home, reference, '100')))
    await runUntilStill(house, home)
    await house.database.pool.query(`update apportion.payout set due_at = $2 where lane = any ($1) and state = 'held'`, [home.ledger.lanes, house.now().add({ minutes: 14 }).toString()])
    house.chain.fund(home.wallet.address, 501n * COIN)
    await round(house.main, home)
    await runUntilStill(house, home)
    for (const reference of references) expect(await legs(house, home, reference)).toEqual(SETTLED)
  })
})

describe('an address that nobody can be paid at', () => {
  it('is held as destination_invalid while the others are paid', async () => {
    const home = await house.makeLedger({ funds: 101n, creator: false })
    // The paying wallet itself.
    await nameAddress(house.main, home, home.token, home.wallet.address)
    await mustRecord(house.main, home, sale(home, 'circle', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'circle')).toEqual({ ...SETTLED, creator: 'destination_invalid' })
    expect((await payouts(house, home, 'circle'))[3]).toMatchObject({ detail: 'the destination is the wallet that pays' })
    await goOn(home)
    expect(await legs(house, home, 'circle')).toEqual({ ...SETTLED, creator: 'destination_invalid' })
    expect(await breaks(house, home)).toEqual([])
  })

  it('that is no address at all, as a token may bring by SQL, stops nobody', async () => {
    const home = await house.makeLedger({ funds: 202n, creator: false })
    await tokenRow(home, home.token, 'not an address')
    await mustRecord(house.main, home, sale(home, 'wrong', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'wrong')).toEqual({ ...SETTLED, creator: 'destination_invalid' })
    house.elapse(LATER)
    await mustRecord(house.main, home, sale(home, 'next', '100', { token_id: crypto.randomUUID() }))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'next')).toEqual({ ...SETTLED, creator: 'creator_unknown' })
  })
})

describe("the day's limit of the signer", () => {
  it('holds what passes it, and lets it go the next day', async () => {
    const home = await house.makeLedger({ funds: 303n })
    await house.database.pool.query(`insert into apportion.signing_limit (ledger, asset, units_per_day) values ($1, 'SOL/9', $2)`, [home.ledger.id, 120n * COIN])
    await mustRecord(house.main, home, sale(home, 'within', '100'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'within')).toEqual(SETTLED)
    await mustRecord(house.main, home, sale(home, 'beyond', '100'))
    await runUntilStill(house, home)
    // 20 were left for the day: the three small legs.
    expect(await legs(house, home, 'beyond')).toEqual({ ...SETTLED, ai: 'signing_limit' })
    expect((await payouts(house, home, 'beyond'))[0]?.detail).toMatch(/^not signed: 1[0-9]{11} units of SOL\/9 were signed on /)
    await mustRecord(house.main, home, sale(home, 'nothing left', '10'))
    await runUntilStill(house, home)
    expect(new Set(Object.values(await legs(house, home, 'nothing left')))).toEqual(new Set(['signing_limit']))
    house.elapse({ hours: 24 })
    await runUntilStill(house, home)
    expect([await legs(house, home, 'beyond'), await legs(house, home, 'nothing left')]).toEqual([SETTLED, SETTLED])
  })
})

describe('a payout that breaks its batch in a way nobody foresaw', () => {
  it('is held with what was said, and the others are paid', async () => {
    const home = await house.makeLedger({ funds: 101n })
    const poisoned = home.addresses.lucky
    const process = house.start({
      rail: (rail) => ({
        ...rail,
        prepare: async (input) => {
          if (input.payouts.some(({ destination }) => destination['address'] === poisoned)) throw new Error('assertion failed: the node says what it never should')
          return await rail.prepare(input)
        },
      }),
    })
    await mustRecord(process, home, sale(home, 'poison', '100'))
    await runUntilStill(house, home, process)
    expect(await legs(house, home, 'poison')).toEqual({ ...SETTLED, lucky: 'rail_refused' })
    expect((await payouts(house, home, 'poison'))[2]?.detail).toContain('the node says what it never should')
    expect(process.logged.join('\n')).toContain('the node says what it never should')
  })
})

describe('a payout over which the signer itself breaks', () => {
  it('is found and held, and the others are paid', async () => {
    const home = await house.makeLedger({ funds: 101n })
    const process = house.start()
    await mustRecord(process, home, sale(home, 'poison', '100'))
    await makePayouts(process.world, home.ledger, home.lane)
    const poisoned = (await payouts(house, home, 'poison'))[1]?.payout ?? ''
    const { signer } = process.world
    const sign: typeof signer.sign = async (request) => {
      if (request.payouts.includes(poisoned)) throw new Refusal('server_failed', 'the signer failed; its log says where')
      return await signer.sign(request)
    }
    const world: World = { ...process.world, signer: { ...signer, sign } }
    await runUntilStill(house, home, { ...process, world })
    expect(await legs(house, home, 'poison')).toEqual({ ...SETTLED, dao: 'rail_refused' })
  })
})

describe('a signer that cannot work now', () => {
  it.each(['rail_unavailable', 'database_unavailable', 'queue_exceeded'] as const)('says so (%s) and no payout is blamed', async (code) => {
    const home = await house.makeLedger({ funds: 101n })
    let away = true
    const process = house.start()
    const world: World = {
      ...process.world,
      signer: {
        ...process.world.signer,
        sign: async (request) => {
          if (away) throw new Refusal(code, 'the signer is away')
          return await process.world.signer.sign(request)
        },
      },
    }
    await mustRecord(process, home, sale(home, 'unsigned', '100'))
    await makePayouts(world, home.ledger, home.lane)
    await expect(prepareAttempts(world, home.ledger, home.lane, process.rail)).rejects.toMatchObject({ code: 'rail_unavailable' })
    expect(new Set(Object.values(await legs(house, home, 'unsigned')))).toEqual(new Set(['queued']))
    away = false
    expect(await prepareAttempts(world, home.ledger, home.lane, process.rail)).toHaveLength(1)
  })
})
