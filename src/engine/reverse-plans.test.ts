// Reversals under plans that remember: funds that were drawn on or have spent their money, what is carried, limits, advances, roundings.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machine } from '../../test/effects.ts'
import { ASSET, paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, reverse } from '../../test/reversing.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { storedEvent } from './read-ledger.ts'
import { recipient } from './read-recipient.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function planned(name: string, steps: readonly object[]): Promise<PaperLedger> {
  const ledger = await paper.open(name)
  await addPlanVersion(ledger.world, ledger.ledger, { content: { steps }, effectiveFrom: null })
  return ledger
}

const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })
const pool = { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } }

/** What rules remember now, by key. */
async function remembered({ lane }: PaperLedger): Promise<Readonly<Record<string, unknown>>> {
  const { rows } = await paper.database.pool.query<{ key: string; value: unknown }>(
    `select distinct on (key) key, value from apportion.rule_state where lane = $1 order by key, event desc`,
    [lane],
  )
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

describe('funds', () => {
  it('that were drawn on get their part back, and one that has spent its money is named with figures', async () => {
    const bonus = { rates: ['10%'], referrers: { fact: 'referrers' }, funding: { platform: { fund: 'promotion' } } }
    const ledger = await planned('funds', [
      { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('promotion', '1', { fund: 'promotion' })] } },
      { name: 'bonus', from: 'shares:split', rule: 'bonus', parameters: bonus },
    ])
    const facts = { referrers: { ana: 'bo' } }
    await ledger.record([paperEvent('first', 1000n, { facts: { referrers: {} } }), paperEvent('second', 2000n, { facts })])
    expect(await balancesOf(ledger)).toEqual({ expected: -3000n, 'payable:ana': 2700n, 'payable:bo': 180n, 'fund:promotion': 120n })
    await reverse(ledger, 'second', { reference: 'second/1', units: 1000n })
    expect(await balancesOf(ledger)).toEqual({ expected: -2000n, 'payable:ana': 1800n, 'payable:bo': 90n, 'fund:promotion': 110n })
    await expectSound(ledger, ['first', 'second', 'second/1'])
    await reverse(ledger, 'second', { reference: 'second/2' })
    expect(await balancesOf(ledger)).toEqual({ expected: -1000n, 'payable:ana': 900n, 'fund:promotion': 100n })
    await expectSound(ledger, ['first', 'second', 'second/2'])
    const spent = await planned('spent', [
      { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('promotion', '1', { fund: 'promotion' })] } },
      { name: 'drain', from: 'shares:split', rule: 'bonus', parameters: { ...bonus, rates: ['20%'] } },
    ])
    await spent.record([paperEvent('first', 1000n, { facts: { referrers: {} } }), paperEvent('second', 1000n, { facts })])
    expect(await balancesOf(spent)).toMatchObject({ 'fund:promotion': 20n })
    const before = await balancesOf(spent)
    await expect(reverse(spent, 'first', { reference: 'refund' })).rejects.toMatchObject({
      code: 'reversal_exceeded',
      message: 'fund:promotion holds 20 units, and 100 would have to come back from it: give it money first, or reverse less',
      details: { account: 'fund:promotion', units: '100', balance: '20' },
    })
    expect(await balancesOf(spent)).toEqual(before)
    await reverse(spent, 'first', { reference: 'refund', units: 200n })
    expect(await balancesOf(spent)).not.toHaveProperty('fund:promotion')
    await expectSound(spent, ['first', 'second', 'refund'])
  })
})

