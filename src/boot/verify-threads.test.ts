// Threads find in the ranges of a journal what one process finds in the whole of it.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase } from '../../test/sale-ledger.ts'
import { machine } from '../../test/effects.ts'
import { createLedgers, type Ledger } from '../engine/ledger.ts'
import { verify, type VerifyOptions } from '../engine/verify.ts'
import type { RangeSize } from '../engine/verify/ranges.ts'
import type { Desk } from '../engine/world.ts'
import { programs } from '../programs/index.ts'
import { openStore } from '../store/store.ts'
import { startVerifyThreads, type VerifyThreads } from './verify-threads.ts'

/** Each block a range of its own. */
const rangeSize: RangeSize = { transfers: 1n, transfersAnAccount: 0n, ranges: 100n }

let sales: SaleDatabase
let desk: Desk
let ledger: Ledger
let threads: VerifyThreads

beforeAll(async () => {
  sales = await saleDatabase()
  const made = await sales.makeLedger('shop', { lanes: 2 })
  for (let index = 0; index < 9; index += 1) {
    await made.record({ reference: `sale ${index}`, token_id: '0190a000-0000-7000-8000-000000000001', sale_amount: `${index + 1}.5` })
  }
  desk = { ...machine, store: openStore(sales.database.appUrl, 'test'), programs, rails: {} }
  ledger = await createLedgers(desk).open('shop')
  threads = startVerifyThreads({ url: sales.database.appUrl }, 2)
})
afterAll(async () => {
  await threads.close()
  await desk.store.close()
  await sales.drop()
})

const found = async (options: VerifyOptions) => ({ ...(await verify(desk, ledger, options)), at: '' })

it('by themselves, whatever order they end in', async () => {
  const told: bigint[] = []
  const report = await found({ rangeSize, checker: threads.check, onProgress: ({ transfers }) => void told.push(transfers) })
  expect(report).toEqual(await found({}))
  expect(report).toMatchObject({ ok: true, breaks: [] })
  expect(told.every((transfers) => transfers <= 45n)).toBe(true)
  await sales.owner.query(`update apportion.transfer set units = units + 1 where number = 8`)
  const broken = await found({ rangeSize, checker: threads.check })
  expect(broken.breaks.map(({ check, where: { lane, transfer } }) => [check, lane, transfer]).slice(0, 1)).toEqual([['distribution', 0, '8']])
  expect(broken).toEqual(await found({ rangeSize }))
})

it('and say why when they cannot', async () => {
  const nowhere = startVerifyThreads({ url: 'postgres://nobody@127.0.0.1:1/nothing' }, 1)
  await expect(found({ checker: nowhere.check })).rejects.toThrow('ECONNREFUSED')
  await nowhere.close()
})
