// The table tokens: whom a creator share belongs to and which wallet counts from when, kept by plain SQL.

import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase, type SaleLedger } from '../../../test/sale-ledger.ts'

let sales: SaleDatabase
let ledger: SaleLedger
let user: Pool

beforeAll(async () => {
  sales = await saleDatabase()
  ledger = await sales.makeLedger('main')
  user = await sales.makeUser('select, insert, update, delete on tokens')
})

afterAll(async () => {
  await sales.drop()
})

/** The wallets of a token, oldest first; null stands for none, undefined for a token that is not known. */
async function walletsOf(token: string, of: SaleLedger = ledger): Promise<readonly (string | null)[] | undefined> {
  const known = await sales.owner.query('select from apportion.recipient where ledger = $1 and recipient = $2', [of.id, token])
  if (known.rowCount === 0) return undefined
  const { rows } = await sales.owner.query<{ address: string | null }>(
    `select destination ->> 'address' as address from apportion.destination where ledger = $1 and recipient = $2 order by effective_from`,
    [of.id, token],
  )
  return rows.map(({ address }) => address)
}

async function insertToken(address: string | null, by: Pick<Pool, 'query'> = user): Promise<string> {
  const token = crypto.randomUUID()
  await by.query('insert into tokens (id, creator_wallet_address) values ($1, $2)', [token, address])
  return token
}

async function setWallet(token: string, address: string | null, by: Pick<Pool, 'query'> = user): Promise<void> {
  await by.query('update tokens set creator_wallet_address = $2 where id = $1', [token, address])
}

describe('a token', () => {
  it('that is inserted is a recipient with its wallet', async () => {
    expect(await walletsOf(await insertToken('wallet-1'))).toEqual(['wallet-1'])
  })

  it.each([null, '', '  '])('with %j as its wallet is known and has none', async (address) => {
    expect(await walletsOf(await insertToken(address))).toEqual([])
  })

  it('gets its wallet later', async () => {
    const token = await insertToken(null)
    await setWallet(token, 'wallet-1')
    expect(await walletsOf(token)).toEqual(['wallet-1'])
  })

  it('keeps its old wallets, so that a change counts for later events only', async () => {
    const token = await insertToken('wallet-1')
    await setWallet(token, 'wallet-2')
    await setWallet(token, 'wallet-2')
    await setWallet(token, 'wallet-1')
    expect(await walletsOf(token)).toEqual(['wallet-1', 'wallet-2', 'wallet-1'])
  })

  it('that loses its wallet has none from then on, and may get another', async () => {
    const token = await insertToken('wallet-1')
    await setWallet(token, null)
    await setWallet(token, '')
    expect(await walletsOf(token)).toEqual(['wallet-1', null])
    await setWallet(token, 'wallet-2')
    expect(await walletsOf(token)).toEqual(['wallet-1', null, 'wallet-2'])
  })

  it('that is deleted stays known: its shares were earned', async () => {
    const token = await insertToken('wallet-1')
    await user.query('delete from tokens where id = $1', [token])
    expect(await walletsOf(token)).toEqual(['wallet-1'])
  })

  it('belongs to the ledger of its table alone', async () => {
    const other = await sales.makeLedger('other', { schema: 'other' })
    const token = crypto.randomUUID()
    await sales.owner.query(`insert into other.tokens (id, creator_wallet_address) values ($1, 'wallet-1')`, [token])
    expect(await walletsOf(token, other)).toEqual(['wallet-1'])
    expect(await walletsOf(token)).toBeUndefined()
  })
})

describe('a transaction', () => {
  it('that changes a wallet twice leaves the last one', async () => {
    const client = await user.connect()
    await client.query('begin')
    const token = await insertToken('wallet-1', client)
    await setWallet(token, 'wallet-2', client)
    await setWallet(token, 'wallet-3', client)
    await client.query('commit')
    client.release()
    expect(await walletsOf(token)).toEqual(['wallet-3'])
  })

  it('that rolls back leaves nothing', async () => {
    const client = await user.connect()
    await client.query('begin')
    const token = await insertToken('wallet-1', client)
    await client.query('rollback')
    client.release()
    expect(await walletsOf(token)).toBeUndefined()
  })

  it('that began earlier and changes the wallet later has the last word', async () => {
    const token = await insertToken('wallet-1')
    const early = await user.connect()
    await early.query('begin')
    await early.query('select now()')
    await setWallet(token, 'wallet-2')
    await setWallet(token, 'wallet-3', early)
    await early.query('commit')
    early.release()
    expect(await walletsOf(token)).toEqual(['wallet-1', 'wallet-2', 'wallet-3'])
  })

  it('may bring the token and its first sale together: the wallet counts for it', async () => {
    const seller = await sales.makeUser('insert on profit_events', 'insert on tokens')
    const client = await seller.connect()
    await client.query('begin')
    const token = await insertToken('wallet-1', client)
    const reference = `TEST_${token}`
    await client.query('insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, 1, $2)', [token, reference])
    await client.query('commit')
    client.release()
    await ledger.take()
    const { rows } = await sales.owner.query(
      `select destination.effective_from <= event.event_at as counts
        from apportion.event join apportion.destination on destination.recipient = event.parties ->> 'creator' where event.reference = $1`,
      [reference],
    )
    expect(rows).toEqual([{ counts: true }])
  })
})

describe('a statement', () => {
  it('changes many tokens at once', async () => {
    const { rows } = await user.query<{ id: string }>(
      `insert into tokens (id, creator_wallet_address)
        select gen_random_uuid(), 'wallet-' || number from generate_series(1, 500) as number returning id`,
    )
    await user.query(`update tokens set creator_wallet_address = 'moved' where id = any ($1::uuid[])`, [rows.map(({ id }) => id)])
    const tokens = rows.map(({ id }) => id)
    const { rows: counts } = await sales.owner.query(
      `select count(distinct recipient), count(*) filter (where destination ->> 'address' = 'moved') as moved, count(*) as all
        from apportion.destination where recipient = any ($1::text[])`,
      [tokens],
    )
    expect(counts).toEqual([{ count: 500n, moved: 500n, all: 1000n }])
  })

  it('with `on conflict do update` does both', async () => {
    const [known, added] = [await insertToken('wallet-1'), crypto.randomUUID()]
    await user.query(
      `insert into tokens (id, creator_wallet_address) values ($1, 'wallet-2'), ($2, 'wallet-3')
        on conflict (id) do update set creator_wallet_address = excluded.creator_wallet_address`,
      [known, added],
    )
    expect(await walletsOf(known)).toEqual(['wallet-1', 'wallet-2'])
    expect(await walletsOf(added)).toEqual(['wallet-3'])
  })

  it('that touches no row is no error', async () => {
    expect((await user.query(`update tokens set creator_wallet_address = 'x' where false`)).rowCount).toBe(0)
    expect((await user.query('insert into tokens select null, null where false')).rowCount).toBe(0)
  })
})
