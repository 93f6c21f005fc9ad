// Installing beside what is there already: which tables are adopted and what becomes of their rows, and what is refused by name.

import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../test/effects.ts'
import { saleDatabase, type SaleDatabase } from '../../../test/sale-ledger.ts'
import { ROLES } from '../../../test/template.ts'

let sales: SaleDatabase

beforeAll(async () => {
  sales = await saleDatabase()
})

afterAll(async () => {
  await sales.drop()
})

let made = 0

/** A schema of its own with these statements run in it. `s.` in them stands for it. */
async function schemaWith(...statements: readonly string[]): Promise<string> {
  made += 1
  const schema = `shop_${made}`
  await sales.owner.query(`create schema ${schema}`)
  for (const statement of statements) await sales.owner.query(statement.replaceAll(/\bs\./g, `${schema}.`))
  return schema
}

/** Sells for 100 SOL in that schema's table. */
async function sell(schema: string, by: Pick<Pool, 'query'> = sales.owner): Promise<void> {
  const columns = 'token_id, sale_amount, transaction_hash'
  await by.query(`insert into ${schema}.profit_events (${columns}) values (gen_random_uuid(), 100, 'TEST_new')`)
}

async function query(statement: string): Promise<readonly Record<string, unknown>[]> {
  return (await sales.owner.query<Record<string, unknown>>(statement)).rows
}

/** The table of the system before, with columns replaced or added. */
function table(changed: Readonly<Record<string, string>> = {}): string {
  const columns: Record<string, string> = {
    id: 'uuid primary key default gen_random_uuid()',
    token_id: 'uuid not null',
    sale_amount: 'numeric not null',
    dao_amount: 'numeric',
    creator_amount: 'numeric',
    lucky_amount: 'numeric',
    reinvestment_amount: 'numeric',
    timestamp: 'timestamptz default now()',
    transaction_hash: 'text not null unique',
    ...changed,
  }
  const listed = Object.entries(columns).filter(([, type]) => type !== '')
  return `create table s.profit_events (${listed.map(([name, type]) => `"${name}" ${type}`).join(', ')})`
}

const ROWS = `insert into s.profit_events (token_id, sale_amount, transaction_hash)
  select gen_random_uuid(), 1.5, 'TEST_old_' || number from generate_series(1, 3) as number`

async function refusalOf(schema: string): Promise<string> {
  const ledger = await sales.makeLedger(schema.replace('_', '-'), { schema }).then(
    () => null,
    (error: { code: string; message: string }) => error,
  )
  expect(ledger?.code).toBe('inbox_table_mismatch')
  // All or nothing: no ledger, and nothing more in the schema than before.
  expect(await query(`select from apportion.ledger where name = '${schema.replace('_', '-')}'`)).toEqual([])
  expect(await query(`select to_regclass('${schema}.tokens') is null or to_regclass('${schema}.profit_events') is null
    or to_regclass('${schema}.profit_events_status') is null as partly`)).toEqual([{ partly: true }])
  return ledger?.message ?? ''
}

describe('an empty schema', () => {
  it('gets both tables and the view, also when it is not there yet and has a name that needs quoting', async () => {
    const schema = `Señor "O'Brien" $q$ :app`
    const ledger = await sales.makeLedger('quoted', { schema })
    const name = `"${schema.replaceAll('"', '""')}"`
    await sell(name)
    expect(await ledger.take()).toBe(1)
    const status = await query(`select state, creator_amount from ${name}.profit_events_status`)
    expect(status).toEqual([{ state: 'recorded', creator_amount: '2.000000000' }])
    const reference = 'TEST_2'
    expect((await ledger.record({ reference, token_id: crypto.randomUUID(), sale_amount: '1' })).state).toBe('recorded')
    expect(await query(`select count(*) from ${name}.profit_events_status where state = 'recorded'`)).toEqual([{ count: 2n }])
  })

  it.each(['apportion', 'pg_catalog', 'information_schema'])('is not %s', async (schema) => {
    const codes = expect.stringMatching(/^(inbox_table_mismatch|field_malformed)$/)
    await expect(sales.makeLedger('system', { schema })).rejects.toMatchObject({ code: codes })
  })
})

