// The rule `fixed-shares`: which parameters it takes, what it gives to whom under each policy, and that its explanation is the division.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bind } from '../../../test/rule-samples/run.ts'
import { refusalOf, stepOf, type Asked } from '../../../test/rule-samples/step.ts'
import { compareRatios, formatRatio, ratio } from '../ratio.ts'
import type { StepRounding } from './rule.ts'

const SALE: readonly [role: string, weight: string][] = [
  ['ai', '80'],
  ['dao', '15'],
  ['lucky', '3'],
  ['creator', '2'],
]

const sharesOf = (weights: readonly (readonly [role: string, weight: string])[]) => ({
  shares: weights.map(([role, weight]) => ({ role, to: { recipient: `${role}-wallet` }, weight })),
})
const sale = stepOf('fixed-shares', sharesOf(SALE))
const unitsOf = (parameters: unknown, asked: Asked): readonly bigint[] => stepOf('fixed-shares', parameters).split(asked).lines.map(({ units }) => units)

const weight = fc.oneof(
  fc.constantFrom('0', '1', '2', '33.3', '33.4', '0.5'),
  fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
)
const shares = fc
  .array(weight, { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((text) => /[1-9]/.test(text)))
  .map((weights) => sharesOf(weights.map((text, index) => [`role-${index}`, text])))
const pool = fc.bigInt({ min: 1n, max: 10n ** 38n })

it.each([
  [100_000_000_000n, [80_000_000_000n, 15_000_000_000n, 3_000_000_000n, 2_000_000_000n]],
  [1n, [1n, 0n, 0n, 0n]],
  [33n, [26n, 5n, 1n, 1n]],
  [10n, [8n, 2n, 0n, 0n]],
  [2n ** 64n - 1n, [14_757_395_258_967_641_292n, 2_767_011_611_056_432_742n, 553_402_322_211_286_549n, 368_934_881_474_191_032n]],
])('divides a sale of %d by 80, 15, 3 and 2 into %s', (units, expected) => {
  expect(sale.split({ pool: units }).lines.map((line) => line.units)).toEqual(expected)
  const percentages = sharesOf(SALE.map(([role, text]) => [role, `${text}%`]))
  expect(unitsOf(percentages, { pool: units })).toEqual(expected)
})

it.each<[StepRounding, readonly string[]]>([
  ['largest-remainder', ['a: payable:a-wallet 2', 'b: payable:b-wallet 1']],
  ['first', ['a: payable:a-wallet 3', 'b: payable:b-wallet 0']],
  ['largest-ratio', ['a: payable:a-wallet 3', 'b: payable:b-wallet 0']],
  ['cumulative', ['rounding: rounding:step 3', 'a: rounding:step → payable:a-wallet 2', 'b: rounding:step → payable:b-wallet 0']],
  ['prefix', ['a: payable:a-wallet 2', 'b: payable:b-wallet 1']],
  ['rotate', ['a: payable:a-wallet 3', 'b: payable:b-wallet 0']],
  [{ 'residual-to': 'a' }, ['a: payable:a-wallet 3', 'b: payable:b-wallet 0']],
  [{ 'residual-to': 'b-wallet' }, ['a: payable:a-wallet 2', 'b: payable:b-wallet 1']],
])('divides 3 by 75 and 25 under %j', (rounding, expected) => {
  expect(stepOf('fixed-shares', sharesOf([['a', '75'], ['b', '25']])).lines({ pool: 3n, rounding })).toEqual(expected)
})

it('gives the unit that is left over by turns, from event to event', () => {
  const halves = stepOf('fixed-shares', sharesOf([['a', '1'], ['b', '1']]))
  const events = Array.from({ length: 4 }, () => ({ pool: 3n, rounding: 'rotate' as const }))
  expect(halves.follow(events).map((lines) => lines.map((line) => line.slice(-1)).join(' '))).toEqual(['2 1', '1 2', '2 1', '1 2'])
  expect(halves.split({ pool: 3n, rounding: 'rotate' }).state).toEqual(new Map([['turn', 'b/payable:b-wallet']]))
  // Whoever's turn it was may be gone in the next plan version: then it begins again.
  const state = new Map([['turn', 'gone/payable:gone']])
  expect(halves.lines({ pool: 3n, rounding: 'rotate', state })).toEqual(['a: payable:a-wallet 2', 'b: payable:b-wallet 1'])
})

it('keeps fractions of running entitlements by recipient, and pays them when they are whole', () => {
  const split = stepOf('fixed-shares', sharesOf([['a', '75'], ['b', '25']]))
  expect(split.follow(Array.from({ length: 4 }, () => ({ pool: 1n, rounding: 'cumulative' as const })))).toEqual([
    ['rounding: rounding:step 1', 'a: rounding:step → payable:a-wallet 0', 'b: rounding:step → payable:b-wallet 0'],
    ['rounding: rounding:step 1', 'a: rounding:step → payable:a-wallet 1', 'b: rounding:step → payable:b-wallet 0'],
    ['rounding: rounding:step 1', 'a: rounding:step → payable:a-wallet 1', 'b: rounding:step → payable:b-wallet 0'],
    ['rounding: rounding:step 1', 'a: rounding:step → payable:a-wallet 1', 'b: rounding:step → payable:b-wallet 1'],
  ])
  const { state } = split.split({ pool: 1n, rounding: 'cumulative' })
  expect(state).toEqual(
    new Map([
      ['fraction/a/payable:a-wallet', `75${'0'.repeat(36)}`],
      ['fraction/b/payable:b-wallet', `25${'0'.repeat(36)}`],
      ['standing', '1'],
    ]),
  )
  // One role of many parties: each has a running entitlement of their own.
  const creators = stepOf('fixed-shares', { shares: [{ role: 'creator', to: { party: 'creator' }, weight: '1' }, { role: 'rest', to: { fund: 'rest' }, weight: '1' }] })
  const half = (creator: string): Asked => ({ pool: 1n, rounding: 'cumulative', parties: { creator } })
  expect(creators.follow([half('x'), half('y'), half('x')]).map((lines) => lines[1])).toEqual([
    'creator: rounding:step → payable:x 0',
    'creator: rounding:step → payable:y 0',
    'creator: rounding:step → payable:x 1',
  ])
})

it('names its parts in the order of the plan, to a recipient, a party or a fund', () => {
  const { kind, outline } = bind('fixed-shares', {
    shares: [
      { role: 'dao', to: { recipient: 'dao-wallet' }, weight: '1' },
      { role: 'creator', to: { party: 'creator' }, weight: '0' },
      { role: 'reserve', to: { fund: 'reserve' }, weight: '1' },
    ],
  })
  expect(kind).toBe('fixed-shares')
  expect(outline.parts?.map(({ role }) => role)).toEqual(['dao', 'creator', 'reserve'])
  expect(outline).toMatchObject({ divides: 'account', gives: ['reserve'], draws: [], facts: [], residuals: ['dao', 'dao-wallet', 'reserve'] })
})

it('gives ties to the share that stands earlier in the plan', () => {
  const three = sharesOf([['c', '1'], ['a', '1'], ['b', '1']])
  expect(unitsOf(three, { pool: 100n })).toEqual([34n, 33n, 33n])
  expect(unitsOf(three, { pool: 101n })).toEqual([34n, 34n, 33n])
})

it('gives out the pool, each share less than one unit from its quota; quotas are exact', () => {
  fc.assert(
    fc.property(pool, shares, (units, given) => {
      const rule = bind('fixed-shares', given)
      const input = { step: 'step', pool: units, rounding: 'largest-remainder', parties: {}, facts: {}, given: [], state: new Map(), at: Temporal.Instant.from('2026-01-01T00:00:00Z') } as const
      const { lines } = rule.split(input)
      const quotas = rule.quotas?.(input) ?? []
      expect(lines.reduce((all, line) => all + line.units, 0n)).toBe(units)
      const common = quotas.reduce((all, { denominator }) => all * denominator, 1n)
      expect(quotas.reduce((all, { numerator, denominator }) => all + numerator * (common / denominator), 0n)).toBe(units * common)
      const explained = rule.explain(input)
      expect(explained.map(({ quota }) => quota)).toEqual(quotas.map(formatRatio))
      expect(explained.map(({ inputs }) => inputs['weight'])).toEqual(given.shares.map((each) => each.weight))
      for (const [index, quota] of quotas.entries()) {
        const part = lines[index]?.units ?? -1n
        expect([compareRatios(ratio(part - 1n, 1n), quota), compareRatios(ratio(part + 1n, 1n), quota)]).toEqual([-1, 1])
        if (!/[1-9]/.test(given.shares[index]?.weight ?? '')) expect(part).toBe(0n)
      }
    }),
    { numRuns: 60 },
  )
})

it('explains a division with every figure', () => {
  expect(sale.explain({ pool: 33n })).toEqual([
    {
      place: 0,
      role: 'ai',
      grounds: '80 of 100 parts',
      formula: '33 × 80 ÷ 100',
      inputs: { pool: '33', weight: '80', weights: '100', of: '4/5' },
      quota: '132/5',
      floor: '26',
      remainder: '40/100',
      extra: '0',
      units: '26',
      note: 'rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan',
    },
    expect.objectContaining({ role: 'dao', quota: '99/20', floor: '4', remainder: '95/100', extra: '1', units: '5' }),
    expect.objectContaining({ role: 'lucky', quota: '99/100', floor: '0', remainder: '99/100', extra: '1', units: '1' }),
    expect.objectContaining({
      role: 'creator',
      quota: '33/50',
      remainder: '66/100',
      extra: '1',
      units: '1',
      note: 'rounded up by less than one unit: it has one of the largest remainders',
    }),
  ])
  expect(sale.explain({ pool: 100n }).map(({ note, remainder }) => [note, remainder])).toEqual(Array.from({ length: 4 }, () => ['divides exactly', '0/100']))
  const [passing, ai] = sale.explain({ pool: 1n, rounding: 'cumulative', state: new Map([['fraction/ai/payable:ai-wallet', `3${'0'.repeat(37)}`], ['standing', '1']]) })
  expect(passing).toMatchObject({ zone: 'rounding', role: 'rounding', units: '1' })
  expect(ai).toMatchObject({ quota: '4/5', floor: '0', extra: '1', units: '1', inputs: { kept: '0.3', keeps: '0.1' } })
})

const share = { role: 'a', to: { recipient: 'a-wallet' }, weight: '1' }

it.each([
  ['nothing', undefined],
  ['no shares', {}],
  ['an empty list', { shares: [] }],
  ['more than 1000 shares', { shares: Array.from({ length: 1001 }, (_, index) => ({ ...share, role: `r${index}` })) }],
  ['an unknown key', { shares: [share], note: 'x' }],
  ['an unknown key of a share', { shares: [{ ...share, note: 'x' }] }],
  ['a share without recipient', { shares: [{ ...share, to: {} }] }],
  ['a share to a recipient and a party', { shares: [{ ...share, to: { recipient: 'x', party: 'y' } }] }],
  ['a malformed recipient', { shares: [{ ...share, to: { recipient: 'a:b' } }] }],
  ['a malformed party', { shares: [{ ...share, to: { party: '' } }] }],
  ['a malformed role', { shares: [{ ...share, role: '-a' }] }],
  ['a role of 101 characters', { shares: [{ ...share, role: 'x'.repeat(101) }] }],
  ...['', '-1', '+1', '.5', '5.', '1e3', '080', '00', 'NaN', '1/3', '1 ', ' 1', '١', '9'.repeat(39), `0.${'1'.repeat(19)}`, '%', '1%%']
    .map((text): [string, unknown] => [`the weight ${JSON.stringify(text)}`, { shares: [{ ...share, weight: text }] }]),
  ['a weight that is a number', { shares: [{ ...share, weight: 80 }] }],
])('refuses %s', (_, given) => {
  expect(refusalOf('fixed-shares', given ?? null)).toContain('step step')
})

it.each<[string, unknown, unknown]>([
  ['all weights are zero: nobody would get the money', sharesOf([['a', '0'], ['b', '0.00']]), undefined],
  ['two shares have the same role', { shares: [share, share] }, undefined],
  ['the shares come to 100.5%: over 100%, more than there is', sharesOf([['a', '80%'], ['b', '20.5%']]), undefined],
  ['the shares come to 99%: the rest of the money would go to nobody', sharesOf([['a', '80%'], ['b', '19%']]), undefined],
  ['some weights are percentages and some are not', sharesOf([['a', '80%'], ['b', '20']]), undefined],
  ['gives what is left over to c, which gets no share of it: there are a, a-wallet', { shares: [share] }, { 'residual-to': 'c' }],
  ['gives what is left over to b, which gets no share of it', sharesOf([['a', '1'], ['b', '0']]), { 'residual-to': 'b' }],
  ['a rounding is the name of one policy, or {"residual-to": <role or recipient>} with one name', { shares: [share] }, { 'residual-to': ['a', 'b'] }],
  ['a rounding is the name of one policy', { shares: [share] }, 'nearest'],
  ['cannot round by none: with these parameters fixed-shares rounds by largest-remainder, first', { shares: [share] }, 'none'],
])('says what is wrong: %s', (problem, given, rounding) => {
  expect(refusalOf('fixed-shares', given, { rounding })).toContain(problem)
})

it('takes up to 1000 shares, weights of 38 digits and of 18 decimals, and a zero weight beside another', () => {
  const many = { shares: Array.from({ length: 1000 }, (_, index) => ({ ...share, role: `r${index}` })) }
  expect(unitsOf(many, { pool: 1001n })).toEqual(Array.from({ length: 1000 }, (_, index) => (index === 0 ? 2n : 1n)))
  const wide = sharesOf([['a', `${'9'.repeat(38)}.${'9'.repeat(18)}`], ['b', '0'], ['c', `0.${'0'.repeat(17)}1`]])
  expect(unitsOf(wide, { pool: 10n })).toEqual([10n, 0n, 0n])
})
