// What can be read: each document fits the contract and says the same as the ledger, from the first share to the settled payout.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePayouts } from '../engine/make-payouts.ts'
import { endAttempts, reservePayouts } from '../store/attempt.ts'
import { rows } from '../store/statement.ts'
import { insertDestinations, insertWallet } from '../store/wallet.ts'
import {
  distributionPageSchema,
  distributionSchema,
  eventSchema,
  ledgerListSchema,
  ledgerDetailSchema,
  payoutCountListSchema,
  payoutListSchema,
  payoutPageSchema,
  payoutSchema,
  walletListSchema,
} from './contract.ts'
import {
  ageingListSchema,
  balancePageSchema,
  blockPageSchema,
  entryPageSchema,
  recipientPageSchema,
  standingSchema,
  statementLinePageSchema,
  statementSchema,
  topListSchema,
  totalListSchema,
} from './read-contract.ts'
import { problemIn, sale, testbed, TOKEN, type Testbed } from './fixture.ts'

let bed: Testbed
const WALLET = '00000000-0000-7000-8000-000000000001'
const ADDRESS = '4Nd1mYvE6fXWj2TtVvJr6c1n5aDk9Q4bW3d2GZQyq1aB'

beforeAll(async () => {
  bed = await testbed()
  const { pool } = bed.desk.store
  const at = bed.desk.now()
  const ledger = bed.ledger.id
  await insertWallet(pool, { wallet: WALLET, ledger, label: 'main', rail: bed.ledger.row.rail, address: ADDRESS, at })
  // The creator of the token and one of the program's recipients have no address.
  const destinations = ['ai', 'dao'].map((recipient) => ({ recipient, destination: { address: ADDRESS } }))
  await insertDestinations(pool, { ledger, destinations, at })
  await bed.get('/events', eventSchema, { body: sale('sale/1') })
  await bed.get('/events', eventSchema, { body: sale('sale/2', { sale_amount: '0.000000001' }) })
})
afterAll(async () => {
  await bed.drop()
})

const statesOf = async (reference: string): Promise<Readonly<Record<string, string>>> => {
  const { state, shares } = await bed.get(`/distributions/${encodeURIComponent(reference)}`, distributionSchema)
  return { state, ...Object.fromEntries(shares.map((share) => [share.role, share.reason === null ? share.state : `${share.state} ${share.reason}`])) }
}

describe('a distribution', () => {
  it('shows every share with what has become of it', async () => {
    expect(await statesOf('sale/1')).toEqual({ state: 'open', ai: 'payable', dao: 'payable', lucky: 'payable', creator: 'payable' })
    expect(await statesOf('sale/2')).toEqual({ state: 'open', ai: 'payable', dao: 'zero', lucky: 'zero', creator: 'zero' })

    for (const lane of bed.ledger.lanes) await makePayouts(bed.desk, bed.ledger, lane)
    expect(await statesOf('sale/1')).toEqual({ state: 'held', ai: 'queued', dao: 'queued', lucky: 'held no_wallet', creator: 'held creator_unknown' })

    await reserveAll('sale/2')
    expect(await statesOf('sale/2')).toEqual({ state: 'open', ai: 'reserved', dao: 'zero', lucky: 'zero', creator: 'zero' })
    await settleAll('sale/2')
    expect(await statesOf('sale/2')).toEqual({ state: 'settled', ai: 'settled', dao: 'zero', lucky: 'zero', creator: 'zero' })
  })

  it('stands in a list, newest first, with what its event says', async () => {
    const { items, next } = await bed.get('/distributions?limit=1', distributionPageSchema)
    expect(items.map(({ reference }) => reference)).toEqual(['sale/2'])
    const rest = await bed.get(`/distributions?limit=2&cursor=${next}`, distributionPageSchema)
    expect(rest).toMatchObject({ items: [{ reference: 'sale/1', parties: { creator: TOKEN } }], next: null })
    const { shares, ...event } = await bed.get('/events/sale%2F1', eventSchema)
    expect(rest.items[0]).toMatchObject(event)
    expect(rest.items[0]?.shares).toMatchObject(shares)
  })
})

describe('a payout', () => {
  it('is found by its id, with its destination and attempts', async () => {
    const { items } = await bed.get('/events/sale%2F2/payouts', payoutListSchema)
    expect(items).toHaveLength(1)
    const [found] = items
    expect(found).toMatchObject({ reference: 'sale/2', role: 'ai', units: '1', destination: ADDRESS, state: 'settled' })
    expect(found?.attempts).toMatchObject([{ state: 'settled', identity: 'identity of sale/2', proof: { slot: 5 } }])
    expect(await bed.get(`/payouts/${found?.payout}`, payoutSchema)).toEqual(found)
  })

  it('stands in the list of its state, page by page', async () => {
    const held = await bed.get('/payouts?state=held', payoutPageSchema)
    expect(new Set(held.items.map(({ role, reason }) => `${role} ${reason}`))).toEqual(new Set(['lucky no_wallet', 'creator creator_unknown']))
    expect(held.items.every(({ destination }) => destination === null)).toBe(true)
    const all = await bed.get('/payouts', payoutPageSchema)
    const paged: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { items, next }: Awaited<ReturnType<typeof bed.get<typeof payoutPageSchema>>> = await bed.get(`/payouts?limit=2${cursor}`, payoutPageSchema)
      paged.push(...items)
      cursor = next === null ? null : `&cursor=${next}`
    }
    expect(paged).toEqual(all.items)
    expect(all.items).toHaveLength(5)
  })

  it('is counted by state, with its money', async () => {
    const { items } = await bed.get('/payout-counts', payoutCountListSchema)
    const counts = Object.fromEntries(items.map(({ state, reason, payouts, units }) => [`${state} ${reason ?? ''}`.trim(), [payouts, units]]))
    expect(counts).toEqual({
      'held creator_unknown': ['1', '2000000000'],
      'held no_wallet': ['1', '3000000000'],
      queued: ['2', '95000000000'],
      settled: ['1', '1'],
    })
  })
})

