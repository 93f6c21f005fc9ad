// Explanations of real events, and of ones that somebody changed by hand: all states of a share, every way to ask, every difference.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASSET, paperDatabase, paperEvent, settled, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { explain } from './explain.ts'
import { explanationSchema, type Explanation } from './explain-document.ts'
import { sentences } from './explain-sentences.ts'

let paper: PaperDatabase
let made: PaperLedger
beforeAll(async () => {
  paper = await paperDatabase()
  made = await paper.open('explained')
  await made.record([
    paperEvent('sale', 101n, { claimed: { house: 71n, fund: 20n } }),
    paperEvent('sale#1', 1n),
    paperEvent('0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', 10n),
  ])
})
afterAll(async () => await paper.drop())

async function explained(subject: string, from: PaperLedger = made): Promise<Explanation> {
  const explanation = await explain(from.world, from.ledger, subject)
  expect(explanationSchema.parse(explanation)).toEqual(explanation)
  return explanation
}

/** Ids, hashes and instants by name, so that sentences can be read. */
function readable(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(/[0-9a-f]{64}/g, '<hash>')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
      .replaceAll(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/g, '<time>'),
  )
}

it('works out every figure of an event, with what came with it and where the ledger holds it', async () => {
  const { event, block, received, plan, steps, shares, ...rest } = await explained('sale')
  expect(rest).toEqual({ format: 2, remembered: {}, reversals: [], ledger: 'explained', asked: { kind: 'event', subject: 'sale', parts: [0, 1, 2, 3] }, agrees: true, differences: [] })
  expect(event).toMatchObject({ reference: 'sale', lane: 0, number: '1', asset: ASSET, units: '101', amount: '1.01', parties: { guest: 'guest-1' }, door: 'test' })
  expect(block).toMatchObject({ number: '1', recorded_at: event.recorded_at })
  expect(received).toEqual({ number: '1', kind: 'received', debit: 'expected', credit: 'received', asset: ASSET, units: '101', amount: '1.01' })
  expect(plan).toMatchObject({ version: 1, effective_from: null })
  expect(steps).toEqual([{ name: 'split', rule: 'fixed-shares', rounding: 'largest-remainder', from: 'received', pool: '101' }])
  const figures = shares.map(({ role, account, inputs: { weight, of }, formula, quota, floor, remainder, extra, units, claimed, transfer, now }) => {
    return [role, account, weight, of, formula, quota, floor, remainder, extra, units, claimed, transfer?.number, now.state]
  })
  expect(figures).toEqual([
    ['house', 'payable:house', '70', '7/10', '101 × 7 ÷ 10', '707/10', '70', '7/10', '1', '71', '71', '2', 'payable'],
    ['fund', 'payable:fund', '20', '1/5', '101 × 2 ÷ 10', '101/5', '20', '2/10', '0', '20', '20', '3', 'payable'],
    ['guest', 'payable:guest-1', '10', '1/10', '101 × 1 ÷ 10', '101/10', '10', '1/10', '0', '10', null, '4', 'payable'],
    ['nobody', 'payable:nobody', '0', '0', '101 × 0 ÷ 10', '0', '0', '0/10', '0', '0', null, undefined, 'zero'],
  ])
})

