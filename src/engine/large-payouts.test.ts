// What hangs on a large distribution: its payouts, once and not before it is complete, and its proof by `verify`, also of a part of it.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLarge, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, reverse } from '../../test/reversing.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const HOLDERS = { ana: '1', bo: '2', cy: '3', dee: '0', eli: '5.25', flo: '1', gus: '9' }

async function payouts({ lane }: LargeLedger): Promise<readonly string[]> {
  const { rows } = await paper.database.pool.query<{ payout: string }>(
    `select event || ' ' || recipient || ' ' || units as payout from apportion.payout where lane = $1 order by event, part`,
    [lane],
  )
  return rows.map(({ payout }) => payout)
}

const breaks = async ({ world, ledger }: LargeLedger) => (await verify(world, ledger)).breaks

it('pays nothing of it before the last chunk, everything of others meanwhile, and each share once', async () => {
  const ledger = await openLarge(paper, 'paid')
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  expect(await breaks(ledger)).toEqual([])
  await ledger.step()
  await ledger.makePayouts()
  await ledger.record([paperEvent('other', 10n, { facts: { holdings: { ana: '1' } } })])
  await ledger.step()
  await ledger.makePayouts()
  expect(await payouts(ledger)).toEqual(['2 ana 10'])
  expect(await breaks(ledger)).toEqual([])
  await ledger.complete()
  expect(await breaks(ledger)).toEqual([])
  for (let round = 0; round < 3; round += 1) await ledger.makePayouts()
  expect(await payouts(ledger)).toEqual(['1 ana 47', '1 bo 94', '1 cy 141', '1 eli 247', '1 flo 47', '1 gus 424', '2 ana 10'])
  await ledger.nameDrawers(Object.keys(HOLDERS))
  for (let round = 0; round < 6; round += 1) {
    await ledger.makePayouts()
    await ledger.send()
    await ledger.look()
  }
  const { rows } = await paper.database.pool.query('select state, count(*)::integer as count from apportion.payout where lane = $1 group by state', [ledger.lane])
  expect(rows).toEqual([{ state: 'settled', count: 7 }])
  expect(await breaks(ledger)).toEqual([])
})

it('keeps back what a recipient owes of its share', async () => {
  const ledger = await openLarge(paper, 'owing')
  await ledger.record([paperEvent('sale', 100n, { facts: { holdings: { ana: '1' } } })])
  await ledger.makePayouts()
  await ledger.nameDrawers(['ana'])
  await ledger.makePayouts()
  await ledger.send()
  await ledger.look()
  await reverse(ledger, 'sale', { reference: 'refund', units: 40n })
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  await ledger.step()
  await ledger.makePayouts()
  await ledger.complete()
  await ledger.makePayouts()
  expect(await payouts(ledger)).toEqual(['1 ana 100', '3 ana 7', '3 bo 94', '3 cy 141', '3 eli 247', '3 flo 47', '3 gus 424'])
  expect(await balancesOf(ledger)).not.toHaveProperty('owed_by:ana')
  await expectSound(ledger, ['sale', 'refund', 'dividend', 'dividend#ana', 'dividend#bo'])
})

it.each<[string, string, string]>([
  ['a weight of the snapshot', `update apportion.snapshot_block set lines = replace(lines, E'cy\\t3', E'cy\\t4')`, 'snapshot'],
  ['the place it has come to', `update apportion.distribution set next_place = next_place - 2`, 'large_distribution'],
  ['where its shares end', `update apportion.distribution set last_transfer = last_transfer - 1`, 'large_distribution'],
  ['what was given', `update apportion.distribution set given = given - 1`, 'large_distribution'],
  ['the row itself', `delete from apportion.distribution`, 'large_distribution'],
  ['a chunk', `update apportion.distribution_chunk set units = units + 1 where first_place = 2`, 'large_distribution'],
  ['two shares', `update apportion.transfer set part = case part when 0 then 1 when 1 then 0 end where kind = 'distributed' and part < 2`, 'large_distribution'],
])('finds that %s was changed', async (what, change, check) => {
  const ledger = await openLarge(paper, what.replaceAll(' ', '-').toLowerCase())
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  await ledger.step()
  await ledger.step()
  await ledger.step()
  expect(await breaks(ledger)).toEqual([])
  const scope = change.includes('snapshot_block') ? ` where snapshot = '${snapshot.snapshot}'` : `${change.includes(' where ') ? ' and' : ' where'} lane = ${ledger.lane}`
  await paper.database.pool.query(change + scope)
  expect((await breaks(ledger)).map((found) => found.check)).toContain(check)
})
