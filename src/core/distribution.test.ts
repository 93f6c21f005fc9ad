// The distribution of an event: who gets what, which amounts a source may claim, and an explanation that is the distribution itself.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { distribute, explainDistribution } from './distribution.ts'
import { parsePlan, type PlanVersion } from './plan.ts'

type Divisible = Parameters<typeof distribute>[0]
type To = { readonly recipient: string } | { readonly party: string }

function planOf(...shares: readonly (readonly [role: string, weight: string, to?: To])[]): PlanVersion {
  const parameters = { shares: shares.map(([role, weight, to = { recipient: `${role}-wallet` }]) => ({ role, to, weight })) }
  const step = { name: 'split', from: 'received', rule: 'fixed-shares', parameters, rounding: 'largest-remainder' }
  return { version: 3, effectiveFrom: Temporal.Instant.from('2026-01-01T00:00:00Z'), ...parsePlan({ steps: [step] }) }
}

const AT = Temporal.Instant.from('2026-01-31T12:00:00Z')
const SALE = planOf(['ai', '80'], ['dao', '15'], ['lucky', '3'], ['creator', '2', { party: 'creator' }])
const THIRDS = planOf(['a', '1'], ['b', '1'], ['c', '1'])
const sale = (units: bigint, claimed: Divisible['claimed'] = null): Divisible => {
  return { asset: 'SOL/9', units, parties: { creator: 'token-7', token: 'not asked for: no id' }, facts: {}, eventAt: AT, claimed }
}
const thirds = (units: bigint, claimed: Divisible['claimed']): Divisible => ({ asset: 'USDC/6', units, parties: {}, facts: {}, eventAt: AT, claimed })

it('divides a sale of 100 SOL into 80, 15, 3 and 2, the creator resolved from the event', () => {
  expect(distribute(sale(100_000_000_000n), SALE).shares).toEqual([
    { part: 0, role: 'ai', from: 'received', account: 'payable:ai-wallet', recipient: 'ai-wallet', units: 80_000_000_000n },
    { part: 1, role: 'dao', from: 'received', account: 'payable:dao-wallet', recipient: 'dao-wallet', units: 15_000_000_000n },
    { part: 2, role: 'lucky', from: 'received', account: 'payable:lucky-wallet', recipient: 'lucky-wallet', units: 3_000_000_000n },
    { part: 3, role: 'creator', from: 'received', account: 'payable:token-7', recipient: 'token-7', units: 2_000_000_000n },
  ])
})

it('stops at a rule that loses a unit', () => {
  const [step] = SALE.steps
  if (step === undefined) throw new Error('the plan has no step')
  const line = { place: 0, role: 'ai', from: null, to: 'payable:ai-wallet', units: 99n }
  const losing = { ...SALE, steps: [{ ...step, rule: { ...step.rule, split: () => ({ lines: [line], state: new Map() }) } }] }
  expect(() => distribute(sale(100n), losing)).toThrow('assertion failed: step split made shares of 99 units of 100')
})

it('shows a share of zero units', () => {
  expect(distribute(sale(1n), SALE).shares.map(({ units }) => units)).toEqual([1n, 0n, 0n, 0n])
})

it.each([
  ['misses', {}],
  ['has only inherited', Object.create({ creator: 'token-7' }) as Record<string, string>],
])('refuses an event that %s the party the plan asks for', (_, parties) => {
  expect(() => distribute({ ...sale(10n), parties }, SALE)).toThrow(
    expect.objectContaining({
      code: 'recipient_not_found',
      message: "the plan gives the share creator to the event's creator, which the event does not name",
      details: { field: 'creator', role: 'creator' },
    }),
  )
})

const INHERITED = ['constructor', 'toString', 'valueOf', 'hasOwnProperty']

it.each(INHERITED)('takes nothing that every object has for a party or an amount: %s', (name) => {
  const plan = planOf([name, '1', { party: name }])
  expect(() => distribute({ ...sale(10n), parties: {} }, plan)).toThrow(expect.objectContaining({ code: 'recipient_not_found' }))
  const shares = [{ part: 0, role: name, from: 'received', account: 'payable:x', recipient: 'x', units: 10n }]
  expect(distribute({ ...sale(10n, {}), parties: { [name]: 'x' } }, plan).shares).toEqual(shares)
  expect(distribute({ ...sale(10n, { [name]: 10n }), parties: { [name]: 'x' } }, plan).shares).toEqual(shares)
})