describe('a ledger', () => {
  it('is shown by name, and is the only one that its key sees', async () => {
    const ledger = await bed.get('', ledgerDetailSchema)
    expect(ledger).toMatchObject({ name: 'sales', program: 'sale-split', network: 'sandbox', rail: 'solana' })
    await bed.makeLedger('others')
    expect(ledger).toMatchObject({ program_file: null, schedule: null })
    const { program_file: _, schedule: __, ...listed } = ledger
    expect(await bed.get('//v1/ledgers', ledgerListSchema)).toEqual({ items: [listed] })
  })

  it('shows its wallets and balances, which add up to nothing', async () => {
    expect(await bed.get('/wallets', walletListSchema)).toEqual({
      items: [{ wallet: WALLET, label: 'main', rail: 'solana', address: ADDRESS, ledger_balances: [] }],
    })
    const { items } = await bed.get('/balances', balancePageSchema)
    expect(items.reduce((sum, { debits, credits }) => sum + BigInt(debits) - BigInt(credits), 0n)).toBe(0n)
    expect(items.find(({ account }) => account === 'payable:ai')).toMatchObject({ units: '80000000001', amount: '80.000000001' })
  })
})

describe('the books', () => {
  it('are read as they stood, account by account, entry by entry', async () => {
    const { items: now } = await bed.get('/balances?role=payable&limit=2', balancePageSchema)
    expect(now.map(({ account }) => account)).toEqual([`payable:${TOKEN}`, 'payable:ai'])
    const history = await bed.get('/accounts/payable%3Aai/history', entryPageSchema)
    expect(history.items).toMatchObject([
      { kind: 'share', side: 'credit', other: 'received', units: '1', reference: 'sale/2', balance: { units: '80000000001', amount: '80.000000001' } },
      { kind: 'share', units: '80000000000', reference: 'sale/1', balance: { units: '80000000000' } },
    ])
    const first = history.items[1]?.recorded_at
    expect((await bed.get(`/balances?account=payable:ai&at=${first}`, balancePageSchema)).items).toMatchObject([{ units: '80000000000' }])
    const oldest = await bed.get('/accounts/payable%3Aai/history?order=oldest&limit=1', entryPageSchema)
    expect(await bed.get(`/accounts/payable%3Aai/history?order=oldest&cursor=${oldest.next}`, entryPageSchema)).toMatchObject({ items: [{ reference: 'sale/2' }], next: null })
    expect(problemIn(await bed.send('/accounts/payable%3Anobody/history'))).toMatchObject({ status: 404, code: 'account_not_found' })
    expect(problemIn(await bed.send('/balances?at=2999-01-01T00:00:00Z'))).toMatchObject({ status: 422, code: 'instant_exceeded' })
    expect(problemIn(await bed.send('/balances?at=soon'))).toMatchObject({ status: 422, code: 'field_malformed' })
  })

  it('are chained by blocks, and name who is paid where', async () => {
    const { items } = await bed.get('/blocks', blockPageSchema)
    expect(items.map(({ block, events, first_transfer: first, last_transfer: last }) => [block, events, first, last])).toEqual([['2', '1', '6', '7'], ['1', '1', '1', '5']])
    const listed = await bed.get('/recipients?limit=2', recipientPageSchema)
    expect(listed.items).toMatchObject([{ recipient: 'ai', destination: ADDRESS }, { recipient: 'dao' }])
    expect(await bed.get(`/recipients?cursor=${listed.next}`, recipientPageSchema)).toMatchObject({ items: [{ recipient: 'lucky', destination: null }], next: null })
  })
})

