// A ledger that pays per destination: shares of one recipient become one payout, which is approved, sent, shown, reversed and proved as one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASSET, FIRST_PLAN, paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { balancesOf, expectSound, reverse } from '../../test/reversing.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { createKey } from './api-key.ts'
import { changeSettings } from './change-settings.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { makePayouts } from './make-payouts.ts'
import { OWNER } from './person.ts'
import { waitingApprovals } from './read-approvals.ts'
import { distribution } from './read-distributions.ts'
import { payoutsOfEvent, payouts } from './read-ledger.ts'
import { statementLines } from './read-statement.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function joining(name: string): Promise<PaperLedger> {
  const opened = await paper.open(name)
  const ledger = { ...opened.ledger, program: { ...opened.ledger.program, payoutPolicy: 'per_destination' } as const }
  const own = { ...opened, ledger, makePayouts: async () => void (await makePayouts(opened.world, ledger, opened.lane)) }
  own.network.movements.push({ identity: 'in', asset: ASSET, units: 50_000n, direction: 'in', at: null, proof: { receipt: 'in' } })
  await own.watch()
  await own.nameDrawers(['house', 'fund', 'guest-1'])
  return own
}

const three = [paperEvent('a', 1000n), paperEvent('b', 500n), paperEvent('c', 100n)]

async function all(ledger: PaperLedger): Promise<Readonly<Record<string, string>>> {
  const { items } = await payouts(ledger.world, ledger.ledger, { state: null, cursor: null, limit: 100 })
  return Object.fromEntries(items.toReversed().map((each) => [`${each.recipient} ${each.draws_on.map(({ reference, units }) => `${reference} ${units}`).join(' + ')}`, `${each.state} ${each.units}`]))
}

async function settle(ledger: PaperLedger): Promise<void> {
  while ((await ledger.send()) > 0) await ledger.look()
}

describe('shares of one recipient to one destination', () => {
  it('are one payout of their sum, shown by the share, the payout and the statement, and proved', async () => {
    const ledger = await joining('sum')
    await ledger.record(three)
    await ledger.makePayouts()
    expect(await all(ledger)).toEqual({
      'house a 700 + b 350 + c 70': 'queued 1120',
      'fund a 200 + b 100 + c 20': 'queued 320',
      'guest-1 a 100 + b 50 + c 10': 'queued 160',
    })
    await expectSound(ledger, ['a', 'b', 'c'])
    await settle(ledger)
    const [house] = await payoutsOfEvent(ledger.world, ledger.ledger, 'b')
    expect(house).toMatchObject({ role: 'house', reference: 'a', units: '1120', state: 'settled', shares: 3 })
    expect((await distribution(ledger.world, ledger.ledger, 'c')).shares).toMatchObject([
      { role: 'house', units: '70', state: 'settled', payout: house?.payout }, { role: 'fund', units: '20', state: 'settled' }, { role: 'guest', units: '10', state: 'settled' }, { role: 'nobody', state: 'zero' },
    ])
    const share = await explain(ledger.world, ledger.ledger, 'b#house')
    const explained = share.shares.find(({ role }) => role === 'house')
    expect([share.agrees, explained]).toMatchObject([true, { units: '350', now: { state: 'paid' }, payout: { payout: house?.payout, units: '1120', shares: 3 } }])
    expect(explained?.payout?.draws_on.map(({ reference, role, units }) => `${reference} ${role} ${units}`)).toEqual(['a house 700', 'b house 350', 'c house 70'])
    expect(sentences(share).join(' ')).toMatch(/, of 3 shares that are 11\.20 together, was paid/)
    expect(await explain(ledger.world, ledger.ledger, house?.payout ?? '')).toMatchObject({ asked: { kind: 'payout' }, event: { reference: 'a' }, agrees: true })
    const { items } = await statementLines(ledger.world, ledger.ledger, { recipient: 'house', from: null, to: null, by: 'recorded_at', cursor: null, limit: 100 })
    expect(items.filter(({ line }) => line === 'earned').map(({ reference, payout }) => [reference, payout])).toEqual(['a', 'b', 'c'].map((reference) => [reference, house?.payout]))
    expect(items.find(({ line }) => line === 'paid')).toMatchObject({ subject: house?.payout, units: '1120' })
    await expectSound(ledger, ['a', 'b', 'c'])
  })

  it('stay apart where they may be paid from different days, and what is recorded later is a payout of its own', async () => {
    const ledger = await joining('apart')
    await ledger.record([paperEvent('a', 1000n)])
    await ledger.makePayouts()
    await ledger.record([paperEvent('b', 500n), paperEvent('bb', 500n)])
    const locked = { steps: FIRST_PLAN.steps.map((step) => ({ ...step, lock: { days: 30 } })) }
    await addPlanVersion(ledger.world, ledger.ledger, { content: locked, effectiveFrom: null })
    await ledger.record([paperEvent('c', 100n)])
    await ledger.makePayouts()
    expect(Object.keys(await all(ledger)).filter((each) => each.startsWith('house'))).toEqual(['house a 700', 'house b 350 + bb 350', 'house c 70'])
    await expectSound(ledger, ['a', 'b', 'bb', 'c'])
  })

  it('wait for a person where their sum is above the limit, though none of them is', async () => {
    const ledger = await joining('limit')
    await createKey({ ...ledger.world, owner: paper.database.pool }, ledger.ledger, { name: 'approver', role: 'approver' })
    await changeSettings(ledger.world, ledger.ledger, OWNER, { payout_approval_above: { [ASSET]: '1000' } })
    await ledger.record(three)
    await ledger.makePayouts()
    await settle(ledger)
    const { items } = await waitingApprovals(ledger.world, ledger.ledger, { cursor: null, limit: 100 })
    expect(items.map(({ payout }) => payout?.units)).toEqual(['1120'])
    expect(await all(ledger)).toMatchObject({ 'house a 700 + b 350 + c 70': 'awaiting_approval 1120', 'fund a 200 + b 100 + c 20': 'settled 320' })
  })
})

