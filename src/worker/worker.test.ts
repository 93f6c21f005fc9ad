// The worker: everything that is to be done is done without anybody asking, through outages of database and network, until it is stopped.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../test/effects.ts'
import { openGate } from '../../test/gate.ts'
import {
  breaks, COIN, insertSale, legs, mustRecord, nameAddress, onChain, openHouse, paymentsTo, sale, statusOf, type Home, type House, type Parts, type Process,
} from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { slotOf } from '../core/lane-slots.ts'
import { lanePosition } from '../core/reference.ts'
import type { Rail } from '../rails/rail.ts'
import { createWorker, type Worker } from './worker.ts'

// A house for each test: workers divide the lanes of all ledgers of a database, so that what an earlier test left would decide who gets what.
let house: House
beforeEach(async () => {
  house = await openHouse()
})
const working: Worker[] = []
afterEach(async () => {
  house.chain.knobs({ requestLossRate: 0 })
  await stopAll()
  await house.close()
})

const SETTLED = { ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' }

function work(parts: Parts = {}): { worker: Worker; process: Process } {
  const process = house.start(parts)
  const worker = createWorker(process.world, process)
  working.push(worker)
  worker.start()
  return { worker, process }
}

/** A worker that stops in the middle of a step waits for its answer, which may take time to come. */
async function stopAll(): Promise<void> {
  let stopped = false
  const stopping = Promise.all(working.splice(0).map(async (worker) => await worker.stop())).then(() => (stopped = true))
  await passingTime('the workers to stop', () => (stopped ? true : undefined))
  await stopping
}

/** Lets slots and time go by until `look` gives something. */
async function passingTime<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  return await until(what, async () => {
    house.chain.pass(1)
    house.elapse({ milliseconds: 20 })
    return await look()
  })
}

async function isPaid(home: Home, reference: string, expected: Readonly<Record<string, string>> = SETTLED): Promise<true | undefined> {
  const status = await statusOf(house, home, reference)
  if (status?.state !== 'recorded') return undefined
  const found = await legs(house, home, reference)
  return JSON.stringify(found) === JSON.stringify(expected) ? true : undefined
}

const isWell = (worker: Worker) => (): true | undefined => (worker.faults().length === 0 ? true : undefined)

