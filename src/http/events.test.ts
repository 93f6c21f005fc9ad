// Recording at the HTTP door: once however often and by how many at once it is sent, under any reference that may stand there.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchSchema, eventPageSchema, eventSchema } from './contract.ts'
import { problemIn, sale, testbed, TOKEN, type Testbed } from './fixture.ts'

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

describe('an event', () => {
  it('is answered with its shares, in units and as decimals, both text', async () => {
    const answer = await bed.send('/events', { body: sale('first', { sale_amount: '100.0' }) })
    expect(answer.statusCode).toBe(201)
    const event = eventSchema.parse(answer.json())
    expect(event).toMatchObject({ reference: 'first', asset: 'SOL/9', units: '100000000000', amount: '100.000000000', plan_version: 1, backdated: false })
    expect(event.parties).toEqual({ creator: TOKEN })
    expect(event.shares.map(({ role, units }) => [role, units])).toEqual([
      ['ai', '80000000000'],
      ['dao', '15000000000'],
      ['lucky', '3000000000'],
      ['creator', '2000000000'],
    ])
  })

  it('is answered the same, byte for byte, when it is sent again', async () => {
    const first = await bed.send('/events', { body: sale('again', { sale_amount: '1.000000007', event_at: '2026-11-20T10:00:00.123456789+02:00' }) })
    const [heads, second] = [await bed.heads(), await bed.send('/events', { body: sale('again', { sale_amount: '1.0000000070' }) })]
    expect([first.statusCode, second.statusCode]).toEqual([201, 200])
    expect(second.body).toBe(first.body)
    expect((await bed.send('/events/again')).body).toBe(first.body)
    expect(await bed.heads()).toEqual(heads)
  })

  it('shows a share of zero units too', async () => {
    const { shares } = await bed.get('/events', eventSchema, { body: sale('dust', { sale_amount: '0.000000001' }) })
    expect(shares.map(({ units }) => units)).toEqual(['1', '0', '0', '0'])
    expect(await bed.get('/events/dust', eventSchema)).toMatchObject({ shares })
  })

  it('is recorded once by thirty callers at once, who all get the same answer', async () => {
    const body = sale('thirty callers')
    const answers = await Promise.all(Array.from({ length: 30 }, async () => await bed.send('/events', { body })))
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(29)
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1)
    const { rows } = await bed.database.pool.query(`select from apportion.event where reference = 'thirty callers'`)
    expect(rows).toHaveLength(1)
  })

  it('is recorded once by thirty callers of two servers, some with another amount', async () => {
    const other = await bed.serve()
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        return await bed.send('/events', { body: sale('two servers', { sale_amount: index % 3 === 0 ? '7' : '8' }) }, index % 2 === 0 ? bed.app : other)
      }),
    )
    const statuses = Map.groupBy(answers, ({ statusCode }) => statusCode)
    expect(statuses.get(201)).toHaveLength(1)
    expect(new Set(statuses.keys())).toEqual(new Set([200, 201, 409]))
    expect(new Set([...(statuses.get(200) ?? []), ...(statuses.get(201) ?? [])].map(({ body }) => body)).size).toBe(1)
    for (const answer of statuses.get(409) ?? []) expect(problemIn(answer).code).toBe('reference_conflict')
  })

  it('takes the right amounts with it, and the largest there is', async () => {
    const four = { reinvestment_amount: '80', dao_amount: '15', lucky_amount: '3', creator_amount: '2' }
    await bed.get('/events', eventSchema, { body: sale('with its four amounts', four) })
    const { units } = await bed.get('/events', eventSchema, { body: sale('largest', { sale_amount: '18446744073.709551615' }) })
    expect(units).toBe('18446744073709551615')
  })
})

