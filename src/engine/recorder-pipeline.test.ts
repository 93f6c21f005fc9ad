// Postings that follow one another without waiting: wherever one of them is cut off, those behind it are decided again or told that
// nobody knows; nobody is answered before their own commit, and every reference is there once.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../test/effects.ts'
import { accounts, breaks, mustRecord, openHouse, record, sale, type Home, type House, type Process } from '../../test/house.ts'
import { Refusal } from '../core/refusal.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

/** As many as go in two postings. */
const EVENTS = 48
const TABLES = ['head', 'block', 'balance', 'transfer', 'reference', 'event'] as const

const references = (prefix: string): readonly string[] => Array.from({ length: EVENTS }, (_, index) => `${prefix} ${index}`)

/** The server's processes that wait for a lock. */
async function blocked(): Promise<readonly number[]> {
  const { rows } = await house.database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.map(({ pid }) => pid)
}

/** Whoever waits for a lock, as soon as so many do. */
async function waiters(count: number): Promise<readonly number[]> {
  return await until(`${count} that wait`, async () => {
    const pids = await blocked()
    return pids.length >= count ? pids : undefined
  })
}

/** Calls of one event each, in order, with what became of each. */
function call(process: Process, home: Home, wanted: readonly string[]): { readonly answers: Promise<readonly string[]>; readonly settled: () => number } {
  let settled = 0
  const answers = wanted.map(async (reference) => {
    try {
      const [result] = await record(process, home, [sale(home, reference, '1')])
      return result?.state === 'refused' ? result.refusal.code : (result?.state ?? 'nothing')
    } catch (error) {
      if (error instanceof Refusal) return error.code
      throw error
    } finally {
      settled += 1
    }
  })
  return { answers: Promise.all(answers), settled: () => settled }
}

async function recordedOf({ lane }: Home, wanted: readonly string[]): Promise<readonly string[]> {
  const { rows } = await house.database.pool.query<{ reference: string }>(
    'select reference from apportion.event where lane = $1 and reference = any ($2) order by number',
    [lane, wanted],
  )
  return rows.map(({ reference }) => reference)
}

/** Holds a table against writers, or the lane's head, while `work` goes on. */
async function holding<T>({ lane }: Home, table: (typeof TABLES)[number], work: (release: () => Promise<void>) => Promise<T>): Promise<T> {
  const client = await house.database.pool.connect()
  let held = true
  const release = async (): Promise<void> => {
    if (held) await client.query('rollback')
    held = false
  }
  try {
    await client.query('begin')
    if (table === 'head') await client.query('select from apportion.head where lane = $1 for update', [lane])
    else await client.query(`lock table apportion.${table} in exclusive mode`)
    return await work(release)
  } finally {
    await release()
    client.release()
  }
}

/** The first event is posted under the lock, the second from memory: from then on one follows the other. */
async function warm(process: Process, home: Home, place = 0): Promise<void> {
  for (let index = 0; index < WARM; index += 1) await mustRecord(process, home, sale(home, `warm ${place} ${index}`, '1'))
}
const WARM = 2
/** Of each server, and what each of them records. */
const CALLERS = 10
const TURNS = 30

const sum = async (home: Home): Promise<bigint> => (await accounts(house, home))['expected'] ?? 0n
const COIN = 1_000_000_000n

