// Reversals on a real ledger, at every moment of a share's life: what comes back, who owes, what is kept back later; and after each of them
// the whole ledger is sound, explained, and proven from outside.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paperDatabase, paperEvent, settled, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, payoutsBy, reverse } from '../../test/reversing.ts'
import { watchedStore, type Step } from '../../test/watched-store.ts'
import { changeSettings } from './change-settings.ts'
import { createLedgers } from './ledger.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { OWNER } from './person.ts'
import { distribution } from './read-distributions.ts'
import { event, events } from './read-ledger.ts'
import { recipient } from './read-recipient.ts'
import { statement } from './read-statement.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

/** A ledger that can pay the house and the fund; its guests have no address. */
async function opened(name: string): Promise<PaperLedger> {
  const ledger = await paper.open(name)
  await ledger.nameDrawers(['house', 'fund'])
  return ledger
}

/** A sale of 1,000 as 700, 200 and 100, paid as far as it can be. */
async function paid(name: string): Promise<PaperLedger> {
  const ledger = await opened(name)
  await ledger.record([paperEvent('sale', 1000n)])
  await ledger.makePayouts()
  await ledger.send()
  await ledger.look()
  return ledger
}

describe('a reversal of what is not paid', () => {
  it('makes shares smaller of which no payout has been made, in parts to the end', async () => {
    const ledger = await opened('unmade')
    await ledger.record([paperEvent('sale', 1000n)])
    expect(await reverse(ledger, 'sale', { reference: 'refund 1', units: 501n })).toMatchObject({ state: 'recorded', event: { units: 501n, reverses: 1n } })
    expect(await balancesOf(ledger)).toEqual({ expected: -499n, 'payable:house': 349n, 'payable:fund': 100n, 'payable:guest-1': 50n })
    await expectSound(ledger, ['sale', 'refund 1'])
    await ledger.makePayouts()
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'queued 349', fund: 'queued 100', guest: 'guest_unknown 50' })
    await expectSound(ledger, ['sale', 'refund 1'])
    await reverse(ledger, 'sale', { reference: 'refund 2' })
    expect(await balancesOf(ledger)).toEqual({})
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'cancelled 349', fund: 'cancelled 100', guest: 'cancelled 50' })
    expect(await distribution(ledger.world, ledger.ledger, 'sale')).toMatchObject({ state: 'cancelled' })
    await expectSound(ledger, ['sale', 'refund 1', 'refund 2'])
    expect(await ledger.send()).toBe(0)
  })

  it('of the whole, before payouts are made, leaves payouts that say so', async () => {
    const ledger = await opened('whole')
    await ledger.record([paperEvent('sale', 1000n), paperEvent('other', 10n)])
    await reverse(ledger, 'sale', { reference: 'refund' })
    await ledger.makePayouts()
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'cancelled 700', fund: 'cancelled 200', guest: 'cancelled 100' })
    await ledger.send()
    await ledger.look()
    expect(await payoutsBy(ledger, 'other')).toEqual({ house: 'settled 7', fund: 'settled 2', guest: 'guest_unknown 1' })
    await expectSound(ledger, ['sale', 'refund', 'other'])
    const { standing } = await recipient(ledger.world, ledger.ledger, 'house')
    expect(standing.map(({ state, payouts, units }) => [state, payouts, units])).toEqual([['settled', '1', '7'], ['reversed', '1', '700']])
  })

  it('is told by the event, the explanation and the statement', async () => {
    const ledger = await opened('told')
    await ledger.record([paperEvent('sale', 1000n)])
    await ledger.makePayouts()
    await reverse(ledger, 'sale', { reference: 'refund', units: 100n })
    const { world, ledger: own } = ledger
    expect(await event(world, own, 'refund')).toMatchObject({ reference: 'refund', reverses: '1', units: '100', shares: [], plan_version: 1 })
    expect(await event(world, own, 'sale')).toMatchObject({ reverses: null, units: '1000' })
    const explained = await explain(world, own, 'refund')
    expect(explained).toMatchObject({ asked: { kind: 'reversal', subject: 'refund' }, event: { reference: 'sale' } })
    expect(explained.shares.map(({ role, deducted }) => [role, deducted])).toEqual([['house', '70'], ['fund', '20'], ['guest', '10'], ['nobody', '0']])
    expect(sentences(explained)).toContainEqual(
      expect.stringMatching(/^refund reversed 1 PAP of sale at .*: 0\.7 PAP from payable:house \(transfer 5\), 0\.2 PAP from payable:fund \(transfer 6\), 0\.1 PAP from payable:guest-1 \(transfer 7\)\.$/),
    )
    const { assets } = await statement(world, own, { recipient: 'house', from: null, to: null, by: 'recorded_at' })
    expect(assets[0]).toMatchObject({ earned: { units: '700' }, adjusted: { units: '-70' }, paid: { units: '0' }, closing: { units: '630' } })
  })
})