it('says the same in words', async () => {
  expect(readable(sentences(await explained('sale')))).toEqual([
    '1.01 PAP came in as sale, which happened at <time> (its guest is guest-1).',
    'By the door "test" it was recorded at <time> as event 1 of lane 0, in block 1 with the hash <hash>; transfer 1 holds it.',
    'Plan version 1, in force from the beginning, divides 101 units by fixed-shares in the step "split"; units that do not divide go by largest-remainder (hash of the plan: <hash>).',
    'Plan version 1 gives house 70 of 100 parts: 101 × 7 ÷ 10 = 707/10, that is 70 whole units and 7/10 of one; rounded up by less than one unit: it has one of the largest remainders: 71 units (0.71 PAP for house).',
    'The ledger holds it as transfer 2, from received to payable:house, in block 1.',
    'It stands in payable:house; its payout is made next.',
    'Plan version 1 gives fund 20 of 100 parts: 101 × 2 ÷ 10 = 101/5, that is 20 whole units and 2/10 of one; rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan: 20 units (0.2 PAP for fund).',
    'The ledger holds it as transfer 3, from received to payable:fund, in block 1.',
    'It stands in payable:fund; its payout is made next.',
    'Plan version 1 gives guest 10 of 100 parts: 101 × 1 ÷ 10 = 101/10, that is 10 whole units and 1/10 of one; rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan: 10 units (0.1 PAP for guest-1).',
    'The ledger holds it as transfer 4, from received to payable:guest-1, in block 1.',
    'It stands in payable:guest-1; its payout is made next.',
    'Plan version 1 gives nobody 0 of 100 parts: 101 × 0 ÷ 10 = 0 units, divides exactly (0 PAP for nobody).',
    'That is nothing to pay, so there is no transfer for nobody.',
    'All figures were worked out anew from the event and the plan, and the ledger holds the same.',
  ])
})

