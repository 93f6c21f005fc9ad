// The rule `tiered-fee`: tiers, discounts and bounds by worked numbers, who bears it, and which way it rounds.

import { expect, it } from 'vitest'
import { refusalOf, stepOf, type Asked } from '../../../test/rule-samples/step.ts'
import type { StepRounding } from './rule.ts'

const CIRCLE = {
  fee: { role: 'fee', to: { fund: 'fees' } },
  rest: { role: 'winner', to: { party: 'winner' } },
  tiers: [{ from: '0', rate: '1%' }],
  applies: 'whole',
  discounts: [
    { name: 'verified', off: '50%', when: { fact: 'discounts', subject: 'verified' } },
    { name: 'recurring', off: '25%', when: { fact: 'discounts', subject: 'recurring' } },
    { name: 'pro', off: '10%', when: { party: 'tier', is: 'pro' } },
  ],
  combine: 'multiply',
  floor: '0.5%',
  ceiling: '1%',
  bearer: 'deducted',
}
const FOR_PAYER: StepRounding = { 'residual-to': 'winner' }
const asked = (pool: bigint, on: readonly string[], rounding: StepRounding = FOR_PAYER): Asked => ({
  ...{ pool, rounding, parties: { winner: 'awa', tier: on.includes('pro') ? 'pro' : 'standard' } },
  facts: { discounts: { verified: on.includes('verified') ? '1' : '0', recurring: on.includes('recurring') ? '1' : '0' } },
})
const feeOf = (parameters: unknown, given: Asked): bigint | undefined => stepOf('tiered-fee', parameters).split(given).lines.find(({ role }) => role === 'fee')?.units

it.each<[bigint, readonly string[], string, bigint]>([
  [100_000n, [], 'multiply', 1000n],
  [100_000n, ['verified'], 'multiply', 500n],
  [100_000n, ['recurring'], 'multiply', 750n],
  // 0.375 %, raised to the floor of 0.5 %.
  [100_000n, ['verified', 'recurring'], 'multiply', 500n],
  [100_000n, ['recurring', 'pro'], 'multiply', 675n],
  [100_000n, ['recurring', 'pro'], 'add', 650n],
  [100_000n, ['recurring', 'pro'], 'best-of', 750n],
  [100_000n, ['verified', 'recurring', 'pro'], 'add', 500n],
  // Down, for the payer: a fee that comes to nothing is nothing.
  [99n, [], 'multiply', 0n],
  [199n, [], 'multiply', 1n],
])('takes of %d with %j (%s) a fee of %d', (pool, on, combine, expected) => {
  expect(feeOf({ ...CIRCLE, combine }, asked(pool, on))).toBe(expected)
})

it('has no floor where the plan has none', () => {
  const { floor: _, ...without } = CIRCLE
  expect(feeOf(without, asked(100_000n, ['verified', 'recurring']))).toBe(375n)
})

it.each<[StepRounding, bigint]>([
  [{ 'residual-to': 'winner' }, 1n],
  [{ 'residual-to': 'fee' }, 2n],
  ['largest-remainder', 1n],
  ['largest-ratio', 1n],
  ['first', 1n],
])('takes of 150 a fee of 1.5, by %j %d', (rounding, expected) => {
  const lines = stepOf('tiered-fee', CIRCLE).lines(asked(150n, [], rounding))
  expect(lines).toEqual([`winner: payable:awa ${150n - expected}`, `fee: fund:fees ${expected}`])
})

it('keeps the fee of small events as a running entitlement', () => {
  const events = Array.from({ length: 4 }, () => asked(25n, [], 'cumulative'))
  expect(stepOf('tiered-fee', CIRCLE).follow(events).map((lines) => lines.at(-1))).toEqual([...Array.from({ length: 3 }, () => 'fee: rounding:step → fund:fees 0'), 'fee: rounding:step → fund:fees 1'])
})

const TIERS = { ...CIRCLE, discounts: [], tiers: [{ from: '0', rate: '10%' }, { from: '1000', rate: '5%' }, { from: '5000', rate: '0.01' }], floor: undefined, ceiling: undefined }

it.each([
  [999n, 'whole', 99n],
  [1000n, 'whole', 50n],
  [5000n, 'whole', 50n],
  [999n, 'bands', 99n],
  [1000n, 'bands', 100n],
  [1100n, 'bands', 105n],
  [7000n, 'bands', 320n],
])('takes of %d by tiers (%s) %d', (pool, applies, expected) => {
  expect(feeOf({ ...JSON.parse(JSON.stringify(TIERS)), applies }, asked(pool, []))).toBe(expected)
})

it.each<[bigint, unknown, unknown, bigint]>([
  [1000n, { units: '30' }, undefined, 30n],
  [20n, { units: '30' }, undefined, 20n],
  [100_000n, undefined, { units: '300' }, 300n],
  [100_000n, { units: '400' }, '0.3%', 300n],
])('of %d with the floor %o and the ceiling %o takes %d, never more than there is', (pool, floor, ceiling, expected) => {
  const parameters: unknown = JSON.parse(JSON.stringify({ ...CIRCLE, floor, ceiling }))
  expect(feeOf(parameters, asked(pool, []))).toBe(expected)
})