describe('a reversal of what is on its way or was paid', () => {
  it('is owed by the recipient while an attempt may pay, and a payout that comes back is paid as it was', async () => {
    const ledger = await opened('flight')
    await ledger.record([paperEvent('sale', 1000n)])
    await ledger.makePayouts()
    ledger.network.look = () => ({ state: 'pending', detail: 'slow' })
    await ledger.send()
    await reverse(ledger, 'sale', { reference: 'refund 1', units: 100n })
    expect(await balancesOf(ledger)).toMatchObject({ 'in_flight:house': 700n, 'owed_by:house': -70n, 'in_flight:fund': 200n, 'owed_by:fund': -20n, 'payable:guest-1': 90n })
    await expectSound(ledger, ['sale', 'refund 1'])
    ledger.network.look = (identity) => ({ state: 'never', proof: { gone: identity } })
    await ledger.look()
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'queued 700', fund: 'queued 200', guest: 'guest_unknown 90' })
    await reverse(ledger, 'sale', { reference: 'refund 2', units: 100n })
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'queued 630', fund: 'queued 180', guest: 'guest_unknown 80' })
    expect(await balancesOf(ledger)).toMatchObject({ 'payable:house': 630n, 'owed_by:house': -70n })
    await expectSound(ledger, ['sale', 'refund 1', 'refund 2'])
    ledger.network.look = settled
    await ledger.send()
    await ledger.look()
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'settled 630', fund: 'settled 180', guest: 'guest_unknown 80' })
    await expectSound(ledger, ['sale', 'refund 1', 'refund 2'])
  })

  it('is kept back from later shares until nothing is owed, wholly or in part', async () => {
    const ledger = await paid('recouped')
    await reverse(ledger, 'sale', { reference: 'refund' })
    expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:house': -700n, 'owed_by:fund': -200n })
    expect(await payoutsBy(ledger, 'sale')).toEqual({ house: 'settled 700', fund: 'settled 200', guest: 'cancelled 100' })
    await expectSound(ledger, ['sale', 'refund'])
    // The house gets 490, 350 and 70: all of the first, 210 of the second, nothing of the third is kept back.
    await ledger.record([paperEvent('next 1', 700n), paperEvent('next 2', 500n)])
    await ledger.makePayouts()
    expect(await payoutsBy(ledger, 'next 1')).toEqual({ house: 'cancelled 490', fund: 'cancelled 140', guest: 'guest_unknown 70' })
    expect(await payoutsBy(ledger, 'next 2')).toEqual({ house: 'queued 140', fund: 'queued 40', guest: 'guest_unknown 50' })
    await ledger.record([paperEvent('next 3', 100n)])
    await ledger.makePayouts()
    expect(await payoutsBy(ledger, 'next 3')).toEqual({ house: 'queued 70', fund: 'queued 20', guest: 'guest_unknown 10' })
    expect(await balancesOf(ledger)).toMatchObject({ 'payable:house': 210n, 'payable:fund': 60n })
    await expectSound(ledger, ['sale', 'refund', 'next 1', 'next 2', 'next 3'])
    const { standing } = await recipient(ledger.world, ledger.ledger, 'house')
    expect(standing.map(({ state, payouts, units }) => [state, payouts, units])).toEqual([['queued', '2', '210'], ['settled', '1', '700'], ['recouped', '2', '700']])
    // What was kept back is no longer there to be taken: a reversal of that share is owed again.
    await reverse(ledger, 'next 2', { reference: 'refund 2' })
    expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:house': -210n, 'owed_by:fund': -60n })
    await expectSound(ledger, ['next 2', 'refund 2'])
  })

  it('is kept back up to the part that the settings say', async () => {
    const ledger = await paid('half')
    await changeSettings(ledger.world, ledger.ledger, OWNER, { recoup_percent: 50 })
    await reverse(ledger, 'sale', { reference: 'refund', units: 500n })
    await ledger.record([paperEvent('next 1', 101n), paperEvent('next 2', 1000n)])
    await ledger.makePayouts()
    // Of 71 the half is 35, rounded down; of 700 the 315 that are left.
    expect(await payoutsBy(ledger, 'next 1')).toEqual({ house: 'queued 36', fund: 'queued 10', guest: 'guest_unknown 10' })
    expect(await payoutsBy(ledger, 'next 2')).toEqual({ house: 'queued 385', fund: 'queued 110', guest: 'guest_unknown 100' })
    await expectSound(ledger, ['sale', 'refund', 'next 1', 'next 2'])
    await changeSettings(ledger.world, ledger.ledger, OWNER, { recoup_percent: 0 })
    await ledger.send()
    await ledger.look()
    await reverse(ledger, 'next 2', { reference: 'refund 2' })
    await ledger.record([paperEvent('next 3', 1000n)])
    await ledger.makePayouts()
    expect(await payoutsBy(ledger, 'next 3')).toEqual({ house: 'queued 700', fund: 'queued 200', guest: 'guest_unknown 100' })
    await expectSound(ledger, ['next 2', 'refund 2', 'next 3'])
  })
})

