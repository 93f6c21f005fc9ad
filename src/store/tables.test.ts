// What Citus demands of tables and keys, held against the catalog of plain PostgreSQL, so that a table that could not be spread is
// refused here and not on the day when it must be.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { TABLES, tablesOf } from './tables.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(async () => await database.drop())

async function ask<Row extends object>(text: string): Promise<Row[]> {
  return (await database.pool.query<Row>(text)).rows
}

/** Partitions are parts of their table. */
const OWN = `relnamespace = 'apportion'::regnamespace and relkind in ('r', 'p') and not relispartition`

type Key = { readonly table: string; readonly key: string; readonly primary: boolean; readonly columns: string[] }

/** Every key by which a row is unique, those of partitions too. */
const uniqueKeys = async (): Promise<readonly Key[]> =>
  await ask<Key>(`
    select coalesce(parent.relname, own.relname) as table, index.relname as key, indisprimary as primary,
      array(select attname::text from unnest(indkey::int[]) with ordinality as part (number, place)
        join pg_attribute on attrelid = own.oid and attnum = part.number order by place) as columns
    from pg_index
    join pg_class own on own.oid = indrelid and own.relnamespace = 'apportion'::regnamespace
    join pg_class index on index.oid = indexrelid
    left join pg_inherits on inhrelid = own.oid left join pg_class parent on parent.oid = inhparent
    where indisunique`)

type ForeignKey = { readonly name: string; readonly from: string; readonly to: string; readonly columns: string[]; readonly names: string[] }

const foreignKeys = async (): Promise<readonly ForeignKey[]> =>
  await ask<ForeignKey>(`
    select conname as name, conrelid::regclass::text as from, confrelid::regclass::text as to,
      array(select attname::text from unnest(conkey) with ordinality as part (number, place)
        join pg_attribute on attrelid = conrelid and attnum = part.number order by place) as columns,
      array(select attname::text from unnest(confkey) with ordinality as part (number, place)
        join pg_attribute on attrelid = confrelid and attnum = part.number order by place) as names
    from pg_constraint where contype = 'f' and connamespace = 'apportion'::regnamespace`).then((rows) =>
    rows.map((row) => ({ ...row, from: row.from.replace('apportion.', ''), to: row.to.replace('apportion.', '') })),
  )

const isLane = (table: string): boolean => TABLES[table] === 'lane'

/** What the posting statements and `verify` hold instead of the database: three foreign keys cost ten times on a million rows. */
const HOT: readonly string[] = ['event', 'reference', 'transfer', 'block', 'balance', 'account']

describe('the list of tables', () => {
  it('has every table of the schema, and no other', async () => {
    const found = await ask<{ name: string }>(`select relname as name from pg_class where ${OWN} order by relname collate "C"`)
    expect(Object.keys(TABLES).toSorted()).toEqual(found.map(({ name }) => name))
  })

  it('has each table after those that its foreign keys name', async () => {
    const order = Object.keys(TABLES)
    expect((await foreignKeys()).filter(({ from, to }) => from !== to && order.indexOf(from) < order.indexOf(to))).toEqual([])
  })
})

describe('a lane table', () => {
  it('has its lane as first column, which is always there', async () => {
    const found = await ask<{ name: string }>(`
      select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid
      where ${OWN} and attnum = 1 and attname = 'lane' and atttypid = 'bigint'::regtype and attnotnull order by relname collate "C"`)
    // The list of lanes says which ledger each belongs to, and is itself no lane table.
    expect(found.map(({ name }) => name)).toEqual([...tablesOf('lane'), 'lane'].toSorted())
  })

  it('has a primary key, and leads it with the lane; every other unique key holds the lane', async () => {
    const keys = (await uniqueKeys()).filter(({ table }) => isLane(table))
    expect(keys.filter(({ primary, columns }) => (primary ? columns[0] !== 'lane' : !columns.includes('lane')))).toEqual([])
    const primary = await ask<{ name: string }>(`
      select relname as name from pg_constraint join pg_class on pg_class.oid = conrelid where contype = 'p' and ${OWN}`)
    expect(new Set(primary.map(({ name }) => name))).toEqual(new Set(Object.keys(TABLES)))
  })

  it('refers to reference tables, and to lane tables by the lane first', async () => {
    const keys = (await foreignKeys()).filter(({ from, to }) => isLane(from) || isLane(to))
    expect(keys.length).toBeGreaterThan(5)
    const good = ({ from, to, columns, names }: ForeignKey): boolean =>
      isLane(from) && (TABLES[to] === 'reference' || (isLane(to) && columns[0] === 'lane' && names[0] === 'lane'))
    expect(keys.filter((key) => !good(key))).toEqual([])
  })

  it('of the hot path has no foreign key, and none to it', async () => {
    expect((await foreignKeys()).filter(({ from, to }) => HOT.includes(from) || HOT.includes(to))).toEqual([])
  })

  it('has no trigger, and a reference table neither', async () => {
    const found = await ask<{ table: string }>(`
      select relname as table from pg_trigger join pg_class on pg_class.oid = tgrelid
      where not tgisinternal and relnamespace = 'apportion'::regnamespace`)
    expect(found.filter(({ table }) => TABLES[table] !== 'local')).toEqual([])
  })

  // What is generated is stored with its row: by a rule of the row alone.
  it('has no rule, no identity, no sequence, and nothing generated that is not stored', async () => {
    const found = await ask<{ table: string }>(`
      select relname as table from pg_class where ${OWN} and (relhasrules or exists (
        select from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = pg_class.oid and (attidentity <> '' or attgenerated not in ('', 's') or pg_get_expr(adbin, adrelid) like '%nextval%')))`)
    expect(found).toEqual([])
  })
})

it('a reference table refers to reference tables alone', async () => {
  const keys = (await foreignKeys()).filter(({ from }) => TABLES[from] === 'reference')
  expect(keys.filter(({ to }) => TABLES[to] !== 'reference')).toEqual([])
})
