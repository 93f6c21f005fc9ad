// Idempotency-Key at the HTTP door: what is repeated, what is refused, and what the answers say about the key.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saleSplit } from '../programs/sale-split/program.ts'
import { batchSchema, eventSchema } from './contract.ts'
import { problemIn, sale, testbed, type Sent, type Testbed } from './fixture.ts'

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

const keyed = (key: string, body: unknown): Sent => ({ body, headers: { 'idempotency-key': key } })
const tomorrow = (): string => bed.desk.now().add({ hours: 24 }).toString()

describe('one event', () => {
  it('is answered again word for word, with its first status, and says so', async () => {
    const first = await bed.send('/events', keyed('same', sale('same')))
    const second = await bed.send('/events', keyed('same', sale('same')))
    expect([first.statusCode, second.statusCode]).toEqual([201, 201])
    expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
    expect(second.body).toBe(first.body)
    expect(second.headers['content-type']).toBe(first.headers['content-type'])
    expect(second.headers['request-id']).not.toBe(first.headers['request-id'])
  })

  it('is the same body in another order and with other spaces', async () => {
    await bed.send('/events', keyed('order', sale('order')))
    const { token_id: token } = sale('')
    const text = `{ "sale_amount": "100",\n "token_id": ${JSON.stringify(token)}, "reference": "order" }`
    const answer = await bed.send('/events', { text, headers: { 'idempotency-key': 'order' } })
    expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([201, 'true'])
  })

  it('is answered once for thirty callers at once', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, async () => await bed.send('/events', keyed('thirty', sale('thirty')))))
    expect(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1)
  })

  it('refuses another body under the key and changes nothing', async () => {
    await bed.send('/events', keyed('other', sale('other')))
    const before = await bed.heads()
    const problem = problemIn(await bed.send('/events', keyed('other', sale('other', { sale_amount: '101' }))))
    expect(problem).toMatchObject({ status: 409, code: 'idempotency_key_conflict', idempotency: 'spent', details: { value: 'other' } })
    expect(await bed.heads()).toEqual(before)
  })

  it('spends the key on a refusal by content, and repeats that refusal', async () => {
    const bad = keyed('by-content', sale('by content', { sale_amount: '-1' }))
    const first = await bed.send('/events', bad)
    expect(problemIn(first)).toMatchObject({ code: 'amount_not_positive', idempotency: 'spent' })
    const again = await bed.send('/events', bad)
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
    const corrected = await bed.send('/events', keyed('by-content', sale('by content')))
    expect(problemIn(corrected)).toMatchObject({ code: 'idempotency_key_conflict', idempotency: 'spent' })
    await bed.get('/events', eventSchema, keyed('by-content-2', sale('by content')))
  })

  it('frees the key on a refusal by state', async () => {
    const early = keyed('by-state', sale('by state', { event_at: tomorrow() }))
    expect(problemIn(await bed.send('/events', early))).toMatchObject({ code: 'event_time_exceeded', idempotency: 'freed' })
    const corrected = await bed.send('/events', keyed('by-state', sale('by state')))
    expect([corrected.statusCode, corrected.headers['idempotency-replayed']]).toEqual([201, undefined])
  })

  it.each([
    ['a body that cannot be read', { text: '{', headers: { 'idempotency-key': 'unread' } }, 'body_malformed'],
    ['no right', { key: 'apk_x', body: {}, headers: { 'idempotency-key': 'unread' } }, 'key_invalid'],
    ['a key that is none', { body: sale('k'), headers: { 'idempotency-key': 'a b' } }, 'idempotency_key_malformed'],
  ])('never comes to the key with %s', async (_, sent, code) => {
    expect(problemIn(await bed.send('/events', sent))).toMatchObject({ code, idempotency: 'freed' })
  })

  it('says nothing of a key where none was sent', async () => {
    expect(problemIn(await bed.send('/events', { body: {} }))).not.toHaveProperty('idempotency')
  })
})

