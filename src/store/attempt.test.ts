// Attempts in the database: one live attempt a payout, ended once, whoever is late.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machine } from '../../test/effects.ts'
import { mustRecord, openHouse, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from '../engine/make-payouts.ts'
import {
  attemptsOfPayouts, committedOf, dueAttempts, endAttempts, ownIdentities, recordLooks, recordSubmits, reservePayouts, type AttemptEnd, type NewAttempt, type PayoutEnd,
} from './attempt.ts'
import { listPayouts, type PayoutRow } from './payout.ts'
import type { Statement } from './statement.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function payoutsOf({ lane }: Home): Promise<readonly PayoutRow[]> {
  return (await listPayouts(house.database.pool, { lanes: [lane], state: null, before: null, limit: 1000 })).toReversed()
}

async function withSale(): Promise<{ home: Home; ids: readonly string[] }> {
  const home = await house.makeLedger()
  await mustRecord(house.main, home, sale(home, 'sale', '100'))
  await makePayouts(house.main.world, home.ledger, home.lane)
  return { home, ids: (await payoutsOf(home)).map(({ payout }) => payout) }
}

function newAttempt({ wallet }: Home, payouts: readonly string[]): NewAttempt {
  const attempt = machine.id()
  return { attempt, wallet: wallet.id, asset: 'SOL/9', identity: `identity ${attempt}`, bytes: new Uint8Array([1, 2, 3]), data: { height: '7' }, costs: [{ kind: 'fee', asset: 'SOL/9', units: 5000n }], settings: 0, payouts }
}

const run = async ({ text, values }: Statement) => await house.database.pool.query(text, [...values])

const reserve = async (home: Home, attempts: readonly NewAttempt[]) => await run(reservePayouts(home.lane, attempts, house.now()))

const paid = (payout: string): PayoutEnd => ({ payout, state: 'settled', reason: null, detail: null, dueAt: null, batch: null, tries: 0 })

function endOf({ attempt, payouts }: NewAttempt, own: Partial<AttemptEnd> = {}): AttemptEnd {
  return { attempt, state: 'settled', reason: null, proof: { slot: '9' }, payouts: payouts.map(paid), ...own }
}

describe('reserving', () => {
  it('takes queued payouts, writes identity and bytes, and says how many it got', async () => {
    const { home, ids } = await withSale()
    const attempt = newAttempt(home, ids.slice(0, 3))
    expect((await reserve(home, [attempt])).rowCount).toBe(3)
    const [due] = await dueAttempts(house.database.pool, home.lane, house.now(), 10)
    expect(due).toMatchObject({ attempt: attempt.attempt, state: 'prepared', identity: attempt.identity, data: { height: '7' }, submits: 0, submit_due: true })
    expect(new Uint8Array(present(due, 'attempt').bytes)).toEqual(new Uint8Array([1, 2, 3]))
    expect(due?.payouts.map(({ payout, units }) => [payout, units])).toEqual([[ids[0], '80000000000'], [ids[1], '15000000000'], [ids[2], '3000000000']])
    expect(await committedOf(house.database.pool, home.wallet.id)).toEqual([{ asset: 'SOL/9', units: 98_000_005_000n }])
  })

  it('gets less where another attempt was first, which is rolled back', async () => {
    const { home, ids } = await withSale()
    await reserve(home, [newAttempt(home, ids.slice(0, 1))])
    expect((await reserve(home, [newAttempt(home, ids)])).rowCount).toBe(3)
  })

  it('leaves the order of the message as it was given', async () => {
    const { home, ids } = await withSale()
    const turned = ids.toReversed()
    await reserve(home, [newAttempt(home, turned)])
    const [due] = await dueAttempts(house.database.pool, home.lane, house.now(), 10)
    expect(due?.payouts.map(({ payout }) => payout)).toEqual(turned)
  })

  it('of one payout by two attempts at once is refused by the schema, whatever the caller does', async () => {
    const { home, ids } = await withSale()
    const [one, other] = [newAttempt(home, ids), newAttempt(home, ids)]
    await reserve(home, [one])
    const set = `update apportion.payout set state = 'queued', live_attempt = $3 where lane = $1 and payout = $2`
    await expect(house.database.pool.query(set, [home.lane, ids[0], other.attempt])).rejects.toMatchObject({ code: '23514' })
  })
})

