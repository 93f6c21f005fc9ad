// The queue of rows that are not yet events: taken by one worker at a time, in order, and given back by whoever does not return.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHouse, type Home, type House } from '../../test/house.ts'
import { admitInbox, admittedOf, clearInbox, judgeInbox, listInbox, takeInbox } from './inbox.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function queue({ schema, token }: Home, references: readonly string[]): Promise<void> {
  await house.database.pool.query(
    `insert into ${schema}.profit_events (token_id, sale_amount, transaction_hash) select $1, 1, reference from unnest($2::text[]) as reference`,
    [token, references],
  )
}

/** The taking of whoever takes now. */
const taking = ({ ledger }: Home) => ({ ledger: ledger.id, until: house.now().add({ seconds: 30 }) })

const take = async (home: Home, limit = 100): Promise<string[]> =>
  await takeInbox(house.main.world.store.pool, { ...taking(home), now: house.now(), limit })

const states = async ({ ledger }: Home) => (await listInbox(house.database.pool, { ledger: ledger.id, limit: 100 })).map(({ reference, state, code }) => [reference, state, code])

describe('queued rows', () => {
  it('are taken oldest first, then by reference, and not again while they are out', async () => {
    const home = await house.makeLedger()
    await queue(home, ['b', 'a', 'Z'])
    await queue(home, ['0'])
    expect(await take(home, 2)).toEqual(['Z', 'a'])
    expect(await take(home)).toEqual(['b', '0'])
    expect(await take(home)).toEqual([])
  })

  it('of a worker that does not return are taken again after its lease', async () => {
    const home = await house.makeLedger()
    await queue(home, ['a'])
    expect(await take(home)).toEqual(['a'])
    house.elapse({ seconds: 30 })
    expect(await take(home)).toEqual([])
    house.elapse({ milliseconds: 1 })
    expect(await take(home)).toEqual(['a'])
  })

  it('are each taken by one of several workers at once', async () => {
    const home = await house.makeLedger()
    const references = Array.from({ length: 200 }, (_, index) => `row ${index}`)
    await queue(home, references)
    const taken = await Promise.all(Array.from({ length: 20 }, async () => await take(home, 10)))
    const rest = await take(home, 1000)
    expect([...taken.flat(), ...rest].toSorted()).toEqual(references.toSorted())
  })

  it('of another ledger are none of it', async () => {
    const [one, other] = [await house.makeLedger(), await house.makeLedger()]
    await queue(one, ['same'])
    await queue(other, ['same'])
    expect(await take(one)).toEqual(['same'])
    expect(await states(other)).toEqual([['same', 'queued', null]])
    await clearInbox(house.database.pool, taking(one), ['same'])
    expect(await states(other)).toEqual([['same', 'queued', null]])
  })
})

describe('verdicts', () => {
  it('stay with their rows; only what waits can be admitted, and then counts as admitted', async () => {
    const home = await house.makeLedger()
    const { pool } = house.main.world.store
    const { id } = home.ledger
    await queue(home, ['fine', 'refused', 'waiting'])
    await take(home)
    await judgeInbox(pool, taking(home), [
      { reference: 'refused', state: 'refused', code: 'event_share_mismatch', reason: 'why' },
      { reference: 'waiting', state: 'waiting', code: 'event_backdated_forbidden', reason: 'why' },
    ])
    await clearInbox(pool, taking(home), ['fine', 'refused'])
    expect(await states(home)).toEqual([['refused', 'refused', 'event_share_mismatch'], ['waiting', 'waiting', 'event_backdated_forbidden']])
    expect(await admitInbox(pool, id, ['refused', 'waiting', 'unknown'])).toEqual(['waiting'])
    expect(await admittedOf(pool, id, ['refused', 'waiting'])).toEqual(new Set(['waiting']))
    expect(await take(home)).toEqual(['waiting'])
  })

  it('do not touch what somebody else has taken or judged meanwhile', async () => {
    const home = await house.makeLedger()
    const { pool } = house.main.world.store
    await queue(home, ['row'])
    const lost = taking(home)
    await take(home)
    house.elapse({ seconds: 31 })
    await take(home)
    await judgeInbox(pool, lost, [{ reference: 'row', state: 'refused', code: 'too late', reason: 'why' }])
    await clearInbox(pool, lost, ['row'])
    expect(await states(home)).toEqual([['row', 'queued', null]])
    await judgeInbox(pool, taking(home), [{ reference: 'row', state: 'refused', code: 'first', reason: 'why' }])
    await judgeInbox(pool, taking(home), [{ reference: 'row', state: 'waiting', code: 'second', reason: 'why' }])
    expect(await states(home)).toEqual([['row', 'refused', 'first']])
  })
})
