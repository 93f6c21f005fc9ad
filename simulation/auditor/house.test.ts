// The auditor watches a real ledger over HTTP, and finds nothing; and what it would have found, had anything been otherwise.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAudited, auditorOf, type Audited } from '../../test/audited.ts'
import { openHouse, type House } from '../../test/house.ts'

const ZERO = '00000000-0000-4000-8000-00000000000'
const [KNOWN, LATER] = [`${ZERO}1`, `${ZERO}2`]

let house: House
let audited: Audited

const idOf = (body: unknown): string => (body as { items: { payout: string; state: string }[] }).items.find(({ state }) => state === 'awaiting_approval')?.payout ?? ''

/** Sales by all doors, some refused, doubled, reversed before and after they were paid, above the limit, and by another plan. */
async function live({ call, insert, name, approval, work, house: { chain, now, elapse } }: Audited): Promise<void> {
  const sale = async (reference: string, amount: string, own: Readonly<Record<string, string>> = {}) => await call('owner', 'POST', 'events', { reference, token_id: KNOWN, sale_amount: amount, ...own })
  await sale('a', '1.000000007')
  await sale('a', '1.000000007')
  await sale('a', '2')
  await sale('b', '-1')
  await sale('c', '0.5', { token_id: LATER })
  await insert({ transaction_hash: 'd', token_id: KNOWN, sale_amount: '0.3' })
  await insert({ transaction_hash: 'd', token_id: KNOWN, sale_amount: '0.4' })
  await call('owner', 'POST', 'events/batch', { events: [{ reference: 'e', token_id: KNOWN, sale_amount: '0.25' }, { reference: 'f', token_id: KNOWN, sale_amount: 'x' }, { reference: 'a', token_id: KNOWN, sale_amount: '1.000000007' }] })
  await call('owner', 'POST', 'events/e/reversals', { reference: 'e/1', units: '100000001' })
  await work(8)
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/1', amount: '0.4' })
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/2' })
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/3' })
  await name(LATER, await chain.address())
  await call('owner', 'POST', 'settings', { payout_approval_above: { 'SOL/9': '1000000000' } })
  await sale('g', '5')
  await sale('h', '6')
  await work(8)
  const waiting = idOf((await call('owner', 'GET', 'payouts?limit=200'))?.body)
  await call('second', 'POST', `payouts/${waiting}/approve`, { ...(await approval('second', waiting)), hash: '0'.repeat(64) })
  await call('second', 'POST', `payouts/${waiting}/approve`, await approval('second', waiting))
  const shares = [['ai', '1'], ['dao', '1'], ['lucky', '1']].map(([role = '', weight = '']) => ({ role, to: { recipient: role }, weight }))
  const draft = await call('first', 'POST', 'plans', { plan: { steps: [{ name: 'split', from: 'received', rule: 'fixed-shares', rounding: 'rotate', parameters: { shares } }] } })
  const { draft: id, hash } = (draft?.body ?? {}) as { draft: string; hash: string }
  await call('second', 'POST', `plans/${id}/approve`, { hash })
  elapse({ seconds: 1 })
  await sale('i', '0.000000005')
  await sale('j', '0.02')
  await sale('k', '0.03', { event_at: now().subtract({ hours: 1 }).toString() })
  await call('owner', 'GET', 'blocks?limit=200')
  await call('owner', 'GET', 'distributions?limit=200')
  await work(40)
}

beforeAll(async () => {
  house = await openHouse()
  const recipients = await Promise.all(['ai', 'dao', 'lucky', KNOWN].map(async (recipient) => ({ recipient, address: await house.chain.address() })))
  audited = await openAudited(house, 'watched', { programFile: null, recipients, schema: 'watched', coins: 100n })
  await live(audited)
}, 60_000)

afterAll(async () => {
  await audited.close()
  await house.close()
})

describe('the auditor, watching a real ledger', () => {
  it('finds nothing broken, and has looked at everything', async () => {
    const world = await audited.take()
    const auditor = auditorOf(world)
    expect(auditor.look()).toEqual([])
    const { findings, figures } = await auditor.end()
    expect(findings).toEqual([])
    expect(figures).toMatchObject({ events: 12, payouts: 34, settled: 33, waiting: { awaiting_approval: 1 }, sharesExact: 34, sharesByLaws: 0, statements: 5 })
  })
})
