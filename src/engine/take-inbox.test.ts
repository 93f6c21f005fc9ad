// Rows that people insert by plain SQL: each committed one becomes an event once, or says why not where they look.

import type { PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, insertSale, openHouse, record, sale, statusOf, type Home, type House, type Process } from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { present } from '../core/assert.ts'
import { admitRows } from './admit-rows.ts'
import { inboxEntries } from './read-ledger.ts'
import { takeInboxRows } from './take-inbox.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const FIRST_PAGE = { cursor: null, limit: 10 }

async function take(home: Home, process: Process = house.main): Promise<number> {
  return await takeInboxRows(process.world, process.recorder, await process.ledgers.open(home.name))
}

/** One statement of several rows: reference, amount and, where given, instant and the AI's amount. */
async function insertRows(on: PoolClient | House['database']['pool'], { schema, token }: Home, rows: readonly { hash: string; amount: string; at?: string; ai?: string }[]): Promise<void> {
  await on.query(
    `insert into ${schema}.profit_events (token_id, transaction_hash, sale_amount, "timestamp", reinvestment_amount)
      select $1, * from unnest($2::text[], $3::numeric[], $4::timestamptz[], $5::numeric[])`,
    [token, rows.map(({ hash }) => hash), rows.map(({ amount }) => amount), rows.map(({ at }) => at ?? house.now().toString()), rows.map(({ ai }) => ai ?? null)],
  )
}

async function remove({ schema }: Home, reference: string): Promise<void> {
  await house.database.pool.query(`delete from ${schema}.profit_events where transaction_hash = $1`, [reference])
}

async function countEvents({ lane }: Home): Promise<bigint> {
  const { rows } = await house.database.pool.query<{ count: bigint }>('select count(*) as count from apportion.event where lane = $1', [lane])
  return present(rows[0], 'a row').count
}

describe('rows', () => {
  it('of one statement become events in the order of their references, once', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, ['c', 'a', 'b'].map((hash) => ({ hash, amount: '100' })))
    expect(await statusOf(house, home, 'a')).toMatchObject({ state: 'queued', event: null })
    expect([await take(home), await take(home)]).toEqual([3, 0])
    expect(await statusOf(house, home, 'a')).toMatchObject({ state: 'recorded', event: 1n, code: null, reason: null })
    expect(await statusOf(house, home, 'c')).toMatchObject({ state: 'recorded', event: 3n })
    expect(await inboxEntries(house.main.world, home.ledger, FIRST_PAGE)).toEqual({ items: [], next: null })
    expect((await accounts(house, home))['payable:ai']).toBe(240_000_000_000n)
    expect(await breaks(house, home)).toEqual([])
  })

  it('of a transaction that is open or rolled back are not there', async () => {
    const home = await house.makeLedger()
    const client = await house.database.pool.connect()
    await client.query('begin')
    await insertRows(client, home, [{ hash: 'open', amount: '1' }])
    expect(await take(home)).toBe(0)
    await client.query('rollback')
    await client.query('begin')
    await insertRows(client, home, [{ hash: 'kept', amount: '1' }])
    await client.query('commit')
    client.release()
    expect(await take(home)).toBe(1)
    expect([await statusOf(house, home, 'open'), await countEvents(home)]).toEqual([undefined, 1n])
  })

  it('of more than one reading go on until none is left', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, Array.from({ length: 1001 }, (_, index) => ({ hash: `row ${index}`, amount: '1' })))
    expect([await take(home), await take(home), await take(home)]).toEqual([1000, 1, 0])
    expect(await countEvents(home)).toBe(1001n)
  })

  it('that several workers take at once become one event each', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, Array.from({ length: 50 }, (_, index) => ({ hash: `row ${index}`, amount: '1' })))
    const taken = await Promise.all([house.main, house.start(), house.start()].map(async (process) => await take(home, process)))
    expect(taken.reduce((all, count) => all + count)).toBe(50)
    expect(await countEvents(home)).toBe(50n)
  })
})