describe('what is carried', () => {
  const steps = [pool, { name: 'minimum', from: 'shares:pool', rule: 'minimum', parameters: { minimum: '100' } }]
  const facts = { score: { ana: '1' } }

  it('is taken from what is still carried, owed for what was paid out since, and carried again where the event had paid it out', async () => {
    const ledger = await planned('carried', steps)
    const key = `minimum/${ASSET}/carried/ana`
    await ledger.record([paperEvent('a', 60n, { facts }), paperEvent('b', 30n, { facts })])
    expect(await balancesOf(ledger)).toEqual({ expected: -90n, 'carried:ana': 90n })
    await reverse(ledger, 'a', { reference: 'a/1', units: 20n })
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([{ expected: -70n, 'carried:ana': 70n }, { [key]: '70' }])
    await expectSound(ledger, ['a', 'b', 'a/1'])
    await ledger.record([paperEvent('c', 35n, { facts })])
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([{ expected: -105n, 'payable:ana': 105n }, { [key]: '0' }])
    await reverse(ledger, 'a', { reference: 'a/2' })
    expect(await balancesOf(ledger)).toEqual({ expected: -65n, 'payable:ana': 105n, 'owed_by:ana': -40n })
    await expectSound(ledger, ['a', 'a/2', 'c'])
    await reverse(ledger, 'c', { reference: 'c/1' })
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([{ expected: -30n, 'carried:ana': 70n, 'owed_by:ana': -40n }, { [key]: '70' }])
    await expectSound(ledger, ['a', 'c', 'c/1'])
    // The next one pays out what is carried again, and what is owed is kept back from it.
    await ledger.record([paperEvent('d', 30n, { facts })])
    await ledger.makePayouts()
    expect(await balancesOf(ledger)).toEqual({ expected: -60n, 'payable:ana': 60n })
    await expectSound(ledger, ['d', 'c', 'a'])
  })
})

it('what is carried and what is owed shows since when there has been any of it', async () => {
  const steps = [pool, { name: 'minimum', from: 'shares:pool', rule: 'minimum', parameters: { minimum: '100' } }]
  const facts = { score: { ana: '1' } }
  const ledger = await planned('aged', steps)
  const since = async (reference: string) => (await storedEvent(ledger.world, ledger.ledger, reference)).recordedAt.toString()
  const standing = async () => (await recipient(ledger.world, ledger.ledger, 'ana')).standing.filter(({ state }) => ['carried', 'owed'].includes(state))
  await ledger.record([paperEvent('a', 60n, { facts })])
  await ledger.record([paperEvent('b', 20n, { facts })])
  expect(await standing()).toMatchObject([{ state: 'carried', units: '80', payouts: '2', since: await since('a') }])
  await ledger.record([paperEvent('c', 40n, { facts })])
  expect(await standing()).toEqual([])
  await reverse(ledger, 'a', { reference: 'a/1' })
  await ledger.record([paperEvent('d', 5n, { facts })])
  const found = await standing()
  expect(found).toMatchObject([{ state: 'carried', units: '5', payouts: '1', since: await since('d') }, { state: 'owed', units: '60', since: await since('a/1') }])
  expect(found.every(({ age_seconds: age }) => age >= 0)).toBe(true)
})

describe('what a limit counts and what was paid back of an advance', () => {
  it('falls by what is reversed, so that it can be used again', async () => {
    const ledger = await planned('limit', [
      pool,
      { name: 'cap', from: 'shares:pool', rule: 'cap', parameters: { limit: '100', per: 'lifetime', excess: { fund: 'excess' } } },
    ])
    const facts = { score: { ana: '1' } }
    await ledger.record([paperEvent('a', 80n, { facts })])
    await reverse(ledger, 'a', { reference: 'a/1', units: 60n })
    expect(await remembered(ledger)).toEqual({ [`cap/${ASSET}/used/ana`]: '20' })
    await ledger.record([paperEvent('b', 90n, { facts })])
    expect(await balancesOf(ledger)).toEqual({ expected: -110n, 'payable:ana': 100n, 'fund:excess': 10n })
    await expectSound(ledger, ['a', 'a/1', 'b'])
    await reverse(ledger, 'b', { reference: 'b/1' })
    await reverse(ledger, 'a', { reference: 'a/2' })
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([{}, { [`cap/${ASSET}/used/ana`]: '0' }])
    await expectSound(ledger, ['a', 'b', 'b/1', 'a/2'])
  })

  it('leaves the advance as large as it was', async () => {
    const advances = [{ role: 'label', to: { recipient: 'label' }, advance: '100' }]
    const ledger = await planned('advance', [
      { name: 'advance', from: 'received', rule: 'recoup', parameters: { advances, among: 'order', rest: { role: 'artist', to: { recipient: 'artist' } } }, rounding: 'none' },
    ])
    await ledger.record([paperEvent('a', 70n), paperEvent('b', 70n)])
    expect(await balancesOf(ledger)).toEqual({ expected: -140n, 'payable:label': 100n, 'payable:artist': 40n })
    await reverse(ledger, 'a', { reference: 'a/1', units: 35n })
    await reverse(ledger, 'a', { reference: 'a/2' })
    expect(await remembered(ledger)).toEqual({ [`advance/${ASSET}/recouped/label`]: '30' })
    await ledger.record([paperEvent('c', 100n)])
    expect(await balancesOf(ledger)).toEqual({ expected: -170n, 'payable:label': 100n, 'payable:artist': 70n })
    await expectSound(ledger, ['a', 'b', 'c', 'a/2'])
  })
})