describe('a reversal of one of them', () => {
  it('makes the payout smaller before it is sent, in parts, and cancels it with the last of them', async () => {
    const ledger = await joining('before')
    await ledger.record(three)
    await ledger.makePayouts()
    await reverse(ledger, 'b', { reference: 'b/1', units: 100n })
    expect(await all(ledger)).toMatchObject({ 'house a 700 + b 280 + c 70': 'queued 1050', 'guest-1 a 100 + b 40 + c 10': 'queued 150' })
    await expectSound(ledger, ['a', 'b', 'b/1', 'c'])
    await reverse(ledger, 'a', { reference: 'a/1' })
    await reverse(ledger, 'b', { reference: 'b/2' })
    expect(await all(ledger)).toMatchObject({ 'house a 0 + b 0 + c 70': 'queued 70' })
    await reverse(ledger, 'c', { reference: 'c/1' })
    expect(await balancesOf(ledger)).toMatchObject({ expected: expect.any(BigInt) })
    expect(Object.values(await all(ledger)).every((state) => state.startsWith('cancelled'))).toBe(true)
    await expectSound(ledger, ['a', 'a/1', 'b', 'b/2', 'c', 'c/1'])
  })

  it('of which two shares go to one recipient takes both out of the one payout', async () => {
    const ledger = await joining('twice')
    await ledger.record([paperEvent('a', 1000n, { guest: 'house' }), paperEvent('b', 100n)])
    await ledger.makePayouts()
    expect(await all(ledger)).toMatchObject({ 'house a 700 + a 100 + b 70': 'queued 870' })
    await reverse(ledger, 'a', { reference: 'a/1', units: 500n })
    expect(await all(ledger)).toMatchObject({ 'house a 350 + a 50 + b 70': 'queued 470' })
    await expectSound(ledger, ['a', 'a/1', 'b'])
  })

  it('is owed once it was paid, and kept back from the shares of the next payout together', async () => {
    const ledger = await joining('after')
    await ledger.record(three)
    await ledger.makePayouts()
    await settle(ledger)
    await reverse(ledger, 'b', { reference: 'b/1' })
    expect(await balancesOf(ledger)).toMatchObject({ 'owed_by:house': -350n, 'owed_by:guest-1': -50n })
    await ledger.record([paperEvent('d', 300n), paperEvent('e', 400n)])
    await ledger.makePayouts()
    // 210 and 280 less the 350 that are owed.
    expect(await all(ledger)).toMatchObject({ 'house d 0 + e 140': 'queued 140', 'guest-1 d 0 + e 20': 'queued 20' })
    await expectSound(ledger, ['a', 'b', 'b/1', 'd', 'e'])
    await settle(ledger)
    await expectSound(ledger, ['d', 'e'])
  })
})

it('a share drawn on by somebody else’s payout, or by one that stands under none of its shares, is found by verify', async () => {
  const ledger = await joining('tampered')
  await ledger.record(three)
  await ledger.makePayouts()
  const { pool } = paper.database
  expect((await verify(ledger.world, ledger.ledger)).ok).toBe(true)
  await pool.query(
    `update apportion.payout_share set payout = (select payout from apportion.payout where lane = $1 and recipient = 'fund')
     where lane = $1 and transfer = (select max(transfer) from apportion.payout_share join apportion.payout using (lane, payout) where lane = $1 and recipient = 'house')`,
    [ledger.lane],
  )
  expect((await verify(ledger.world, ledger.ledger)).breaks.map(({ check }) => check)).toContain('payout_share')
  const apart = await joining('headless')
  await apart.record(three)
  await apart.makePayouts()
  await pool.query(`update apportion.payout set event = event + 100 where lane = $1 and recipient = 'house'`, [apart.lane])
  expect((await verify(apart.world, apart.ledger)).breaks.map(({ check }) => check)).toContain('payout_share')
})
