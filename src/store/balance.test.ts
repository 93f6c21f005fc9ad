// The rows of an account over eras of its lane: the same as those of a plain look at all rows, at each place, in both directions.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { balanceRows, newestBalance } from './balance.ts'

const LANE = 7n
const ERA = 2n ** 22n
/** Transfers that touched an account: at the ends of eras, within them, and none in some. */
const TOUCHED: Readonly<Record<number, readonly bigint[]>> = {
  1: [1n, ERA - 1n, ERA, ERA + 1n, 2n * ERA - 1n, 5n * ERA, 5n * ERA + 3n],
  2: [2n],
  3: [3n * ERA + 7n],
  4: [],
  5: [5n * ERA + 9n],
}
const ALL = Object.values(TOUCHED).flat()
const PLACES = [0n, ...new Set(ALL.flatMap((transfer) => [transfer - 1n, transfer, transfer + 1n])), 9n * ERA]

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  const rows = Object.entries(TOUCHED).flatMap(([account, transfers]) => transfers.map((transfer) => [account, transfer] as const))
  // A neighbour's rows, in the same places of another lane, are nobody's here.
  for (const lane of [LANE - 1n, LANE, LANE + 1n]) {
    for (const [account, transfer] of rows) {
      await database.pool.query('insert into apportion.balance (lane, account, transfer, debits, credits) values ($1, $2, $3, $4, $5)', [lane, account, transfer, transfer % 3n, lane])
    }
  }
})
afterAll(async () => await database.drop())

const ask = async (text: string): Promise<readonly bigint[]> => (await database.pool.query<{ transfer: bigint }>(text)).rows.map(({ transfer }) => transfer)

describe('rows of an account', () => {
  it.each(Object.keys(TOUCHED))('%s are those between two places, in order and against it', async (account) => {
    const own = TOUCHED[Number(account)] ?? []
    for (const above of PLACES) {
      for (const upTo of PLACES) {
        const expected = own.filter((transfer) => transfer > above && transfer <= upTo)
        const of = { lane: String(LANE), account, above: String(above), upTo: String(upTo) }
        expect(await ask(balanceRows(of))).toEqual(expected)
        expect(await ask(balanceRows({ ...of, direction: 'desc', limit: '2' }))).toEqual(expected.toReversed().slice(0, 2))
        expect(await ask(balanceRows({ ...of, limit: '3' }))).toEqual(expected.slice(0, 3))
      }
    }
  })

  it.each(Object.keys(TOUCHED))('%s that a condition holds for are all that a limit counts', async (account) => {
    const expected = (TOUCHED[Number(account)] ?? []).filter((transfer) => transfer % 3n === 0n)
    expect(await ask(balanceRows({ lane: String(LANE), account, where: 'debits = 0', direction: 'desc', limit: '1' }))).toEqual(expected.slice(-1))
  })

  it.each(Object.keys(TOUCHED))('%s end with its balance at each place, and now', async (account) => {
    const own = TOUCHED[Number(account)] ?? []
    for (const upTo of PLACES) {
      expect(await ask(newestBalance({ lane: String(LANE), account, upTo: String(upTo) }))).toEqual(own.filter((transfer) => transfer <= upTo).slice(-1))
    }
    expect(await ask(newestBalance({ lane: String(LANE), account }))).toEqual(own.slice(-1))
  })

  it('are read where they stand: nothing is sorted by more than an era, and no era beyond the one that has the answer', async () => {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain (analyze, costs off, timing off, summary off, buffers off) ${newestBalance({ lane: String(LANE), account: '5' })}`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Sort|Seq Scan/)
    expect(plan).toMatch(/Index Scan Backward using balance_pkey on balance \(actual rows=1\.00 loops=1\)/)
  })

  it('of a lane without rows are none', async () => {
    expect(await ask(newestBalance({ lane: '99', account: '1' }))).toEqual([])
  })
})