describe('what is asked for', () => {
  it.each([
    ['an event', 'sale', 'event', 'sale', [0, 1, 2, 3]],
    ['a share of it', 'sale#fund', 'share', 'sale', [1]],
    ['an event whose reference holds the mark of a share', 'sale#1', 'event', 'sale#1', [0, 1, 2, 3]],
    ['a share of that', 'sale#1#guest', 'share', 'sale#1', [2]],
    ['an event whose reference looks like the id of a payout', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', 'event', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', [0, 1, 2, 3]],
  ])('is %s', async (_, subject, kind, reference, parts) => {
    expect(await explained(subject)).toMatchObject({ asked: { kind, subject, parts }, event: { reference } })
  })

  it('is told alone, with a word on the others', async () => {
    const told = readable(sentences(await explained('sale#fund')))
    expect(told.filter((line) => line.startsWith('Plan version 1 gives'))).toEqual([expect.stringContaining('gives fund 20 of 100 parts')])
    expect(told).toContain('The other 3 shares are explained with the event sale.')
  })

  it.each([
    ['nothing of ours', 'x', 'event_not_found', /no event "x": give an event's source reference, a share as <reference>#<role>, or a payout's id/],
    ['nothing', '', 'event_not_found', /no event ""/],
    ['a share of nothing', 'x#fund', 'event_not_found', /no event "x#fund"/],
    ['no share of an event', 'sale#creator', 'event_not_found', /"sale" has no share "creator": plan version 1 gives house, fund, guest, nobody/],
    ['no payout', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c', 'payout_not_found', /no payout and no event "0190a1b2-/],
    ['ten thousand characters', 'x'.repeat(10_000), 'event_not_found', /^.{0,300}$/],
    ['SQL', `'; drop table apportion.event; --`, 'event_not_found', /no event/],
    ['half a character', '\ud800', 'event_not_found', /no event/],
  ])('is refused when it is %s', async (_, subject, code, message) => {
    await expect(explain(made.world, made.ledger, subject)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('where the money is', () => {
  let flow: PaperLedger
  const standing = async (role: string) => (await explained(`sale#${role}`, flow)).shares.find((share) => share.role === role)
  const told = async (role: string) => readable(sentences(await explained(`sale#${role}`, flow)))

  it('follows each payout to its proof', async () => {
    flow = await paper.open('flow')
    const { network } = flow
    await flow.record([paperEvent('sale', 1000n)])
    await flow.nameDrawers(['house', 'fund'])
    await flow.makePayouts()
    expect((await standing('house'))?.now).toMatchObject({ state: 'queued' })
    expect(await told('house')).toContain('Payout <id> to drawer house is queued since <time>, due at <time>.')
    expect((await standing('guest'))?.now).toMatchObject({ state: 'held', reason: 'guest_unknown' })
    expect(await told('guest')).toContainEqual(expect.stringMatching(/^Payout <id> is held since <time>: guest_unknown; looked at again at <time>\.$/))
    for (let index = 0; index < 20; index += 1) await flow.record([paperEvent(`later ${index}`, 5n)])
    await flow.send()
    expect((await standing('house'))?.now).toMatchObject({ state: 'in_flight', attempt_state: 'submitted', identity: expect.stringMatching(/^paper-/) })
    expect(await told('house')).toContain('Payout <id> to drawer house is on its way since <time> in attempt <id>, on the network paper-<id> (submitted).')
    network.look = () => ({ state: 'unknown', reason: 'the page is missing', expired: true })
    await flow.look()
    expect(await told('house')).toContain('Payout <id> to drawer house is on its way since <time> in attempt <id>, on the network paper-<id> (unknown: the page is missing).')
    network.look = () => ({ state: 'failed', reason: 'torn', member: null, hold: null, proof: { page: 3 }, costs: [{ kind: 'fee', asset: ASSET, units: 5n }] })
    await flow.look()
    network.look = settled
    await flow.makePayouts()
    await flow.send()
    await flow.look()
  })

  it('tells a settled payout with all its attempts, movements and costs', async () => {
    const house = await standing('house')
    expect(house?.now).toMatchObject({ state: 'paid', proof: { line: 7 } })
    expect(house?.payout?.attempts.map(({ state, payouts, costs }) => [state, payouts, costs.map(({ units, debit }) => [units, debit])])).toEqual([
      ['failed', 2, [['5', 'network']]],
      ['settled', 1, [['5', 'network']]],
    ])
    expect(house?.payout?.moves.map(({ kind, units, debit, credit }) => [kind, units, debit, credit])).toEqual([
      ['reserved', '700', 'payable:house', 'in_flight:house'],
      ['released', '700', 'in_flight:house', 'payable:house'],
      ['reserved', '700', 'payable:house', 'in_flight:house'],
      ['settled', '700', 'in_flight:house', `wallet:${flow.wallet}`],
    ])
    expect((await told('house')).slice(5)).toEqual([
      'Attempt <id>, on the network paper-<id>, prepared at <time>, ended at <time>: it failed (torn) (proof: page 3).',
      'Payout <id> to drawer house was paid in attempt <id>, on the network paper-<id>, settled at <time> (proof: line 7, page page of paper-<id>).',
      'The other 3 shares are explained with the event sale.',
      'For attempt <id> with 2 payouts the network took 0.05 PAP (5 units) as fee, transfer 69; the account network bears it, no share is less for it.',
      expect.stringMatching(/^For attempt <id> with one payout the network took 0\.05 PAP \(5 units\) as fee, transfer [0-9]+; /),
      'All figures were worked out anew from the event and the plan, and the ledger holds the same.',
    ])
  })

  it('explains a payout by its id, in capitals too', async () => {
    const house = await standing('house')
    const id = house?.payout?.payout ?? ''
    expect(await explained(id, flow)).toMatchObject({ asked: { kind: 'payout', subject: id, parts: [0] }, event: { reference: 'sale' } })
    expect(await explained(id.toUpperCase(), flow)).toMatchObject({ asked: { kind: 'payout', parts: [0] } })
  })

  it('finds movements however much was posted between an attempt and its block', async () => {
    await paper.database.pool.query(`update apportion.attempt set prepared_at = prepared_at - interval '1 hour', ended_at = ended_at - interval '1 hour' where lane = $1`, [flow.lane])
    expect((await standing('house'))?.payout?.moves.length).toBe(4)
  })
})

it('uses the plan version of the event, and sums weights that are no whole numbers', async () => {
  const versions = await paper.open('versions')
  await versions.record([paperEvent('before', 100n)])
  const shares = [
    { role: 'house', to: { recipient: 'house' }, weight: '33.3' },
    { role: 'fund', to: { recipient: 'fund' }, weight: '33.45' },
  ]
  const content = { steps: [{ name: 'halves', from: 'received', rule: 'fixed-shares', parameters: { shares }, rounding: 'largest-remainder' }] }
  await addPlanVersion(versions.world, versions.ledger, { content, effectiveFrom: null })
  await versions.record([paperEvent('after', 100n)])
  expect(await explained('before', versions)).toMatchObject({ plan: { version: 1 }, steps: [{ name: 'split' }], shares: [{ grounds: '70 of 100 parts' }, {}, {}, {}] })
  expect(await explained('after', versions)).toMatchObject({ plan: { version: 2, effective_from: expect.any(String) }, steps: [{ name: 'halves' }], agrees: true })
})

it('agrees with the ledger whatever came in', async () => {
  const any = await paper.open('anything')
  const units = fc.oneof(fc.bigInt({ min: 1n, max: 1000n }), fc.bigInt({ min: 1n, max: 10n ** 36n }))
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(fc.uuid(), units), { minLength: 1, maxLength: 4, selector: ([id]) => id }), async (given) => {
      await any.record(given.map(([reference, amount]) => paperEvent(reference, amount)))
      for (const [reference, amount] of given) {
        const explanation = await explained(reference, any)
        expect(explanation).toMatchObject({ agrees: true, steps: [{ pool: amount.toString() }] })
        expect(explanation.shares.reduce((all, share) => all + BigInt(share.units), 0n)).toBe(amount)
      }
    }),
    { numRuns: 8 },
  )
})

describe('a ledger changed by hand', () => {
  it.each([
    ['a share', 'update apportion.transfer set units = 699 where lane = $1 and number = 2', 'share house', '700 units of PAP/2 from received to payable:house', '699 units of PAP/2 from received to payable:house'],
    ['a share taken out', 'delete from apportion.transfer where lane = $1 and number = 3', 'share fund', '200 units of PAP/2 from received to payable:fund', 'no transfer'],
    ['what came in', 'update apportion.transfer set units = 999 where lane = $1 and number = 1', 'what came in', '1000 units of PAP/2 from expected to received', '999 units of PAP/2 from expected to received'],
    ['the event', 'update apportion.event set units = 1001 where lane = $1 and number = 1', 'fingerprint of the event', /^[0-9a-f]{64}$/, /^[0-9a-f]{64}$/],
    ['a share without a part', 'update apportion.transfer set part = 9 where lane = $1 and number = 4', 'share guest', '100 units of PAP/2 from received to payable:guest-1', 'no transfer'],
    ['a payout', 'update apportion.payout set units = 1 where lane = $1 and part = 0', 'payout of house', '700 units of PAP/2', '1 units of PAP/2'],
    ['the plan', `update apportion.plan_version set hash = 'x' where ledger = (select ledger from apportion.lane where lane = $1)`, 'hash of plan version 1', /^[0-9a-f]{64}$/, 'x'],
  ])('shows in %s', async (_, change, what, expected, found) => {
    const tampered = await paper.open(`t${paper.database.name.slice(5, 20)}${Math.random().toString().slice(2, 12)}`)
    await tampered.record([paperEvent('sale', 1000n)])
    await tampered.makePayouts()
    await paper.database.pool.query(change, [tampered.lane])
    const explanation = await explained('sale', tampered)
    expect(explanation.agrees).toBe(false)
    const matching = (text: string | RegExp): unknown => (typeof text === 'string' ? text : expect.stringMatching(text))
    expect(explanation.differences).toContainEqual({ what, expected: matching(expected), found: matching(found) })
    expect(sentences(explanation)).toContainEqual(expect.stringMatching(`^Difference in ${what}: worked out `))
  })
})
