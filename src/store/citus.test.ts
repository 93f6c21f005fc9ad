// Citus: what would be run to spread the tables, that nothing is run without it, and the whole way of the money on several lanes where CITUS_URL
// names a database of a cluster. All other tests run there too, as far as they ask nothing of PostgreSQL that Citus has not.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { accounts, breaks, COIN, insertSale, legs, openHouse, record, round, runUntilStill, sale, type Home, type House } from '../../test/house.ts'
import { openLarge } from '../../test/large-ledger.ts'
import { paperDatabase, type PaperDatabase } from '../../test/paper-ledger.ts'
import { present } from '../core/assert.ts'
import { accountsOf, decideBatch } from '../core/posting.ts'
import { addPlanVersion } from '../engine/add-plan-version.ts'
import { explain } from '../engine/explain.ts'
import { exportJournal } from '../engine/export-journal.ts'
import { accountHistory } from '../engine/read-accounts.ts'
import { events, payoutCounts, payouts } from '../engine/read-ledger.ts'
import { recipient } from '../engine/read-recipient.ts'
import { ageing, top, totals } from '../engine/read-reports.ts'
import { eventMember } from '../engine/record-event.ts'
import { statement, statementLines } from '../engine/read-statement.ts'
import { verify } from '../engine/verify.ts'
import { citusOf, distributeTables, distribution } from './citus.ts'
import { runOnLane } from './posting.ts'
import { TABLES, tablesOf } from './tables.ts'
import { runUnit } from './unit.ts'
import { writeBatch } from './write-batch.ts'

const LANES = `'lane', colocate_with => 'apportion.head')`
const isCluster = process.env['CITUS_URL'] !== undefined

describe.skipIf(isCluster)('on plain PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(async () => await database.drop())

  it('there is no Citus, as the owner and as the server see it', async () => {
    expect(await citusOf(database.pool)).toBeNull()
    expect(await citusOf(database.appPool)).toBeNull()
  })

  it('nothing is distributed', async () => {
    expect(await distributeTables(database.pool)).toEqual([])
  })
})

describe('distributing', () => {
  it('copies server tables first and spreads lane tables beside their head', () => {
    const [mode, ...statements] = distribution(new Set())
    expect(mode).toBe(`set local citus.multi_shard_modify_mode to 'sequential'`)
    expect(statements.slice(0, 2)).toEqual([`select create_reference_table('apportion.ledger')`, `select create_reference_table('apportion.lane')`])
    const [head, ...others] = statements.slice(tablesOf('reference').length)
    expect(head).toBe(`select create_distributed_table('apportion.head', 'lane', colocate_with => 'none')`)
    expect(others).toEqual(tablesOf('lane').slice(1).map((table) => `select create_distributed_table('apportion.${table}', ${LANES}`))
  })

  it('leaves local tables where they are', () => {
    const named = distribution(new Set()).join('\n')
    expect(tablesOf('local').filter((table) => named.includes(`'apportion.${table}'`))).toEqual([])
  })

  it('goes on with what a later version adds', () => {
    const all = new Set(Object.keys(TABLES))
    expect(distribution(all)).toEqual([])
    all.delete('movement')
    expect(distribution(all).slice(1)).toEqual([`select create_distributed_table('apportion.movement', ${LANES}`])
  })
})

describe.skipIf(!isCluster)('tables on Citus', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(async () => await database.drop())

  const known = async (): Promise<Readonly<Record<string, string>>> => {
    const { rows } = await database.pool.query<{ name: string; kind: string }>(
      `select relname as name, case when partmethod = 'h' then 'lane' when repmodel = 't' then 'reference' else 'local' end as kind
        from pg_dist_partition join pg_class on pg_class.oid = logicalrelid where relnamespace = 'apportion'::regnamespace`,
    )
    return Object.fromEntries(rows.map(({ name, kind }) => [name, kind]))
  }

  it('are distributed once: lane tables together, local ones not at all', async () => {
    expect(await citusOf(database.appPool)).toMatchObject({ version: expect.any(String), workers: expect.any(Number) })
    expect(await distributeTables(database.pool)).toEqual([])
    expect(await known()).toEqual(Object.fromEntries(Object.entries(TABLES).filter(([, kind]) => kind !== 'local')))
    const { rows } = await database.pool.query<{ groups: bigint }>(`select count(distinct colocationid) as groups from pg_dist_partition where partmethod = 'h'`)
    expect(rows).toEqual([{ groups: 1n }])
  })

  it('keep their foreign keys between lane tables, and to those that are everywhere', async () => {
    const { rows } = await database.pool.query<{ from: string; to: string }>(
      `select own.relname as from, other.relname as to from pg_constraint join pg_class own on own.oid = conrelid join pg_class other on other.oid = confrelid
        where contype = 'f' and connamespace = 'apportion'::regnamespace order by 1, 2`,
    )
    const kinds = rows.map(({ from, to }) => `${TABLES[from]} to ${TABLES[to]}`)
    expect(new Set(kinds)).toEqual(new Set(['lane to lane', 'lane to reference', 'local to local', 'reference to reference']))
    expect(rows).toContainEqual({ from: 'settlement', to: 'attempt_payout' })
  })

  it('are distributed again where a version has added one', async () => {
    await database.pool.query(`select undistribute_table('apportion.checkpoint')`)
    expect(await distributeTables(database.pool)).toEqual(['checkpoint'])
    expect(await known()).toMatchObject({ checkpoint: 'lane' })
  })
})