describe('a waterfall', () => {
  it('has capital out again and fills its tranches anew, after reversals in parts with others between', async () => {
    const today = machine.now().toZonedDateTimeISO('UTC').toPlainDate()
    const on = today.subtract({ days: 365 }).toString()
    const investors = [{ role: 'a', recipient: 'a', contributed: { units: '600', on } }, { role: 'b', recipient: 'b', contributed: { units: '400', on } }]
    const tranches = [
      { name: 'capital', kind: 'capital' },
      { name: 'preferred', kind: 'preferred', rate: '8%', compounding: 'none' },
      { name: 'carry', kind: 'split', shares: [share('investors', '80', { recipient: 'a' }), share('manager', '20')] },
    ]
    const ledger = await planned('waterfall', [{ name: 'fall', from: 'received', rule: 'waterfall', parameters: { contributors: investors, tranches } }])
    await ledger.record([paperEvent('exit', 1500n)])
    const divided = { expected: -1500n, 'payable:a': 984n, 'payable:b': 432n, 'payable:manager': 84n }
    expect(await balancesOf(ledger)).toEqual(divided)
    const before = await remembered(ledger)
    await reverse(ledger, 'exit', { reference: 'exit/1', units: 750n })
    expect(await balancesOf(ledger)).toEqual({ expected: -750n, 'payable:a': 492n, 'payable:b': 216n, 'payable:manager': 42n })
    const key = (name: string): string => `fall/${ASSET}/${name}`
    const half = { [key('paid')]: { day: today.toString(), units: { capital: '500', preferred: '40', carry: '210' } }, [key('contributor/a')]: { capital: '300', preferred: '24' } }
    expect(await remembered(ledger)).toMatchObject(half)
    await ledger.record([paperEvent('second', 540n)])
    // Capital and return that were due again are paid once more, to the unit.
    expect(await balancesOf(ledger)).toEqual({ expected: -1290n, 'payable:a': 816n, 'payable:b': 432n, 'payable:manager': 42n })
    await expectSound(ledger, ['exit', 'exit/1', 'second'])
    await reverse(ledger, 'second', { reference: 'second/1' })
    expect(await remembered(ledger)).toMatchObject(half)
    await reverse(ledger, 'exit', { reference: 'exit/2', units: 1n })
    await reverse(ledger, 'exit', { reference: 'exit/3' })
    expect(await balancesOf(ledger)).toEqual({})
    await ledger.record([paperEvent('again', 1500n)])
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([divided, before])
    await expectSound(ledger, ['exit', 'exit/1', 'exit/2', 'exit/3', 'second', 'second/1', 'again'])
  })
})

