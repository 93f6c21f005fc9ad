// Reversing what was divided by a snapshot: in parts, before payouts are made, while they wait, and once they were paid; the same everywhere.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { copyOf } from '../../test/copying.ts'
import { byHoldings, openLarge, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, reverse } from '../../test/reversing.ts'
import { explain } from './explain.ts'
import { ageing } from './read-reports.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const HOLDERS = { ana: '1', bo: '2', cy: '3', dee: '0', eli: '4' }

async function distributed(name: string, steps?: readonly object[]): Promise<LargeLedger> {
  const ledger = await openLarge(paper, name, steps)
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  return ledger
}

it('takes parts of each share back before payouts are made, and the parts add up to the whole', async () => {
  const ledger = await distributed('parts')
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back/1', units: 333n })
  expect(await balancesOf(ledger)).toEqual({ expected: -667n, 'payable:ana': 67n, 'payable:bo': 133n, 'payable:cy': 200n, 'payable:eli': 267n })
  await expectSound(ledger, ['dividend', 'dividend#ana', 'back/1'])
  expect(await ageing(ledger.world, ledger.ledger)).toMatchObject([{ state: 'payable', ages: expect.arrayContaining([expect.objectContaining({ units: '667' })]) }])
  await ledger.makePayouts()
  await ledger.makePayouts()
  expect(await ledger.payouts()).toEqual(['ana 67 held', 'bo 133 held', 'cy 200 held', 'eli 267 held'])
  await reverse(ledger, 'dividend', { reference: 'back/2', units: 1n })
  await reverse(ledger, 'dividend', { reference: 'back/3' })
  await expect(reverse(ledger, 'dividend', { reference: 'back/4', units: 1n })).rejects.toMatchObject({ code: 'reversal_exceeded', details: { left: '0.00' } })
  expect((await ledger.payouts()).every((each) => each.endsWith('cancelled'))).toBe(true)
  expect(await balancesOf(ledger)).toEqual({})
  await expectSound(ledger, ['dividend', 'dividend#eli', 'back/1', 'back/2', 'back/3'])
})

it('is owed by those who were paid, and taken from those who were not, and kept back from their next shares', async () => {
  const ledger = await distributed('paid')
  await ledger.complete()
  await ledger.nameDrawers(['ana', 'eli'])
  for (let round = 0; round < 4; round += 1) {
    await ledger.makePayouts()
    await ledger.send()
    await ledger.look()
  }
  await reverse(ledger, 'dividend', { reference: 'back', units: 500n })
  expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:ana': -50n, 'owed_by:eli': -200n, 'payable:bo': 100n, 'payable:cy': 150n })
  const { shares, reversals, agrees } = await explain(ledger.world, ledger.ledger, 'dividend#eli')
  expect([agrees, shares.at(-1)?.units, reversals.map(({ transfers }) => transfers.map(({ debit, units }) => `${debit} ${units}`))]).toEqual([true, '400', [['owed_by:eli 200', 'received 500']]])
  await expectSound(ledger, ['dividend', 'dividend#bo', 'back'])
  await ledger.record([paperEvent('next', 400n, { facts: { holdings: { eli: '3', ana: '1' } } })])
  await ledger.makePayouts()
  expect(await balancesOf(ledger)).toMatchObject({ 'payable:eli': 100n, 'payable:ana': 50n })
  await expectSound(ledger, ['next', 'back'])
})

it('has what an earlier step gave to others back too, and stays itself in a copy of the journal', async () => {
  const fee = { name: 'fee', from: 'received', rule: 'fixed-shares', parameters: { shares: [{ role: 'house', to: { recipient: 'house' }, weight: '10%' }, { role: 'rest', to: { fund: 'holders' }, weight: '90%' }] } }
  const ledger = await distributed('fee', [fee, { ...byHoldings(), from: 'fund:holders' }])
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back', units: 100n })
  expect(await balancesOf(ledger)).toEqual({ expected: -900n, 'payable:house': 90n, 'payable:ana': 81n, 'payable:bo': 162n, 'payable:cy': 243n, 'payable:eli': 324n })
  await expectSound(ledger, ['dividend', 'dividend#cy', 'back'])
  const copy = await copyOf(paper, ledger, 'fee-copy')
  expect((await verify(copy.world, copy.ledger)).breaks).toEqual([])
})

it('is refused while it is being posted, and nothing is changed', async () => {
  const ledger = await distributed('running')
  await ledger.step()
  const before = await balancesOf(ledger)
  await expect(reverse(ledger, 'dividend', { reference: 'back' })).rejects.toMatchObject({ code: 'distribution_locked', causedBy: 'state', message: expect.stringContaining('is being distributed to 5 recipients') })
  expect(await balancesOf(ledger)).toEqual(before)
})

it('a share of which more was taken than the reversal says is found by verify', async () => {
  const ledger = await distributed('tampered')
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back', units: 500n })
  await paper.database.pool.query(`update apportion.deduction set units = units - 1 where lane = $1 and share = (select max(share) from apportion.deduction where lane = $1)`, [ledger.lane])
  expect((await verify(ledger.world, ledger.ledger)).breaks.map(({ check }) => check)).toContain('deduction')
})
