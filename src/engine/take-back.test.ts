// Reversing a large distribution chunk by chunk: in parts that add up, before payouts are made, while they wait and once they were paid;
// nothing of it counts before it is complete, and everybody who reads says the same.

import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { copyOf } from '../../test/copying.ts'
import { byHoldings, openLarge, type Holders, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, reverse } from '../../test/reversing.ts'
import { allocate } from '../core/allocate.ts'
import { agenda } from './agenda.ts'
import { createDistributor } from './carry-distributions.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { growTree } from './prove-shares.ts'
import { balances } from './read-accounts.ts'
import { distribution } from './read-distributions.ts'
import { recipient } from './read-recipient.ts'
import { totals } from './read-reports.ts'
import { statement, statementLines } from './read-statement.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const HOLDERS = { ana: '1', bo: '2', cy: '3', dee: '0', eli: '4' }

/** Chunks of one place: four shares are more than are taken back at once. */
async function distributed(name: string, { holders = HOLDERS, units = 1000n, steps }: { holders?: Holders; units?: bigint; steps?: readonly object[] } = {}): Promise<LargeLedger> {
  const ledger = await openLarge(paper, name, steps)
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('dividend', units, snapshot.hash, 1)
  await ledger.complete()
  return ledger
}

/** What people are shown of a recipient and of all together. */
async function shown({ world, ledger }: LargeLedger, who: string): Promise<unknown> {
  const asked = { recipient: who, from: null, to: null }
  const { assets } = await statement(world, ledger, { ...asked, by: 'recorded_at' })
  const byEvent = await statement(world, ledger, { ...asked, by: 'event_at' })
  const lines = async (by: 'recorded_at' | 'event_at') => (await statementLines(world, ledger, { ...asked, by, cursor: null, limit: 100 })).items.map(({ line, units, balance }) => `${line} ${units} ${balance.units}`)
  const { items } = await balances(world, ledger, { at: null, role: null, account: null, cursor: null, limit: 100 })
  const roles = await totals(world, ledger, { at: null })
  return {
    statement: [assets, byEvent.assets, await lines('recorded_at'), await lines('event_at')],
    balances: items.filter(({ account }) => account !== 'expected' && account !== 'reversing').map(({ account, units }) => `${account} ${units}`),
    totals: roles.filter(({ role }) => role !== 'expected' && role !== 'received' && role !== 'reversing' && role !== 'owed_by').map(({ role, accounts, units }) => `${role} ${accounts} ${units}`),
    owed: roles.filter(({ role }) => role === 'owed_by').map(({ accounts, units }) => `${accounts} ${units}`).filter((each) => each !== '0 0'),
  }
}

it('takes parts of each share back, each part by what is left, and the parts add up to the whole', async () => {
  const ledger = await distributed('parts')
  await reverse(ledger, 'dividend', { reference: 'back/1', units: 333n })
  expect(await distribution(ledger.world, ledger.ledger, 'back/1')).toMatchObject({ state: 'running', progress: { recipients: '5', place: '0', units: '0' } })
  await ledger.complete()
  expect(await distribution(ledger.world, ledger.ledger, 'back/1')).toMatchObject({ state: 'complete', progress: { recipients: '5', place: '5', shares: '4', units: '333', root: null } })
  expect(await balancesOf(ledger)).toEqual({ expected: -667n, 'payable:ana': 67n, 'payable:bo': 133n, 'payable:cy': 200n, 'payable:eli': 267n })
  await expectSound(ledger, ['dividend', 'dividend#ana', 'back/1'])
  await ledger.makePayouts()
  await ledger.makePayouts()
  expect(await ledger.payouts()).toEqual(['ana 67 held', 'bo 133 held', 'cy 200 held', 'eli 267 held'])
  await reverse(ledger, 'dividend', { reference: 'back/2', units: 1n })
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back/3' })
  await ledger.complete()
  await expect(reverse(ledger, 'dividend', { reference: 'back/4', units: 1n })).rejects.toMatchObject({ code: 'reversal_exceeded', details: { left: '0.00' } })
  // Asked again with its own reference each is the same, whatever is left by now.
  expect(await reverse(ledger, 'dividend', { reference: 'back/1', units: 333n })).toMatchObject({ state: 'duplicate', event: { units: 333n } })
  expect((await ledger.payouts()).every((each) => each.endsWith('cancelled'))).toBe(true)
  expect(await balancesOf(ledger)).toEqual({})
  await expectSound(ledger, ['dividend', 'dividend#eli', 'back/1', 'back/2', 'back/3'])
})