it('refuses a party that is no id, naming it', () => {
  expect(() => distribute({ ...sale(10n), parties: { creator: 'a:b' } }, SALE)).toThrow(
    expect.objectContaining({ code: 'recipient_malformed', details: { field: 'creator', value: 'a:b' } }),
  )
})

it('pays the same whether or not right amounts come with the event', () => {
  const plain = distribute(sale(33n), SALE)
  expect(distribute(sale(33n, { ai: 26n, dao: 5n, lucky: 1n, creator: 1n }), SALE)).toEqual(plain)
  expect(distribute(sale(33n, { ai: 27n, dao: 4n, lucky: 1n, creator: 1n }), SALE)).toEqual(plain)
  expect(distribute(sale(33n, { dao: 4n }), SALE)).toEqual(plain)
  expect(distribute(sale(33n, {}), SALE)).toEqual(plain)
})

// 100 ÷ 3 is 33⅓: 33 and 34 are less than one unit away, 32 and 35 are not.
it.each([
  [{ a: 33n }, null],
  [{ a: 34n }, null],
  [{ c: 34n }, null],
  [{ a: 32n }, { field: 'a', given: '0.000032', expected: '0.000034', asset: 'USDC/6' }],
  [{ b: 35n }, { field: 'b', given: '0.000035', expected: '0.000033', asset: 'USDC/6' }],
  [{ a: 33n, b: 33n, c: 32n }, { field: 'c', given: '0.000032', expected: '0.000033', asset: 'USDC/6' }],
  [{ a: 0n }, { field: 'a', given: '0.000000', expected: '0.000034', asset: 'USDC/6' }],
  [{ b: -1n }, { field: 'b', given: '-0.000001', expected: '0.000033', asset: 'USDC/6' }],
])('takes or refuses the amounts %s for 100 in three equal shares', (claimed, details) => {
  const attempt = () => distribute(thirds(100n, claimed), THIRDS)
  if (details === null) expect(attempt().shares.map(({ units }) => units)).toEqual([34n, 33n, 33n])
  else expect(attempt).toThrow(expect.objectContaining({ code: 'event_share_mismatch', details }))
})

it('says what was given, what the plan gives, and the exact quota', () => {
  expect(() => distribute(thirds(100n, { a: 32n }), THIRDS)).toThrow(
    'the amount for a is 0.000032, but the plan gives 0.000034 (exactly 100/3 units): correct it or leave it out',
  )
})

it('refuses one unit off an exact quota in either direction', () => {
  const refused: unknown = expect.objectContaining({ code: 'event_share_mismatch' })
  expect(() => distribute(thirds(99n, { a: 34n }), THIRDS)).toThrow(refused)
  expect(() => distribute(thirds(99n, { a: 32n }), THIRDS)).toThrow(refused)
  expect(distribute(thirds(99n, { a: 33n }), THIRDS).shares).toHaveLength(3)
})

it('refuses an amount for a role that has no share in the plan, unless it is zero', () => {
  expect(() => distribute(thirds(99n, { a: 33n, marketing: 1n }), THIRDS)).toThrow(
    expect.objectContaining({
      code: 'event_share_mismatch',
      message: 'the amount for marketing is 0.000001, but the plan gives 0.000000 (exactly 0 units): correct it or leave it out',
      details: { field: 'marketing', given: '0.000001', expected: '0.000000', asset: 'USDC/6' },
    }),
  )
  expect(distribute(thirds(99n, { marketing: 0n }), THIRDS).shares).toHaveLength(3)
  expect(distribute(thirds(99n, { a: 33n, b: 33n, c: 33n, marketing: 0n }), THIRDS).shares).toHaveLength(3)
})

