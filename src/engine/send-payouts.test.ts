// Passes that overlap: what one has in hand the next leaves alone, and where money is short it waits.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { breaks, legs, onChain, openHouse, record, runUntilStill, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from './make-payouts.ts'
import { commitAttempts, signDue, type SignedQueue } from './prepare-attempts.ts'
import { sendPayouts } from './send-payouts.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const PACE = { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 500 }

/** A ledger with the payouts of so many sales of 100, and what a step of its sending is given. */
async function sold(sales: number, funds: bigint) {
  const home = await house.makeLedger({ funds })
  const more = async (from: number, count: number): Promise<void> => {
    await record(house.main, home, Array.from({ length: count }, (_, index) => sale(home, `sale ${from + index}`, '100')))
    await makePayouts(house.main.world, home.ledger, home.lane)
  }
  await more(0, sales)
  return { home, more, at: { ledger: home.ledger, lane: home.lane, rail: house.main.rail } }
}

const idsOf = (signed: readonly SignedQueue[]): readonly string[] => signed.flat().flatMap(({ attempt }) => attempt.payouts)

async function expectPaidOnce(home: Home, sales: number): Promise<void> {
  for (let index = 0; index < sales; index += 1) expect(new Set(Object.values(await legs(house, home, `sale ${index}`)))).toEqual(new Set(['settled']))
  const { rows } = await house.database.pool.query<{ address: string; units: bigint }>(
    `select destination ->> 'address' as address, sum(units) as units from apportion.payout where lane = $1 group by 1`,
    [home.lane],
  )
  for (const { address, units } of rows) expect(await onChain(house, address)).toBe(units)
  expect(await breaks(house, home)).toEqual([])
}

describe('what is in hand', () => {
  it('is left alone by the next pass, before it is committed and after', async () => {
    const { home, more, at } = await sold(10, 10_000n)
    const { world } = house.main
    const first = await signDue(world, at, [])
    expect(idsOf(first)).toHaveLength(40)
    expect(await signDue(world, at, first)).toEqual([])
    await more(10, 10)
    const second = await signDue(world, at, first)
    expect(idsOf(second)).toHaveLength(40)
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(80)
    expect((await commitAttempts(world, home.lane, first)).length).toBe(first.flat().length)
    expect((await commitAttempts(world, home.lane, second)).length).toBe(second.flat().length)
    await runUntilStill(house, home)
    await expectPaidOnce(home, 20)
  })

  it('is money that the next pass has not: it waits unless there is plenty beside', async () => {
    // Enough for all sales, and not for twice what is due beside what is in hand.
    const { home, more, at } = await sold(10, 2_050n)
    const { world } = house.main
    const first = await signDue(world, at, [])
    await more(10, 10)
    expect(await signDue(world, at, first)).toEqual([])
    await commitAttempts(world, home.lane, first)
    expect(idsOf(await signDue(world, at, []))).toHaveLength(40)
    await runUntilStill(house, home)
    await expectPaidOnce(home, 20)
  })
})

describe('a step', () => {
  it('sends what is due, whatever is recorded meanwhile, and each payout once', async () => {
    const { home, more, at } = await sold(10, 20_000n)
    const steps = [sendPayouts(house.main.world, at, PACE), more(10, 10), sendPayouts(house.main.world, at, PACE)]
    await Promise.all(steps)
    await runUntilStill(house, home)
    await expectPaidOnce(home, 20)
  })

  it('that fails at the network has committed what it signed, and a look sends it', async () => {
    const { home, at } = await sold(10, 10_000n)
    const submit = house.main.rail.submit
    const silent = { ...at, rail: { ...at.rail, submit: async (...given: Parameters<typeof submit>) => await Promise.resolve({ state: 'unknown', reason: `nobody takes ${present(given[0], 'attempt').identity}` } as const) } }
    expect(await sendPayouts(house.main.world, silent, PACE)).toBe(true)
    const { rows } = await house.database.pool.query(`select distinct state from apportion.attempt where lane = $1`, [home.lane])
    expect(rows).toEqual([{ state: 'unknown' }])
    await runUntilStill(house, home)
    await expectPaidOnce(home, 10)
  })
})