it('counts nothing before the last chunk, sends nothing meanwhile, and takes no second one in hand', async () => {
  const ledger = await distributed('open')
  await ledger.makePayouts()
  await ledger.nameDrawers(['ana', 'bo', 'cy', 'eli'])
  const before = await shown(ledger, 'bo')
  await reverse(ledger, 'dividend', { reference: 'back', units: 500n })
  for (let chunk = 0; chunk < 4; chunk += 1) {
    await ledger.step()
    expect(await shown(ledger, 'bo')).toEqual(before)
    await ledger.makePayouts()
    await ledger.send()
    expect((await ledger.payouts()).every((each) => each.endsWith('queued'))).toBe(true)
    expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
    await expect(reverse(ledger, 'dividend', { reference: 'more', units: 1n })).rejects.toMatchObject({ code: 'distribution_locked', causedBy: 'state', details: { running: 'back', recipients: 5 } })
  }
  await ledger.step()
  expect(await ledger.step()).toBeNull()
  expect(await shown(ledger, 'bo')).not.toEqual(before)
  expect(await ledger.payouts()).toEqual(['ana 50 queued', 'bo 100 queued', 'cy 150 queued', 'eli 200 queued'])
  await expectSound(ledger, ['dividend', 'dividend#bo', 'back'])
  await ledger.send()
  await ledger.look()
  expect((await ledger.payouts()).every((each) => each.endsWith('settled'))).toBe(true)
})

it('is owed by those who were paid, kept back from their shares once it is complete and not before', async () => {
  const ledger = await distributed('paid')
  await ledger.nameDrawers(['ana', 'eli'])
  for (let round = 0; round < 4; round += 1) {
    await ledger.makePayouts()
    await ledger.send()
    await ledger.look()
  }
  await reverse(ledger, 'dividend', { reference: 'back', units: 500n })
  await ledger.step()
  const next = (reference: string) => paperEvent(reference, 40n, { facts: { holdings: { eli: '3', ana: '1' } } })
  await ledger.record([next('meanwhile')])
  await ledger.makePayouts()
  expect((await ledger.payouts()).slice(-2)).toEqual(['ana 10 queued', 'eli 30 queued'])
  await ledger.complete()
  expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:ana': -50n, 'owed_by:eli': -200n, 'payable:bo': 100n, 'payable:cy': 150n })
  const { shares, reversals, agrees } = await explain(ledger.world, ledger.ledger, 'dividend#eli')
  expect([agrees, shares.at(-1)?.units, reversals.map(({ transfers }) => transfers.filter(({ kind }) => kind === 'taken_back').map(({ debit, units }) => `${debit} ${units}`))]).toEqual([true, '400', [['owed_by:eli 200']]])
  expect(sentences(await explain(ledger.world, ledger.ledger, 'dividend#eli')).join(' ')).toMatch(/back reversed .*5.* to be taken back of what was given in chunks \(transfer \d+\), of that .* from owed_by:eli \(transfer \d+\)\./)
  const { standing } = await recipient(ledger.world, ledger.ledger, 'eli')
  expect(standing).toContainEqual(expect.objectContaining({ state: 'owed', units: '200' }))
  await expectSound(ledger, ['dividend', 'dividend#bo', 'back'])
  await ledger.record([next('after')])
  await ledger.makePayouts()
  expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:ana': -40n, 'owed_by:eli': -170n })
  await expectSound(ledger, ['after', 'back'])
})

it('leaves nothing to do on its lane when it is complete, its shares are payouts, and the tree of what it took back is made', async () => {
  const ledger = await distributed('done')
  await reverse(ledger, 'dividend', { reference: 'back', units: 333n })
  expect(await agenda(ledger.world, ledger.lane)).toMatchObject({ distributions: true, trees: true })
  await ledger.complete()
  for (let rounds = 0; rounds < 3; rounds += 1) await ledger.makePayouts()
  while (await growTree(ledger.world, ledger.ledger, ledger.lane));
  expect(await agenda(ledger.world, ledger.lane)).toMatchObject({ distributions: false, trees: false, payouts: false })
})

