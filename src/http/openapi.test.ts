// The description: complete, without dangling references, and true about units, keys and refusals.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { testbed, type Testbed } from './fixture.ts'

let bed: Testbed

const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.unknown()).optional(),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema: z.record(z.string(), z.unknown()) }) }) }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: z.record(z.string(), z.unknown()) })),
})

const description = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
})

let api: z.infer<typeof description>
let text: string

beforeAll(async () => {
  bed = await testbed()
  text = (await bed.send('//openapi.json', { key: null })).body
  api = description.parse(JSON.parse(text))
})
afterAll(async () => {
  await bed.drop()
})

it('names every operation, each once, with a problem for refusals', () => {
  const operations = Object.values(api.paths).flatMap((path) => Object.values(path))
  expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual([
    ...['addPlan', 'allocate', 'approvePayout', 'approvePayouts', 'approvePlan', 'approveSettings', 'changeSettings', 'countPayouts', 'createKey', 'createSnapshot'],
    ...['diffPlans', 'draftPlan', 'editPlan', 'explain', 'exportJournal', 'getDistribution', 'getEvent', 'getHealth', 'getLedger', 'getPayout'],
    ...['getPlan', 'getReadiness', 'getRecipient', 'getSettings', 'getShareProof', 'getSnapshot', 'getStatement', 'importJournal', 'listApprovals', 'listBalances', 'listBlocks'],
    ...['listDistributions', 'listEntries', 'listEvents', 'listFacts', 'listKeys', 'listLedgers', 'listPayouts', 'listPayoutsOfEvent'],
    ...['listPlans', 'listRecipients', 'listSnapshots', 'listStatementLines', 'listWaitingApprovals', 'listWallets', 'previewPlan', 'recordEvent', 'recordEvents', 'rejectPayout'],
    ...['rejectPayouts', 'rejectPlan', 'reportAgeing', 'reportTop', 'reportTotals', 'reverseEvent', 'revokeKey', 'setFact', 'validatePlan', 'verify'],
    ...['withdrawPlan', 'withdrawSettings'],
  ])
  for (const { responses } of operations) expect(Object.keys(responses['default']?.content ?? {})).toEqual(['application/problem+json'])
})

it('asks for a key everywhere but for health', () => {
  expect(api.security).toEqual([{ key: [] }])
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const { security } of Object.values(operations)) expect(security).toEqual(path.startsWith('/health') ? [] : undefined)
  }
})

it('refers to nothing that is not there, and holds nothing to which nobody refers', () => {
  const referred = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
  expect(referred).toEqual(new Set(Object.keys(api.components.schemas)))
})

it('describes the body of an event by each program, and units as text', () => {
  const body = api.paths['/v1/ledgers/{ledger}/events']?.['post']?.requestBody?.content['application/json'].schema
  expect(body?.['anyOf']).toMatchObject([
    { title: 'sale-split', type: 'object', required: ['reference', 'token_id', 'sale_amount'], additionalProperties: false },
    // What its events hold is each ledger's own affair.
    { title: 'custom', type: 'object', additionalProperties: {} },
  ])
  const schemas = JSON.stringify(api.components.schemas)
  const money = [...schemas.matchAll(/"(units|amount|debits|credits|pool)":\{[^}]*?"type":"(\w+)"/g)].map(([, , type]) => type)
  expect(money.length).toBeGreaterThan(20)
  expect(new Set(money)).toEqual(new Set(['string']))
})