describe('a table that is there', () => {
  it('is adopted: its rows never become events, later ones do', async () => {
    const schema = await schemaWith(table(), ROWS)
    const ledger = await sales.makeLedger('adopted', { schema })
    expect(await ledger.take()).toBe(0)
    await sell(schema)
    expect(await ledger.take()).toBe(1)
    const status = await query(`select state, count(*), sum(sale_amount)::text as sum, count(event) as events
      from ${schema}.profit_events_status group by state order by state`)
    expect(status).toEqual([
      { state: 'before_adoption', count: 3n, sum: '4.5', events: 0n },
      { state: 'recorded', count: 1n, sum: '100.000000000', events: 1n },
    ])
  })

  it('keeps what was paid before as it was, also when its row is deleted and loaded again', async () => {
    const schema = await schemaWith(table(), ROWS)
    const ledger = await sales.makeLedger('reloaded', { schema })
    await sales.owner.query(`delete from ${schema}.profit_events`)
    await sales.owner.query(ROWS.replaceAll('s.', `${schema}.`))
    expect(await ledger.take()).toBe(0)
    expect(await query(`select distinct state from ${schema}.profit_events_status`)).toEqual([{ state: 'before_adoption' }])
  })

  it('gets one trigger and, where it is missing, one unique index', async () => {
    const plain = await schemaWith(table({ transaction_hash: 'text not null' }), ROWS)
    const unique = await schemaWith(table(), ROWS)
    for (const schema of [plain, unique]) {
      await sales.makeLedger(schema.replace('_', '-'), { schema })
      const table = `'${schema}.profit_events'::regclass`
      expect(await query(`select count(*) from pg_trigger where tgrelid = ${table} and not tgisinternal`)).toEqual([{ count: 1n }])
      // The primary key and the hash.
      expect(await query(`select count(*) from pg_index where indrelid = ${table} and indisunique`)).toEqual([{ count: 2n }])
      await expect(sales.owner.query(ROWS.replaceAll('s.', `${schema}.`))).rejects.toMatchObject({ code: '23505' })
    }
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['numeric(20,9)', { sale_amount: 'numeric(20,9)' }],
    ['numeric(78,18)', { dao_amount: 'numeric(78,18)' }],
    ['varchar', { transaction_hash: 'varchar unique' }],
    ['varchar(256)', { transaction_hash: 'varchar(256) unique' }],
    [
      'columns of its own',
      { note: 'text', inserted_by: 'text not null default current_user', serial: 'bigint generated always as identity' },
    ],
    ['another key', { id: 'uuid default gen_random_uuid()', number: 'bigint generated by default as identity primary key' }],
  ])('is adopted with %s', async (_, changed) => {
    const schema = await schemaWith(table(changed), ROWS)
    const ledger = await sales.makeLedger(schema.replace('_', '-'), { schema })
    const reference = 'TEST_new'
    expect((await ledger.record({ reference, token_id: crypto.randomUUID(), sale_amount: '18446744073.709551615' })).state).toBe('recorded')
    const status = await query(`select state, creator_amount from ${schema}.profit_events_status where transaction_hash = 'TEST_new'`)
    expect(status).toEqual([{ state: 'recorded', creator_amount: '368934881.474191032' }])
  })

  it('is adopted with its own triggers and foreign keys, which go on working', async () => {
    const schema = await schemaWith(
      'create table s.tokens (id uuid primary key, creator_wallet_address text)',
      table({ token_id: 'uuid not null references s.tokens' }),
      'create table s.seen (hash text)',
      `create function s.note() returns trigger language plpgsql as
        $$ begin insert into s.seen values (new.transaction_hash); return new; end $$`,
      'create trigger note before insert on s.profit_events for each row execute function s.note()',
    )
    const ledger = await sales.makeLedger(schema.replace('_', '-'), { schema })
    const insert = `insert into ${schema}.profit_events (token_id, sale_amount, transaction_hash) values ($1, 1, 'TEST_1')`
    const token = crypto.randomUUID()
    await expect(sales.owner.query(insert, [token])).rejects.toMatchObject({ code: '23503' })
    await sales.owner.query(`insert into ${schema}.tokens values ($1, 'wallet-1')`, [token])
    await sales.owner.query(insert, [token])
    expect(await ledger.take()).toBe(1)
    expect(await query(`select * from ${schema}.seen`)).toEqual([{ hash: 'TEST_1' }])
  })

  it('is adopted without losing a row that is being inserted meanwhile', async () => {
    const schema = await schemaWith(table(), ROWS)
    const writer = await sales.owner.connect()
    await writer.query('begin')
    await sell(schema, writer)
    const installing = sales.makeLedger('meanwhile', { schema })
    await until('the installation to wait for the writer', async () => {
      const waiting = await query(`select from pg_locks where relation = '${schema}.profit_events'::regclass and not granted`)
      return waiting.length > 0 ? true : undefined
    })
    await writer.query('commit')
    writer.release()
    await installing
    const status = await query(`select state from ${schema}.profit_events_status where transaction_hash = 'TEST_new'`)
    expect(status).toEqual([{ state: 'before_adoption' }])
  })

  it('of tokens gives its rows as recipients with their wallets', async () => {
    const schema = await schemaWith(
      'create table s.tokens (id uuid not null, symbol text, creator_wallet_address varchar(64))',
      `insert into s.tokens
        select gen_random_uuid(), 'T' || number, nullif('wallet-' || number, 'wallet-2') from generate_series(1, 3) as number`,
    )
    const ledger = await sales.makeLedger(schema.replace('_', '-'), { schema })
    expect(
      await query(`select token.symbol, destination.destination ->> 'address' as address from ${schema}.tokens as token
        join apportion.recipient on recipient.ledger = '${ledger.id}' and recipient.recipient = token.id::text
        left join apportion.destination using (ledger, recipient) order by symbol`),
    ).toEqual([
      { symbol: 'T1', address: 'wallet-1' },
      { symbol: 'T2', address: null },
      { symbol: 'T3', address: 'wallet-3' },
    ])
    await sales.owner.query(`insert into ${schema}.tokens (id) values (gen_random_uuid()) on conflict (id) do nothing`)
  })
})