it('has what an earlier step gave to others back too, at once, and stays itself in a copy of the journal', async () => {
  const fee = { name: 'fee', from: 'received', rule: 'fixed-shares', parameters: { shares: [{ role: 'house', to: { recipient: 'house' }, weight: '10%' }, { role: 'rest', to: { fund: 'holders' }, weight: '90%' }] } }
  const ledger = await distributed('fee', { steps: [fee, { ...byHoldings(), from: 'fund:holders' }] })
  await reverse(ledger, 'dividend', { reference: 'back', units: 100n })
  expect(await balancesOf(ledger)).toMatchObject({ expected: -900n, reversing: -90n, 'payable:house': 90n, 'payable:ana': 90n })
  await ledger.complete()
  expect(await balancesOf(ledger)).toEqual({ expected: -900n, 'payable:house': 90n, 'payable:ana': 81n, 'payable:bo': 162n, 'payable:cy': 243n, 'payable:eli': 324n })
  await expectSound(ledger, ['dividend', 'dividend#cy', 'back'])
  const copy = await copyOf(paper, ledger, 'fee-copy')
  expect((await verify(copy.world, copy.ledger)).breaks).toEqual([])
})

it('comes to the same wherever it is stopped and whoever goes on, whatever the weights and the parts', async () => {
  let run = 0
  const weights = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 5, maxLength: 9 }).filter((list) => list.filter((weight) => weight > 0).length > 3)
  await fc.assert(
    fc.asyncProperty(weights, fc.bigInt(20n, 10_000n), fc.array(fc.bigInt(1n, 4000n), { minLength: 1, maxLength: 3 }), fc.nat(3), async (list, units, wanted, stops) => {
      run += 1
      const holders = Object.fromEntries(list.map((weight, index) => [`r${index}`, weight.toString()]))
      const ledger = await distributed(`property-${run}`, { holders, units })
      let left: readonly bigint[] = allocate({ pool: units, weights: list.map(BigInt), rounding: 'largest-remainder' }).units
      for (const [index, part] of [...wanted, null].entries()) {
        const all = left.reduce((sum, each) => sum + each, 0n)
        if (all === 0n) break
        const taken = part === null || part > all ? all : part
        await reverse(ledger, 'dividend', { reference: `back/${index}`, units: part === null ? null : taken })
        // Another process each time: it knows nothing but the rows.
        for (let step = 0; step < stops; step += 1) await createDistributor(ledger.world).step(ledger.ledger, ledger.lane, 1)
        await ledger.complete()
        const back = allocate({ pool: taken, weights: left, rounding: 'largest-remainder' }).units
        left = left.map((each, place) => each - (back[place] as bigint))
        const found = await balancesOf(ledger)
        expect(left.map((_, place) => found[`payable:r${place}`] ?? 0n)).toEqual(left)
      }
      expect(await balancesOf(ledger)).toEqual({})
      expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
    }),
    { numRuns: 12 },
  )
})

it.each([
  ['the place it has come to', `update apportion.distribution set next_place = next_place - 1 where lane = $1 and reverses is not null`],
  ['what it took back', `update apportion.distribution set given = given - 1 where lane = $1 and reverses is not null`],
  ['what it had to take back', `update apportion.distribution set units = units + 1 where lane = $1 and reverses is not null`],
  ['whose shares it took', `update apportion.distribution set reverses = reverses + 1 where lane = $1 and reverses is not null`],
  ['the row itself', `delete from apportion.distribution where lane = $1 and reverses is not null`],
  ['a chunk', `delete from apportion.distribution_chunk where lane = $1 and event = (select event from apportion.distribution where reverses is not null and lane = $1) and first_place = 1`],
  ['two parts', `update apportion.transfer set part = case part when 0 then 1 when 1 then 0 end where lane = $1 and kind = 'taken_back' and part < 2`],
  ['a deduction', `update apportion.deduction set units = units + 1 where lane = $1 and share = (select max(share) from apportion.deduction where lane = $1)`],
])('verify finds it where somebody changed %s', async (what, change) => {
  const ledger = await distributed(`tampered-${what.replaceAll(' ', '-')}`)
  await reverse(ledger, 'dividend', { reference: 'back', units: 500n })
  for (let chunk = 0; chunk < 3; chunk += 1) await ledger.step()
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
  await paper.database.pool.query(change, [ledger.lane])
  const checks = (await verify(ledger.world, ledger.ledger)).breaks.map(({ check }) => check)
  expect(checks).toContain(what === 'a deduction' ? 'deduction' : 'large_distribution')
})