describe('a profit share', () => {
  const STEPS = [
    {
      ...{ name: 'profit', from: 'received', rule: 'profit-share' },
      parameters: {
        ...{ policy: 'high-water-mark', subject: 'guest', percent: '20%', crystallised: 'event', keep: 5 },
        share: { role: 'creator', to: { recipient: 'creator' } },
        rest: { role: 'guest', to: { party: 'guest' } },
      },
    },
  ]
  const close = (reference: string, units: bigint, result: string) => paperEvent(reference, units, { facts: { result: { 'guest-1': result } } })

  it('cannot give back of an event without money, which one that says the opposite sets right', async () => {
    const ledger = await planned('loss', STEPS)
    await ledger.record([close('win', 100n, '100')])
    await ledger.record([close('loss', 0n, '-50')])
    const standing = [await balancesOf(ledger), await remembered(ledger)]
    for (const units of [null, 1n]) {
      await expect(reverse(ledger, 'loss', { reference: 'loss/1', units })).rejects.toMatchObject({
        code: 'reversal_forbidden',
        message: expect.stringMatching(/^loss brought in 0\.00: there is nothing to take back\. .* an event that says the opposite/),
        details: { reference: 'loss', amount: '0.00' },
      })
    }
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual(standing)
    await ledger.record([close('opposite', 0n, '50')])
    expect(await remembered(ledger)).toMatchObject({ [`profit/${ASSET}/subject/guest-1`]: { now: { value: '100', mark: '100' } } })
    await ledger.record([close('gain', 10n, '10')])
    expect(await balancesOf(ledger)).toEqual({ expected: -110n, 'payable:creator': 22n, 'payable:guest-1': 88n })
    await expectSound(ledger, ['win', 'loss', 'opposite', 'gain'])
  })

  it('lowers its mark with the win that came back, in parts, and shares the next gain from there', async () => {
    const ledger = await planned('profit', STEPS)
    await ledger.record([close('win', 100n, '100'), close('loss', 0n, '-50')])
    expect(await balancesOf(ledger)).toEqual({ expected: -100n, 'payable:creator': 20n, 'payable:guest-1': 80n })
    await reverse(ledger, 'win', { reference: 'win/1', units: 30n })
    await ledger.record([close('small', 10n, '10')])
    await reverse(ledger, 'win', { reference: 'win/2' })
    expect(await remembered(ledger)).toMatchObject({ [`profit/${ASSET}/subject/guest-1`]: { now: { value: '-40', mark: '0' }, due: '0' } })
    await ledger.record([close('gain', 90n, '90')])
    // −50 + 10 + 90 = 50 above zero, of which the creator has a fifth.
    expect(await balancesOf(ledger)).toEqual({ expected: -100n, 'payable:creator': 10n, 'payable:guest-1': 90n })
    await expectSound(ledger, ['win', 'loss', 'win/1', 'small', 'win/2', 'gain'])
  })
})

describe('running entitlements', () => {
  it('stay as they are, with the units that stand for them', async () => {
    const ledger = await planned('entitled', [{ ...pool, rounding: 'cumulative' }])
    const facts = { score: { ana: '1', bo: '1', cy: '1' } }
    await ledger.record([paperEvent('a', 100n, { facts }), paperEvent('tiny', 1n, { facts })])
    expect(await balancesOf(ledger)).toEqual({ expected: -101n, 'payable:ana': 33n, 'payable:bo': 33n, 'payable:cy': 33n, 'rounding:pool': 2n })
    const before = await remembered(ledger)
    await expect(reverse(ledger, 'tiny', { reference: 'refund' })).rejects.toMatchObject({
      code: 'reversal_exceeded',
      message: "nothing of tiny can be reversed: 0.00 of 0.01 are left; 0.01 stand in a rounding's account for whom it will round up next",
      details: { left: '0.00', of: '0.01', rounding: '0.01' },
    })
    await expect(reverse(ledger, 'a', { reference: 'refund', units: 100n })).rejects.toMatchObject({ code: 'reversal_exceeded', details: { given: '1.00', left: '0.99', rounding: '0.01' } })
    expect(await reverse(ledger, 'a', { reference: 'refund' })).toMatchObject({ event: { units: 99n } })
    expect([await balancesOf(ledger), await remembered(ledger)]).toEqual([{ expected: -2n, 'rounding:pool': 2n }, before])
    await ledger.record([paperEvent('b', 1n, { facts })])
    expect(await balancesOf(ledger)).toEqual({ expected: -3n, 'payable:ana': 1n, 'payable:bo': 1n, 'payable:cy': 1n })
    await expectSound(ledger, ['a', 'tiny', 'refund', 'b'])
    // It gave out the two that had been kept: one of them at most was its own.
    await reverse(ledger, 'b', { reference: 'refund of b' })
    expect(await balancesOf(ledger)).toEqual({ expected: -2n, 'payable:bo': 1n, 'payable:cy': 1n })
    await expectSound(ledger, ['b', 'refund of b'])
  })
})
