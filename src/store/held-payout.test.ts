// Payouts that wait, in the database: what holds them, what lets them go, and that many which wait for the same thing cost as much as one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHouse, record, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from '../engine/make-payouts.ts'
import { awaitApprovals, holdRejected } from './await-payouts.ts'
import { holdPayouts, queueNeighbours, queueTogether, requeueHeld, type Hold } from './held-payout.ts'
import { listPayouts, type PayoutRow } from './payout.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function payoutsOf({ lane }: Home): Promise<readonly PayoutRow[]> {
  return (await listPayouts(house.database.pool, { lanes: [lane], state: null, before: null, limit: 1000 })).toReversed()
}

/** A ledger with the queued payouts of sales of these amounts. */
async function withSales(amounts: readonly string[]): Promise<Home> {
  const home = await house.makeLedger()
  await record(house.main, home, amounts.map((amount, index) => sale(home, `sale ${index}`, amount)))
  await makePayouts(house.main.world, home.ledger, home.lane)
  return home
}

const holdOf = ({ payout }: PayoutRow, reason: Hold['reason'], by: Temporal.DurationLike): Hold => ({ payout, reason, detail: 'why', dueAt: house.now().add(by) })

const LATER = { minutes: 15 }

async function requeue({ lane }: Home, limit = 1000): Promise<number> {
  return await requeueHeld(house.database.pool, { lane, now: house.now(), recheckAt: house.now().add(LATER), limit })
}

/** How the creators' payouts stand, in the order of their sales. */
async function creatorsOf(home: Home): Promise<readonly PayoutRow[]> {
  return (await payoutsOf(home)).filter(({ role }) => role === 'creator')
}

const states = (rows: readonly PayoutRow[]): readonly string[] => rows.map(({ reason, state }) => reason ?? state)

describe('holding', () => {
  it('touches queued and held payouts only', async () => {
    const home = await withSales(['100'])
    const [ai, dao, lucky, creator] = (await payoutsOf(home)) as [PayoutRow, PayoutRow, PayoutRow, PayoutRow]
    const set = async (state: string, of: PayoutRow): Promise<unknown> =>
      await house.database.pool.query(`update apportion.payout set state = $3, due_at = null where lane = $1 and payout = $2`, [home.lane, of.payout, state])
    await set('settled', lucky)
    await holdPayouts(house.database.pool, home.lane, [holdOf(ai, 'no_funds', { minutes: 1 })], house.now())
    await holdPayouts(house.database.pool, home.lane, [ai, dao, lucky].map((row) => holdOf(row, 'frozen', { minutes: 2 })), house.now())
    const now = await payoutsOf(home)
    expect(now.map(({ state, reason, tries }) => [state, reason, tries])).toEqual([
      ['held', 'frozen', 2],
      ['held', 'frozen', 1],
      ['settled', null, 0],
      ['queued', null, 0],
    ])
    expect(now[3]).toEqual(creator)
  })

  it('leaves what a person turned away as it is, whatever a worker saw before', async () => {
    const home = await withSales(['100'])
    const [ai] = (await payoutsOf(home)) as [PayoutRow]
    await awaitApprovals(house.database.pool, { lanes: [home.lane], payouts: [ai.payout], at: house.now() })
    await holdRejected(house.database.pool, { lanes: [home.lane], payouts: [ai.payout], at: house.now(), detail: 'no receipt' })
    const [turnedAway] = await payoutsOf(home)
    await holdPayouts(house.database.pool, home.lane, [holdOf(ai, 'no_funds', { seconds: 1 })], house.now())
    house.elapse({ minutes: 1 })
    expect(await requeue(home)).toBe(0)
    expect((await payoutsOf(home))[0]).toEqual(turnedAway)
  })

  it('ends at its time, not before, the longest waiting first, as many as asked for', async () => {
    const home = await withSales(['100'])
    const [ai, dao, lucky] = (await payoutsOf(home)) as [PayoutRow, PayoutRow, PayoutRow]
    const holds = [holdOf(ai, 'no_funds', { seconds: 1 }), holdOf(dao, 'frozen', { seconds: 3 }), holdOf(lucky, 'signing_limit', { seconds: 2 })]
    await holdPayouts(house.database.pool, home.lane, holds, house.now())
    expect(await requeue(home)).toBe(0)
    house.elapse({ seconds: 1 })
    expect(await requeue(home)).toBe(1)
    expect(states(await payoutsOf(home))).toEqual(['queued', 'frozen', 'signing_limit', 'queued'])
    house.elapse({ seconds: 5 })
    expect(await requeue(home, 1)).toBe(1)
    expect(states(await payoutsOf(home))).toEqual(['queued', 'frozen', 'queued', 'queued'])
    expect((await payoutsOf(home))[0]).toMatchObject({ detail: null, batch: null })
  })
})

