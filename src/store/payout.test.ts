// Payouts in the database: which address counts for which event, what is due, and how they are found.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mustRecord, nameAddress, openHouse, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from '../engine/make-payouts.ts'
import {
  countPayouts, duePayouts, dueQueues, findPayout, listPayouts, nameDestinations, payoutsOfEvents, type PayoutRow,
} from './payout.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function payoutsOf({ lane }: Home): Promise<readonly PayoutRow[]> {
  return (await listPayouts(house.database.pool, { lanes: [lane], state: null, before: null, limit: 1000 })).toReversed()
}

/** A ledger with the queued payouts of so many sales. */
async function withSales(count: number): Promise<Home> {
  const home = await house.makeLedger()
  for (let index = 0; index < count; index += 1) await mustRecord(house.main, home, sale(home, `sale ${index}`, '100'))
  await makePayouts(house.main.world, home.ledger, home.lane)
  return home
}

describe('the address that counts for an event', () => {
  type Naming = readonly [at: number, address: string | null]
  // Each naming: the second at which it holds, and the address or null for one withdrawn. The event is of second 10.
  it.each<readonly [string, readonly Naming[], string | null]>([
    ['none, where none was ever named', [], null],
    ['the one in force', [[5, 'a']], 'a'],
    ['the one in force from that very instant', [[10, 'a']], 'a'],
    ['the newest of several in force', [[1, 'a'], [5, 'b'], [9, 'c']], 'c'],
    ['the one in force, not a later one', [[5, 'a'], [11, 'b']], 'a'],
    ['the first later one, where none was in force', [[11, 'a'], [12, 'b']], 'a'],
    ['none, where it was withdrawn', [[5, 'a'], [9, null]], null],
    ['the next one, where it was withdrawn', [[5, 'a'], [9, null], [12, 'b'], [13, 'c']], 'b'],
    ['the one in force, though withdrawn later', [[5, 'a'], [11, null]], 'a'],
    ['the one named again before it', [[1, 'a'], [2, null], [3, 'b']], 'b'],
    ['the first later one past a withdrawal', [[11, null], [12, 'a']], 'a'],
  ])('is %s', async (_, namings, expected) => {
    const home = await house.makeLedger({ creator: false })
    const start = house.now()
    const at = (second: number): string => start.add({ seconds: second }).toString()
    await house.database.pool.query(`insert into apportion.recipient (ledger, recipient, created_at) values ($1, $2, $3)`, [home.ledger.id, home.token, at(0)])
    const name = async (chosen: readonly Naming[]): Promise<void> => {
      await house.database.pool.query(
        `insert into apportion.destination (ledger, recipient, effective_from, destination, created_at)
          select $1, $2, at, destination, at from unnest($3::timestamptz[], $4::jsonb[]) as row (at, destination)`,
        [home.ledger.id, home.token, chosen.map(([second]) => at(second)), chosen.map(([, address]) => (address === null ? 'null' : JSON.stringify({ address })))],
      )
    }
    house.elapse({ seconds: 20 })
    const found = async (): Promise<unknown> => {
      const creator = present((await payoutsOf(home)).find(({ role }) => role === 'creator'), 'payout of the creator')
      expect(creator.state).toBe(creator.destination === null ? 'held' : 'queued')
      return creator.destination?.['address'] ?? null
    }
    // Named when the payout is made …
    await name(namings)
    await mustRecord(house.main, home, sale(home, 'sale', '100', { event_at: at(10) }))
    await makePayouts(house.main.world, home.ledger, home.lane)
    expect(await found()).toBe(expected)
    // … or looked at again later, which is the same question.
    await house.database.pool.query(`update apportion.payout set state = 'held', reason = 'no_wallet', destination = null, due_at = to_timestamp(0) where lane = $1 and role = 'creator'`, [home.lane])
    await nameDestinations(house.database.pool, { ledger: home.ledger.id, lane: home.lane, now: house.now(), recheckAt: house.now().add({ minutes: 15 }), limit: 10 })
    expect(await found()).toBe(expected)
  })
})

describe('a payout without an address', () => {
  it('is looked at again at its time or when an address comes, and others are passed over', async () => {
    const home = await house.makeLedger({ creator: false })
    await mustRecord(house.main, home, sale(home, 'sale', '100'))
    await makePayouts(house.main.world, home.ledger, home.lane)
    const again = async (): Promise<PayoutRow> => {
      await nameDestinations(house.database.pool, { ledger: home.ledger.id, lane: home.lane, now: house.now(), recheckAt: house.now().add({ minutes: 15 }), limit: 10 })
      return present((await payoutsOf(home)).find(({ role }) => role === 'creator'), 'payout of the creator')
    }
    const first = await again()
    expect(first).toMatchObject({ state: 'held', reason: 'creator_unknown', due_at: house.now().add({ minutes: 15 }) })
    house.elapse({ minutes: 1 })
    expect(await again()).toEqual(first)
    await nameAddress(house.main, home, home.token, home.addresses.creator)
    expect(await again()).toMatchObject({ state: 'queued', reason: null, destination: { address: home.addresses.creator }, due_at: house.now() })
  })
})

describe('questions', () => {
  it('find what is due of each wallet and asset, in order of age and batch', async () => {
    const home = await withSales(2)
    const { pool } = house.database
    expect(await dueQueues(pool, home.lane, house.now())).toEqual([{ wallet: home.wallet.id, asset: 'SOL/9' }])
    expect(await dueQueues(pool, home.lane, house.now().subtract({ seconds: 1 }))).toEqual([])
    const due = await duePayouts(pool, { lane: home.lane, wallet: home.wallet.id, asset: 'SOL/9', now: house.now(), limit: 5 })
    expect(due.map(({ payout }) => payout)).toEqual((await payoutsOf(home)).slice(0, 5).map(({ payout }) => payout))
  })

  it('count units and payouts by state, list them in pages, and find one only in its own lanes', async () => {
    const [home, other] = [await withSales(2), await withSales(1)]
    const { pool } = house.database
    expect(await countPayouts(pool, [home.lane])).toEqual([{ state: 'queued', reason: null, asset: 'SOL/9', payouts: 8n, units: 200_000_000_000n }])
    const all = await payoutsOf(home)
    const page = await listPayouts(pool, { lanes: [home.lane], state: 'queued', before: present(all[5], 'payout').payout, limit: 3 })
    expect(page.map(({ payout }) => payout)).toEqual([all[4], all[3], all[2]].map((row) => row?.payout))
    expect(await listPayouts(pool, { lanes: [home.lane], state: 'settled', before: null, limit: 3 })).toEqual([])
    const one = present(all[0], 'payout')
    expect([await findPayout(pool, [home.lane], one.payout), await findPayout(pool, [other.lane], one.payout)]).toEqual([one, null])
    expect((await payoutsOfEvents(pool, home.lane, [2n])).map(({ role }) => role)).toEqual(['ai', 'dao', 'lucky', 'creator'])
  })
})
