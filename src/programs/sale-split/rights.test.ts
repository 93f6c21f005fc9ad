// What database roles may do beyond their part: nobody gets the owner's rights by the functions behind the tables' triggers.

import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase, type SaleLedger } from '../../../test/sale-ledger.ts'
import { addressOf, ROLES } from '../../../test/template.ts'
import { createPool } from '../../store/pool.ts'
import { applyGrants } from '../../store/roles.ts'

let sales: SaleDatabase
let ledger: SaleLedger
let pools: { readonly [role: string]: Pool }

beforeAll(async () => {
  sales = await saleDatabase()
  ledger = await sales.makeLedger('main')
  const { appPool, signerPool, pool } = sales.database
  pools = { server: appPool, signer: signerPool, stranger: await sales.makeUser(), owner: pool }
})

afterAll(async () => {
  await sales.drop()
})

/** Binds a trigger function to a temporary table of the role's own, as an attacker would, and inserts into it. */
async function abuse(role: string, { columns, functionName, row }: { columns: string; functionName: string; row: string }): Promise<void> {
  const client = await pools[role]!.connect()
  try {
    await client.query('begin')
    await client.query(`create temporary table own (${columns})`)
    await client.query(
      `create trigger own after insert on own referencing new table as ${functionName.endsWith('changed') ? 'changed' : 'added'}
        for each statement execute function apportion.${functionName}('${ledger.id}')`,
    )
    await client.query(`insert into own values (${row})`)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const TRIGGERS = [
  { columns: 'id uuid, creator_wallet_address text', functionName: 'sale_split_tokens_changed', row: `gen_random_uuid(), 'attacker'` },
  {
    columns: `id uuid, token_id uuid, sale_amount numeric, dao_amount numeric, creator_amount numeric, lucky_amount numeric,
      reinvestment_amount numeric, "timestamp" timestamptz, transaction_hash text`,
    functionName: 'sale_split_profit_events_added',
    row: `null, gen_random_uuid(), 1, null, null, null, null, now(), 'forged'`,
  },
  { columns: 'ledger uuid, recipient text', functionName: 'destination_added', row: `'00000000-0000-4000-8000-000000000000', 'ai'` },
]

describe.each(TRIGGERS)('the trigger function $functionName', (trigger) => {
  it.each(['server', 'signer', 'stranger'])('cannot be bound to a table of their own by the %s', async (role) => {
    await expect(abuse(role, trigger)).rejects.toThrow(/permission denied/)
  })

  it('serves no other table even where somebody may bind it', async () => {
    await expect(abuse('owner', trigger)).rejects.toMatchObject({ code: '42501', message: expect.stringMatching(/is not the table|alone/) as string })
  })
})

it('leaves nobody but the owner a function to call', async () => {
  const { rows } = await sales.owner.query(
    `select proname, coalesce(grantee::regrole::text, 'public') as grantee from pg_proc
      cross join lateral aclexplode(coalesce(proacl, acldefault('f', proowner)))
      where pronamespace = 'apportion'::regnamespace and grantee <> proowner`,
  )
  expect(rows).toEqual([])
})

it('still lets triggers of the real tables fire for those who may only insert', async () => {
  const user = await sales.makeUser('insert on profit_events', 'insert on tokens')
  const token = crypto.randomUUID()
  await user.query(`insert into tokens (id, creator_wallet_address) values ($1, 'wallet')`, [token])
  await user.query(`insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, 1, 'TEST_real')`, [token])
  expect(await ledger.take()).toBe(1)
})

describe('temporary tables', () => {
  it('are made neither by the server nor by the signer once the grants are applied', async () => {
    await applyGrants(sales.owner, ROLES)
    for (const role of [ROLES.app, ROLES.signer]) {
      const pool = createPool({ url: addressOf(sales.database.url, { database: sales.database.name, role }), max: 1, applicationName: 'test' })
      await expect(pool.query('create temporary table own ()')).rejects.toThrow(/permission denied/)
      await pool.end()
    }
  })
})

it.each([
  ['makes no ledger', `insert into apportion.ledger (ledger) values (gen_random_uuid())`],
  ['adds no lane', `insert into apportion.lane (lane) values (1)`],
  ['adds no asset', `insert into apportion.asset (asset) values ('SOL/9')`],
  ['moves no head to another lane', 'update apportion.head set lane = lane'],
  ['moves no cursor to another lane', 'update apportion.payout_cursor set lane = lane'],
])('the server %s', async (_, sql) => {
  await expect(pools['server']!.query(sql)).rejects.toThrow(/permission denied/)
})