describe('a row that is refused', () => {
  it('says why in the status, stops no other, and can be deleted and inserted again', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, [{ hash: 'wrong', amount: '100', ai: '81' }, { hash: 'right', amount: '100', ai: '80' }])
    expect(await take(home)).toBe(2)
    expect(await statusOf(house, home, 'wrong')).toMatchObject({
      ...{ state: 'refused', code: 'event_share_mismatch', event: null },
      reason: expect.stringContaining('reinvestment_amount is 81.000000000, but the plan gives 80.000000000 (exactly 80000000000 units)'),
    })
    expect(await statusOf(house, home, 'right')).toMatchObject({ state: 'recorded' })
    expect(await take(home)).toBe(0)
    await remove(home, 'wrong')
    await insertRows(house.database.pool, home, [{ hash: 'wrong', amount: '100', ai: '80' }])
    expect(await statusOf(house, home, 'wrong')).toMatchObject({ state: 'queued', code: null, reason: null })
    expect(await take(home)).toBe(1)
    expect(await statusOf(house, home, 'wrong')).toMatchObject({ state: 'recorded' })
    expect(await breaks(house, home)).toEqual([])
  })

  it('twice says so twice, and spends no reference at another door', async () => {
    const home = await house.makeLedger()
    for (const ai of ['81', '82']) {
      await insertRows(house.database.pool, home, [{ hash: 'stubborn', amount: '100', ai }])
      await take(home)
      expect((await statusOf(house, home, 'stubborn'))?.reason).toContain(`reinvestment_amount is ${ai}.000000000`)
      await remove(home, 'stubborn')
    }
    const [result] = await record(house.main, home, [sale(home, 'stubborn', '100')])
    expect(result?.state).toBe('recorded')
    expect(await statusOf(house, home, 'stubborn')).toMatchObject({ state: 'recorded' })
  })

  it('because another door had recorded its reference with other content names both figures', async () => {
    const home = await house.makeLedger()
    await insertSale(house, home, 'taken', '100')
    await record(house.main, home, [sale(home, 'taken', '50')])
    await take(home)
    expect(await statusOf(house, home, 'taken')).toMatchObject({ state: 'refused', code: 'reference_conflict' })
    expect(await countEvents(home)).toBe(1n)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a row that waits for an operator', () => {
  it('lies too far in the past, is recorded once it is admitted, and is marked', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, [{ hash: 'old', amount: '1', at: house.now().subtract({ hours: 24 * 8 }).toString() }])
    await take(home)
    expect(await statusOf(house, home, 'old')).toMatchObject({ state: 'waiting', code: 'event_backdated_forbidden' })
    expect(await take(home)).toBe(0)
    expect(await admitRows(house.main.world, home.ledger, ['old', 'unknown'])).toEqual(['old'])
    expect(await take(home)).toBe(1)
    expect(await statusOf(house, home, 'old')).toMatchObject({ state: 'recorded' })
    const { rows } = await house.database.pool.query('select backdated from apportion.event where lane = $1', [home.lane])
    expect(rows).toEqual([{ backdated: true }])
    expect(await admitRows(house.main.world, home.ledger, ['old'])).toEqual([])
  })

  it('lies in the future, and being admitted too early waits on', async () => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, [{ hash: 'future', amount: '1', at: house.now().add({ minutes: 10 }).toString() }])
    await take(home)
    expect(await statusOf(house, home, 'future')).toMatchObject({ state: 'waiting', code: 'event_time_exceeded' })
    await admitRows(house.main.world, home.ledger, ['future'])
    await take(home)
    expect(await statusOf(house, home, 'future')).toMatchObject({ state: 'waiting' })
    house.elapse({ minutes: 6 })
    await admitRows(house.main.world, home.ledger, ['future'])
    await take(home)
    expect(await statusOf(house, home, 'future')).toMatchObject({ state: 'recorded' })
  })
})