describe('what a submit answered', () => {
  it('is kept with the time of the next look, and never revives an attempt that has ended', async () => {
    const { home, ids } = await withSale()
    const attempt = newAttempt(home, ids)
    await reserve(home, [attempt])
    const answer = { attempt: attempt.attempt, state: 'unknown', reason: 'lost', lookAt: house.now().add({ seconds: 1 }), submitAt: house.now().add({ seconds: 2 }) } as const
    await recordSubmits(house.database.pool, home.lane, [answer])
    expect(await dueAttempts(house.database.pool, home.lane, house.now(), 10)).toEqual([])
    house.elapse({ seconds: 1 })
    expect(await dueAttempts(house.database.pool, home.lane, house.now(), 10)).toMatchObject([{ state: 'unknown', submits: 1, submit_due: false }])
    const look = { attempt: attempt.attempt, state: 'submitted', reason: 'seen', looks: 0, expired: false } as const
    await recordLooks(house.database.pool, home.lane, [{ ...look, lookAt: house.now().add({ seconds: 1 }) }])
    expect(await dueAttempts(house.database.pool, home.lane, house.now(), 10)).toEqual([])
    house.elapse({ seconds: 1 })
    expect(await dueAttempts(house.database.pool, home.lane, house.now(), 10)).toMatchObject([{ submit_due: true }])
    await run(endAttempts(home.lane, [endOf(attempt)], house.now()))
    await recordSubmits(house.database.pool, home.lane, [answer])
    await recordLooks(house.database.pool, home.lane, [{ ...look, lookAt: house.now() }])
    expect(await dueAttempts(house.database.pool, home.lane, house.now(), 10)).toEqual([])
    expect(await attemptsOfPayouts(house.database.pool, home.lane, ids.slice(0, 1))).toMatchObject([{ state: 'settled', submits: 1, proof: { slot: '9' } }])
  })
})

describe('ending', () => {
  it('moves the payouts, writes settlements of those paid, and tells what it moved', async () => {
    const { home, ids } = await withSale()
    const attempt = newAttempt(home, ids)
    await reserve(home, [attempt])
    const [first = '', second = '', third = '', fourth = ''] = ids
    const batch = machine.id()
    const held: PayoutEnd = { ...paid(first), state: 'held', reason: 'frozen', detail: 'why', dueAt: house.now(), tries: 1 }
    const queued = (payout: string): PayoutEnd => ({ ...paid(payout), state: 'queued', dueAt: house.now(), batch, tries: 1 })
    const { rows } = await run(endAttempts(home.lane, [endOf(attempt, { state: 'failed', payouts: [held, queued(second), queued(third), queued(fourth)] })], house.now()))
    expect(rows.map(({ payout }: { payout: string }) => payout).toSorted()).toEqual(ids.toSorted())
    expect((await payoutsOf(home)).map(({ state, reason, batch: bound, live_attempt: live, tries }) => [state, reason, bound, live, tries])).toEqual([
      ['held', 'frozen', null, null, 1],
      ...[1, 2, 3].map(() => ['queued', null, batch, null, 1]),
    ])
    expect((await house.database.pool.query('select from apportion.settlement where lane = $1', [home.lane])).rowCount).toBe(0)
    expect(await committedOf(house.database.pool, home.wallet.id)).toEqual([])
  })

  it('happens once, however many say so', async () => {
    const { home, ids } = await withSale()
    const attempt = newAttempt(home, ids)
    await reserve(home, [attempt])
    const answers = await Promise.all([endOf(attempt), endOf(attempt, { state: 'never' }), endOf(attempt)].map(async (end) => (await run(endAttempts(home.lane, [end], house.now()))).rowCount))
    expect(answers.toSorted((one, other) => (one ?? 0) - (other ?? 0))).toEqual([0, 0, 4])
    expect(new Set((await payoutsOf(home)).map(({ live_attempt: live }) => live))).toEqual(new Set([null]))
  })

  it('of an attempt leaves alone what belongs to another one by now', async () => {
    const { home, ids } = await withSale()
    const first = newAttempt(home, ids)
    await reserve(home, [first])
    const requeued = ids.map((payout): PayoutEnd => ({ ...paid(payout), state: 'queued', dueAt: house.now() }))
    await run(endAttempts(home.lane, [endOf(first, { state: 'never', payouts: requeued })], house.now()))
    const second = newAttempt(home, ids)
    await reserve(home, [second])
    expect((await run(endAttempts(home.lane, [endOf(first)], house.now()))).rowCount).toBe(0)
    expect((await payoutsOf(home)).map(({ state, live_attempt: live }) => [state, live])).toEqual(ids.map(() => ['reserved', second.attempt]))
    expect((await attemptsOfPayouts(house.database.pool, home.lane, ids)).map(({ state }) => state)).toEqual(ids.flatMap(() => ['never', 'prepared']))
  })
})

describe('our own identities', () => {
  it('are those of attempts of that wallet, ended or not', async () => {
    const { home, ids } = await withSale()
    const other = await withSale()
    const attempt = newAttempt(home, ids)
    await reserve(home, [attempt])
    const asked = [attempt.identity, 'a stranger']
    expect(await ownIdentities(house.database.pool, home.wallet.id, asked)).toEqual(new Set([attempt.identity]))
    expect(await ownIdentities(house.database.pool, other.home.wallet.id, asked)).toEqual(new Set())
  })
})
