// The view profit_events_status: what became of each row, with the figures that were paid, and nothing to be written to.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase, type SaleLedger } from '../../../test/sale-ledger.ts'
import { TOKEN } from '../../../test/sale-scenarios.ts'

let sales: SaleDatabase
let ledger: SaleLedger

beforeAll(async () => {
  sales = await saleDatabase()
  ledger = await sales.makeLedger('main')
})

afterAll(async () => {
  await sales.drop()
})

async function insert(reference: string, { amount = '100', at = 'now()', dao = 'null', schema = 'public' } = {}): Promise<void> {
  await sales.owner.query(
    `insert into ${schema}.profit_events (token_id, sale_amount, dao_amount, "timestamp", transaction_hash)
      values ($1, $2, ${dao}, ${at}, $3)`,
    [TOKEN, amount, reference],
  )
}

async function status(reference: string, schema = 'public'): Promise<Record<string, unknown> | undefined> {
  const statement = `select * from ${schema}.profit_events_status where transaction_hash = $1`
  return (await sales.owner.query<Record<string, unknown>>(statement, [reference])).rows[0]
}

describe('a row', () => {
  it('that waits to be taken is queued, with the amounts that it has', async () => {
    await insert('TEST_queued', { dao: '15' })
    expect(await status('TEST_queued')).toMatchObject({
      state: 'queued',
      token_id: TOKEN,
      code: null,
      reason: null,
      event: null,
      distribution: null,
      plan_version: null,
      sale_amount: 100n,
      dao_amount: 15n,
      creator_amount: null,
      backdated: null,
      recorded_at: null,
    })
  })

  it('that is an event shows it, with all amounts as they are paid', async () => {
    await insert('TEST_recorded', { amount: '0.000000007', dao: '0.000000002' })
    await ledger.take()
    const found = await status('TEST_recorded')
    const { rows } = await sales.owner.query(
      `select event.number, block.recorded_at from apportion.event
        join apportion.block on block.lane = event.lane and block.number = event.block where reference = 'TEST_recorded'`,
    )
    const { number, recorded_at } = rows[0] as { number: bigint; recorded_at: Temporal.Instant }
    expect(found).toMatchObject({
      state: 'recorded',
      code: null,
      reason: null,
      event: number,
      distribution: `0.${number}`,
      plan_version: 1,
      sale_amount: '0.000000007',
      reinvestment_amount: '0.000000006',
      dao_amount: '0.000000001',
      lucky_amount: '0.000000000',
      creator_amount: '0.000000000',
      backdated: false,
      recorded_at,
    })
  })

  it('that the plan refuses says so', async () => {
    await insert('TEST_refused', { dao: '16' })
    await ledger.take()
    expect(await status('TEST_refused')).toMatchObject({
      state: 'refused',
      code: 'event_share_mismatch',
      reason: expect.stringContaining('16.000000000'),
      event: null,
      sale_amount: 100n,
      dao_amount: 16n,
    })
  })

  it.each([
    ['of the future', `now() + interval '1 hour'`, 'event_time_exceeded'],
    ['of long ago', `now() - interval '8 days'`, 'event_backdated_forbidden'],
  ])('%s waits for an operator', async (name, at, code) => {
    await insert(`TEST_${name}`, { at })
    await ledger.take()
    expect(await status(`TEST_${name}`)).toMatchObject({ state: 'waiting', code, reason: expect.stringContaining('event_at'), event: null })
  })

  it('that waits and is deleted frees its hash, and the next one is queued', async () => {
    await insert('TEST_again', { at: `now() + interval '1 hour'` })
    await ledger.take()
    await sales.owner.query(`delete from profit_events where transaction_hash = 'TEST_again'`)
    await insert('TEST_again')
    await ledger.take()
    expect(await status('TEST_again')).toMatchObject({ state: 'recorded' })
  })

  it('that is neither queued nor an event is missing', async () => {
    await insert('TEST_missing')
    await sales.owner.query(`delete from apportion.inbox where reference = 'TEST_missing'`)
    expect(await status('TEST_missing')).toMatchObject({ state: 'missing', event: null })
  })
})

describe('the view', () => {
  it('finds events in any lane, and not those of another ledger', async () => {
    const wide = await sales.makeLedger('wide', { schema: 'wide', lanes: 8 })
    const other = await sales.makeLedger('beside', { schema: 'beside' })
    const references = Array.from({ length: 30 }, (_, number) => `TEST_lane_${number}`)
    for (const reference of references) {
      await insert(reference, { schema: 'wide', amount: '1' })
      await insert(reference, { schema: 'beside', amount: '2' })
    }
    expect([await wide.take(), await other.take()]).toEqual([30, 30])
    for (const [schema, sum] of Object.entries({ wide: '30.000000000', beside: '60.000000000' })) {
      const { rows } = await sales.owner.query(
        `select count(*), count(distinct distribution) as distributions, count(distinct split_part(distribution, '.', 1)) > 1 as lanes,
          sum(reinvestment_amount + dao_amount + lucky_amount + creator_amount)::text as sum
          from ${schema}.profit_events_status where state = 'recorded'`,
      )
      expect(rows).toEqual([{ count: 30n, distributions: 30n, lanes: schema === 'wide', sum }])
    }
  })

  it('is read by whoever may, without a right on anything behind it', async () => {
    await insert('TEST_reader')
    const reader = await sales.makeUser('select on profit_events_status')
    const { rows } = await reader.query(`select state from profit_events_status where transaction_hash = 'TEST_reader'`)
    expect(rows).toEqual([{ state: 'queued' }])
  })

  it.each([
    ['insert', `insert into profit_events_status (transaction_hash) values ('x')`],
    ['update', `update profit_events_status set state = 'recorded'`],
    ['update of nothing', `update profit_events_status set state = 'recorded' where false`],
    ['delete', `delete from profit_events_status`],
  ])('refuses an %s and says where to write instead', async (_, statement) => {
    const reader = await sales.makeUser('select on profit_events_status')
    await expect(reader.query(statement)).rejects.toMatchObject({
      message: expect.stringContaining('profit_events_status is a view and cannot be written'),
      hint: 'Insert into public.profit_events instead.',
    })
  })
})
