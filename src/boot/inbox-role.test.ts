// A role for SQL inserts: it can do that, and nothing else.

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openHouse, type Home, type House } from '../../test/house.ts'
import { createInboxRole } from './inbox-role.ts'

let house: House
let home: Home
const role = `seller_${randomBytes(6).toString('hex')}`

beforeAll(async () => {
  house = await openHouse()
  home = await house.makeLedger()
})

afterAll(async () => {
  await house.database.pool.query(`drop owned by ${role}`)
  await house.database.pool.query(`drop role ${role}`)
  await house.close()
})

it('inserts events by SQL, sees what became of them, and may do nothing else', async () => {
  const { world } = house.main
  const given = { ownerUrl: house.database.url, ledger: home.ledger, role }
  const { url, table } = await createInboxRole(world, given)
  expect(table).toBe(`${home.schema}.profit_events`)
  const seller = new Client({ connectionString: url })
  await seller.connect()
  try {
    await seller.query(`insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, 1.5, 'by the seller')`, [home.token])
    const { rows } = await seller.query<{ state: string }>('select state from profit_events_status')
    expect(rows).toEqual([{ state: 'queued' }])
    for (const forbidden of ['update profit_events set sale_amount = 2', 'delete from profit_events', 'select from tokens', 'select from apportion.wallet']) {
      await expect(seller.query(forbidden)).rejects.toMatchObject({ code: '42501' })
    }
  } finally {
    await seller.end()
  }
  await expect(createInboxRole(world, given)).rejects.toMatchObject({ code: 'field_malformed', details: { field: 'role' } })
  await expect(createInboxRole(world, { ...given, role: 'Röle"' })).rejects.toMatchObject({ code: 'field_malformed' })
})