describe('a reference', () => {
  it.each([
    `'; drop table apportion.event; --`,
    `" or ""="`,
    '$1::uuid) returning *',
    '\\x00',
    '../../etc/passwd',
    '%2e%2e%2f',
    '100%',
    'a/b?c=d#e;f',
    'batch',
    'Ünïcödé 文字 🪙',
    'a\u0301',
    '<script>alert(1)</script>',
    '{"reference":"x"}',
    'null',
    'r'.repeat(256),
  ])('may be %s: it is recorded as it stands and changes nothing else', async (reference) => {
    const recorded = await bed.get('/events', eventSchema, { body: sale(reference) })
    expect(recorded.reference).toBe(reference)
    expect(await bed.get(`/events/${encodeURIComponent(reference)}`, eventSchema)).toEqual(recorded)
    const { rows } = await bed.database.pool.query('select reference from apportion.event where reference = $1', [reference])
    expect(rows).toEqual([{ reference }])
  })

  it('is found again by its path, whatever it holds', async () => {
    const reference = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => text.trim() === text && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) && text.isWellFormed() && text !== '.' && text !== '..')
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(reference, { minLength: 1, maxLength: 20 }), async (references) => {
        const answer = await bed.get('/events/batch', batchSchema, { body: { events: references.map((each) => sale(each)) } })
        expect(answer.refused).toBe(0)
        for (const [index, each] of references.entries()) {
          const found = await bed.get(`/events/${encodeURIComponent(each)}`, eventSchema)
          expect(answer.results[index]).toMatchObject({ event: found })
        }
      }),
      { numRuns: 15 },
    )
  })
})

describe('a batch', () => {
  it('answers each event in order, also one that is in it twice and one that was recorded before', async () => {
    const before = await bed.get('/events', eventSchema, { body: sale('batch: before') })
    const events = [sale('batch: new'), sale('batch: before'), sale('batch: new'), sale('batch: new', { sale_amount: '5' }), sale('batch: bad', { sale_amount: 'x' })]
    const answer = await bed.get('/events/batch', batchSchema, { body: { events } })
    expect(answer.results.map(({ state }) => state)).toEqual(['recorded', 'duplicate', 'duplicate', 'refused', 'refused'])
    expect(answer).toMatchObject({ recorded: 1, duplicates: 2, refused: 2 })
    expect(answer.results[1]).toEqual({ state: 'duplicate', event: before })
    expect(answer.results[3]).toMatchObject({ problem: { code: 'reference_conflict', status: 409 } })
    expect(answer.results[4]).toMatchObject({ problem: { code: 'amount_malformed', details: { field: 'sale_amount' } } })
  })

  it('takes a thousand events', async () => {
    const events = Array.from({ length: 1000 }, (_, index) => sale(`thousand/${index}`, { sale_amount: `0.${String(index + 1).padStart(9, '0')}` }))
    const answer = await bed.get('/events/batch', batchSchema, { body: { events } })
    expect(answer).toMatchObject({ recorded: 1000, duplicates: 0, refused: 0 })
    expect(answer.results.map((result) => (result.state === 'recorded' ? result.event.units : ''))).toEqual(events.map((_, index) => String(index + 1)))
  })
})

describe('the list of events', () => {
  it.each([1, 3])('shows each event once, newest first, over %i lanes', async (lanes) => {
    const ledger = await bed.makeLedger(`listed-${lanes}`, { lanes })
    const key = await bed.makeKey(['read', 'record'], ledger)
    const path = `//v1/ledgers/${ledger.name}/events`
    const references = Array.from({ length: 25 }, (_, index) => `listed ${index}`)
    for (const reference of references) await bed.get(path, eventSchema, { key, body: sale(reference) })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Awaited<ReturnType<typeof bed.get<typeof eventPageSchema>>> = await bed.get(`${path}?limit=4${cursor}`, eventPageSchema, { key })
      seen.push(...page.items.map(({ reference }) => reference))
      cursor = page.next === null ? null : `&cursor=${page.next}`
    }
    expect(seen.toSorted()).toEqual(references.toSorted())
    if (lanes === 1) expect(seen).toEqual(references.toReversed())
  })
})