describe('a table that cannot be adopted is refused, and the refusal says why:', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['real amounts', { sale_amount: 'real' }, ['sale_amount is real', 'alter column sale_amount type numeric']],
    ['double precision amounts', { lucky_amount: 'double precision' }, ['lucky_amount is double precision']],
    ['two decimals', { dao_amount: 'numeric(12,2)' }, ['dao_amount is numeric(12,2)', '9 decimals']],
    ['whole numbers', { sale_amount: 'numeric(20)' }, ['sale_amount is numeric(20,0)']],
    ['nine digits before the point', { sale_amount: 'numeric(18,9)' }, ['sale_amount is numeric(18,9)', '11 digits']],
    ['lamports', { sale_amount: 'bigint' }, ['sale_amount is bigint, not numeric']],
    ['money', { sale_amount: 'money' }, ['sale_amount is money']],
    ['a hash of 88 characters', { transaction_hash: 'varchar(88) unique' }, ['transaction_hash is character varying(88)', '256 characters']],
    ['a padded hash', { transaction_hash: 'char(88) unique' }, ['transaction_hash is character(88)']],
    ['tokens as text', { token_id: 'text' }, ['token_id is text, not uuid']],
    ['an instant without zone', { timestamp: 'timestamp' }, ['timestamp" is timestamp without time zone']],
    ['a column missing', { creator_amount: '' }, ['creator_amount is missing', 'add column creator_amount numeric']],
    ['a computed column', { dao_amount: 'numeric generated always as (sale_amount * 0.15) stored' }, ['dao_amount is generated']],
    ['a column that only others fill', { invoice: 'text not null' }, ['invoice', 'drop not null']],
    ['a key without default', { id: 'uuid primary key' }, ['the column id', 'has no default']],
  ])('%s', async (_, changed, says) => {
    const message = await refusalOf(await schemaWith(table(changed)))
    for (const part of ['profit_events cannot be adopted', ...says]) expect(message).toContain(part)
  })

  it('rows without a hash and hashes that repeat, listed', async () => {
    const schema = await schemaWith(
      table({ transaction_hash: 'text' }),
      `insert into s.profit_events (token_id, sale_amount, transaction_hash)
        select gen_random_uuid(), 1, hash
        from unnest(array[null, null, 'TEST_a', 'TEST_a', 'TEST_b', 'TEST_c', 'TEST_c', 'TEST_c']) as hash`,
    )
    const message = await refusalOf(schema)
    const says = ['2 rows have no transaction_hash', 'transaction_hash "TEST_c" stands in 3 rows', '"TEST_a" stands in 2 rows']
    for (const part of says) expect(message).toContain(part)
    expect(message).not.toContain('TEST_b')
  })

  it('everything at once', async () => {
    const schema = await schemaWith(
      table({ sale_amount: 'float8', token_id: 'text', transaction_hash: 'text' }),
      `insert into s.profit_events (token_id, sale_amount, transaction_hash) values ('a', 1, 'TEST_a'), ('a', 1, 'TEST_a')`,
    )
    const message = await refusalOf(schema)
    for (const part of ['sale_amount', 'token_id', 'TEST_a']) expect(message).toContain(part)
  })

  it('tokens that repeat', async () => {
    const schema = await schemaWith(
      'create table s.tokens (id uuid, creator_wallet_address text)',
      `insert into s.tokens select '${crypto.randomUUID()}' from generate_series(1, 2)`,
    )
    expect(await refusalOf(schema)).toContain('stands in 2 rows')
  })

  it('tokens whose key or wallet is something else', async () => {
    const message = await refusalOf(await schemaWith('create table s.tokens (id bigint primary key, wallet text)'))
    for (const part of ['id is bigint, not uuid', 'creator_wallet_address is missing']) expect(message).toContain(part)
  })

  it('row security that would hide its rows, until a policy lets the server in', async () => {
    const schema = await schemaWith(table(), 'alter table s.profit_events enable row level security')
    const message = await refusalOf(schema)
    const remedy = /create policy .*? with check \(true\)/.exec(message)?.[0] ?? ''
    expect(remedy).toContain(ROLES.app)
    await sales.owner.query(remedy)
    const ledger = await sales.makeLedger(schema.replace('_', '-'), { schema })
    expect((await ledger.record({ reference: 'TEST_1', token_id: crypto.randomUUID(), sale_amount: '1' })).state).toBe('recorded')
  })

  it('an owner who is somebody else', async () => {
    const schema = await schemaWith(table())
    const stranger = await sales.makeUser(
      'execute on function apportion.sale_split_table_problems(regclass, jsonb, regrole)',
      'usage on schema apportion',
      'select on apportion.ledger',
      `usage on schema ${schema}`,
    )
    const problems = `select apportion.sale_split_table_problems('${schema}.profit_events', '[]', '${ROLES.app}') as problem`
    const { rows } = await stranger.query<{ problem: string }>(problems)
    expect(rows.map(({ problem }) => problem)).toContainEqual(expect.stringMatching(new RegExp(`^it belongs to ${new URL(sales.database.url).username}, .*alter table .* owner to user_`)))
  })

  it('another ledger that it serves already', async () => {
    const schema = await schemaWith(table())
    await sales.makeLedger('first', { schema })
    await sales.owner.query(`drop view ${schema}.profit_events_status`)
    const message = await sales.makeLedger('second', { schema }).catch((error: Error) => error.message)
    expect(message).toContain('it serves the ledger first already')
  })
})

describe('a name that is taken by something else is refused by name:', () => {
  it.each<[string, string, string]>([
    ['a view', 'create view s.profit_events as select 1 as id', 'profit_events is taken by a view'],
    ['a materialized view', 'create materialized view s.tokens as select 1 as id', 'tokens is taken by a materialized view'],
    ['a partitioned table', 'create table s.profit_events (id uuid) partition by hash (id)', 'profit_events is taken by a partitioned table'],
    ['an unlogged table', 'create unlogged table s.profit_events (id uuid)', 'profit_events is taken by an unlogged table'],
    ['a sequence', 'create sequence s.tokens', 'tokens is taken by a sequence'],
    ['a type', `create type s.tokens as enum ('a')`, 'tokens is taken by a type'],
    ['an index', 'create table s.other (id int); create index profit_events on s.other (id)', 'profit_events is taken by an index'],
    ['a table where the view should stand', 'create table s.profit_events_status (id uuid)', 'profit_events_status is taken by a table'],
  ])('%s', async (_, statement, says) => {
    expect(await refusalOf(await schemaWith(...statement.split('; ')))).toContain(says)
  })
})