describe('a recipient', () => {
  it('has a statement whose lines add up, and sees what has become of its shares', async () => {
    const found = await bed.get('/recipients/dao/statement', statementSchema)
    expect(found).toMatchObject({ recipient: 'dao', from: null, to: null, by: 'recorded_at', assets: [{ opening: { units: '0' }, earned: { units: '15000000000' }, closing: { units: '15000000000' } }] })
    const byEvent = await bed.get('/recipients/dao/statement?by=event_at', statementSchema)
    expect(byEvent.assets[0]).toEqual({ ...found.assets[0], standing: [] })
    for (const by of ['recorded_at', 'event_at']) {
      const { items, next } = await bed.get(`/recipients/dao/statement/lines?by=${by}&limit=1`, statementLinePageSchema)
      expect(items).toMatchObject([{ line: 'earned', kind: 'share', reference: 'sale/1', plan_version: 1, part: 1, change: { units: '15000000000' }, balance: { units: '15000000000' } }])
      expect(await bed.get(`/recipients/dao/statement/lines?by=${by}&cursor=${next}`, statementLinePageSchema)).toEqual({ items: [], next: null })
    }
    expect(await bed.get('/recipients/lucky', standingSchema)).toMatchObject({ destination: null, standing: [{ state: 'held', reason: 'no_wallet', payouts: '1', units: '3000000000' }] })
    for (const path of ['', '/statement', '/statement/lines']) expect(problemIn(await bed.send(`/recipients/nobody${path}`))).toMatchObject({ status: 404, code: 'recipient_not_found' })
    expect(problemIn(await bed.send('/recipients/dao/statement?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z'))).toMatchObject({ status: 422, code: 'field_malformed' })
  })
})

it('reports say what stands where, who has most, and how old it is', async () => {
  const { items: roles } = await bed.get('/reports/totals', totalListSchema)
  expect(roles.map(({ role, units }) => [role, units])).toEqual([['expected', '100000000001'], ['payable', '100000000001'], ['received', '0']])
  expect((await bed.get('/reports/top?by=earned&limit=2', topListSchema)).items).toMatchObject([{ rank: '1', recipient: 'ai', units: '80000000001' }, { rank: '2', recipient: 'dao' }])
  expect((await bed.get('/reports/top?by=payable&limit=1', topListSchema)).items).toMatchObject([{ recipient: 'ai' }])
  expect(problemIn(await bed.send('/reports/top?by=luck'))).toMatchObject({ code: 'field_malformed' })
  const { items } = await bed.get('/reports/ageing', ageingListSchema)
  expect(items.map(({ state, reason, ages }) => [state, reason, ages[0]?.payouts])).toContainEqual(['held', 'no_wallet', '1'])
})

it('is answered to HEAD without a body', async () => {
  const answer = await bed.send('/events/sale%2F1', { method: 'HEAD' })
  expect([answer.statusCode, answer.body]).toEqual([200, ''])
})

it('takes the right to read', async () => {
  const key = await bed.makeKey(['record', 'backdate'])
  for (const path of ['', '/events', '/events/sale%2F1', '/distributions', '/payouts', '/payout-counts', '/wallets', '/balances', '/accounts/received/history', '/blocks', '/recipients', '/recipients/ai/statement', '/reports/totals']) {
    const problem = problemIn(await bed.send(`//v1/ledgers/sales${path}`, { key }))
    expect(problem).toMatchObject({ status: 403, code: 'permission_missing', details: { right: 'read', rights: ['record', 'backdate'] } })
  }
})

const ATTEMPT = '00000000-0000-7000-8000-000000000002'

async function payoutsOf(reference: string): Promise<readonly string[]> {
  const { items } = await bed.get(`/events/${encodeURIComponent(reference)}/payouts`, payoutListSchema)
  return items.map(({ payout }) => payout)
}

async function reserveAll(reference: string): Promise<void> {
  const [lane] = bed.ledger.lanes as [bigint]
  const attempt = { attempt: ATTEMPT, wallet: WALLET, asset: 'SOL/9', identity: `identity of ${reference}`, bytes: new Uint8Array(1), data: {}, costs: [], settings: 0 }
  await rows(bed.desk.store.pool, reservePayouts(lane, [{ ...attempt, payouts: await payoutsOf(reference) }], bed.desk.now()))
}

async function settleAll(reference: string): Promise<void> {
  const [lane] = bed.ledger.lanes as [bigint]
  const payouts = (await payoutsOf(reference)).map((payout) => {
    return { payout, state: 'settled' as const, reason: null, detail: null, dueAt: null, batch: null, tries: 0 }
  })
  const end = { attempt: ATTEMPT, state: 'settled' as const, reason: null, proof: { slot: 5 }, payouts }
  await rows(bed.desk.store.pool, endAttempts(lane, [end], bed.desk.now()))
}

it('divides a pool without recording anything, and says what is wrong with a case', async () => {
  const ask = async (body: unknown) => await bed.send('/allocate', { body, key: bed.key })
  expect((await ask({ pool: '100', weights: ['3', '3', '3'] })).json()).toEqual({ shares: ['34', '33', '33'] })
  expect((await ask({ pool: '1', weights: ['1', '1'], rounding: 'cumulative' })).json()).toMatchObject({ shares: ['0', '0'], remainder: '1' })
  expect(problemIn(await ask({ pool: '-1', weights: ['1'] }))).toMatchObject({ code: 'pool_malformed' })
  expect(problemIn(await ask({ pool: '1', weights: ['0'] }))).toMatchObject({ code: 'weights_missing' })
  expect(problemIn(await ask({ pool: '1', weights: ['1'], note: 'x' }))).toMatchObject({ code: 'field_malformed' })
})
