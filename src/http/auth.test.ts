// Wrong keys are counted by address; right ones are served however many wrong ones came from there.

import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { revokeKey } from '../engine/api-key.ts'
import { problemIn, testbed, type Testbed } from './fixture.ts'

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

const guess = (index: number): string => `apk_${index.toString(16).padStart(32, '0')}_${'A'.repeat(43)}`

async function fail(times: number, app: FastifyInstance): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let index = 0; index < times; index += 1) statuses.push((await bed.send('', { key: guess(index) }, app)).statusCode)
  return statuses
}

it('answers 429 to an address that sent thirty wrong keys, and says when to come back', async () => {
  const app = await bed.serve()
  expect(await fail(30, app)).toEqual(Array(30).fill(401))
  const answer = await bed.send('', { key: guess(31) }, app)
  expect(problemIn(answer)).toMatchObject({ status: 429, code: 'rate_exceeded', details: { limit: 30 } })
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50)
  expect(problemIn(await bed.send('', { key: null }, app)).code).toBe('rate_exceeded')
})

it('serves a key that it knows all the same, and asks the database for no other', async () => {
  let queries = 0
  const pool = new Proxy(bed.desk.store.pool, {
    get: (target, name) => {
      if (name === 'query') queries += 1
      const member = Reflect.get(target, name) as unknown
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  const app = await bed.serve({}, { store: { ...bed.desk.store, pool } })
  expect((await bed.send('', {}, app)).statusCode).toBe(200)
  await fail(31, app)
  const before = queries
  expect(await fail(10, app)).toEqual(Array(10).fill(429))
  expect(queries).toBe(before)
  expect((await bed.send('', {}, app)).statusCode).toBe(200)
  expect((await bed.send('//health', { key: null }, app)).statusCode).toBe(200)
})

it('shows nothing of what stood where a key should be', async () => {
  const app = await bed.serve()
  const given = [bed.key, `Basic ${bed.key}`, `Bearer ${bed.key}.${'B'.repeat(43)}`, `Bearer ${bed.key.slice(0, -1)}`, `Bearer x${bed.key}`]
  for (const authorization of given) {
    const answer = await app.inject({ url: '/v1/ledgers', headers: { authorization } })
    expect(answer.statusCode).toBe(401)
    const secret = bed.key.slice(-20, -1)
    expect(answer.body + JSON.stringify(answer.headers)).not.toContain(secret)
  }
})

it('counts each address for itself', async () => {
  const app = await bed.serve()
  await fail(31, app)
  const elsewhere = await app.inject({ url: '/v1/ledgers', remoteAddress: '192.0.2.1', headers: { authorization: `Bearer ${bed.key}` } })
  expect(elsewhere.statusCode).toBe(200)
})

it('serves as many right requests as come', async () => {
  const app = await bed.serve()
  const answers = await Promise.all(Array.from({ length: 100 }, async () => await bed.send('', {}, app)))
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
})

it('takes the scheme in any case, and nothing but one bearer token', async () => {
  for (const [authorization, status] of [
    [`bearer ${bed.key}`, 200],
    [`BEARER   ${bed.key}`, 200],
    [bed.key, 401],
    [`Basic ${bed.key}`, 401],
    [`Bearer ${bed.key} ${bed.key}`, 401],
    ['Bearer', 401],
    ['', 401],
  ] as const) {
    const answer = await bed.app.inject({ url: '/v1/ledgers/sales', headers: { authorization } })
    expect([authorization.slice(0, 8), answer.statusCode]).toEqual([authorization.slice(0, 8), status])
  }
})

it('stops a revoked key within seconds', async () => {
  const key = await bed.makeKey(['read'])
  expect((await bed.send('', { key })).statusCode).toBe(200)
  const { rows } = await bed.database.pool.query<{ name: string }>('select name from apportion.api_key order by created_at desc limit 1')
  await revokeKey(bed.desk, bed.ledger, rows[0]?.name ?? '')
  bed.moveClock({ seconds: 5 })
  expect(problemIn(await bed.send('', { key }))).toMatchObject({ status: 401, code: 'key_invalid', detail: expect.stringContaining('revoked') as string })
})
