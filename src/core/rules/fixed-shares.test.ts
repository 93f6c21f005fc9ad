// The rule `fixed-shares`: which parameters it takes, what it gives to whom, and that its explanation is the division itself.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { compareRatios, formatRatio, ratio } from '../ratio.ts'
import { fixedShares } from './fixed-shares.ts'
import { rules } from './index.ts'
import type { Rounding, SplitInput } from './rule.ts'

const AT = Temporal.Instant.from('2026-01-01T00:00:00Z')

/** A pool to divide, by a rule that asks for nothing else. */
function poolOf(pool: bigint, rounding: Rounding = 'largest-remainder'): SplitInput {
  return { step: 'split', parties: { creator: 'token-7' }, facts: {}, at: AT, pool, rounding, given: [], state: new Map() }
}

const SALE: readonly [role: string, weight: string][] = [
  ['ai', '80'],
  ['dao', '15'],
  ['lucky', '3'],
  ['creator', '2'],
]

const sharesOf = (weights: readonly (readonly [role: string, weight: string])[]) =>
  weights.map(([role, weight]) => ({ role, to: { recipient: `${role}-wallet` }, weight }))
const bind = (given: unknown) => {
  const entry = rules.get('fixed-shares')
  if (entry === undefined) throw new Error('the registry has no fixed-shares')
  return entry.bind(given)
}
const sale = () => bind({ shares: sharesOf(SALE) })