const SALES = 40
const FUNDS = 100n

describe.skipIf(!isCluster)('a ledger of eight lanes on Citus', () => {
  let house: House
  let home: Home
  const references = Array.from({ length: SALES }, (_, index) => `sale ${index}`)
  const sales = () => references.map((reference) => sale(home, reference, '1'))
  const all = { cursor: null, limit: 1000 }
  const heads = async (): Promise<unknown> => (await house.database.pool.query('select lane, event, block, hash from apportion.head order by lane')).rows
  beforeAll(async () => {
    house = await openHouse()
    home = await house.makeLedger({ lanes: 8, funds: FUNDS })
  })
  afterAll(async () => await house.close())

  it('records in all lanes, one at a time and many at once, and answers a repeated reference with what it is', async () => {
    const [first, ...others] = sales()
    if (first !== undefined) expect((await record(house.main, home, [first])).map(({ state }) => state)).toEqual(['recorded'])
    expect(new Set((await record(house.main, home, others)).map(({ state }) => state))).toEqual(new Set(['recorded']))
    for (const process of [house.main, house.start()]) expect(new Set((await record(process, home, sales())).map(({ state }) => state))).toEqual(new Set(['duplicate']))
    const [other] = await record(house.main, home, [sale(home, 'sale 0', '2')])
    expect(other).toMatchObject({ state: 'refused' })
    const { rows } = await house.database.pool.query<{ lane: bigint; events: bigint }>(`select lane, count(*) as events from apportion.event group by lane`)
    expect(rows.length).toBeGreaterThan(4)
    expect(rows.reduce((sum, { events: some }) => sum + some, 0n)).toBe(BigInt(SALES))
  })

  it('writes nothing of a batch that fails at its end, though nobody began a transaction', async () => {
    const { store } = house.main.world
    const before = await heads()
    const member = eventMember(home.ledger, { input: sale(home, 'half', '1'), door: 'api', mayBackdate: false }, { now: house.now(), standing: {} })
    const write = await runOnLane(store, {
      ...{ lane: home.lane, digests: [], accounts: accountsOf(member), states: [], guards: [] },
      decide: ({ head, known }) => ({ abort: true, result: present(decideBatch(head, known, [member], house.now()).write ?? undefined, 'write') }),
    })
    const client = await store.hot.connect()
    try {
      await expect(runUnit(client, [...writeBatch(home.lane, write), { text: 'select 1 / count(*) from pg_class where false', values: [] }])).rejects.toThrow('division by zero')
    } finally {
      client.release()
    }
    expect(await heads()).toEqual(before)
    expect(await breaks(house, home)).toEqual([])
  })

  it('has all rows of a lane on one worker', async () => {
    const places = new Map<string, Set<string>>()
    for (const table of tablesOf('lane')) {
      const { rows } = await house.database.pool.query<{ node: string; lanes: string | null }>(
        `select nodename || ':' || nodeport as node, result as lanes from run_command_on_shards($1, 'select string_agg(distinct lane::text, '','') from %s')
          join citus_shards using (shardid)`,
        [`apportion.${table}`],
      )
      for (const { node, lanes } of rows) for (const lane of lanes?.match(/\d+/g) ?? []) places.getOrInsertComputed(lane, () => new Set()).add(node)
    }
    expect([...places.keys()].toSorted()).toEqual(home.ledger.lanes.map(String).toSorted())
    expect([...places.values()].map(({ size }) => size)).toEqual(home.ledger.lanes.map(() => 1))
  })

  it('pays all of it, once, with proof', async () => {
    await runUntilStill(house, home)
    for (const reference of references) expect(await legs(house, home, reference)).toEqual({ ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' })
    const { rows } = await house.database.pool.query(`select count(*) as settled from apportion.settlement`)
    expect(rows).toEqual([{ settled: 4n * BigInt(SALES) }])
  })

  it('reads over its lanes: balances, lists, histories, statements, reports, explanations, the journal', async () => {
    const { world } = house.main
    const { ledger } = home
    expect(await accounts(house, home)).toMatchObject({ expected: (BigInt(SALES) - FUNDS) * COIN, received: 0n, 'payable:ai': 0n, 'in_flight:ai': 0n })
    expect((await events(world, ledger, all)).items.map(({ reference }) => reference).toSorted()).toEqual(references.toSorted())
    const pages: string[] = []
    for (let cursor: string | null = null, page; page === undefined || cursor !== null; cursor = page.next) {
      page = await events(world, ledger, { cursor, limit: 7 })
      pages.push(...page.items.map(({ reference }) => reference))
    }
    expect(pages.toSorted()).toEqual(references.toSorted())
    expect((await payouts(world, ledger, { state: 'settled', ...all })).items).toHaveLength(4 * SALES)
    expect((await payoutCounts(world, ledger)).map(({ state, payouts: count }) => [state, count])).toEqual([['settled', String(4 * SALES)]])
    const history = await accountHistory(world, ledger, { account: 'payable:ai', order: 'newest', ...all })
    expect(history.items).toHaveLength(2 * SALES)
    for (const by of ['recorded_at', 'event_at'] as const) {
      const { assets } = await statement(world, ledger, { recipient: 'ai', from: null, to: null, by })
      expect(assets).toMatchObject([{ opening: { units: '0' }, earned: { units: String(32n * COIN) }, paid: { units: String(32n * COIN) }, closing: { units: '0' } }])
      expect((await statementLines(world, ledger, { recipient: 'ai', from: null, to: null, by, ...all })).items.length).toBeGreaterThanOrEqual(2 * SALES)
    }
    expect((await totals(world, ledger, { at: null })).map(({ role }) => role)).toContain('payable')
    expect((await top(world, ledger, { by: 'earned', from: null, to: null, limit: 1 })).map(({ recipient, units }) => [recipient, units])).toEqual([['ai', String(32n * COIN)]])
    expect((await top(world, ledger, { by: 'payable', from: null, to: null, limit: 3 }))).toEqual([])
    expect(await ageing(world, ledger)).toEqual([])
    expect(await recipient(world, ledger, 'ai')).toMatchObject({ recipient: 'ai' })
    expect(await explain(world, ledger, 'sale 7')).toMatchObject({ asked: { subject: 'sale 7' } })
    let journal = ''
    const { lanes } = await exportJournal(world, ledger, {}, async (text) => void (journal += await Promise.resolve(text)))
    expect(lanes).toHaveLength(8)
    expect(references.filter((reference) => !journal.includes(`"reference":"${reference}"`) && !journal.includes(`"reference" : "${reference}"`))).toEqual([])
  })

  it('takes a new plan in all lanes, takes a row that somebody inserted, and verifies', async () => {
    const ledger = await house.main.ledgers.open(home.name)
    const shares = [['ai', '70', { recipient: 'ai' }], ['dao', '25', { recipient: 'dao' }], ['lucky', '3', { recipient: 'lucky' }], ['creator', '2', { party: 'creator' }]]
    const content = {
      steps: [{ name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: shares.map(([role, weight, to]) => ({ role, to, weight })) }, rounding: 'largest-remainder' }],
    }
    await addPlanVersion(house.main.world, ledger, { content, effectiveFrom: null })
    house.elapse({ seconds: 1 })
    const recorded = await record(house.main, home, references.map((reference) => sale(home, `new ${reference}`, '1')))
    expect(new Set(recorded.map((result) => result.state === 'recorded' && result.event.plan))).toEqual(new Set([2]))
    await insertSale(house, home, 'by SQL', '1')
    await round(house.main, home)
    expect((await events(house.main.world, ledger, all)).items.map(({ reference }) => reference)).toContain('by SQL')
    expect(await breaks(house, home)).toEqual([])
  })
})

describe.skipIf(!isCluster)('a large distribution on Citus', () => {
  let paper: PaperDatabase
  beforeAll(async () => {
    paper = await paperDatabase()
  })
  afterAll(async () => await paper.drop())

  it('is posted in chunks, paid and verified', async () => {
    const ledger = await openLarge(paper, 'large')
    const holders = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`holder-${index}`, String(index + 1)]))
    const { snapshot } = await ledger.snapshot('holders', holders, { block: 16, most: 1000 })
    await ledger.recordBy('dividend', 5050n, snapshot.hash, 16)
    await ledger.complete()
    await ledger.makePayouts()
    expect((await ledger.payouts()).toSorted()).toEqual(Object.entries(holders).map(([recipient, units]) => `${recipient} ${units} held`).toSorted())
    expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
  })
})
