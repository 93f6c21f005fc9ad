// A ledger whose terms come from a file, by the API: events in the source's own words, refusals by its own names.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLES } from '../../test/template.ts'
import { createLedger } from '../engine/create-ledger.ts'
import { custom } from '../programs/custom/program.ts'
import { ledgerDetailSchema } from './contract.ts'
import { problemIn, testbed, type Testbed } from './fixture.ts'

let bed: Testbed
let key: string
const FILE = readFileSync(join(custom.templates, 'marketplace-fee', 'deal.json'), 'utf8')

beforeAll(async () => {
  bed = await testbed()
  const given = { name: 'market', program: 'custom', programFile: { text: FILE, name: 'deal.json' }, sandbox: true, railUrl: null, inboxSchema: null, tokens: { 'USDC/6': 'a-mint' }, lanes: 1 }
  await createLedger({ ...bed.desk, owner: bed.database.pool, appRole: ROLES.app }, given)
  key = await bed.makeKey(['read', 'record', 'backdate'], await bed.ledgers.open('market'))
})

afterAll(async () => {
  await bed.drop()
})

const order = (more: object = {}): object => ({ id: 'o-1', amount_total: 40_000_000, currency: 'usdc', status: 'paid', created: 1767607200, seller: { id: 's-1', verified: false }, ...more })
const post = async (body: unknown, path = '') => await bed.send(`//v1/ledgers/market/events${path}`, { key, body })

describe('an event', () => {
  it('is recorded in the words of its source, once', async () => {
    const [first, again] = [await post(order()), await post(order())]
    expect([first.statusCode, again.statusCode]).toEqual([201, 200])
    expect(first.json()).toEqual(again.json())
    expect(first.json()).toMatchObject({ reference: 'o-1', units: '40000000', asset: 'USDC/6', parties: { seller: 's-1' }, event_at: '2026-01-05T10:00:00Z', plan_version: 1 })
    const { shares } = first.json<{ shares: { role: string; amount: string }[] }>()
    expect(shares.map(({ role, amount }) => [role, amount])).toEqual(expect.arrayContaining([['fee', '2.000000'], ['seller', '38.000000']]))
  })

  it.each<[string, object, number, string, string, string]>([
    ['an amount that differs', { amount_total: 1 }, 409, 'reference_conflict', 'amount_total', 'another amount_total'],
    ['a seller who differs', { seller: { id: 's-2', verified: false } }, 409, 'reference_conflict', 'seller.id', 'another seller.id'],
    ['an order that is not paid', { id: 'o-2', status: 'open' }, 422, 'field_malformed', 'status', 'status is "open"'],
    ['no seller', { id: 'o-2', seller: null }, 422, 'field_malformed', 'seller.id', 'seller.id is missing'],
    ['an amount with decimals', { id: 'o-2', amount_total: 1.5 }, 422, 'amount_malformed', 'amount_total', 'may have been rounded'],
    ['a fact that is none', { id: 'o-2', seller: { id: 's-1', verified: 'maybe' } }, 422, 'fact_malformed', 'facts', 'maybe'],
  ])('with %s is refused', async (_, more, status, code, field, says) => {
    const before = await bed.heads()
    const answer = await post(order(more))
    const problem = problemIn(answer)
    expect({ status: answer.statusCode, code: problem.code, field: problem.details['field'] }).toEqual({ status, code, field })
    expect(problem.detail).toContain(says)
    expect(await bed.heads()).toEqual(before)
  })

  it('in a batch takes nobody down', async () => {
    const answer = await post({ events: [order({ id: 'o-3' }), order({ id: 'o-4', currency: 'eur' }), order({ id: 'o-5' })] }, '/batch')
    expect(answer.json()).toMatchObject({ recorded: 2, duplicates: 0, refused: 1 })
  })
})

it('the ledger shows its file as it was given', async () => {
  const answer = await bed.send('//v1/ledgers/market', { key })
  expect(ledgerDetailSchema.parse(answer.json())).toMatchObject({ name: 'market', program: 'custom', program_file: FILE })
  expect(await bed.get('', ledgerDetailSchema)).toMatchObject({ program: 'sale-split', program_file: null })
})