describe('payouts too small for their destination', () => {
  /** So many creators' payouts that are held for it, made in order, all of them due in a second unless another keeps the time. */
  async function small(amounts: readonly string[]): Promise<Home> {
    const home = await withSales(amounts)
    for (const row of await creatorsOf(home)) await holdPayouts(house.database.pool, home.lane, [holdOf(row, 'below_minimum', { seconds: 1 })], house.now())
    return home
  }

  it('are asked for by one of them, the others have no time of their own', async () => {
    const home = await small(['100', '300', '200', '100'])
    expect((await creatorsOf(home)).map(({ due_at: at }) => at !== null)).toEqual([true, false, false, false])
    expect(await requeue(home)).toBe(0)
    house.elapse({ seconds: 1 })
    expect(await requeue(home)).toBe(1)
    const rows = await creatorsOf(home)
    expect(states(rows)).toEqual(['queued', 'below_minimum', 'below_minimum', 'below_minimum'])
    // The largest keeps the time for them, should that one never come back.
    expect(rows.map(({ due_at: at }) => at)).toEqual([house.now(), house.now().add(LATER), null, null])
    // It is still too small: the largest keeps the time, and until then nothing of them is due.
    await holdPayouts(house.database.pool, home.lane, [holdOf(present(rows[0], 'row'), 'below_minimum', { seconds: 1 })], house.now())
    house.elapse({ minutes: 14 })
    expect(await requeue(home)).toBe(0)
    house.elapse({ minutes: 1 })
    expect(await requeue(home)).toBe(1)
    expect(states(await creatorsOf(home))).toEqual(['below_minimum', 'queued', 'below_minimum', 'below_minimum'])
  })

  it('that all became due at once are asked for by one all the same', async () => {
    const home = await withSales(['100', '100', '100', '100', '100'])
    const creators = await creatorsOf(home)
    const others = (await payoutsOf(home)).filter(({ role }) => role === 'lucky')
    await holdPayouts(house.database.pool, home.lane, [...creators, ...others].map((row) => holdOf(row, 'below_minimum', { seconds: 1 })), house.now())
    house.elapse({ seconds: 1 })
    expect(await requeue(home)).toBe(10)
    expect(states(await creatorsOf(home)).filter((state) => state === 'queued')).toHaveLength(1)
    const rows = (await payoutsOf(home)).filter(({ reason }) => reason === 'below_minimum')
    expect(rows.filter(({ due_at: at }) => at !== null).map(({ role }) => role).toSorted()).toEqual(['creator', 'lucky'])
  })

  it('go as one batch, the largest of them, when these are enough, and not before', async () => {
    const home = await small(['100', '300', '200', '100'])
    const [first] = (await creatorsOf(home)) as [PayoutRow]
    const together = async (enough: bigint): Promise<void> => {
      const shortfalls = [{ payout: first.payout, enough }]
      await queueTogether(house.database.pool, { lane: home.lane, shortfalls, atMost: 2, now: house.now(), recheckAt: house.now().add(LATER) })
    }
    // Two can go at once: 6 and 4 coins.
    await together(10_000_000_001n)
    expect(states(await creatorsOf(home))).toEqual(['below_minimum', 'below_minimum', 'below_minimum', 'below_minimum'])
    await together(10_000_000_000n)
    const rows = await creatorsOf(home)
    expect(states(rows)).toEqual(['below_minimum', 'queued', 'queued', 'below_minimum'])
    expect(rows.map(({ batch }) => batch)).toEqual([null, first.payout, first.payout, null])
    expect(rows[0]?.due_at).toEqual(house.now().add(LATER))
  })

  it('go when one of them has arrived, as many as asked for, and those of other destinations wait on', async () => {
    const home = await small(['100', '100', '100', '100'])
    const [first] = (await creatorsOf(home)) as [PayoutRow]
    const lucky = present((await payoutsOf(home)).find(({ role }) => role === 'lucky'), 'payout')
    await holdPayouts(house.database.pool, home.lane, [holdOf(lucky, 'below_minimum', { seconds: 1 })], house.now())
    const arrived = async (): Promise<void> =>
      await queueNeighbours(house.database.pool, { lane: home.lane, settled: [first.payout], now: house.now(), limit: 2 })
    await arrived()
    expect(states(await creatorsOf(home))).toEqual(['below_minimum', 'below_minimum', 'below_minimum', 'below_minimum'])
    await house.database.pool.query(`update apportion.payout set state = 'settled', reason = null, due_at = null where lane = $1 and payout = $2`, [home.lane, first.payout])
    await arrived()
    expect(states(await creatorsOf(home)).toSorted()).toEqual(['below_minimum', 'queued', 'queued', 'settled'])
    await arrived()
    expect(states(await creatorsOf(home)).toSorted()).toEqual(['queued', 'queued', 'queued', 'settled'])
    expect((await payoutsOf(home)).find(({ payout }) => payout === lucky.payout)?.reason).toBe('below_minimum')
  })
})
