// Reversals and locks on the way through approval, signer and network: what leaves is what is left, and nothing leaves before its day.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { breaks, COIN, legs, mustRecord, nameAddress, onChain, openHouse, payouts, round, run, runUntilStill, sale, type Home, type House } from '../../test/house.ts'
import { approvalStatement } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { createAuthenticator, createKey, splitKey } from './api-key.ts'
import { approvePayouts } from './approve-payouts.ts'
import { changeSettings } from './change-settings.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { makePayouts } from './make-payouts.ts'
import { OWNER, personOf } from './person.ts'
import { waitingApprovals } from './read-approvals.ts'
import { recipient } from './read-recipient.ts'
import { ageing } from './read-reports.ts'
import { reverseEvent } from './reverse-event.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const reverse = async (home: Home, reverses: string, reference: string, coins: bigint) =>
  await reverseEvent(house.main.world, home.ledger, { reference, reverses, units: coins * COIN, details: null, door: 'test' })
const amounts = async (home: Home, reference: string) => Object.fromEntries((await payouts(house, home, reference)).map(({ role, state, units }) => [role, `${state} ${BigInt(units) / COIN}`]))

describe('a payout that waits for a person', () => {
  it('and is made smaller by a reversal needs the approval of what is left, or none where it is below the limit by then', async () => {
    const home = await house.makeLedger({ funds: 1000n })
    const { world } = house.main
    const { key } = await createKey({ ...world, owner: house.database.pool }, home.ledger, { name: 'first', role: 'approver' })
    const { bearer, seal } = splitKey(key)
    const person = personOf(await createAuthenticator(world).authenticate(bearer))
    await changeSettings(world, home.ledger, OWNER, { payout_approval_above: { 'SOL/9': (10n * COIN).toString() } })
    const waiting = async () => (await waitingApprovals(world, home.ledger, { cursor: null, limit: 100 })).items
    const approve = async (which: Awaited<ReturnType<typeof waiting>>) => {
      const signed = which.map(({ subject, hash }) => {
        const statement = approvalStatement({ ledger: home.ledger.id, kind: 'payout', subject, hash, preview: null, at: house.now() })
        return { payout: subject, approval: { hash, preview: null, at: house.now(), signature: present(seal, 'seal').sign(statement) } }
      })
      return (await approvePayouts(world, home.ledger, person, signed)).map(({ refusal }) => refusal?.code ?? null)
    }
    await mustRecord(house.main, home, sale(home, 'sale', '100'))
    await runUntilStill(house, home)
    const before = await waiting()
    expect(before).toHaveLength(2)
    expect(await approve(before)).toEqual([null, null])
    // Approved, and not yet prepared: what was approved is not what leaves.
    await reverse(home, 'sale', 'refund 1', 20n)
    await runUntilStill(house, home)
    expect(await amounts(home, 'sale')).toMatchObject({ ai: 'awaiting_approval 64', dao: 'awaiting_approval 12' })
    expect(await approve(before)).toEqual(['approval_mismatch', 'approval_mismatch'])
    // Of the 15 for the DAO 6 are left.
    await reverse(home, 'sale', 'refund 2', 40n)
    await runUntilStill(house, home)
    expect(await amounts(home, 'sale')).toMatchObject({ ai: 'awaiting_approval 32', dao: 'settled 6' })
    expect(await approve(await waiting())).toEqual([null])
    await runUntilStill(house, home)
    expect(await amounts(home, 'sale')).toEqual({ ai: 'settled 32', dao: 'settled 6', lucky: 'settled 3', creator: 'settled 2' })
    expect(await onChain(house, home.addresses.ai)).toBe(32n * COIN)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('the signer', () => {
  it('signs what is left of a payout, and no unit more whatever the server says it is', async () => {
    const home = await house.makeLedger({ funds: 1000n })
    for (const reference of ['honest', 'forged']) {
      await mustRecord(house.main, home, sale(home, reference, '100'))
      await reverse(home, reference, `${reference}/refund`, 50n)
    }
    await makePayouts(house.main.world, home.ledger, home.lane)
    await house.database.pool.query(`update apportion.payout set units = 80 * $2::numeric where lane = $1 and event = (select number from apportion.event where lane = $1 and reference = 'forged') and role = 'ai'`, [home.lane, COIN])
    await run(house, home, async () => Object.values(await legs(house, home, 'forged')).every((state) => state === 'settled' || state === 'rail_refused'))
    await runUntilStill(house, home)
    expect(await legs(house, home, 'forged')).toMatchObject({ ai: 'rail_refused' })
    expect(await amounts(home, 'honest')).toMatchObject({ ai: 'settled 40', dao: 'settled 7' })
    expect(await onChain(house, home.addresses.ai)).toBe(40n * COIN)
    const [held] = (await payouts(house, home, 'forged')).filter(({ role }) => role === 'ai')
    expect(held?.detail).toContain('80000000000 units')
  })
})

describe('a share that its plan locks', () => {
  it('is made a payout at once and paid from its day on; it is shown as locked, with since when and until when', async () => {
    const home = await house.makeLedger({ funds: 1000n })
    const { world } = house.main
    const [step] = saleSplit.firstPlan.steps as [object]
    await addPlanVersion(world, home.ledger, { content: { steps: [{ ...step, lock: { days: 30 } }] }, effectiveFrom: null })
    house.elapse({ seconds: 1 })
    const { eventAt } = await mustRecord(house.main, home, sale(home, 'locked', '100'))
    const until = eventAt.add({ hours: 30 * 24 })
    await round(house.main, home)
    house.elapse({ hours: 30 * 24 - 1 })
    await round(house.main, home)
    expect(await legs(house, home, 'locked')).toEqual({ ai: 'queued', dao: 'queued', lucky: 'queued', creator: 'queued' })
    const found = await payouts(house, home, 'locked')
    expect(new Set(found.map(({ locked_until: at }) => at))).toEqual(new Set([until.toString()]))
    expect(sentences(await explain(world, home.ledger, 'locked#ai'))).toContainEqual(expect.stringMatching(new RegExp(`is queued since .*, locked until ${until.toString()}\\.$`)))
    const reader = { ...world, now: house.now }
    const { standing } = await recipient(reader, home.ledger, 'ai')
    expect(standing.map(({ state, units }) => [state, units])).toEqual([['locked', (80n * COIN).toString()]])
    const aged = await ageing(reader, home.ledger)
    expect(aged.map(({ state, ages }) => [state, ages.map(({ payouts: count }) => count).join(' ')])).toEqual([['locked', '0 0 4 0']])
    // What is locked is not paid, so a reversal takes it.
    await reverse(home, 'locked', 'refund', 50n)
    house.elapse({ hours: 2 })
    await runUntilStill(house, home)
    expect(await amounts(home, 'locked')).toEqual({ ai: 'settled 40', dao: 'settled 7', lucky: 'settled 1', creator: 'settled 1' })
    expect(await onChain(house, home.addresses.ai)).toBe(40n * COIN)
    expect((await recipient(reader, home.ledger, 'ai')).standing.map(({ state }) => state)).toEqual(['settled', 'reversed'])
    expect(await breaks(house, home)).toEqual([])
  })

  it('and is held for want of an address is not paid before its day when the address comes', async () => {
    const home = await house.makeLedger({ funds: 1000n, creator: false })
    const { world } = house.main
    const [step] = saleSplit.firstPlan.steps as [object]
    const day = house.now().add({ hours: 48 })
    await addPlanVersion(world, home.ledger, { content: { steps: [{ ...step, lock: { until: day.round('second').toString() } }] }, effectiveFrom: null })
    house.elapse({ seconds: 1 })
    await mustRecord(house.main, home, sale(home, 'held', '100'))
    await round(house.main, home)
    expect(await legs(house, home, 'held')).toMatchObject({ creator: 'creator_unknown', ai: 'queued' })
    await nameAddress(house.main, home, home.token, home.addresses.creator)
    for (let turn = 0; turn < 3; turn += 1) {
      house.elapse({ minutes: 20 })
      await round(house.main, home)
    }
    expect(await legs(house, home, 'held')).toEqual({ ai: 'queued', dao: 'queued', lucky: 'queued', creator: 'queued' })
    house.elapse({ hours: 48 })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'held')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' })
    expect(await breaks(house, home)).toEqual([])
  })
})
