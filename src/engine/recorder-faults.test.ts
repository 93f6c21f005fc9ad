// Faults on the way of events into the ledger, each while calls wait: what was answered is there once; what was not is there once or not at
// all, and the same reference sent again, to another server, says which. After each the journal is sound.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openGate, type Gate, type Side } from '../../test/gate.ts'
import { until } from '../../test/effects.ts'
import { accounts, breaks, mustRecord, openHouse, record, sale, type Home, type House, type Process } from '../../test/house.ts'
import { Refusal } from '../core/refusal.ts'
import { createPool } from '../store/pool.ts'

let house: House
let gate: Gate
beforeAll(async () => {
  house = await openHouse()
  gate = await openGate(house.database.appUrl)
})
afterAll(async () => {
  await gate.close()
  await house.close()
})

/** As many as go in two postings. */
const CALLS = 20
const TABLES = ['head', 'block', 'account', 'balance', 'transfer', 'reference', 'event'] as const

const names = (prefix: string): readonly string[] => Array.from({ length: CALLS }, (_, index) => `${prefix} ${index}`)

/** Calls of one event each, all at once, with the answer of each: a state, or a refusal's code. */
async function call(process: Process, home: Home, references: readonly string[], token: string = home.token): Promise<readonly string[]> {
  return await Promise.all(references.map(async (reference) => {
    try {
      const [result] = await record(process, home, [sale(home, reference, '1', { token_id: token })])
      return result?.state ?? 'nothing'
    } catch (error) {
      if (error instanceof Refusal) return error.code
      throw error
    }
  }))
}

/** Sends all again to another server: each that was answered is known there, each is stored once, and the journal is sound. */
async function audit(home: Home, references: readonly string[], told: readonly string[], token?: string): Promise<readonly string[]> {
  const again = await call(house.main, home, references, token)
  for (const [index, answer] of told.entries()) {
    expect(['recorded', 'database_unavailable']).toContain(answer)
    expect(answer === 'recorded' ? ['duplicate'] : ['recorded', 'duplicate']).toContain(again[index])
  }
  const { rows } = await house.database.pool.query<{ reference: string; times: bigint }>(
    'select reference, count(*) as times from apportion.event where lane = $1 and reference = any ($2) group by reference',
    [home.lane, references],
  )
  expect(rows.filter(({ times }) => times === 1n).map(({ reference }) => reference).toSorted()).toEqual([...references].toSorted())
  return again
}

/** Whatever was recorded: the accounts hold exactly that, and `verify` finds nothing. */
async function auditAll(home: Home): Promise<void> {
  const { rows } = await house.database.pool.query<{ events: bigint }>('select count(*) as events from apportion.event where lane = $1', [home.lane])
  expect((await accounts(house, home))['expected']).toBe((rows[0]?.events ?? 0n) * 1_000_000_000n)
  expect(await breaks(house, home)).toEqual([])
}

/** The first event is posted under the lock, the second from memory. */
async function warm(process: Process, home: Home, prefix: string): Promise<void> {
  for (const index of [1, 2]) await mustRecord(process, home, sale(home, `${prefix} warm ${index}`, '1'))
}

describe('a network that tears a message in two', () => {
  it.each<readonly [string, boolean, number]>([
    ['of events posted from memory', false, 1],
    ['of events with new parties, posted under the lock', true, 3],
  ])('wherever it is, %s: nothing is lost and nothing twice', async (kind, isNew, stride) => {
    const home = await house.makeLedger()
    const process = house.start({ databaseUrl: gate.through(house.database.appUrl) })
    const token = (): string => (isNew ? crypto.randomUUID() : home.token)
    await warm(process, home, 'first')
    gate.tear(null)
    await call(process, home, names('whole'), token())
    const whole = { ...gate.passed() }
    expect(whole.client).toBeGreaterThan(20)
    let torn = 0
    let known = 0
    for (const from of ['client', 'server'] as const satisfies readonly Side[]) {
      for (let place = 0; place < whole[from]; place += stride) {
        const references = names(`${kind} ${from} ${place}`)
        const party = token()
        await warm(process, home, `${kind} ${from} ${place}`)
        gate.tear({ from, place })
        const told = await call(process, home, references, party)
        gate.tear(null)
        const again = await audit(home, references, told, party)
        if (told.includes('database_unavailable')) torn += 1
        if (told.some((answer, index) => answer === 'database_unavailable' && again[index] === 'duplicate')) known += 1
      }
    }
    // Most tear a posting; where the answer is torn, the events are there although nobody was told.
    expect(torn).toBeGreaterThan((whole.client + whole.server) / stride / 2)
    expect(known).toBeGreaterThan(0)
    await auditAll(home)
  })
})

/** Lets every statement on a table fail as PostgreSQL does on a full disk, at once or only at the commit. */
async function fill(table: string, when: 'writing' | 'committing', work: () => Promise<void>): Promise<void> {
  const { pool } = house.database
  await pool.query(`create function disk_full() returns trigger language plpgsql as $$
    begin raise exception using errcode = 'disk_full', message = 'could not extend file: No space left on device'; end $$`)
  const event = table === 'head' ? 'update' : 'insert'
  await pool.query(
    when === 'writing'
      ? `create trigger disk_full before ${event} on apportion.${table} for each statement execute function disk_full()`
      : `create constraint trigger disk_full after ${event} on apportion.${table} deferrable initially deferred for each row execute function disk_full()`,
  )
  try {
    await work()
  } finally {
    await pool.query(`drop trigger disk_full on apportion.${table}; drop function disk_full()`)
  }
}

