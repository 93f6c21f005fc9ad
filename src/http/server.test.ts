// The application on real sockets and a real database in trouble: what callers get when it is away, locked, overloaded or broken, and that
// it ends in order.

import { connect, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOwnServer } from '../../test/database.ts'
import { until } from '../../test/effects.ts'
import { addressOf, ROLES, TEMPLATE } from '../../test/template.ts'
import { Refusal } from '../core/refusal.ts'
import { createRecorder } from '../engine/recorder.ts'
import { openStore } from '../store/store.ts'
import { eventSchema, readinessSchema } from './contract.ts'
import { problemIn, sale, testbed, type Testbed } from './fixture.ts'

let bed: Testbed
let app: FastifyInstance
let port: number

beforeAll(async () => {
  bed = await testbed()
  app = await bed.serve()
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
afterAll(async () => {
  await bed.drop()
})

/** Everything that comes back on one connection until the server closes it. */
async function raw(text: string, to = port): Promise<string> {
  const socket = connect(to, '127.0.0.1')
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString('utf8')))
  socket.on('error', () => {})
  socket.write(text)
  await new Promise((resolve) => socket.on('close', resolve))
  return received
}

function head(path: string, fields: readonly string[], { method = 'POST', key = bed.key } = {}): string {
  return [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1', `authorization: Bearer ${key}`, ...fields, '', ''].join('\r\n')
}

describe('on a socket', () => {
  it('answers one request after another on one connection', async () => {
    const one = head('/v1/ledgers/sales', [], { method: 'GET' })
    const last = head('/v1/ledgers/sales', ['connection: close'], { method: 'GET' })
    const answers = (await raw(one + one + last)).split('HTTP/1.1 ').slice(1)
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['200', '200', '200'])
  })

  it('takes an event in chunks', async () => {
    const body = JSON.stringify(sale('in chunks'))
    const chunks = [body.slice(0, 5), body.slice(5)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
    const fields = ['content-type: application/json', 'transfer-encoding: chunked', 'connection: close']
    expect(await raw(`${head('/v1/ledgers/sales/events', fields)}${chunks}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 201 /)
  })

  it('stops reading a body without length at the limit', async () => {
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`
    const fields = ['content-type: application/json', 'transfer-encoding: chunked']
    const answer = await raw(head('/v1/ledgers/sales/events', fields) + chunk.repeat(40))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('body_exceeded')
  })

  it('records nothing of a body that was cut off', async () => {
    const before = await bed.heads()
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head('/v1/ledgers/sales/events', ['content-type: application/json', 'content-length: 500'])}${JSON.stringify(sale('cut off'))}`)
    await until('the request to arrive', () => (socket.bytesWritten > 200 ? true : undefined))
    socket.destroy()
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
    expect(await bed.heads()).toEqual(before)
  })

  it.each(['nonsense\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, '\u0016\u0003\u0001\r\n\r\n'])(
    'survives what is no HTTP',
    async (text) => {
      expect(await raw(text)).toMatch(/^(HTTP\/1\.1 (400|404|431|505) |$)/)
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
    },
  )
})

describe('with a database in trouble', () => {
  it('says that a reference is locked, and takes it when the other transaction has ended', async () => {
    const client = await bed.database.pool.connect()
    await client.query('begin')
    await client.query(`insert into sales.profit_events (token_id, sale_amount, transaction_hash) values ($1, 100, 'locked')`, [sale('')['token_id']])
    const answer = await bed.send('/events', { body: sale('locked') })
    expect(problemIn(answer)).toMatchObject({ status: 409, code: 'reference_locked', details: { value: 'locked' } })
    expect(answer.headers['retry-after']).toBe('1')
    await client.query('rollback')
    client.release()
    await bed.get('/events', eventSchema, { body: sale('locked') })
  })

  it('turns callers away when too many wait, and answers all that waited', async () => {
    const recorder = createRecorder(bed.desk)
    const busy = await bed.serve({ recorder })
    const client = await bed.database.pool.connect()
    await client.query('begin')
    await client.query('select from apportion.head for update')
    const offers = Array.from({ length: 20_000 }, (_, index) => {
      return { input: bed.ledger.program.event.parse(sale(`waiting ${index}`)), door: 'api', mayBackdate: false }
    })
    const waiting = recorder.record(bed.ledger, offers)
    // The first thousand are taken out to be posted, and wait for the lock.
    await until('the posting to begin', async () => {
      const { rows } = await bed.database.pool.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      return rows.length > 0 ? true : undefined
    })
    // As many as were taken out find room, and the others are turned away.
    const more = offers.slice(0, 2000).map(async (offer) => await recorder.record(bed.ledger, [offer]).catch((error: unknown) => error))
    const answer = await bed.send('/events', { body: sale('one too many'), headers: { 'idempotency-key': 'later' } }, busy)
    expect(problemIn(answer)).toMatchObject({ status: 503, code: 'queue_exceeded', idempotency: 'freed', details: { waiting: 20_000, limit: 20_000 } })
    expect(answer.headers['retry-after']).toBe('1')
    await client.query('rollback')
    client.release()
    expect((await waiting).every(({ state }) => state === 'recorded')).toBe(true)
    const others = await Promise.all(more)
    const turnedAway = others.filter((other) => other instanceof Refusal && other.code === 'queue_exceeded')
    expect(turnedAway.length).toBeGreaterThan(0)
    expect(others.filter((other) => !(other instanceof Refusal))).toEqual(Array.from({ length: 2000 - turnedAway.length }, () => [expect.objectContaining({ state: 'duplicate' })]))
    expect((await bed.send('/events', { body: sale('one too many'), headers: { 'idempotency-key': 'later' } }, busy)).statusCode).toBe(201)
  })

  it('shows nothing of a fault, and logs it under the id that it shows', async () => {
    await bed.database.pool.query('alter table apportion.wallet rename to elsewhere')
    const answer = await bed.send('/wallets')
    await bed.database.pool.query('alter table apportion.elsewhere rename to wallet')
    const problem = problemIn(answer)
    expect(problem).toMatchObject({ status: 500, code: 'server_failed', details: {} })
    expect(answer.body).not.toMatch(/wallet"|relation|apportion\.|at .*\.ts/)
    const logged = bed.logged.filter((line) => line.includes(problem.instance.replace('urn:uuid:', '')))
    expect(logged.join()).toMatch(/^error a request failed .*relation .*does not exist/)
    expect(logged.join()).not.toContain(bed.key.slice(-43))
  })

  it('says that it is away, and neither hangs nor fails otherwise', async () => {
    const own = await startOwnServer()
    const store = openStore(addressOf(own.url, { database: TEMPLATE, role: ROLES.app }), 'test')
    try {
      const served = await bed.serve({}, { store })
      const ready = async (): Promise<unknown> => readinessSchema.parse((await served.inject('/health/ready')).json())
      expect(await ready()).toEqual({ status: 'ready', database: true, failing_tasks: 0 })
      await own.kill()
      const answer = await bed.send('/events', { body: sale('away') }, served)
      expect(problemIn(answer)).toMatchObject({ status: 503, code: 'database_unavailable' })
      expect(answer.headers['retry-after']).toBe('1')
      expect((await served.inject('/health/ready')).statusCode).toBe(503)
      expect(await ready()).toEqual({ status: 'unavailable', database: false, failing_tasks: 0 })
      expect((await served.inject('/health')).statusCode).toBe(200)
    } finally {
      await store.close()
      await own.remove()
    }
  })

  it('is degraded, and serves, while tasks of the worker fail', async () => {
    const served = await bed.serve({ faults: () => [{ task: 'look', reason: 'https://rpc.example/?key=secret' }] })
    const answer = await served.inject('/health/ready')
    expect([answer.statusCode, readinessSchema.parse(answer.json())]).toEqual([200, { status: 'degraded', database: true, failing_tasks: 1 }])
    expect(answer.body).not.toContain('secret')
  })
})

describe('closing', () => {
  it('answers what was asked, closes what is idle, and takes nothing new', async () => {
    const closing = await bed.serve()
    await closing.listen({ host: '127.0.0.1', port: 0 })
    const to = (closing.server.address() as AddressInfo).port
    const idle = await kept(to)
    const client = await bed.database.pool.connect()
    await client.query('begin')
    await client.query('select from apportion.head for update')
    const body = JSON.stringify(sale('while closing'))
    const fields = ['content-type: application/json', `content-length: ${body.length}`]
    const asked = raw(head('/v1/ledgers/sales/events', fields) + body, to)
    await until('the posting to begin', async () => {
      const { rows } = await bed.database.pool.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      return rows.length > 0 ? true : undefined
    })
    const closed = closing.close()
    await until('the idle connection to be closed', () => (idle.closed ? true : undefined))
    await client.query('rollback')
    client.release()
    expect(await asked).toMatch(/^HTTP\/1\.1 201 /)
    await closed
    await expect(fetch(`http://127.0.0.1:${to}/health`)).rejects.toThrow('fetch failed')
  })
})

/** A connection that was answered once and is kept open. */
async function kept(to: number): Promise<Socket> {
  const socket = connect(to, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(head('/v1/ledgers/sales', [], { method: 'GET' }))
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}
