// What a verification costs when a ledger has become some times as large: as many times as much, and not the square of it.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { countingStore } from '../../../test/buffers.ts'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../../test/paper-ledger.ts'
import { reverse } from '../../../test/reversing.ts'
import { verify } from '../verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

/** So many events with a guest of its own each: each fourth reversed in part before it was paid, each fourth after, all others paid. */
async function grown(events: number): Promise<PaperLedger> {
  const ledger = await paper.open(`of-${events}`)
  const guests = Array.from({ length: events }, (_, index) => `guest-${index}`)
  const reverseFourth = async (first: number): Promise<void> => {
    for (let index = first; index < events; index += 4) await reverse(ledger, `sale ${index}`, { reference: `sale ${index}/back`, units: 100n })
  }
  await ledger.nameDrawers(['house', 'fund', ...guests])
  await ledger.record(guests.map((guest, index) => paperEvent(`sale ${index}`, 1000n, { guest })))
  await reverseFourth(0)
  await ledger.makePayouts()
  while ((await ledger.send()) > 0);
  while ((await ledger.look()) > 0);
  await reverseFourth(1)
  return ledger
}

it('grows with the ledger, also where payouts were made and events reversed', async () => {
  const pages: number[] = []
  for (const events of [100, 300]) {
    const { world, ledger } = await grown(events)
    await paper.database.pool.query('vacuum analyze')
    const { store, taken } = countingStore(world.store)
    expect((await verify({ ...world, store }, ledger)).breaks).toEqual([])
    pages.push(taken())
  }
  const [small = 0, large = 0] = pages
  // Three times, and a little for indexes that are deeper.
  expect(large).toBeLessThan(small * 3.6)
})
