// Every type that crosses the connection, and what becomes of connections that break.

import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { createPool } from './pool.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})

afterAll(() => database.drop())

const LARGE = 2n ** 120n

describe('values come back exactly', () => {
  it.each([
    ['int8', '9007199254740993::int8', 9007199254740993n],
    ['int8[]', "'{1,NULL,9007199254740993}'::int8[]", [1n, null, 9007199254740993n]],
    ['numeric', `${LARGE}::numeric`, LARGE],
    ['negative numeric', '-5::numeric(39,0)', -5n],
    ['numeric[]', `array[${LARGE}, -1]::numeric[]`, [LARGE, -1n]],
    ['numeric[][]', "'{{1},{2}}'::numeric[]", [[1n], [2n]]],
    ['sum of int8', '(select sum(x) from unnest(array[1, 2]::int8[]) x)', 3n],
    ['numeric with a point', '1.50::numeric', '1.50'],
    ['numeric[] with a point', "'{1.5,2}'::numeric[]", ['1.5', 2n]],
    ['NaN', "'NaN'::numeric", 'NaN'],
    ['date', "'2026-02-28'::date", '2026-02-28'],
    ['date[]', "'{2026-02-28}'::date[]", ['2026-02-28']],
    ['int4', '5::int4', 5],
    ['record', 'row(1, 2::numeric)', '(1,2)'],
    ['text[]', `'{a,"b,c"}'::text[]`, ['a', 'b,c']],
  ])('%s', async (_, sql, expected) => {
    const { rows } = await database.pool.query<{ value: unknown }>(`select ${sql} as value`)
    expect(rows[0]?.value).toStrictEqual(expected)
  })

  it('an instant keeps its microseconds, wherever its zone was', async () => {
    const { rows } = await database.pool.query<{ one: Temporal.Instant; many: Temporal.Instant[] }>(
      `select '2026-07-01 12:00:00.123456+05:30'::timestamptz as one, array['1969-12-31 23:59:59Z']::timestamptz[] as many`,
    )
    expect(rows[0]?.one).toBeInstanceOf(Temporal.Instant)
    expect(String(rows[0]?.one)).toBe('2026-07-01T06:30:00.123456Z')
    expect(rows[0]?.many.map(String)).toEqual(['1969-12-31T23:59:59Z'])
  })

  it('bigints and lists of them go in and come back', async () => {
    const { rows } = await database.pool.query('select $1::numeric as one, $2::numeric[] as many, $3::timestamptz as at', [
      LARGE,
      [LARGE, 0n],
      Temporal.Instant.from('2026-01-01T00:00:00.000001Z').toString(),
    ])
    expect(rows).toMatchObject([{ one: LARGE, many: [LARGE, 0n] }])
    expect(String((rows[0] as { at: unknown }).at)).toBe('2026-01-01T00:00:00.000001Z')
  })
})

describe('sessions', () => {
  it.each(['', '?options=-c%20work_mem%3D5MB', '?sslmode=disable&options=-c+work_mem%3D5MB', '?options=-c%20work_mem%3D5MB&sslmode=disable'])(
    'speak UTC and ISO with address options %j, whatever the database says',
    async (query) => {
      await database.pool.query(`alter database ${database.name} set timezone to 'Asia/Tokyo'`)
      await database.pool.query(`alter database ${database.name} set datestyle to 'German'`)
      const pool = createPool({ url: `${database.url}${query}`, max: 1, applicationName: 'zone' })
      const { rows } = await pool.query(`select current_setting('timezone') as zone, current_setting('datestyle') as style,
        current_setting('work_mem') as memory, current_setting('application_name') as name, now() as now`)
      expect(rows).toMatchObject([{ zone: 'UTC', style: expect.stringMatching(/^ISO/), memory: query === '' ? '4MB' : '5MB', name: 'zone' }])
      expect((rows[0] as { now: unknown }).now).toBeInstanceOf(Temporal.Instant)
      await pool.end()
    },
  )

  it('hide the password from whoever prints the pool', () => {
    const secret = new URL(database.url).password
    expect(inspect(database.pool, { depth: 10 })).not.toContain(secret)
  })
})

describe('a connection that breaks', () => {
  it('in use fails its statement, and the pool gives a new one', async () => {
    const client = await database.appPool.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await database.pool.query('select pg_terminate_backend($1::integer)', [rows[0]?.pid])
    await expect(client.query('select 1')).rejects.toThrow(/terminat|not queryable/)
    client.release(true)
    await expect(database.appPool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
  })

  it('while idle is reported once and replaced', async () => {
    const errors: Error[] = []
    const told = Promise.withResolvers<void>()
    const onError = (error: Error) => {
      errors.push(error)
      told.resolve()
    }
    const pool = createPool({ url: database.url, max: 1, applicationName: 'idle', onError })
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid')
    await database.pool.query('select pg_terminate_backend($1::integer)', [rows[0]?.pid])
    await told.promise
    await expect(pool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('terminating connection')])
    await pool.end()
  })
})

describe('a pipelined pool', () => {
  it('answers in order, and a failed statement fails alone', async () => {
    const pool = createPool({ url: database.url, max: 1, applicationName: 'pipeline', pipeline: true })
    const client = await pool.connect()
    const answers = await Promise.allSettled([
      client.query('select 1 as n'),
      client.query('select 1 / $1::int as n', [0]),
      client.query('select 3 as n'),
    ])
    client.release()
    expect(answers).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { status: 'rejected', reason: { code: '22012' } },
      { value: { rows: [{ n: 3 }] } },
    ])
    await pool.end()
  })

  it('in a transaction turns everything after a failure away, and commit into a rollback that does not throw', async () => {
    const pool = createPool({ url: database.url, max: 1, applicationName: 'pipeline', pipeline: true })
    const client = await pool.connect()
    const answers = await Promise.allSettled(
      ['begin', 'select 1 / 0', 'select 3 as n', 'commit'].map((text) => client.query(text)),
    )
    client.release()
    expect(answers).toMatchObject([
      { value: { command: 'BEGIN' } },
      { status: 'rejected', reason: { code: '22012' } },
      { status: 'rejected', reason: { code: '25P02' } },
      { value: { command: 'ROLLBACK' } },
    ])
    await pool.end()
  })
})
