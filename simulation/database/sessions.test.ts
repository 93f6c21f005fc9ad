// What a simulated server's pools meet, the same on PostgreSQL in this process and on a real server.

import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { Pool, PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLaneLocks } from '../../src/store/lane-locks.ts'
import { createPool } from '../../src/store/pool.ts'
import { rows } from '../../src/store/statement.ts'
import { runUnit, type Step } from '../../src/store/unit.ts'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { until } from '../../test/effects.ts'
import type { Host } from './host.ts'
import { openInProcess } from './in-process.ts'
import type { SqlState } from './refusals.ts'
import { openServer } from './server.ts'
import { createSessions, type About, type Sessions, type Verdict } from './sessions.ts'

const TABLE = 'create table public.line (number integer primary key, text text); grant select, insert, update on public.line to public'

type Opened = { readonly host: Host; readonly close: () => Promise<void> }

async function inProcess(): Promise<Opened> {
  const host = await openInProcess()
  return { host, close: host.close }
}

async function onServer(): Promise<Opened> {
  const database: TestDatabase = await testDatabase()
  const { url: owner, appUrl: app, signerUrl: signer } = database
  // Nobody may be connected to what is copied.
  await Promise.all([database.pool.end(), database.appPool.end(), database.signerPool.end()])
  const host = await openServer({ owner, app, signer })
  return { host, close: host.close }
}

