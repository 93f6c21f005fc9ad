// Previews and diffs by the API: the same documents as the commands', answered within limits, and refused by name.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { diffSchema, hashOf, previewSchema } from '../engine/preview/document.ts'
import { diffPlans } from '../engine/preview.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { problemIn, sale, testbed, TOKEN, type Testbed } from './fixture.ts'
import { planSchema } from './contract-approvals.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await testbed()
  for (const reference of ['a', 'b', 'c']) expect((await bed.send('/events', { body: sale(reference) })).statusCode).toBe(201)
})
afterAll(async () => await bed.drop())

const planOf = (ai: string, creator: string): unknown => JSON.parse(JSON.stringify(saleSplit.firstPlan).replace('"80"', `"${ai}"`).replace('"2"', `"${creator}"`))

it('shows what a draft changes, as the command does, with the right to read alone', async () => {
  const { draft } = await bed.get('/plans', planSchema, { body: { plan: planOf('79', '3') } })
  const key = await bed.makeKey(['read'])
  const before = await bed.heads()
  const diff = await bed.get('/plans/diff', diffSchema, { body: { after: { draft } }, key })
  expect(diff.sentences[0]).toBe(`ai gets 1.25 % less (3 SOL); ${TOKEN} gets 50 % more (3 SOL); nobody else changes.`)
  expect(diff.recipients[1]).toMatchObject({ name: TOKEN, role: 'creator', before: '6000000000', after: '9000000000', difference: '3000000000', ratio: '1/2', percent: '50.00' })
  const same = await diffPlans(bed.desk, bed.ledger, { before: { kind: 'in_force' }, after: { kind: 'draft', draft: draft ?? '' }, source: { kind: 'ledger', from: null, to: null } })
  expect([diff.hash, same]).toEqual([hashOf(diff), diff])
  const preview = await bed.get('/plans/preview', previewSchema, { body: { plan: { draft } }, key })
  expect(preview).toMatchObject({ events: '3', plan: { kind: 'draft', draft }, assets: [{ units: '300000000000', amount: '300.000000000' }] })
  expect(await bed.heads()).toEqual(before)
})

it('runs on given events, the sample, and two spans', async () => {
  const given = await bed.get('/plans/preview', previewSchema, { body: { plan: { content: planOf('79', '3') }, events: [sale('x'), { reference: 'y' }, sale('z', { sale_amount: '0' })] } })
  expect(given).toMatchObject({ events: '3', divided: '1', source: { kind: 'events' }, first_refusals: [{ line: 2, code: 'field_malformed' }, { line: 3, code: 'amount_not_positive' }] })
  const sample = await bed.get('/plans/preview', previewSchema, { body: { plan: { use: 'in_force' }, sample: true, fresh: true } })
  expect(sample).toMatchObject({ events: '1', source: { kind: 'sample', state: 'empty' }, recipients: [{ recipient: 'ai', amount: '80.000000000' }, {}, {}, {}] })
  const to = bed.desk.now().toString()
  const spans = await bed.get('/plans/diff', diffSchema, { body: { after: { use: 'recorded' }, to, before_span: { to } } })
  expect([spans.before.events, spans.after.events, spans.sentences[0]]).toEqual(['3', '3', 'Nobody gets more or less.'])
})

it.each([
  [{ plan: { version: 9 } }, 'plan_not_found'],
  [{ plan: { content: { steps: [] } } }, 'plan_invalid'],
  [{ plan: {} }, 'field_malformed'],
  [{ plan: { version: 1, use: 'recorded' } }, 'field_malformed'],
  [{ plan: { version: 1 }, from: '2999-01-01T00:00:00Z' }, 'instant_exceeded'],
  [{ plan: { version: 1 }, to: '2000-01-01T00:00:00Z' }, 'events_missing'],
  [{ plan: { version: 1 }, from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'field_malformed'],
  [{ plan: { version: 1 }, sample: true, events: [sale('x')] }, 'field_malformed'],
  [{ plan: { use: 'recorded' }, sample: true }, 'field_malformed'],
])('refuses %j by name', async (body, code) => {
  expect(problemIn(await bed.send('/plans/preview', { body })).code).toBe(code)
})

it('refuses a span that is too long with its figures, and a key without the right', async () => {
  // As many events as no test records: the block says that there are.
  await bed.database.pool.query(`update apportion.block set last_event = last_event + 100000 where lane = $1 and number = (select max(number) from apportion.block where lane = $1)`, [bed.ledger.lanes[0]])
  const problem = problemIn(await bed.send('/plans/preview', { body: { plan: { version: 1 } } }))
  expect([problem.code, problem.details]).toEqual(['preview_exceeded', { events: '100003', limit: '100000' }])
  const key = await bed.makeKey(['record'])
  for (const path of ['/plans/preview', '/plans/diff']) expect(problemIn(await bed.send(path, { body: { plan: { version: 1 }, after: { version: 1 } }, key })).code).toBe('permission_missing')
  await bed.database.pool.query(`update apportion.block set last_event = last_event - 100000 where lane = $1 and number = (select max(number) from apportion.block where lane = $1)`, [bed.ledger.lanes[0]])
})

it('makes two at once, and asks the third to come again', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, async () => await bed.send('/plans/preview', { body: { plan: { version: 1 } } })))
  const codes = answers.map((answer) => (answer.statusCode === 200 ? 'made' : problemIn(answer).code))
  expect(codes.filter((code) => code === 'made').length).toBeGreaterThanOrEqual(2)
  expect(new Set(codes)).toEqual(new Set(['made', 'queue_exceeded']))
  expect((await bed.send('/plans/preview', { body: { plan: { version: 1 } } })).statusCode).toBe(200)
})