describe('the same reversal', () => {
  it('sent again is answered as the first time, whatever is left by then', async () => {
    const ledger = await paid('again')
    const first = await reverse(ledger, 'sale', { reference: 'refund', units: 400n })
    const all = await reverse(ledger, 'sale', { reference: 'the rest' })
    expect([first.state, all.state]).toEqual(['recorded', 'recorded'])
    const before = await balancesOf(ledger)
    expect(await reverse(ledger, 'sale', { reference: 'refund', units: 400n })).toEqual({ ...first, state: 'duplicate' })
    expect(await reverse(ledger, 'sale', { reference: 'the rest' })).toEqual({ ...all, state: 'duplicate' })
    expect(await balancesOf(ledger)).toEqual(before)
  })

  it.each<[string, bigint | null, string]>([
    ['other units', 401n, 'sale'],
    ['all that is left', null, 'sale'],
    ['another event', 400n, 'other'],
  ])('with %s is a conflict', async (name, units, reverses) => {
    const ledger = await opened(`conflict-${name.replaceAll(' ', '-')}`)
    await ledger.record([paperEvent('sale', 1000n), paperEvent('other', 1000n)])
    await reverse(ledger, 'sale', { reference: 'refund', units: 400n })
    await expect(reverse(ledger, reverses, { reference: 'refund', units })).rejects.toMatchObject({ code: 'reference_conflict', details: { value: 'refund' } })
    await expect(reverse(ledger, 'sale', { reference: 'sale', units })).rejects.toMatchObject({ code: 'reference_conflict' })
    const [result] = await ledger.record([paperEvent('refund', 400n)])
    expect(result).toMatchObject({ state: 'refused', refusal: { code: 'reference_conflict' } })
    await expectSound(ledger, ['sale', 'refund'])
  })
})