describe.each([
  ['in this process', inProcess],
  ['on a real server', onServer],
])('sessions %s', (_, open) => {
  let opened: Opened
  let host: Host
  let sessions: Sessions
  let heard: About[]
  let verdict: (about: About) => Verdict | Promise<Verdict>

  /** Beside the sessions that are tried. */
  async function asOwner<T>(work: (owner: Pool) => Promise<T>): Promise<T> {
    const own = createSessions(host, () => Promise.resolve('run'))
    const owner = createPool({ url: host.urls.owner, max: 1, applicationName: 'test', stream: own.streams('owner') })
    const done = await work(owner)
    await owner.end()
    await own.end()
    return done
  }

  beforeAll(async () => {
    opened = await open()
    host = opened.host
    await asOwner(async (owner) => await owner.query(TABLE))
    await host.keep()
  })
  afterAll(async () => {
    await opened.close()
  })
  beforeEach(() => {
    heard = []
    verdict = () => 'run'
    sessions = createSessions(host, async (about) => {
      heard.push(about)
      return await verdict(about)
    })
  })
  afterEach(async () => {
    await sessions.end()
    await asOwner(async (owner) => await owner.query('truncate public.line'))
  })

  function poolOf(process: string, { role = 'app', max = 1, pipelined = false }: { role?: keyof Host['urls']; max?: number; pipelined?: boolean } = {}): Pool {
    return createPool({ url: host.urls[role], max, applicationName: 'test', stream: sessions.streams(process), pipeline: pipelined })
  }
  const numbers = async (): Promise<readonly number[]> => {
    const found = await asOwner(async (owner) => await rows<{ number: number }>(owner, { text: 'select number from public.line order by number', values: [] }))
    return found.map(({ number }) => number)
  }
  const insert = (number: number): { text: string; values: unknown[] } => ({ text: 'insert into public.line values ($1, $2)', values: [number, 'a'] })
  const onNext = (text: string, what: Verdict): void => {
    let isDone = false
    verdict = ({ statements }) => {
      if (isDone || !statements.some((statement) => statement.startsWith(text))) return 'run'
      isDone = true
      return what
    }
  }
  const failure = async (work: Promise<unknown>): Promise<{ readonly code: string | undefined; readonly message: string }> => {
    const error: unknown = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    const { code, message } = error as { code?: string; message: string }
    return { code, message }
  }

  it('carry out statements with the rights of their own role', async () => {
    const [app, signer, owner] = [poolOf('a'), poolOf('a', { role: 'signer' }), poolOf('a', { role: 'owner' })]
    expect(await failure(app.query('delete from apportion.transfer'))).toMatchObject({ code: '42501' })
    expect(await failure(signer.query('select secret_hash from apportion.api_key'))).toMatchObject({ code: '42501' })
    expect((await owner.query('delete from apportion.transfer')).rowCount).toBe(0)
    expect(await failure(app.query('update apportion.transfer set units = 1'))).toMatchObject({ code: '42501' })
    for (const [pool, role] of [[app, 'app'], [signer, 'signer'], [owner, 'owner']] as const) {
      const { rows: found } = await pool.query<{ session: string; now: string }>('select session_user::text as session, current_user::text as now')
      const name = new URL(host.urls[role]).username
      expect(found).toEqual([{ session: name, now: name }])
    }
  })

  it('tell the gate who asks what, and whether a transaction is open', async () => {
    const pool = poolOf('first')
    await pool.query({ ...insert(1), name: 'insert-line' })
    await pool.query(insert(2))
    const client = await pool.connect()
    for (const text of ['begin', 'select 1', 'commit']) await client.query(text)
    client.release()
    expect(heard.map(({ statements, inTransaction }) => [statements, inTransaction])).toEqual([
      [['insert-line'], false],
      [['insert into public.line values ($1, $2)'], false],
      [['begin'], false],
      [['select 1'], true],
      [['commit'], true],
    ])
    expect(heard[0]).toMatchObject({ process: 'first', session: 1, role: new URL(host.urls.app).username })
  })

  it.each([
    ['lose-before', []],
    ['lose-after', [1]],
  ] as const)('break before or after a statement was carried out: %s', async (what, found) => {
    const pool = poolOf('a')
    onNext('insert', what)
    expect(await failure(pool.query(insert(1)))).toMatchObject({ code: 'ECONNRESET' })
    expect(await numbers()).toEqual(found)
    await pool.query(insert(2))
    expect(await numbers()).toEqual([...found, 2])
    expect(heard.map(({ session }) => session)).toEqual([1, 2])
  })

  it.each([
    ['insert', 'lose-before', []],
    ['insert', 'lose-after', []],
    ['commit', 'lose-before', []],
    ['commit', 'lose-after', [1]],
  ] as const)('break around %s of a transaction (%s), which is whole or rolled back', async (text, what, found) => {
    const pool = poolOf('a')
    onNext(text, what)
    const client = await pool.connect()
    client.on('error', () => {})
    await client.query('begin')
    const work = (async () => {
      await client.query(insert(1))
      await client.query('commit')
    })()
    expect(await failure(work)).toMatchObject({ code: 'ECONNRESET' })
    client.release(true)
    expect(await numbers()).toEqual(found)
    await pool.query(insert(2))
  })

  it.each(['40001', '40P01', '53100', '57014'] satisfies SqlState[])('refuse with %s, which aborts the transaction', async (code) => {
    const pool = poolOf('a')
    onNext('insert', { refuse: code })
    expect(await failure(pool.query(insert(1)))).toMatchObject({ code })
    await pool.query(insert(2))
    onNext('insert', { refuse: code })
    const client = await pool.connect()
    await client.query('begin')
    await client.query('select 1')
    expect(await failure(client.query(insert(3)))).toMatchObject({ code })
    expect(await failure(client.query(insert(4)))).toMatchObject({ code: '25P02' })
    await client.query('commit')
    client.release()
    expect(await numbers()).toEqual([2])
  })

  it('refuse a statement whose name begins with an ending word, after which the transaction is still to be ended', async () => {
    const pool = poolOf('a')
    onNext('end-lines', { refuse: '40001' })
    const client = await pool.connect()
    await client.query('begin')
    expect(await failure(client.query({ ...insert(1), name: 'end-lines' }))).toMatchObject({ code: '40001' })
    expect(await failure(client.query(insert(2)))).toMatchObject({ code: '25P02' })
    await client.query('rollback')
    client.release()
    expect(await numbers()).toEqual([])
  })

  it('refuse a commit, after which the transaction is over', async () => {
    const pool = poolOf('a')
    onNext('commit', { refuse: '40001' })
    const client = await pool.connect()
    await client.query('begin')
    await client.query(insert(1))
    expect(await failure(client.query('commit'))).toMatchObject({ code: '40001' })
    await client.query(insert(2))
    client.release()
    expect(await numbers()).toEqual([2])
  })

  it('end with an error when an operator stops them', async () => {
    const pool = poolOf('a')
    onNext('insert', { refuse: '57P01' })
    expect(await failure(pool.query(insert(1)))).toMatchObject({ code: '57P01' })
    await pool.query(insert(2))
    expect(await numbers()).toEqual([2])
  })

  const lines = (...given: readonly number[]): Step => ({
    name: 'copy-line',
    copy: 'copy public.line (number, text) from stdin',
    lines: given.map((number) => `${number}\tcopied\n`).join(''),
  })
  const unit = async (pool: Pool, ...steps: readonly (readonly Step[])[]): Promise<readonly string[]> => {
    const client = await pool.connect()
    client.on('error', () => {})
    const answers = await Promise.allSettled(steps.map(async (each) => await runUnit(client, each)))
    client.release()
    return answers.map((answer) => (answer.status === 'fulfilled' ? 'done' : ((answer.reason as { code?: string }).code ?? 'lost')))
  }

  it('carry out units of statements and COPY lines whole or not at all, several on their way', async () => {
    const pool = poolOf('a', { pipelined: true })
    const both = (...given: readonly number[]): readonly Step[] => [{ ...insert(given[0] ?? 0), name: 'insert-line' }, lines(...given.slice(1))]
    expect(await unit(pool, both(1, 2, 3), both(4, 5, 1), both(6, 7), [lines(8), { text: 'select 1 / 0', values: [] }])).toEqual(['done', '23505', 'done', '22012'])
    expect(await numbers()).toEqual([1, 2, 3, 6, 7])
    expect(await unit(pool, both(9, 10))).toEqual(['done'])
    onNext('unit insert-line', { refuse: '40P01' })
    expect(await unit(pool, both(11, 12), both(13, 14))).toEqual(['40P01', 'done'])
    onNext('unit insert-line', 'lose-after')
    expect(await unit(pool, both(15, 16))).toEqual(['ECONNRESET'])
    expect(await unit(pool, both(17, 18))).toEqual(['done'])
    expect(await numbers()).toEqual([1, 2, 3, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18])
    expect(heard[0]?.statements).toEqual(['unit insert-line', 'unit copy-line'])
  })

  it('take COPY lines as a stream', async () => {
    const client = await poolOf('a').connect()
    await pipeline(Readable.from(['1\ta\n2\t', 'b\n']), client.query(copyFrom('copy public.line (number, text) from stdin')))
    const again = pipeline(Readable.from(['2\ta\n']), client.query(copyFrom('copy public.line (number, text) from stdin')))
    expect(await failure(again)).toMatchObject({ code: '23505' })
    expect((await client.query<{ count: bigint }>('select count(*) from public.line')).rows).toEqual([{ count: 2n }])
    client.release()
  })

  it('wait while the transaction of another is open, and see nothing of it before', async () => {
    const [one, other] = await Promise.all([poolOf('a').connect(), poolOf('b').connect()])
    const order: string[] = []
    await one.query('begin')
    await one.query(insert(1))
    const waiting = other.query<{ count: bigint }>('select count(*) from public.line').then(({ rows: found }) => {
      order.push(`other sees ${found[0]?.count}`)
    })
    await until('the other to ask', () => (heard.some(({ process }) => process === 'b') ? true : undefined))
    await one.query(insert(2))
    order.push('one commits')
    await one.query('commit')
    await waiting
    expect(order).toEqual(['one commits', 'other sees 2'])
    for (const client of [one, other]) client.release()
  })

  it('keep statements and settings of their own', async () => {
    const [one, other] = await Promise.all([poolOf('a').connect(), poolOf('b').connect()])
    const ask = async (client: PoolClient, text: string): Promise<unknown> => (await client.query({ name: 'same', text, values: [5] })).rows[0] as unknown
    expect(await ask(one, 'select $1::integer + 1 as one')).toEqual({ one: 6 })
    expect(await ask(other, 'select $1::integer + 2 as other')).toEqual({ other: 7 })
    expect(await ask(one, 'select $1::integer + 1 as one')).toEqual({ one: 6 })
    expect(await failure(one.query({ name: 'broken', text: 'select from nowhere where 1 = $1', values: [1] }))).toMatchObject({ code: '42P01' })
    expect((await one.query({ name: 'broken', text: 'select $1::text as now', values: ['well'] })).rows).toEqual([{ now: 'well' }])
    await one.query("set work_mem = '1MB'")
    const shown = async (client: PoolClient): Promise<unknown> => (await client.query('show work_mem')).rows[0] as unknown
    expect(await shown(other)).not.toEqual({ work_mem: '1MB' })
    expect(await shown(one)).toEqual({ work_mem: '1MB' })
    for (const client of [one, other]) client.release()
  })

  it('hold locks beyond a transaction each for itself, until they end', async () => {
    const [one, other] = [openLaneLocks(poolOf('a')), openLaneLocks(poolOf('b'))]
    await one.look(true)
    expect(await one.change({ leave: [], take: [1, 2] })).toEqual([1, 2])
    expect(await one.look(true)).toMatchObject({ mine: new Set([1, 2]), others: new Set(), workers: 1 })
    expect(await other.look(true)).toMatchObject({ mine: new Set(), others: new Set([1, 2]), workers: 2 })
    expect(await other.change({ leave: [], take: [1, 2, 3] })).toEqual([3])
    expect(await one.change({ leave: [2], take: [3] })).toEqual([])
    expect(await other.change({ leave: [], take: [2] })).toEqual([2])
    await sessions.kill('a')
    expect(await other.look(true)).toMatchObject({ mine: new Set([2, 3]), others: new Set(), workers: 1 })
    await other.release()
    const third = openLaneLocks(poolOf('c'))
    expect(await third.look(false)).toMatchObject({ mine: new Set(), others: new Set(), workers: 0 })
    await third.release()
  })

  it('are rolled back when their process is killed, which never hears of it', async () => {
    const [one, other] = [poolOf('a', { max: 2 }), poolOf('b')]
    let news = 0
    const hear = (): void => void (news += 1)
    const client = await one.connect()
    client.on('error', hear)
    client.on('end', hear)
    await client.query('begin')
    await client.query(insert(1))
    client.query(insert(2)).then(hear, hear)
    one.query(insert(3)).then(hear, hear)
    await sessions.kill('a')
    client.query(insert(4)).then(hear, hear)
    await other.query(insert(5))
    await until('nothing to be under way', () => (sessions.busy() === 0 ? true : undefined))
    expect(news).toBe(0)
    expect(await numbers()).toEqual([5])
  })

  it('find what was kept after a reset, and nothing else', async () => {
    const owner = poolOf('a', { role: 'owner' })
    await owner.query('create schema made; create table made.here (number integer); drop table apportion.snapshot_line cascade; create role made_here')
    await owner.query('insert into public.line select number, repeat(md5(number::text), 8) from generate_series(1, 20000) number')
    await owner.query('checkpoint')
    await sessions.end()
    await host.reset()
    sessions = createSessions(host, () => Promise.resolve('run'))
    const again = poolOf('a', { role: 'owner' })
    const found = await again.query(`select to_regclass('made.here') as here, to_regrole('made_here') as role,
      (select count(*) from apportion.snapshot_line) as lines, (select count(*) from public.line) as own`)
    expect(found.rows).toEqual([{ here: null, role: null, lines: 0n, own: 0n }])
    await again.query('insert into public.line select number from generate_series(1, 20000) number')
  })
})
