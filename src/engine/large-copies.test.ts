// A journal with a large distribution, taken by others: verified by a script outside, imported as a copy, and read there. The snapshot itself
// stays with the ledger that has it.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { importLines, journalOf, linesOfJournal } from '../../test/copying.ts'
import { openLarge } from '../../test/large-ledger.ts'
import { paperDatabase, type PaperDatabase } from '../../test/paper-ledger.ts'
import { breakOutside } from '../../test/stand-alone.ts'
import { explain } from './explain.ts'
import { createLedgers } from './ledger.ts'
import { balances } from './read-accounts.ts'
import { distribution } from './read-distributions.ts'
import { statement } from './read-statement.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

it('is sound outside and in a copy, where its shares are read and its snapshot is not', async () => {
  const ledger = await openLarge(paper, 'original')
  const { snapshot } = await ledger.snapshot('holders', { ana: '1', bo: '2', cy: '3' })
  await ledger.recordBy('dividend', 100n, snapshot.hash, 2)
  await ledger.complete()
  const journal = await journalOf(ledger, { records: true })
  expect(await breakOutside(journal)).toBeNull()
  const made = await paper.open('copy')
  await importLines(paper, made, linesOfJournal(journal))
  const copy = await createLedgers(made.world).open('copy')
  expect(await verify(made.world, copy)).toMatchObject({ ok: true, copy: true, breaks: [] })
  const { items } = await balances(made.world, copy, { at: null, role: 'payable', account: null, cursor: null, limit: 10 })
  expect(items.map(({ account, units }) => `${account} ${units}`)).toEqual(['payable:ana 17', 'payable:bo 33', 'payable:cy 50'])
  const { assets } = await statement(made.world, copy, { recipient: 'cy', from: null, to: null, by: 'recorded_at' })
  expect(assets[0]).toMatchObject({ earned: { units: '50' }, closing: { units: '50' } })
  expect(await distribution(made.world, copy, 'dividend')).toMatchObject({ shares: [{ role: 'distribution', units: '100' }], progress: null })
  expect((await explain(made.world, copy, 'dividend')).agrees).toBe(true)
  await expect(explain(made.world, copy, 'dividend#ana')).rejects.toMatchObject({ code: 'event_not_found' })
})
