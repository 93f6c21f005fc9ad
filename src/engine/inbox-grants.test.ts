// Grants on ledgers' tables: a server with another role than before can work, and a table that is gone stops nobody.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase } from '../../test/sale-ledger.ts'
import { programs } from '../programs/index.ts'
import { applyInboxGrants } from './inbox-grants.ts'

let sales: SaleDatabase
beforeAll(async () => {
  sales = await saleDatabase()
  await sales.makeLedger('main')
  await sales.makeLedger('side', { schema: 'Side books' })
  await sales.makeLedger('gone', { schema: 'gone' })
})
afterAll(async () => await sales.drop())

it('are given to the role of now for every ledger whose tables are there', async () => {
  const other = await sales.makeUser()
  const { rows } = await other.query<{ app: string }>('select current_user::text as app')
  const app = rows[0]?.app ?? ''
  await sales.owner.query('drop schema gone cascade')
  const tables = ['public.profit_events', '"Side books".profit_events']
  for (const table of tables) await expect(other.query(`select from ${table}`)).rejects.toThrow(/permission denied/)
  await applyInboxGrants(sales.owner, { app, programs })
  await applyInboxGrants(sales.owner, { app, programs })
  for (const table of tables) {
    await other.query(`select from ${table}`)
    await other.query(`select from ${table}_status`)
    await expect(other.query(`delete from ${table}`)).rejects.toThrow(/permission denied/)
  }
})
