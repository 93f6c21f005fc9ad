// The journal over HTTP: verified, written out as a stream, and copied into an empty ledger; by whom it may be, and what half of it leaves.

import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../test/effects.ts'
import { breakOutside } from '../../test/stand-alone.ts'
import { importJournal } from '../engine/import-journal.ts'
import { checkInTurn } from '../engine/verify/checker.ts'
import { verificationSchema } from '../engine/verify.ts'
import { importedSchema } from './contract-journal.ts'
import { problemIn, sale, testbed, type Sent, type Testbed } from './fixture.ts'
import { streamed } from './streamed.ts'

const JOURNAL = { 'content-type': 'text/tab-separated-values' }

let bed: Testbed
let importing: Testbed['app']
beforeAll(async () => {
  bed = await testbed()
  importing = await bed.serve({ importJournal: async (ledger, lines) => await importJournal({ ...bed.desk, owner: bed.database.pool }, ledger, lines) })
  for (const reference of ['one', 'two', 'three']) expect((await bed.send('/events', { body: sale(reference) })).statusCode).toBe(201)
})
afterAll(async () => await bed.drop())

const verifyBy = async (body: unknown, sent: Sent = {}) => await bed.send('/verifications', { body, ...sent })
const exported = async (query = ''): Promise<string> => {
  const answer = await bed.send(`/journal${query}`)
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/tab-separated-values; charset=utf-8'])
  return answer.body
}
const checkpoints = async (): Promise<number | null> => (await bed.database.pool.query('select from apportion.checkpoint')).rowCount