it.each([
  [{ a: 33n, b: 33n, c: 33n }, '0.000099'],
  [{ a: 34n, b: 34n, c: 33n }, '0.000101'],
  [{ a: 34n, b: 34n, c: 34n }, '0.000102'],
])('refuses amounts that do not add up to 100: %s', (claimed, given) => {
  expect(() => distribute(thirds(100n, claimed), THIRDS)).toThrow(
    expect.objectContaining({
      code: 'event_amounts_mismatch',
      message: `the amounts given add up to ${given}, but the event has 0.000100: correct them or leave them out`,
      details: { given, expected: '0.000100', asset: 'USDC/6' },
    }),
  )
})

const weights = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 }).filter((all) => all.some((weight) => weight > 0))

it('takes amounts exactly when each is within a unit of its quota and together they are the pool', () => {
  // Mostly the plan's own figures, some of them a unit off.
  const offs = fc.array(fc.constantFrom(0, 0, 0, 0, 1, -1), { minLength: 5, maxLength: 5 })
  const seen = new Set<string>()
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 40 }), offs, (all, pool, off) => {
      const plan = planOf(...all.map((weight, index) => [`r${index}`, `${weight}`] as const))
      const total = all.reduce((sum, weight) => sum + weight, 0)
      const amounts = distribute(thirds(BigInt(pool), null), plan).shares.map(({ units }, index) => Number(units) + (off[index] as number))
      const close = amounts.every((amount, index) => Math.abs(amount * total - pool * (all[index] as number)) < total)
      const whole = amounts.reduce((sum, amount) => sum + amount, 0) === pool
      const claimed = Object.fromEntries(amounts.map((amount, index) => [`r${index}`, BigInt(amount)]))
      const outcome = outcomeOf(() => distribute(thirds(BigInt(pool), claimed), plan))
      expect(outcome).toBe(close ? (whole ? 'taken' : 'event_amounts_mismatch') : 'event_share_mismatch')
      seen.add(outcome)
    }),
    { numRuns: 500 },
  )
  expect([...seen].toSorted()).toEqual(['event_amounts_mismatch', 'event_share_mismatch', 'taken'])
})

function outcomeOf(attempt: () => unknown): string {
  try {
    attempt()
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

it('explains the distribution with plan, step and every share', () => {
  expect(explainDistribution(sale(33n), SALE)).toEqual({
    plan: { version: 3, hash: SALE.hash, effectiveFrom: '2026-01-01T00:00:00Z' },
    steps: [{ name: 'split', rule: 'fixed-shares', rounding: 'largest-remainder', from: 'received', pool: '33' }],
    shares: [
      expect.objectContaining({ role: 'ai', recipient: 'ai-wallet', account: 'payable:ai-wallet', quota: '132/5', units: '26' }),
      expect.objectContaining({ role: 'dao', recipient: 'dao-wallet', account: 'payable:dao-wallet', quota: '99/20', units: '5' }),
      expect.objectContaining({ role: 'lucky', recipient: 'lucky-wallet', account: 'payable:lucky-wallet', units: '1' }),
      expect.objectContaining({ role: 'creator', recipient: 'token-7', account: 'payable:token-7', formula: '33 × 2 ÷ 100', units: '1' }),
    ],
  })
  expect(explainDistribution(sale(33n), { ...SALE, version: 1, effectiveFrom: null }).plan).toEqual({
    version: 1,
    hash: SALE.hash,
    effectiveFrom: null,
  })
})

it('explains exactly the shares it makes, and the explanation is plain JSON', () => {
  fc.assert(
    fc.property(weights, fc.bigInt({ min: 1n, max: 10n ** 39n - 1n }), (all, pool) => {
      const plan = planOf(...all.map((weight, index) => [`r${index}`, `${weight}`] as const))
      const { shares } = distribute(thirds(pool, null), plan)
      const explained = explainDistribution(thirds(pool, null), plan)
      expect(shares.reduce((sum, { units }) => sum + units, 0n)).toBe(pool)
      expect(explained.shares.map((share) => [share.role, share.recipient, share.units])).toEqual(
        shares.map(({ role, recipient, units }) => [role, recipient, units.toString()]),
      )
      expect(JSON.parse(JSON.stringify(explained))).toEqual(explained)
    }),
  )
})