describe('a batch', () => {
  it('is repeated whole, refused events included', async () => {
    const body = { events: [sale('batch 1'), sale('batch 2', { sale_amount: '0' })] }
    const first = await bed.send('/events/batch', keyed('batch', body))
    expect(batchSchema.parse(first.json())).toMatchObject({ recorded: 1, refused: 1, idempotency: 'spent' })
    const again = await bed.send('/events/batch', keyed('batch', body))
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
  })

  it('frees the key when one of its events was refused by state', async () => {
    const body = { events: [sale('early 1'), sale('early 2', { event_at: tomorrow() })] }
    const first = await bed.get('/events/batch', batchSchema, keyed('early', body))
    expect(first).toMatchObject({ recorded: 1, refused: 1, idempotency: 'freed' })
    bed.moveClock({ hours: 24 })
    expect(await bed.get('/events/batch', batchSchema, keyed('early', body))).toMatchObject({ recorded: 1, duplicates: 1, idempotency: 'spent' })
  })

  it('has a key of its own beside that of single events', async () => {
    await bed.get('/events', eventSchema, keyed('shared', sale('shared')))
    const batch = await bed.get('/events/batch', batchSchema, keyed('shared', { events: [sale('shared')] }))
    expect(batch).toMatchObject({ duplicates: 1, idempotency: 'spent' })
  })
})

it('does not take two keys for one', async () => {
  const other = await bed.makeKey(['record'])
  await bed.get('/events', eventSchema, keyed('mine', sale('mine')))
  const theirs = await bed.send('/events', { ...keyed('mine', sale('theirs')), key: other })
  expect([theirs.statusCode, theirs.headers['idempotency-replayed']]).toEqual([201, undefined])
})

describe('what a request makes', () => {
  const plan = (ai: number): { readonly plan: unknown } => ({
    plan: JSON.parse(JSON.stringify(saleSplit.firstPlan).replace('"80"', `"${ai}"`).replace('"15"', `"${95 - ai}"`)),
  })
  const made = async (table: string): Promise<number> => Number((await bed.database.pool.query<{ count: string }>(`select count(*) from apportion.${table}`)).rows[0]?.count)

  describe.each([
    ['a plan version', '/plans/add', plan(60), 'plan_version'],
    ['a draft', '/plans', plan(61), 'plan_draft'],
    ['a change of settings', '/settings', { recoup_percent: 5 }, 'settings_change'],
  ])('%s', (_, path, body, table) => {
    const asked = keyed(`once${path}`, body)

    it('is made once when two servers are asked at the same moment', async () => {
      const servers = [bed.app, await bed.serve()]
      const before = await made(table)
      const answers = await Promise.all(Array.from({ length: 6 }, async (__, index) => await bed.send(path, asked, servers[index % 2])))
      expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 6 }, () => 200))
      expect(new Set(answers.map(({ body: answer }) => answer)).size).toBe(1)
      expect(await made(table)).toBe(before + 1)
    })

    it('is found again when its answer was never kept', async () => {
      const before = await made(table)
      await bed.database.pool.query(`delete from apportion.idempotency`)
      const again = await bed.send(path, asked)
      expect([again.statusCode, again.headers['idempotency-replayed']]).toEqual([200, undefined])
      expect(await made(table)).toBe(before)
    })

    it('is made anew under another key', async () => {
      const before = await made(table)
      const other = table === 'settings_change' ? { recoup_percent: 6 } : body
      expect((await bed.send(path, keyed(`twice${path}`, other))).statusCode).toBe(200)
      expect(await made(table)).toBe(before + 1)
    })
  })

  it('stays made when the same would be refused by now', async () => {
    const soon = { ...plan(62), effective_from: bed.desk.now().add({ hours: 24 }).round('second').toString() }
    const first = await bed.send('/plans/add', keyed('refused-by-now', soon))
    expect(first.statusCode).toBe(200)
    await bed.database.pool.query(`delete from apportion.idempotency`)
    bed.moveClock({ hours: 48 })
    const again = await bed.send('/plans/add', keyed('refused-by-now', soon))
    expect([again.statusCode, again.json()]).toEqual([200, expect.objectContaining({ version: first.json<{ version: number }>().version })])
  })
})