describe('a verification', () => {
  it('answers the report, which names what was changed by hand', async () => {
    const report = await bed.get('/verifications', verificationSchema, { body: {} })
    expect(report).toMatchObject({ ledger: 'sales', ok: true, breaks: [], lanes: [{ position: 0, from_block: '1', blocks: '3' }] })
    const { rows } = await bed.database.pool.query<{ number: bigint }>('update apportion.transfer set units = units + 1 where number = (select max(number) from apportion.transfer) returning number')
    const number = rows[0]?.number
    const broken = await bed.get('/verifications', verificationSchema, { body: {} })
    expect(broken).toMatchObject({ ok: false })
    expect(broken.breaks.some(({ where }) => where.transfer === `${number}`)).toBe(true)
    await bed.database.pool.query('update apportion.transfer set units = units - 1 where number = $1', [number])
  })

  it('goes on from where the last one ended, or from a block', async () => {
    expect(await bed.get('/verifications', verificationSchema, { body: { incremental: true } })).toMatchObject({ ok: true, lanes: [{ from_block: '1' }] })
    expect((await bed.send('/events', { body: sale('four') })).statusCode).toBe(201)
    expect(await bed.get('/verifications', verificationSchema, { body: { incremental: true } })).toMatchObject({ ok: true, lanes: [{ from_block: '4', blocks: '4' }] })
    expect(await bed.get('/verifications', verificationSchema, { body: { from_block: '2' } })).toMatchObject({ ok: true, lanes: [{ from_block: '2' }] })
  })

  it('of a caller that went away keeps no checkpoint, and holds up nobody', async () => {
    await bed.database.pool.query('delete from apportion.checkpoint')
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    let asked = 0
    const app = await bed.serve({
      verifyRanges: async (job) => {
        asked += 1
        if (asked === 1) await held
        return await checkInTurn(bed.desk.store)(job)
      },
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = await send(app, '/v1/ledgers/sales/verifications', { body: '{"incremental": true}', headers: { 'content-type': 'application/json' } })
    await until('the work', () => (asked > 0 ? true : undefined))
    expect(problemIn(await bed.send('/verifications', { body: {} }, app))).toMatchObject({ status: 503, code: 'queue_exceeded' })
    socket.destroy()
    await until('its end to be heard', async () => ((await bed.send('/health', { key: null }, app)).statusCode > 0 && socket.closed ? true : undefined))
    letGo()
    await until('the next one to be let in', async () => ((await bed.send('/verifications', { body: {} }, app)).statusCode === 200 ? true : undefined))
    expect(await checkpoints()).toBe(0)
  })

  it.each([
    [{ from_block: '0' }, 'field_malformed'],
    [{ from_block: '1', incremental: true }, 'field_malformed'],
    [{ blocks: 'all' }, 'field_malformed'],
  ])('refuses %j', async (body, code) => {
    expect(problemIn(await verifyBy(body))).toMatchObject({ code })
  })
})

describe('an export', () => {
  it('is the journal, whole or in part, which stands by itself', async () => {
    const whole = await exported()
    expect(await breakOutside(whole)).toBeNull()
    expect(whole).toContain('\nR\t')
    const bare = await exported('?records=false')
    expect(await breakOutside(bare)).toBeNull()
    expect(bare).not.toContain('\nR\t')
    const part = await exported('?from_block=2&to_block=3&lane=0')
    expect([...part.matchAll(/^B\t\d+\t(\d+)\t/gm)].map(([, block]) => block)).toEqual(['2', '3'])
  })

  it.each([['?from_block=99'], ['?lane=7'], ['?from_block=x'], ['?blocks=1']])('refuses %s', async (query) => {
    expect(problemIn(await bed.send(`/journal${query}`))).toMatchObject({ code: 'field_malformed' })
  })

  it('waits for its reader, and cuts off one that takes nothing', async () => {
    const CHUNK = 'x'.repeat(1 << 16)
    const app = Fastify()
    let written = 0
    let isPatient = true
    const ends: string[] = []
    app.get('/', async (_, reply) => {
      return await streamed(reply, { sleep: async (_ms, signal) => (isPatient ? await new Promise((resolve) => signal?.addEventListener('abort', () => resolve())) : undefined) }, {
        type: 'text/plain',
        work: async (write) => {
          for (written = 0; written < 1000; written += 1) await write(CHUNK)
        },
        done: () => void ends.push('ended'),
      })
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = await send(app, '/', { method: 'GET' })
    socket.pause()
    let last = -1
    await until('the writer to wait', async () => {
      const isStill = written === last
      last = written
      await new Promise((resolve) => setImmediate(resolve))
      return isStill && written > 0 ? true : undefined
    })
    expect(written).toBeLessThan(900)
    expect(ends).toEqual([])
    let bytes = 0
    socket.on('data', (data) => (bytes += data.length)).resume()
    await until('all of it', () => (bytes > 1000 * CHUNK.length ? true : undefined))
    expect(ends).toEqual(['ended'])
    isPatient = false
    const other = await send(app, '/', { method: 'GET' })
    other.pause()
    await until('the writer to give up', () => (ends.length === 2 ? true : undefined))
    expect(written).toBeLessThan(1000)
    other.destroy()
    await app.close()
  })
})

describe('an import', () => {
  it('makes an empty ledger a copy with the same head, once; half of a body leaves nothing', async () => {
    const text = await exported()
    const empty = await bed.makeLedger('copy')
    const key = await bed.makeKey(['administer', 'read', 'record'], empty)
    const path = '//v1/ledgers/copy/journal'
    const cut = await bed.send(path, { text: text.slice(0, text.length / 2), headers: JOURNAL, key }, importing)
    expect(problemIn(cut)).toMatchObject({ status: 422, code: 'journal_malformed' })
    await importing.listen({ host: '127.0.0.1', port: 0 })
    const socket = await send(importing, '/v1/ledgers/copy/journal', { body: text.slice(0, 2000), headers: { ...JOURNAL, authorization: `Bearer ${key}`, 'content-length': `${text.length}` } })
    const working = async () => (await bed.database.pool.query(`select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`)).rowCount
    await until('it to be read', async () => ((await working()) === 0 ? undefined : true))
    socket.destroy()
    await until('it to be given up', async () => ((await working()) === 0 ? true : undefined))
    expect((await bed.send('//v1/ledgers/copy/events', { key }, importing)).json()).toMatchObject({ items: [] })

    const made = await bed.send(path, { text, headers: JOURNAL, key }, importing)
    expect(made.statusCode).toBe(201)
    const head = /^Z\t.*\t([0-9a-f]{64})$/m.exec(text)?.[1]
    expect(importedSchema.parse(made.json())).toMatchObject({ ledger: 'copy', from: 'sales', lanes: [{ position: 0, blocks: '4', head }] })
    expect((await bed.send('//v1/ledgers/copy/events', { key }, importing)).json()).toMatchObject({ items: [{ reference: 'four' }, {}, {}, {}] })
    expect(problemIn(await bed.send('//v1/ledgers/copy/events', { key, body: sale('five') }, importing))).toMatchObject({ code: 'ledger_copy_forbidden' })
    expect(problemIn(await bed.send(path, { text, headers: JOURNAL, key }, importing))).toMatchObject({ status: 409, code: 'journal_conflict' })
    // A server that had the ledger open before looks again when it next asks which there are.
    await bed.ledgers.names()
    expect((await bed.ledgers.open('copy')).row.copied_at).not.toBeNull()
  })

  it('refuses what is no journal, and a server without the right to', async () => {
    const empty = await bed.makeLedger('bare')
    const key = await bed.makeKey(['administer'], empty)
    const post = async (text: string | Buffer, headers: Readonly<Record<string, string>> = JOURNAL, app = importing) => problemIn(await bed.send('//v1/ledgers/bare/journal', { text, headers, key }, app))
    expect(await post('hello')).toMatchObject({ code: 'journal_malformed' })
    expect(await post(Buffer.from([0xff, 0x0a]))).toMatchObject({ code: 'journal_malformed' })
    expect(await post('{}', { 'content-type': 'application/json' })).toMatchObject({ status: 415, code: 'content_type_unsupported' })
    expect(await post(await exported('?records=false'))).toMatchObject({ code: 'journal_mismatch' })
    expect(await post(await exported(), JOURNAL, bed.app)).toMatchObject({ status: 403, code: 'permission_missing' })
  })
})

it('takes a key of the ledger with the right to it', async () => {
  const [reader, writer] = [await bed.makeKey(['read']), await bed.makeKey(['record'])]
  const calls = [
    ['/verifications', { body: {} }, writer],
    ['/journal', {}, writer],
    ['/journal', { text: 'x', headers: JOURNAL }, reader],
  ] as const
  for (const [path, sent, without] of calls) {
    expect(problemIn(await bed.send(path, { ...sent, key: null }))).toMatchObject({ status: 401, code: 'key_invalid' })
    expect(problemIn(await bed.send(path, { ...sent, key: without }))).toMatchObject({ status: 403, code: 'permission_missing' })
  }
})

/** A request over a socket of its own, of which the answer is not read. */
async function send(app: { readonly server: { address: () => unknown } }, path: string, { method = 'POST', body = '', headers = {} }: { method?: string; body?: string; headers?: Readonly<Record<string, string>> }): Promise<Socket> {
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const lines = { host: 'localhost', authorization: `Bearer ${bed.key}`, ...(body !== '' && { 'content-length': `${body.length}` }), ...headers }
  socket.write(`${method} ${path} HTTP/1.1\r\n${Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
  return socket
}
