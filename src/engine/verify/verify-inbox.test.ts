// Inbox rows in all the ways they come to stand beside their events: none of them is a break. What their owner changes afterwards is.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { machine } from '../../../test/effects.ts'
import { saleDatabase, type SaleDatabase, type SaleLedger } from '../../../test/sale-ledger.ts'
import { programs } from '../../programs/index.ts'
import { rails } from '../../rails/index.ts'
import { openStore, type Store } from '../../store/store.ts'
import { createLedgers, type Ledger } from '../ledger.ts'
import { verify } from '../verify.ts'

const TOKEN = '5a1e0001-0000-4000-8000-000000000001'

let sales: SaleDatabase
let store: Store
let sale: SaleLedger
let ledger: Ledger
beforeAll(async () => {
  sales = await saleDatabase()
  store = openStore(sales.database.appUrl, 'verify')
  await sales.owner.query(`create table public.profit_events (id uuid primary key default gen_random_uuid(), token_id uuid not null, sale_amount numeric not null,
    dao_amount numeric, creator_amount numeric, lucky_amount numeric, reinvestment_amount numeric, "timestamp" timestamptz default now(), transaction_hash text not null unique)`)
  await insert('old', '7')
  sale = await sales.makeLedger('sales')
  ledger = await createLedgers({ store, programs }).open('sales')
})
afterAll(async () => {
  await store.close()
  await sales.drop()
})

async function insert(hash: string, amount: string, given = 'null, null, null, null', at = 'now()'): Promise<void> {
  await sales.owner.query(
    `insert into public.profit_events (token_id, sale_amount, dao_amount, creator_amount, lucky_amount, reinvestment_amount, "timestamp", transaction_hash)
     values ($1, $2, ${given}, ${at}, $3)`,
    [TOKEN, amount, hash],
  )
}

async function found(): Promise<unknown[]> {
  const { breaks } = await verify({ store, now: machine.now, rails }, ledger)
  return breaks.map(({ check, where, found: said }) => [check, where.reference, said])
}

it('finds nothing wrong with rows that were recorded, refused, wait, or stood there before', async () => {
  await insert('by-sql', '12.345678901')
  await insert('with-amounts', '100', '15, 2, 3, 80')
  await insert('wrong-amounts', '100', '16, 2, 3, 79')
  await insert('long-ago', '1', undefined, `now() - interval '30 days'`)
  await insert('both', '1')
  await insert('other', '1')
  expect(await sale.record({ reference: 'by-api', token_id: TOKEN, sale_amount: '0.000000001' })).toMatchObject({ state: 'recorded' })
  expect(await sale.record({ reference: 'both', token_id: TOKEN, sale_amount: '1' })).toMatchObject({ state: 'recorded' })
  expect(await sale.record({ reference: 'other', token_id: TOKEN, sale_amount: '2' })).toMatchObject({ state: 'recorded' })
  expect(await found()).toEqual([])
  await sale.take()
  await insert('not-taken', '1')
  const { rows } = await sales.owner.query('select transaction_hash, state from public.profit_events_status order by transaction_hash collate "C"')
  expect(rows.map(({ transaction_hash: hash, state }) => `${hash}: ${state}`)).toEqual([
    ...['both: recorded', 'by-api: recorded', 'by-sql: recorded', 'long-ago: waiting', 'not-taken: queued', 'old: before_adoption'],
    ...['other: refused', 'with-amounts: recorded', 'wrong-amounts: refused'],
  ])
  expect(await found()).toEqual([])
})

it('names what their owner changes behind the back of the engine', async () => {
  await sales.owner.query(`update public.profit_events set sale_amount = 13 where transaction_hash = 'by-sql'`)
  await sales.owner.query(`update public.profit_events set dao_amount = 16 where transaction_hash = 'with-amounts'`)
  await sales.owner.query(`delete from public.profit_events where transaction_hash = 'by-api'`)
  expect(await found()).toEqual([
    ['inbox', 'by-api', 'no row'],
    ['inbox', 'by-sql', 'sale_amount is 13, but the event has 12.345678901'],
    ['inbox', 'with-amounts', 'dao_amount is 16, but 15.000000000 is its share'],
  ])
})