describe('a reversal is refused, and changes nothing,', () => {
  let ledger: PaperLedger
  beforeAll(async () => {
    ledger = await paid('refused')
    await reverse(ledger, 'sale', { reference: 'refund', units: 999n })
  })

  it.each<[string, string, bigint | null, string, RegExp]>([
    ['of more than is left', 'sale', 2n, 'reversal_exceeded', /^0\.02 cannot be reversed of sale: 0\.01 of 10\.00 are left$/],
    ['of a reversal', 'refund', 1n, 'reversal_forbidden', /refund is a reversal itself/],
    ['of an unknown event', 'unknown', 1n, 'event_not_found', /has no event "unknown"/],
  ])('%s', async (_, reverses, units, code, message) => {
    const before = await balancesOf(ledger)
    await expect(reverse(ledger, reverses, { reference: 'more', units })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(await balancesOf(ledger)).toEqual(before)
    await expect(event(ledger.world, ledger.ledger, 'more')).rejects.toMatchObject({ code: 'event_not_found' })
  })

  it('when nothing is left', async () => {
    await reverse(ledger, 'sale', { reference: 'the last unit' })
    await expect(reverse(ledger, 'sale', { reference: 'more' })).rejects.toMatchObject({ code: 'reversal_exceeded', message: 'nothing of sale can be reversed: 0.00 of 10.00 are left', details: { left: '0.00', of: '10.00' } })
    await expectSound(ledger, ['sale', 'refund', 'the last unit'])
  })
})

describe('in a ledger of several lanes', () => {
  it('a reversal stays in the lane of its event, or is told how to', async () => {
    const ledger = await paper.open('lanes', { lanes: 3 })
    const references = Array.from({ length: 6 }, (_, index) => `sale-${index}`)
    await ledger.record(references.map((reference) => paperEvent(reference, 100n)))
    const codes: string[] = []
    for (const reference of references) {
      const other = await reverse(ledger, reference, { reference: `refund of ${reference}`, units: 10n }).catch((error: unknown) => error as { code: string; details: unknown })
      if ('code' in other) {
        expect(other).toMatchObject({ code: 'reference_lane_mismatch', details: { begin: `${reference}/` } })
        codes.push(other.code)
      }
      expect(await reverse(ledger, reference, { reference: `${reference}/refund` })).toMatchObject({ state: 'recorded' })
    }
    expect(codes.length).toBeGreaterThan(0)
    await ledger.makePayouts()
    await expectSound(ledger, references.flatMap((reference) => [reference, `${reference}/refund`]))
    const { items } = await events(ledger.world, ledger.ledger, { cursor: null, limit: 100 })
    expect(items.filter(({ reverses }) => reverses !== null)).toHaveLength(references.length * 2 - codes.length)
  })
})

describe('at once', () => {
  it('two reversals take no more than there is, and one sent twice is recorded once', async () => {
    const ledger = await opened('at-once')
    await ledger.record([paperEvent('sale', 1000n)])
    await ledger.makePayouts()
    const asked = [['one', 600n], ['two', 600n], ['one', 600n], ['three', 400n]] as const
    const results = await Promise.allSettled(asked.map(async ([reference, units]) => await reverse(ledger, 'sale', { reference, units })))
    const states = results.map((result) => (result.status === 'fulfilled' ? result.value.state : (result.reason as { code: string }).code))
    expect(states.filter((state) => state === 'recorded')).toHaveLength(2)
    const { items } = await events(ledger.world, ledger.ledger, { cursor: null, limit: 100 })
    const reversed = items.filter(({ reverses }) => reverses !== null)
    expect(reversed.reduce((all, { units }) => all + BigInt(units), 0n)).toBe(1000n)
    expect(await balancesOf(ledger)).toEqual({})
    await expectSound(ledger, ['sale', ...reversed.map(({ reference }) => reference)])
  })

  it('with a reservation the reversal comes before or after it, and either way what leaves is what is reserved', async () => {
    const ledger = await opened('race')
    for (let turn = 0; turn < 6; turn += 1) {
      await ledger.record([paperEvent(`sale ${turn}`, 1000n)])
      await Promise.all([ledger.makePayouts(), reverse(ledger, `sale ${turn}`, { reference: `early ${turn}`, units: 100n })])
      await ledger.makePayouts()
      await Promise.all([ledger.send(), reverse(ledger, `sale ${turn}`, { reference: `late ${turn}`, units: 500n })])
      await expectSound(ledger, [`sale ${turn}`, `late ${turn}`])
    }
    await ledger.send()
    await ledger.look()
    const balances = await balancesOf(ledger)
    expect(balances).not.toHaveProperty('in_flight:house')
    await expectSound(ledger, ['sale 0', 'sale 5'])
  })

  it('a process that dies before or after the commit leaves a reversal that is whole or not there', async () => {
    const ledger = await opened('crash')
    await ledger.record([paperEvent('sale', 1000n)])
    await ledger.makePayouts()
    const places: string[] = []
    const counting = ({ moment, statement: name }: Step): void => void places.push(`${moment} ${name}`)
    const within = async (reference: string, watch: (step: Step) => void) => {
      const store = watchedStore(ledger.world.store, watch)
      const world = { ...ledger.world, store }
      return await reverse({ world, ledger: await createLedgers(world).open('crash') }, 'sale', { reference, units: 10n })
    }
    await within('counted', counting)
    let recorded = 1
    for (const at of places.keys()) {
      let seen = 0
      const dying = (): void => {
        if ((seen += 1) > at) throw new Error('the process died here')
      }
      await within(`dying ${at}`, dying).catch(() => null)
      const again = await reverse(ledger, 'sale', { reference: `dying ${at}`, units: 10n })
      expect(['recorded', 'duplicate']).toContain(again.state)
      recorded += 1
      expect(await balancesOf(ledger)).toMatchObject({ expected: BigInt(10 * recorded) - 1000n })
    }
    await expectSound(ledger, ['sale', 'counted'])
  })
})