describe('a full disk', () => {
  it.each([...TABLES.map((table) => [table, 'writing'] as const), ['block', 'committing'] as const])('found at %s when %s is an orderly "come back": nothing was written', async (table, when) => {
    const home = await house.makeLedger()
    const process = house.start()
    await warm(process, home, 'first')
    const [references, strangers] = [names('known'), names('new')]
    const token = crypto.randomUUID()
    await fill(table, when, async () => {
      expect(new Set(await call(process, home, strangers, token))).toEqual(new Set(['database_unavailable']))
      // Of known parties no account is made.
      if (table !== 'account') expect(new Set(await call(process, home, references))).toEqual(new Set(['database_unavailable']))
    })
    expect(new Set(await call(process, home, strangers, token))).toEqual(new Set(['recorded']))
    expect(new Set(await call(process, home, references))).toEqual(new Set(['recorded']))
    await auditAll(home)
  })
})

/** Longer than any statement takes on a busy machine. */
const IMPATIENT_MS = 700

describe('a statement that takes too long', () => {
  it.each(['head', 'transfer', 'event'] as const)('while it waits for %s is ended, and whoever waited hears of it', async (table) => {
    const home = await house.makeLedger()
    const hot = createPool({ url: house.database.appUrl, max: 4, applicationName: 'impatient', pipeline: true, statementTimeoutMs: IMPATIENT_MS })
    const process = house.start({ store: (store) => ({ ...store, hot }) })
    const client = await house.database.pool.connect()
    try {
      await warm(process, home, 'first')
      await client.query('begin')
      if (table === 'head') await client.query('select from apportion.head where lane = $1 for update', [home.lane])
      else await client.query(`lock table apportion.${table} in exclusive mode`)
      const references = names('late')
      const told = await call(process, home, references)
      expect(told).toContain('database_unavailable')
      await client.query('rollback')
      await audit(home, references, told)
      expect(await call(process, home, names('later'))).toContain('recorded')
      await auditAll(home)
    } finally {
      await client.query('rollback')
      client.release()
      await hot.end()
    }
  })
})

describe('a deadlock', () => {
  it.each([
    ['of postings from memory: they are decided again', false],
    ['of a posting under the lock: whoever waited hears of it', true],
  ] as const)('%s', async (_, isNew) => {
    const home = await house.makeLedger()
    // For connections from now on: our posting finds the deadlock, not the other one.
    await house.database.pool.query(`do $$ begin execute format('alter database %I set deadlock_timeout = %L', current_database(), '100ms'); end $$`)
    const process = house.start()
    const token = isNew ? crypto.randomUUID() : home.token
    const client = await house.database.pool.connect()
    try {
      await warm(process, home, 'first')
      await client.query('begin')
      await client.query('lock table apportion.event in exclusive mode')
      const references = names('crossed')
      const called = call(process, home, references, token)
      // Ours has the head and waits for the table.
      await until('it waits', async () => {
        const { rowCount } = await house.database.pool.query(
          `select from pg_locks where relation = 'apportion.event'::regclass and not granted and database = (select oid from pg_database where datname = current_database())`,
        )
        return rowCount === 1 ? true : undefined
      })
      const victim = await client.query('select from apportion.head where lane = $1 for update', [home.lane]).then(() => 'ours', () => 'theirs')
      await client.query('rollback')
      const told = await called
      // Ours is the one that ends it, unless this machine was too busy for the other one to come in time.
      if (victim === 'ours') {
        // Decided again, a posting may meet the other one once more before that has woken up.
        if (isNew) expect(told).toContain('database_unavailable')
        else expect(process.world.store.lanes.of(home.lane).failures).toBeGreaterThan(0)
      }
      await audit(home, references, told, token)
      await auditAll(home)
    } finally {
      await client.query('rollback')
      client.release()
      await house.database.pool.query(`do $$ begin execute format('alter database %I reset deadlock_timeout', current_database()); end $$`)
    }
  })
})

describe('a clock that jumps back', () => {
  it('between servers and under load never takes the journal back with it', async () => {
    const home = await house.makeLedger()
    let jumps = 0
    const jumping = house.start({ now: () => house.now().subtract({ minutes: (jumps += 7) % 60 }) })
    const told = (await Promise.all([jumping, house.main].map(async (process, place) => await call(process, home, names(`clock ${place}`))))).flat()
    expect(new Set(told)).toEqual(new Set(['recorded']))
    const { rows } = await house.database.pool.query<{ backwards: bigint; blocks: bigint }>(
      `select count(*) as blocks, count(*) filter (where recorded_at < earlier) as backwards
        from (select recorded_at, lag(recorded_at) over (order by number) as earlier from apportion.block where lane = $1) block`,
      [home.lane],
    )
    expect(rows[0]?.backwards).toBe(0n)
    expect(rows[0]?.blocks).toBeGreaterThan(2n)
    await auditAll(home)
  })
})