describe('postings on their way', () => {
  it('are answered after their own commits, in the order in which they were asked for', async () => {
    const home = await house.makeLedger()
    await warm(house.main, home)
    const wanted = references('ordered')
    const { answers, settled } = await holding(home, 'head', async (release) => {
      const called = call(house.main, home, wanted)
      await waiters(1)
      expect(called.settled()).toBe(0)
      await release()
      return called
    })
    expect(new Set(await answers)).toEqual(new Set(['recorded']))
    expect(settled()).toBe(EVENTS)
    expect(await recordedOf(home, wanted)).toEqual(wanted)
    const { rows } = await house.database.pool.query<{ blocks: bigint }>('select count(*) as blocks from apportion.block where lane = $1', [home.lane])
    expect(rows[0]?.blocks).toBe(BigInt(WARM + 2))
    expect(await breaks(house, home)).toEqual([])
  })

  it.each(TABLES)('lose their connection while the first of them writes its %s: nothing of them is there, and each can be sent again', async (table) => {
    const home = await house.makeLedger()
    const process = house.start()
    await warm(process, home)
    const wanted = references(table)
    const answers = await holding(home, table, async (release) => {
      const called = call(process, home, wanted)
      const [pid] = await waiters(1)
      await house.database.pool.query('select pg_terminate_backend($1::integer)', [pid])
      const given = await called.answers
      await release()
      return given
    })
    expect(new Set(answers)).toEqual(new Set(['database_unavailable']))
    expect(await recordedOf(home, wanted)).toEqual([])
    expect(new Set(await call(process, home, wanted).answers)).toEqual(new Set(['recorded']))
    expect((await recordedOf(home, wanted)).length).toBe(EVENTS)
    expect(await breaks(house, home)).toEqual([])
  })

  it.each(TABLES)('are cancelled while the first of them writes its %s: that one fails, and those behind it are decided again', async (table) => {
    const home = await house.makeLedger()
    const process = house.start()
    await warm(process, home)
    const wanted = references(table)
    const answers = await holding(home, table, async (release) => {
      const results = Promise.allSettled(wanted.map(async (reference) => await record(process, home, [sale(home, reference, '1')])))
      const [pid] = await waiters(1)
      await house.database.pool.query('select pg_cancel_backend($1::integer)', [pid])
      await release()
      return await results
    })
    const failed = answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))
    // Half of them went in the first posting.
    expect(failed).toEqual(Array.from({ length: EVENTS / 2 }, (_, index) => index))
    expect(await recordedOf(home, wanted)).toEqual(wanted.slice(EVENTS / 2))
    expect(new Set(await call(process, home, wanted).answers)).toEqual(new Set(['recorded', 'duplicate']))
    expect(await sum(home)).toBe(BigInt(EVENTS + WARM) * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it("find somebody else's block between two of them, and are decided again behind it", async () => {
    const home = await house.makeLedger()
    const process = house.start()
    await warm(process, home)
    const wanted = references('ours')
    const { ours, theirs } = await holding(home, 'head', async (release) => {
      const called = call(process, home, wanted)
      await waiters(1)
      // Queues for the head behind the first of ours, before the second.
      const other = mustRecord(house.main, home, sale(home, 'theirs', '1'))
      await waiters(2)
      await release()
      return { ours: await called.answers, theirs: await other }
    })
    expect(new Set(ours)).toEqual(new Set(['recorded']))
    expect(theirs.number).toBeGreaterThan(1n)
    expect(new Set(await recordedOf(home, wanted))).toEqual(new Set(wanted))
    expect(await sum(home)).toBe(BigInt(EVENTS + WARM + 1) * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('of two servers at one lane seldom fail: who was overtaken looks first until the other one is gone', async () => {
    const home = await house.makeLedger({ inbox: false })
    const servers = [house.start(), house.start()]
    for (const server of servers) await warm(server, home, servers.indexOf(server))
    await Promise.all(servers.flatMap((server, place) => Array.from({ length: CALLERS }, async (_, caller) => {
      for (let turn = 0; turn < TURNS; turn += 1) await mustRecord(server, home, sale(home, `${place} ${caller} ${turn}`, '1'))
    })))
    const failed = servers.reduce((sum, { world }) => sum + world.store.lanes.of(home.lane).failures, 0)
    expect(failed).toBeLessThanOrEqual(servers.length * 2)
    expect(await sum(home)).toBe(BigInt(servers.length * (CALLERS * TURNS + WARM)) * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('meet a reference that another process recorded meanwhile: its answer is the earlier one, and the others are posted once', async () => {
    const home = await house.makeLedger()
    const process = house.start()
    await warm(process, home)
    const wanted = references('mixed')
    for (const index of [3, 20, 40]) await mustRecord(house.main, home, sale(home, wanted[index] ?? '', '1'))
    const answers = await call(process, home, wanted).answers
    expect(answers.flatMap((state, index) => (state === 'recorded' ? [] : [[index, state]]))).toEqual([[3, 'duplicate'], [20, 'duplicate'], [40, 'duplicate']])
    expect(await sum(home)).toBe(BigInt(EVENTS + WARM) * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('give their connection to other lanes in between: eight lanes go on four connections', async () => {
    const homes = await Promise.all(Array.from({ length: 8 }, async () => await house.makeLedger({ inbox: false })))
    const process = house.start()
    const states = await Promise.all(
      homes.flatMap((home) => ['first', 'second', 'third'].map(async (prefix) => new Set(await call(process, home, references(prefix)).answers))),
    )
    expect(states).toEqual(states.map(() => new Set(['recorded'])))
    for (const home of homes) expect(await sum(home)).toBe(BigInt(3 * EVENTS) * COIN)
  })
})