describe('a row that its owner deletes', () => {
  it('before it was taken is forgotten', async () => {
    const home = await house.makeLedger()
    await insertSale(house, home, 'gone', '1')
    await remove(home, 'gone')
    expect(await take(home)).toBe(1)
    expect(await take(home)).toBe(0)
    expect([await countEvents(home), await inboxEntries(house.main.world, home.ledger, FIRST_PAGE)]).toEqual([0n, { items: [], next: null }])
    await insertSale(house, home, 'gone', '1')
    expect(await take(home)).toBe(1)
    expect(await statusOf(house, home, 'gone')).toMatchObject({ state: 'recorded' })
    expect(await breaks(house, home)).toEqual([])
  })

  it.each(['1', '2'])('and inserts again while a worker has it is not lost (amount %s)', async (amount) => {
    const home = await house.makeLedger()
    await insertSale(house, home, 'again', '1')
    await remove(home, 'again')
    let meanwhile = async (): Promise<void> => await insertSale(house, home, 'again', amount)
    const process = house.start({
      store: (store) =>
        watchedStore(store, async ({ moment, statement }) => {
          if (moment !== 'before' || !statement.startsWith('delete from apportion.inbox')) return
          const work = meanwhile
          meanwhile = async () => await Promise.resolve()
          await work()
        }),
    })
    await take(home, process)
    house.elapse({ minutes: 1 })
    await take(home, process)
    expect(await statusOf(house, home, 'again')).toMatchObject({ state: 'recorded' })
    expect(await breaks(house, home)).toEqual([])
  })

  it('while a worker has it, and inserts again with another amount, is refused against what was recorded', async () => {
    const home = await house.makeLedger()
    await insertSale(house, home, 'changed', '1')
    let meanwhile = async (): Promise<void> => {
      await remove(home, 'changed')
      await insertSale(house, home, 'changed', '2')
    }
    const process = house.start({
      store: (store) =>
        watchedStore(store, async ({ moment, statement }) => {
          if (moment !== 'before' || statement !== 'begin') return
          const work = meanwhile
          meanwhile = async () => await Promise.resolve()
          await work()
        }),
    })
    await take(home, process)
    await take(home, process)
    expect(await statusOf(house, home, 'changed')).toMatchObject({ state: 'refused', code: 'reference_conflict' })
  })
})

describe('a worker that dies', () => {
  it.each([
    ['after taking', 'before begin'],
    ['after recording', 'before delete from apportion.inbox'],
  ])('%s leaves its rows to the next one, which makes one event of each', async (_, place) => {
    const home = await house.makeLedger()
    await insertRows(house.database.pool, home, [{ hash: 'one', amount: '1' }, { hash: 'two', amount: '1' }])
    let dead = false
    const dying = house.start({
      store: (store) =>
        watchedStore(store, ({ moment, statement }) => {
          dead ||= `${moment} ${statement}`.startsWith(place)
          if (dead) throw new Error('the process died here')
        }),
    })
    await expect(take(home, dying)).rejects.toThrow()
    expect(dead).toBe(true)
    const next = house.start()
    expect(await take(home, next)).toBe(0)
    house.elapse({ seconds: 31 })
    expect(await take(home, next)).toBe(2)
    expect(await countEvents(home)).toBe(2n)
    expect(await statusOf(house, home, 'two')).toMatchObject({ state: 'recorded' })
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a ledger without an inbox table', () => {
  it('has nothing to take', async () => {
    const home = await house.makeLedger({ inbox: false })
    expect(await take(home)).toBe(0)
  })
})

describe('the list of what waits', () => {
  it('leaves out what the system before paid, and goes on where the page before ended', async () => {
    const home = await house.makeLedger()
    const references = ['a', 'b', 'c d', 'é']
    await insertRows(house.database.pool, home, references.map((hash) => ({ hash, amount: '1' })))
    await house.database.pool.query(
      `insert into apportion.inbox (ledger, reference, state, queued_at) select $1, 'old-' || n, 'before_adoption', '2020-01-01' from generate_series(1, 30) n`,
      [home.ledger.id],
    )
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof inboxEntries>> = await inboxEntries(house.main.world, home.ledger, { cursor, limit: 3 })
      seen.push(...page.items.map(({ reference }) => reference))
      cursor = page.next
    } while (cursor !== null)
    expect(seen).toEqual(references)
  })

  it.each(['', 'x', Buffer.from('2026-13-01T00:00:00Z a').toString('base64url')])('refuses the cursor %j', async (cursor) => {
    const home = await house.makeLedger()
    await expect(inboxEntries(house.main.world, home.ledger, { cursor, limit: 3 })).rejects.toMatchObject({ code: 'cursor_malformed' })
  })
})
