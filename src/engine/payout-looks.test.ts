// Looks that prove nothing: the attempt says so and why, they come at growing distances, useless bytes are not sent again, and one attempt
// that cannot be looked at keeps no other from its end.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { breaks, legs, mustRecord, openHouse, payouts, round, runUntilStill, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { SLOTS_TO_EXPIRY } from '../rails/solana/testbed.ts'
import { lookAttempts } from './look-attempts.ts'
import { makePayouts } from './make-payouts.ts'
import { prepareAttempts } from '../../test/prepare-attempts.ts'
import { submitAttempts } from './submit-attempts.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterEach(() => house.chain.knobs({ transactionDropRate: 0, responseLossRate: 0, requestLossRate: 0, forgetRate: 0 }))
afterAll(async () => await house.close())

const PACE = { firstLookAfterMs: 100, lookAfterMs: 100, resendAfterMs: 200 }
const SETTLED = { ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' }

/** Sends a sale's payouts as one attempt. */
async function send(home: Home, reference: string): Promise<void> {
  await mustRecord(house.main, home, sale(home, reference, '100'))
  const { world, rail } = house.main
  await makePayouts(world, home.ledger, home.lane)
  const attempts = await prepareAttempts(world, home.ledger, home.lane, rail)
  expect(attempts).toHaveLength(1)
  await submitAttempts(world, rail, { lane: home.lane, attempts, pace: PACE })
}

const look = async ({ ledger, lane }: Home): Promise<number> => await lookAttempts(house.main.world, ledger, { lane, rail: house.main.rail, pace: PACE })

async function attemptOf(home: Home, reference: string) {
  const [first] = await payouts(house, home, reference)
  return present(first?.attempts[0], 'attempt')
}

/** Milliseconds until the next look. */
async function wait({ lane }: Home): Promise<number> {
  const { rows } = await house.database.pool.query<{ at: Temporal.Instant }>(`select look_at as at from apportion.attempt where lane = $1`, [lane])
  return house.now().until(present(rows[0], 'attempt').at).total('milliseconds')
}

describe('an attempt that expired where history is forgotten', () => {
  it('says that nothing is known and why, is looked at ever less often, is sent no more, and ends when a node remembers', async () => {
    const home = await house.makeLedger({ funds: 101n })
    const lines = (): readonly string[] => house.main.logged.filter((line) => line.includes('proved nothing'))
    const before = lines().length
    house.chain.knobs({ transactionDropRate: 1 })
    await send(home, 'forgotten')
    house.chain.pass(SLOTS_TO_EXPIRY * 2)
    house.chain.knobs({ transactionDropRate: 0, forgetRate: 1, forgetAfterSlots: 20 })
    const waits: number[] = []
    for (let looks = 0; looks < 12; looks += 1) {
      house.elapse({ minutes: 1 })
      house.chain.pass(2)
      expect(await look(home)).toBe(0)
      waits.push(await wait(home))
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000])
    expect(await attemptOf(home, 'forgotten')).toMatchObject({ state: 'unknown', reason: expect.stringMatching(/history begins at slot/), submits: 1, ended_at: null })
    expect(lines()).toHaveLength(before + 1)
    house.chain.knobs({ forgetRate: 0 })
    house.elapse({ minutes: 1 })
    expect(await look(home)).toBe(1)
    expect(await attemptOf(home, 'forgotten')).toMatchObject({ state: 'never' })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'forgotten')).toEqual(SETTLED)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a network that answers nonsense', () => {
  it('is the reason of the attempt until it makes sense, though the bytes are sent again meanwhile', async () => {
    const home = await house.makeLedger({ funds: 101n })
    house.chain.knobs({ transactionDropRate: 1 })
    await send(home, 'silent')
    house.elapse({ milliseconds: 150 })
    await look(home)
    expect(await attemptOf(home, 'silent')).toMatchObject({ state: 'submitted', reason: expect.stringMatching(/^not seen yet/), submits: 1 })
    house.chain.tamper((method, result) => (method === 'getSignatureStatuses' ? 'gone fishing' : result))
    house.elapse({ milliseconds: 150 })
    await look(home)
    house.chain.tamper(null)
    expect(await attemptOf(home, 'silent')).toMatchObject({ state: 'unknown', reason: expect.stringMatching(/getSignatureStatuses/), submits: 2 })
    house.chain.knobs({ transactionDropRate: 0 })
    house.elapse({ milliseconds: 150 })
    await look(home)
    expect(await attemptOf(home, 'silent')).toMatchObject({ state: 'submitted', ended_at: null })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'silent')).toEqual(SETTLED)
  })
})

describe('an attempt that cannot be sent', () => {
  it('is unknown and says why, and the others are sent', async () => {
    const home = await house.makeLedger({ funds: 301n })
    const { world, rail } = house.main
    const references = ['broken', 'sound']
    const attempts = []
    for (const reference of references) {
      await mustRecord(house.main, home, sale(home, reference, '100'))
      await makePayouts(world, home.ledger, home.lane)
      attempts.push(...(await prepareAttempts(world, home.ledger, home.lane, rail)))
    }
    const [broken] = attempts
    const submit: typeof rail.submit = async (attempt) => {
      if (attempt.identity === broken?.identity) throw new Error('these bytes are no message')
      return await rail.submit(attempt)
    }
    await submitAttempts(world, { ...rail, submit }, { lane: home.lane, attempts, pace: PACE })
    expect(await attemptOf(home, 'broken')).toMatchObject({ state: 'unknown', reason: 'unknown: these bytes are no message', submits: 1 })
    expect(await attemptOf(home, 'sound')).toMatchObject({ state: 'submitted', submits: 1 })
    house.elapse({ seconds: 1 })
    await runUntilStill(house, home)
    expect([await legs(house, home, 'broken'), await legs(house, home, 'sound')]).toEqual([SETTLED, SETTLED])
  })
})

describe('an attempt that cannot be looked at', () => {
  it.each([
    ['whose record is damaged', `update apportion.attempt set data = '{"damaged": true}' where lane = $1`, /^the attempt's record is malformed/],
    ['whose payout has a damaged destination', `update apportion.payout set destination = '{"address": "nowhere"}' where lane = $1 and role = 'dao'`, /^it cannot be looked at: /],
    ['whose bytes break the rail', `update apportion.attempt set bytes = '\\x00' where lane = $1`, /./],
  ])('%s is unknown and says why, and the next one is settled', async (_, damage, reason) => {
    const home = await house.makeLedger({ funds: 301n })
    await send(home, 'damaged')
    await house.database.pool.query(damage, [home.lane])
    await send(home, 'sound')
    house.chain.pass(50)
    for (let rounds = 0; rounds < 4; rounds += 1) {
      house.elapse({ seconds: 1 })
      await round(house.main, home)
      house.chain.pass(6)
    }
    expect(await legs(house, home, 'sound')).toEqual(SETTLED)
    expect(await attemptOf(home, 'damaged')).toMatchObject({ state: 'unknown', reason: expect.stringMatching(reason), ended_at: null })
    expect(new Set(Object.values(await legs(house, home, 'damaged')))).toEqual(new Set(['reserved']))
  })
})