it('draws a fee on top on its fund, and gives the whole pool', () => {
  const onTop = { ...CIRCLE, bearer: { onTop: { fund: 'group' } } }
  expect(stepOf('tiered-fee', onTop).lines(asked(100_000n, ['verified']))).toEqual(['winner: payable:awa 100000', 'fee: fund:group → fund:fees 500'])
  expect(stepOf('tiered-fee', onTop).explain(asked(100_000n, ['verified']))).toMatchObject([
    { role: 'winner', grounds: 'all of it: the fee comes on top, out of fund:group', units: '100000' },
    { role: 'fee', units: '500' },
  ])
  expect(refusalOf('tiered-fee', onTop)).toContain('draws on fund:group, and no step gives anything to it')
})

it('explains a fee with its tiers, discounts and bounds', () => {
  expect(stepOf('tiered-fee', CIRCLE).explain(asked(100_001n, ['verified', 'recurring']))).toMatchObject([
    { role: 'winner', grounds: 'what the fee of 100001/200 leaves', formula: '100001 − 100001/200', quota: '19900199/200', units: '99501' },
    {
      role: 'fee',
      grounds: 'a fee of 100001 × 1%, less 50% (verified) and 25% (recurring), raised to its floor of 0.5%',
      formula: '100001/200',
      inputs: { pool: '100001', before: '100001 × 1%', off: '5/8', fee: '100001/200', floor: '0.5%', ceiling: '1%' },
      quota: '100001/200',
      floor: '500',
      extra: '0',
      units: '500',
      note: 'rounded down by less than one unit: the rest goes to the recipient named for it',
    },
  ])
  // A fee that comes to its floor by itself is not raised to it.
  expect(stepOf('tiered-fee', CIRCLE).explain(asked(100_000n, ['verified']))[1]).toMatchObject({ grounds: 'a fee of 100000 × 1%, less 50% (verified)', units: '500' })
  const banded: unknown = JSON.parse(JSON.stringify({ ...TIERS, applies: 'bands' }))
  expect(stepOf('tiered-fee', banded).explain(asked(7000n, []))[1]).toMatchObject({ formula: '(1000 × 10% + 4000 × 5% + 2000 × 0.01) × (1 − 0)', quota: '320' })
})

it.each<[string, string, Asked]>([
  ['flags that are missing', 'fact_not_found', { ...asked(10n, []), facts: {} }],
  ['one flag that is missing', 'fact_not_found', { ...asked(10n, []), facts: { discounts: { verified: '1' } } }],
  ['a flag that is neither 0 nor 1', 'fact_malformed', { ...asked(10n, []), facts: { discounts: { verified: 'yes', recurring: '0' } } }],
  ['a flag for a stranger', 'fact_mismatch', { ...asked(10n, []), facts: { discounts: { verified: '1', recurring: '0', recuring: '1' } } }],
  ['a party that is missing', 'recipient_not_found', { ...asked(10n, []), parties: { winner: 'awa' } }],
])('refuses %s', (_, code, given) => {
  expect(() => stepOf('tiered-fee', CIRCLE).split(given)).toThrow(expect.objectContaining({ code }))
})

it('asks for a flag of one of the parties', () => {
  const parameters = { ...CIRCLE, discounts: [{ name: 'verified', off: '50%', when: { fact: 'verified', source: 'standing', of: 'group' } }] }
  const given = (group: string): Asked => ({ pool: 1000n, rounding: FOR_PAYER, parties: { winner: 'awa', group }, facts: { verified: { 'g-1': '1', 'g-2': '0' } } })
  expect([feeOf(parameters, given('g-1')), feeOf(parameters, given('g-2'))]).toEqual([5n, 10n])
})

it.each<[string, unknown]>([
  ['the first tier must be from 0 units', { tiers: [{ from: '1', rate: '1%' }] }],
  ['thresholds must rise: 1000 does not come after 1000', { tiers: [{ from: '0', rate: '1%' }, { from: '1000', rate: '2%' }, { from: '1000', rate: '3%' }] }],
  ['a rate is at most 100%', { tiers: [{ from: '0', rate: '100.1%' }] }],
  ['a rate is a percentage such as 2.5% or a decimal', { tiers: [{ from: '0', rate: '-1%' }] }],
  ['the floor is above the ceiling', { floor: '2%' }],
  ['accepted', { floor: '1%' }],
  ['accepted', { discounts: CIRCLE.discounts.slice(0, 1), combine: undefined }],
  ['several discounts need combine', { combine: undefined }],
  ['an amount is at most 10^38 units', { tiers: [{ from: '0', rate: '1%' }, { from: `2${'0'.repeat(38)}`, rate: '1%' }] }],
  ['the fee and the rest have the same role', { rest: { role: 'fee', to: { recipient: 'x' } } }],
  ['the fee goes back to the fund that it comes out of', { bearer: { onTop: { fund: 'fees' } } }],
  ['two discounts have the same name', { discounts: CIRCLE.discounts.map((each) => ({ ...each, name: 'same' })) }],
])('is refused when %s', (problem, change) => {
  expect(refusalOf('tiered-fee', JSON.parse(JSON.stringify({ ...CIRCLE, ...(change as object) })), { rounding: FOR_PAYER })).toContain(problem)
})