describe('a worker', () => {
  it('makes events of rows, pays their shares, sees money come, and pays what waited when its obstacle is gone', async () => {
    const home = await house.makeLedger({ creator: false })
    const { worker } = work()
    await insertSale(house, home, 'row', '100')
    await passingTime('the legs to wait for money', async () => await isPaid(home, 'row', { ai: 'no_funds', dao: 'no_funds', lucky: 'no_funds', creator: 'creator_unknown' }))
    house.chain.fund(home.wallet.address, 101n * COIN)
    await passingTime('three legs to be paid', async () => await isPaid(home, 'row', { ...SETTLED, creator: 'creator_unknown' }))
    await nameAddress(house.main, home, home.token, home.addresses.creator)
    await passingTime('the fourth leg to be paid', async () => await isPaid(home, 'row'))
    expect(worker.faults()).toEqual([])
    await stopAll()
    const { ai, dao, lucky, creator } = home.addresses
    expect(await Promise.all([ai, dao, lucky, creator].map((address) => onChain(house, address)))).toEqual([80n, 15n, 3n, 2n].map((coins) => coins * COIN))
    expect(await breaks(house, home)).toEqual([])
  })

  it('notices a ledger that was made after it started', async () => {
    work()
    await passingTime('a while', () => true)
    const home = await house.makeLedger({ funds: 101n })
    await insertSale(house, home, 'later', '100')
    expect(await passingTime('the legs to be paid', async () => await isPaid(home, 'later'))).toBe(true)
  })

  it('beside others on one database shares their work, and each leg is paid once', async () => {
    const home = await house.makeLedger({ funds: 1001n, lanes: 2 })
    const workers = [work(), work(), work()]
    const references = Array.from({ length: 10 }, (_, index) => `shared ${index}`)
    for (const reference of references) await insertSale(house, home, reference, '100')
    for (const reference of references) await passingTime('the legs to be paid', async () => await isPaid(home, reference))
    await stopAll()
    expect(workers.flatMap(({ worker }) => worker.faults())).toEqual([])
    expect(await onChain(house, home.addresses.ai)).toBe(800n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })

  it('beside another has lanes of its own: nothing is prepared or looked at twice, and what one leaves the other takes', async () => {
    const home = await house.makeLedger({ funds: 1001n, lanes: 4 })
    // What each process prepared, payout by payout, and how often it looked at attempts.
    const prepared: string[][] = [[], []]
    const looked: string[][] = [[], []]
    const start = (index: number): Worker =>
      work({
        rail: (rail) => ({
          ...rail,
          prepare: async (input) => {
            prepared[index]?.push(...input.payouts.map(({ id }) => id))
            return await rail.prepare(input)
          },
          look: async (inputs) => {
            looked[index]?.push(...inputs.map(({ attempt }) => attempt.identity))
            return await rail.look(inputs)
          },
        }),
      }).worker
    const workers = [start(0), start(1)]
    const slots = new Set(home.ledger.lanes.map(slotOf))
    const parts = async (): Promise<readonly number[]> => {
      const { rows } = await house.database.pool.query<{ slots: bigint }>(
        `select count(*) as slots from pg_locks where locktype = 'advisory' and objsubid = 2 and granted and objid::bigint = any ($1)
          and database = (select oid from pg_database where datname = current_database()) group by pid`,
        [[...slots]],
      )
      return rows.map((row) => Number(row.slots))
    }
    await passingTime('the lanes to be divided', async () => {
      const found = await parts()
      return found.length === 2 && found.reduce((all, part) => all + part, 0) === slots.size ? true : undefined
    })
    const references = Array.from({ length: 24 }, (_, index) => `divided ${index}`)
    expect(new Set(references.map((reference) => lanePosition(reference, 4))).size).toBe(4)
    for (const reference of references) await insertSale(house, home, reference, '10')
    for (const reference of references) await passingTime('the legs to be paid', async () => await isPaid(home, reference))
    expect(workers.flatMap((worker) => worker.faults())).toEqual([])
    const { rows } = await house.database.pool.query<{ payout: string; lane: bigint }>(`select payout, lane from apportion.payout where lane = any ($1)`, [home.ledger.lanes])
    const laneOf = new Map(rows.map(({ payout, lane }) => [payout, lane]))
    expect(prepared.flat().toSorted()).toEqual([...laneOf.keys()].toSorted())
    const [one = [], other = []] = prepared.map((ids) => [...new Set(ids.map((id) => laneOf.get(id)))])
    expect([one.length > 0, other.length > 0, one.some((lane) => other.includes(lane))]).toEqual([true, true, false])
    expect(looked[0]?.filter((identity) => looked[1]?.includes(identity))).toEqual([])

    await workers[0]?.stop()
    for (const reference of references) await insertSale(house, home, `${reference} more`, '1')
    for (const reference of references) await passingTime('the legs to be paid', async () => await isPaid(home, `${reference} more`))
    await stopAll()
    expect(await parts()).toEqual([])
    expect(await breaks(house, home)).toEqual([])
  })

  it('serves the other ledgers when one cannot be opened, and says which', async () => {
    const { worker } = work()
    const broken = crypto.randomUUID()
    await house.database.pool.query(
      `insert into apportion.ledger (ledger, name, program, sandbox, rail, created_at) values ($1, 'of-tomorrow', 'unheard-of', true, 'solana', now())`,
      [broken],
    )
    const home = await house.makeLedger({ funds: 101n })
    await insertSale(house, home, 'today', '100')
    await passingTime('the legs to be paid', async () => await isPaid(home, 'today'))
    expect(worker.faults()).toEqual([{ task: 'ledgers', reason: expect.stringContaining('unheard-of') }])
    await house.database.pool.query('delete from apportion.ledger where ledger = $1', [broken])
    await passingTime('all to be well', isWell(worker))
  })
})

describe('an outage', () => {
  it('of the network is told once a task, holds up nothing else, and is over when it is over', async () => {
    const home = await house.makeLedger({ funds: 101n })
    house.chain.knobs({ requestLossRate: 1 })
    let tries = 0
    const counting = (rail: Rail): Rail => ({ ...rail, prepare: async (input) => ((tries += 1), await rail.prepare(input)) })
    const { worker, process } = work({ rail: counting })
    await insertSale(house, home, 'offline', '100')
    await passingTime('the sending to fail', () => worker.faults().find(({ task }) => task.startsWith(`send ${home.name}`)))
    expect(await statusOf(house, home, 'offline')).toMatchObject({ state: 'recorded' })
    expect(await legs(house, home, 'offline')).toEqual({ ai: 'queued', dao: 'queued', lucky: 'queued', creator: 'queued' })
    await passingTime('more tries', () => (tries > 4 ? true : undefined))
    const told = process.logged.filter((line) => line.includes(`"task":"send ${home.name} 0"`))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('the connection failed')
    house.chain.knobs({ requestLossRate: 0 })
    await passingTime('the legs to be paid', async () => await isPaid(home, 'offline'))
    await passingTime('all to be well', isWell(worker))
    expect(await paymentsTo(house, home.addresses.ai)).toHaveLength(1)
  })

  it('of the database is told, and everything goes on by itself afterwards', async () => {
    const home = await house.makeLedger({ funds: 301n })
    const gate = await openGate(house.database.appUrl)
    const { worker } = work({ databaseUrl: gate.through(house.database.appUrl) })
    await insertSale(house, home, 'before', '100')
    await passingTime('the legs to be under way', async () => ((await statusOf(house, home, 'before'))?.state === 'recorded' ? true : undefined))
    gate.shut()
    await insertSale(house, home, 'during', '100')
    await mustRecord(house.main, home, sale(home, 'by another', '100'))
    await passingTime('all tasks to fail', () => (worker.faults().some(({ task }) => task === `agenda ${home.name} 0`) ? true : undefined))
    for (let turn = 0; turn < 20; turn += 1) await passingTime('a while', () => true)
    gate.open()
    for (const reference of ['before', 'during', 'by another']) await passingTime('the legs to be paid', async () => await isPaid(home, reference))
    await passingTime('all to be well', isWell(worker))
    await stopAll()
    await gate.close()
    expect(await onChain(house, home.addresses.creator)).toBe(6n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('stopping', () => {
  it('ends all tasks, also those that rest, and nothing is asked any more', async () => {
    await house.makeLedger({ funds: 1n })
    let asked = 0
    const { worker, process } = work({ store: (store) => watchedStore(store, () => void (asked += 1)) })
    await passingTime('some work', () => (asked > 50 ? true : undefined))
    await worker.stop()
    const before = asked
    await process.world.store.close()
    for (let turn = 0; turn < 20; turn += 1) await passingTime('a while', () => true)
    expect(asked).toBe(before)
    await worker.stop()
  })

  it('waits for the step at hand, and begins no other', async () => {
    // Without funds nothing is posted but the sale.
    const home = await house.makeLedger()
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    let reached = false
    const { worker } = work({
      store: (store) =>
        watchedStore(store, async ({ moment, statement }) => {
          if (moment !== 'before' || !statement.startsWith('move-head') || reached) return
          reached = true
          await held
        }),
    })
    await insertSale(house, home, 'at hand', '100')
    await passingTime('the step', () => (reached ? true : undefined))
    let stopped = false
    const stopping = worker.stop().then(() => (stopped = true))
    for (let turn = 0; turn < 10; turn += 1) await passingTime('a while', () => true)
    expect(stopped).toBe(false)
    // Steps of other tasks were at hand too: what they asked before anything was recorded must be answered before it is.
    await until('the other steps to end', async () => {
      const { rows: busy } = await house.database.pool.query(
        `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`,
      )
      return busy.length === 0 ? true : undefined
    })
    letGo()
    await stopping
    expect(await statusOf(house, home, 'at hand')).toMatchObject({ state: 'recorded' })
    const { rows } = await house.database.pool.query('select from apportion.payout where lane = $1', [home.lane])
    expect(rows).toEqual([])
  })

  it('before anything began is at once', async () => {
    const process = house.start()
    const worker = createWorker(process.world, process)
    await worker.stop()
    worker.start()
    await worker.stop()
    expect(worker.faults()).toEqual([])
  })
})