const weight = fc.oneof(
  fc.constantFrom('0', '1', '2', '33.3', '33.4', '0.5'),
  fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
)
const shares = fc
  .array(weight, { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((text) => /[1-9]/.test(text)))
  .map((weights) => sharesOf(weights.map((text, index) => [`role-${index}`, text])))
const pool = fc.bigInt({ min: 1n, max: 10n ** 39n - 1n })

it.each([
  [100_000_000_000n, [80_000_000_000n, 15_000_000_000n, 3_000_000_000n, 2_000_000_000n]],
  [1n, [1n, 0n, 0n, 0n]],
  [33n, [26n, 5n, 1n, 1n]],
  [10n, [8n, 2n, 0n, 0n]],
  [2n ** 64n - 1n, [14_757_395_258_967_641_292n, 2_767_011_611_056_432_742n, 553_402_322_211_286_549n, 368_934_881_474_191_032n]],
])('divides a sale of %d by 80, 15, 3 and 2 into %s', (units, expected) => {
  const { lines, state } = sale().split(poolOf(units))
  expect(lines).toEqual(expected.map((each, place) => ({ place, role: SALE[place]?.[0], from: null, to: `payable:${SALE[place]?.[0] ?? ''}-wallet`, units: each })))
  expect(state.size).toBe(0)
})

it('names its parts in the order of the plan, to a recipient or to a party of the event', () => {
  const { kind, outline, recipients, keys } = bind({
    shares: [
      { role: 'dao', to: { recipient: 'dao-wallet' }, weight: '1' },
      { role: 'creator', to: { party: 'creator' }, weight: '0' },
    ],
  })
  expect(kind).toBe('fixed-shares')
  expect(outline).toEqual({
    parts: [
      { role: 'dao', to: { recipient: 'dao-wallet' } },
      { role: 'creator', to: { party: 'creator' } },
    ],
    ...{ role: 'share', gives: [], draws: [], facts: [], carries: false, takesNothing: false },
  })
  const context = { ...poolOf(0n), given: [] }
  expect(recipients(context)).toEqual(['dao-wallet', 'token-7'])
  expect(keys(context)).toEqual([])
})

it('gives ties to the share that stands earlier in the plan', () => {
  const three = bind({ shares: sharesOf([['c', '1'], ['a', '1'], ['b', '1']]) })
  expect(three.split(poolOf(100n)).lines.map(({ units }) => units)).toEqual([34n, 33n, 33n])
  expect(three.split(poolOf(101n)).lines.map(({ units }) => units)).toEqual([34n, 34n, 33n])
})

it('gives the same for weights of the same proportions', () => {
  const halves = bind({ shares: sharesOf([['a', '0.5'], ['b', '1.25']]) })
  const whole = bind({ shares: sharesOf([['a', '2'], ['b', '5']]) })
  fc.assert(
    fc.property(pool, (units) => {
      expect(halves.split(poolOf(units))).toEqual(whole.split(poolOf(units)))
    }),
  )
})

it('gives out the pool, each share less than one unit from its quota; quotas are exact', () => {
  fc.assert(
    fc.property(pool, shares, (units, given) => {
      const rule = bind({ shares: given })
      const { lines: parts } = rule.split(poolOf(units))
      const quotas = rule.quotas?.(poolOf(units)) ?? []
      expect(parts.reduce((all, part) => all + part.units, 0n)).toBe(units)
      expect(parts.map(({ place }) => place)).toEqual(given.map((_, index) => index))
      const common = quotas.reduce((all, { denominator }) => all * denominator, 1n)
      expect(quotas.reduce((all, { numerator, denominator }) => all + numerator * (common / denominator), 0n)).toBe(units * common)
      for (const [index, quota] of quotas.entries()) {
        const part = parts[index]?.units ?? -1n
        expect(compareRatios(ratio(part - 1n, 1n), quota)).toBe(-1)
        expect(compareRatios(ratio(part + 1n, 1n), quota)).toBe(1)
        if (!/[1-9]/.test(given[index]?.weight ?? '')) expect(part).toBe(0n)
      }
    }),
  )
})

it('explains a division with every figure', () => {
  expect(sale().explain(poolOf(33n))).toEqual([
    {
      place: 0,
      role: 'ai',
      grounds: '80 of 100 parts',
      inputs: { pool: '33', weight: '80', weights: '100', of: '4/5' },
      formula: '33 × 80 ÷ 100',
      quota: '132/5',
      floor: '26',
      remainder: '40/100',
      extra: '0',
      units: '26',
      note: 'rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan',
    },
    expect.objectContaining({ role: 'dao', grounds: '15 of 100 parts', quota: '99/20', floor: '4', remainder: '95/100', extra: '1', units: '5' }),
    expect.objectContaining({ role: 'lucky', grounds: '3 of 100 parts', quota: '99/100', floor: '0', remainder: '99/100', extra: '1', units: '1' }),
    expect.objectContaining({
      role: 'creator',
      quota: '33/50',
      remainder: '66/100',
      extra: '1',
      units: '1',
      note: 'rounded up by less than one unit: it has one of the largest remainders',
    }),
  ])
  expect(sale().explain(poolOf(100n)).map(({ note, remainder }) => [note, remainder])).toEqual(
    Array.from({ length: 4 }, () => ['divides exactly', '0/100']),
  )
})

it('explains exactly what it divides', () => {
  fc.assert(
    fc.property(pool, shares, (units, given) => {
      const rule = bind({ shares: given })
      const explained = rule.explain(poolOf(units))
      expect(explained.map((each) => each.units)).toEqual(rule.split(poolOf(units)).lines.map((line) => line.units.toString()))
      expect(explained.map((each) => each.quota)).toEqual(rule.quotas?.(poolOf(units)).map(formatRatio))
      expect(explained.map((each) => each.inputs['weight'])).toEqual(given.map((each) => each.weight))
      for (const { floor, extra, units: total } of explained) {
        expect(BigInt(floor) + BigInt(extra)).toBe(BigInt(total))
      }
    }),
  )
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
  ['two shares of one role', { shares: [share, share] }],
  ['weights that are all zero', { shares: [{ ...share, weight: '0' }, { ...share, role: 'b', weight: '0.00' }] }],
  ...['', '-1', '+1', '.5', '5.', '1e3', '080', '00', 'NaN', '1/3', '1 ', ' 1', '١', '9'.repeat(39), `0.${'1'.repeat(19)}`]
    .map((text): [string, unknown] => [`the weight ${JSON.stringify(text)}`, { shares: [{ ...share, weight: text }] }]),
  ['a weight that is a number', { shares: [{ ...share, weight: 80 }] }],
])('refuses %s', (_, given) => {
  expect(() => bind(given)).toThrow(z.ZodError)
})

it('takes up to 1000 shares, weights of 38 digits and of 18 decimals, and a zero weight beside another', () => {
  const many = Array.from({ length: 1000 }, (_, index) => ({ ...share, role: `r${index}` }))
  expect(bind({ shares: many }).split(poolOf(1001n)).lines.map(({ units }) => units)).toEqual(
    Array.from({ length: 1000 }, (_, index) => (index === 0 ? 2n : 1n)),
  )
  const wide = bind({ shares: sharesOf([['a', `${'9'.repeat(38)}.${'9'.repeat(18)}`], ['b', '0'], ['c', `0.${'0'.repeat(17)}1`]]) })
  expect(wide.split(poolOf(10n)).lines.map(({ units }) => units)).toEqual([10n, 0n, 0n])
})

it('stops at a rounding it does not know', () => {
  expect(() => sale().split(poolOf(1n, 'rotate' as Rounding))).toThrow('assertion failed: fixed-shares does not round by rotate')
})

it('stands in the registry under its own name, as every rule does', () => {
  expect([...rules].every(([kind, entry]) => kind === entry.kind)).toBe(true)
  expect(rules.get(fixedShares.kind)?.kind).toBe('fixed-shares')
})
