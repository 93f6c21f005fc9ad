// Views of ledgers' schemas: gone with a migration that changes what they read, there again after it, and read by whoever could before.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase } from '../../test/sale-ledger.ts'
import { programs } from '../programs/index.ts'
import { makeInboxViews } from './inbox-views.ts'

let sales: SaleDatabase
beforeAll(async () => {
  sales = await saleDatabase()
  await sales.makeLedger('main')
  await sales.makeLedger('side', { schema: 'Side books' })
  await sales.makeLedger('gone', { schema: 'gone' })
})
afterAll(async () => await sales.drop())

const VIEWS = ['public.profit_events_status', '"Side books".profit_events_status']

it('are dropped and made anew with what people were granted on them; those of tables that are gone stop nobody', async () => {
  const { owner } = sales
  const reader = await sales.makeUser()
  const { rows } = await reader.query<{ name: string }>('select quote_ident(current_user) as name')
  const name = rows[0]?.name ?? ''
  await owner.query(`grant usage on schema "Side books" to ${name}; grant select on ${VIEWS[1]} to ${name} with grant option`)
  await owner.query('drop schema gone cascade')
  await owner.query('select apportion.drop_ledger_views()')
  for (const view of VIEWS) expect((await owner.query(`select to_regclass('${view}') as view`)).rows).toEqual([{ view: null }])
  await makeInboxViews(owner, { app: 'test_app', programs })
  for (const view of VIEWS) expect((await owner.query(`select count(*) from ${view}`)).rows).toEqual([{ count: 0n }])
  await reader.query(`select from ${VIEWS[1]}`)
  await expect(reader.query(`select from ${VIEWS[0]}`)).rejects.toThrow(/permission denied/)
  const granted = await owner.query('select is_grantable from information_schema.role_table_grants where grantee = $1 and table_schema = $2', [name, 'Side books'])
  expect(granted.rows).toEqual([{ is_grantable: 'YES' }])
  expect((await owner.query('select from apportion.dropped_view_grant')).rowCount).toBe(0)
})

it('do not take with them a view that somebody made of one of them', async () => {
  const { owner } = sales
  await owner.query(`create view public.mine as select state from ${VIEWS[0]}`)
  await expect(owner.query('select apportion.drop_ledger_views()')).rejects.toThrow(/other objects depend on it/)
  await owner.query('drop view public.mine')
})
