// Reversals as pure figures: parts that add up to the whole, nothing taken that was not given, and what rules remember afterwards.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { present } from './assert.ts'
import { distribute, type Share } from './distribution.ts'
import type { Json } from './effects.ts'
import { parsePlan } from './plan.ts'
import { carriedUnder, holdingsOf, reversalFingerprint, reversedBy, reversible, statesAfterReversal, strays, undo, type Remembered, type Undone } from './reversal.ts'
import type { ChangedState } from './rules/give-back.ts'

const ASSET = 'PAP/2'
const share = (part: number, account: string, units: bigint, from = 'received'): Share => ({ part, role: `r${part}`, from, account, recipient: null, units })

/** Reverses a distribution in these parts; answers what each took from where. */
function reverse(shares: readonly Share[], of: bigint, parts: readonly bigint[]): readonly (readonly Undone[])[] {
  const before: Undone[] = []
  let reversed = 0n
  return parts.map((units) => {
    const holdings = holdingsOf(shares).map((holding) => ({ ...holding, reversed: reversedBy(before)(holding) }))
    const undone = undo(holdings, { units, of, before: reversed })
    before.push(...undone)
    reversed += units
    return undone
  })
}

const figures = (undone: readonly Undone[]): readonly string[] => undone.map(({ account, units }) => `${account} ${units}`)
const sum = (units: readonly bigint[]): bigint => units.reduce((all, each) => all + each, 0n)

describe('a refund in parts', () => {
  const sale = [share(0, 'payable:ai', 80n), share(1, 'payable:dao', 15n), share(2, 'payable:lucky', 3n), share(3, 'payable:creator', 2n)]

  it('of 100 by 80, 15, 3 and 2, as 50, 30 and 20', () => {
    expect(reverse(sale, 100n, [50n, 30n, 20n]).map(figures)).toEqual([
      ['payable:ai 40', 'payable:dao 8', 'payable:lucky 1', 'payable:creator 1'],
      ['payable:ai 24', 'payable:dao 4', 'payable:lucky 1', 'payable:creator 1'],
      ['payable:ai 16', 'payable:dao 3', 'payable:lucky 1'],
    ])
  })

  it('of one unit each takes it from whoever has most left', () => {
    const taken = reverse(sale, 100n, Array.from({ length: 100 }, () => 1n)).map(figures)
    expect(taken.slice(0, 2)).toEqual([['payable:ai 1'], ['payable:ai 1']])
    for (const { account, units } of sale) expect(BigInt(taken.filter(([one]) => one === `${account} 1`).length)).toBe(units)
  })

  it('gives a fund that paid a bonus its money back with the rest', () => {
    const shares = [share(0, 'payable:ana', 90n), share(1, 'fund:promotion', 10n), share(2, 'payable:bo', 9n, 'fund:promotion')]
    expect(holdingsOf(shares).map(({ account, units }) => `${account} ${units}`)).toEqual(['payable:ana 90', 'fund:promotion 1', 'payable:bo 9'])
    const drawn = [share(0, 'payable:ana', 100n), share(1, 'payable:bo', 9n, 'fund:promotion')]
    expect(reverse(drawn, 100n, [50n, 50n]).map(figures)).toEqual([
      ['payable:ana 50', 'payable:bo 4', 'fund:promotion -4'].toSorted(),
      ['payable:ana 50', 'payable:bo 5', 'fund:promotion -5'].toSorted(),
    ].map((lines) => expect.arrayContaining(lines) as unknown))
  })

  it('leaves what stands in a rounding’s account, and never takes more of a share than it was', () => {
    const kept = [share(0, 'payable:a', 33n), share(1, 'payable:b', 33n), share(2, 'payable:c', 33n), share(3, 'rounding:pool', 1n)]
    expect(reversible(holdingsOf(kept), 100n)).toBe(99n)
    expect(reverse(kept, 99n, [50n, 49n]).map(figures)).toEqual([['payable:a 17', 'payable:b 17', 'payable:c 16'], ['payable:a 16', 'payable:b 16', 'payable:c 17']])
    expect(reversible(holdingsOf([share(0, 'rounding:pool', 1n)]), 1n)).toBe(0n)
    // It gave out two units of earlier events: those stay with whom they were due to.
    const given = [share(0, 'payable:a', 1n), share(1, 'payable:b', 1n), share(2, 'payable:c', 1n), share(3, 'payable:c', 0n), share(4, 'received', 2n, 'rounding:pool')]
    expect(reversible(holdingsOf(given), 1n)).toBe(1n)
    expect(reverse(given, 1n, [1n]).map(figures)).toEqual([['payable:a 1']])
  })
})

/** A distribution with recipients, a fund that was given to or drawn on, and what was carried or released. */
const distribution = fc
  .record({
    own: fc.array(fc.bigInt({ min: 0n, max: 10n ** 30n }), { minLength: 1, maxLength: 8 }),
    bonus: fc.array(fc.bigInt({ min: 1n, max: 1000n }), { maxLength: 3 }),
    carried: fc.bigInt({ min: 0n, max: 100n }),
    released: fc.bigInt({ min: 0n, max: 100n }),
  })
  .map(({ own, bonus, carried, released }) => {
    const shares = [
      ...own.map((units, index) => share(index, `payable:r${index}`, units)),
      ...bonus.map((units, index) => share(20 + index, `payable:r${index}`, units, 'fund:promotion')),
      share(30, 'carried:r0', carried),
      share(31, 'payable:r1', released, 'carried:r1'),
      share(32, 'fund:reserve', 5n),
    ].filter(({ units }) => units > 0n)
    return { shares, units: sum(own) + carried + 5n }
  })
const cuts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 9n }), { minLength: 1, maxLength: 6 })

/** Parts of a whole, each at least one unit. */
function partsOf(whole: bigint, weights: readonly bigint[]): readonly bigint[] {
  const total = sum(weights)
  const parts = weights.map((weight) => (whole * weight) / total).filter((units) => units > 0n)
  const rest = whole - sum(parts)
  return rest > 0n ? [...parts, rest] : parts
}

it('in any parts takes back of every holding exactly what it had, and in between never more nor less than nothing', () => {
  fc.assert(
    fc.property(distribution, cuts, ({ shares, units }, weights) => {
      const parts = partsOf(units, weights)
      const undone = reverse(shares, units, parts)
      for (const [index, part] of parts.entries()) expect(sum(present(undone[index], 'part').map((each) => each.units))).toBe(part)
      for (const holding of holdingsOf(shares)) {
        let taken = 0n
        for (const part of undone) {
          const now = reversedBy(part)(holding)
          expect(holding.units > 0n ? now >= 0n : now <= 0n).toBe(true)
          taken += now
        }
        expect(taken).toBe(holding.units)
      }
    }),
    { numRuns: 500 },
  )
})

it('knows what was undone of nothing that the event gave', () => {
  const holdings = holdingsOf([share(0, 'payable:a', 5n), share(1, 'fund:f', 5n)])
  const own = [{ part: 0, account: 'payable:a', units: 1n }, { part: 0, account: 'owed_by:a', units: 1n }, { part: 1, account: 'fund:f', units: 1n }]
  const others = [{ part: 1, account: 'payable:a', units: 1n }, { part: 0, account: 'owed_by:b', units: 1n }, { part: 0, account: 'payable:b', units: 1n }, { part: 2, account: 'fund:g', units: 1n }]
  expect(strays(holdings, [...own, ...others])).toEqual(others)
})

it('takes of each share within a unit what the part is of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 10n ** 20n }), { minLength: 1, maxLength: 8 }), fc.bigInt({ min: 1n, max: 1000n }), (own, permille) => {
      const whole = sum(own)
      const units = (whole * permille) / 1000n
      fc.pre(units > 0n)
      const [undone] = reverse(own.map((each, part) => share(part, `payable:r${part}`, each)), whole, [units])
      for (const [part, each] of own.entries()) {
        const taken = sum(present(undone, 'reversal').filter((row) => row.part === part).map((row) => row.units))
        const off = taken * whole - each * units
        expect(off > -whole && off < whole).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

describe('what rules remember after a reversal', () => {
  const { steps } = parsePlan({
    steps: [
      { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } }, rounding: 'cumulative' },
      { name: 'cap', from: 'shares:pool', rule: 'cap', parameters: { limit: '1000', per: 'lifetime', excess: { fund: 'excess' } } },
      { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' } },
    ],
  })
  const plan = { steps }

  /** Divides an event on what is remembered; answers its shares and what it changed. */
  function event(units: bigint, now: Map<string, Json>, score: Readonly<Record<string, string>>): { shares: readonly Share[]; changed: readonly ChangedState[] } {
    const input = { asset: ASSET, units, parties: {}, facts: { score }, claimed: null, eventAt: Temporal.Instant.from('2026-03-01T00:00:00Z') }
    const { shares, state } = distribute(input, plan, { state: now })
    const changed = [...state].map(([key, after]): ChangedState => ({ key, before: now.get(key) ?? null, after }))
    for (const [key, value] of state) now.set(key, value)
    return { shares, changed }
  }

  it('counts what a cap used and what is carried as before the event, in parts as in one, and leaves running entitlements', () => {
    const now = new Map<string, Json>()
    event(100n, now, { ana: '9', bo: '1' })
    const start = new Map(now)
    const { shares, changed } = event(61n, now, { ana: '6', bo: '1' })
    const remembered: Remembered = { plan, asset: ASSET, changed }
    const holdings = holdingsOf(shares)
    const of = reversible(holdings, 61n)
    const before: Undone[] = []
    let reversed = 0n
    for (const units of [of / 3n, of / 3n, of - 2n * (of / 3n)]) {
      const portion = { units, of, before: reversed }
      const undone = undo(holdings.map((holding) => ({ ...holding, reversed: reversedBy(before)(holding) })), portion)
      const carried = new Map(undone.filter(({ account }) => account.startsWith('carried:')).map((row) => [row.account, -row.units]))
      for (const [key, value] of statesAfterReversal(remembered, { now, portion, carried })) now.set(key, value)
      before.push(...undone)
      reversed += units
    }
    for (const [key, value] of now) if (!key.startsWith('pool/')) expect([key, value]).toEqual([key, start.get(key) ?? '0'])
    expect(changed.some(({ key }) => key.startsWith(`cap/${ASSET}/used/`))).toBe(true)
    expect(changed.some(({ key }) => key.startsWith('pool/'))).toBe(true)
    for (const { key, after } of changed) if (key.startsWith('pool/')) expect(now.get(key)).toEqual(after)
  })

  const carriedKey = `minimum/${ASSET}/carried/bo`

  it('takes of what is carried no more than the event’s own steps remember of it', () => {
    const remembered: Remembered = { plan, asset: ASSET, changed: [{ key: carriedKey, before: null, after: '10' }] }
    expect(carriedUnder('carried:bo', remembered, new Map([[carriedKey, '4'], [`minimum/OTHER/2/carried/bo`, '9']]))).toBe(4n)
    expect(carriedUnder('carried:ana', remembered, new Map([[carriedKey, '4']]))).toBe(0n)
    const states = statesAfterReversal(remembered, { now: new Map([[carriedKey, '10']]), portion: { units: 6n, of: 10n, before: 0n }, carried: new Map([['carried:bo', -6n]]) })
    expect([...states]).toEqual([[carriedKey, '4']])
  })

  it('splits what is taken among steps that carry for one recipient, so that they remember what the account holds', () => {
    const carrying = parsePlan({
      steps: [
        { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [{ role: 'bo', to: { recipient: 'bo' }, weight: '1' }, { role: 'rest', to: { fund: 'rest' }, weight: '1' }] } },
        { name: 'one', from: 'shares:split', rule: 'minimum', parameters: { minimum: '100' } },
        { name: 'again', from: 'fund:rest', rule: 'fixed-shares', parameters: { shares: [{ role: 'bo2', to: { recipient: 'bo' }, weight: '1' }] } },
        { name: 'two', from: 'shares:again', rule: 'minimum', parameters: { minimum: '100' } },
      ],
    })
    const [one, two] = [`one/${ASSET}/carried/bo`, `two/${ASSET}/carried/bo`]
    const remembered: Remembered = { plan: carrying, asset: ASSET, changed: [{ key: one, before: null, after: '5' }, { key: two, before: null, after: '5' }] }
    const states = statesAfterReversal(remembered, { now: new Map([[one, '5'], [two, '5']]), portion: { units: 7n, of: 10n, before: 0n }, carried: new Map([['carried:bo', -7n]]) })
    expect([...states]).toEqual([[one, '0'], [two, '3']])
  })

  it('gives nothing back below zero, of a count that has begun anew', () => {
    const key = `cap/${ASSET}/used/ana`
    const remembered: Remembered = { plan, asset: ASSET, changed: [{ key, before: null, after: '50' }] }
    expect([...statesAfterReversal(remembered, { now: new Map([[key, '20']]), portion: { units: 1n, of: 1n, before: 0n }, carried: new Map() })]).toEqual([[key, '0']])
  })
})

it('has a fingerprint of asset, units and the event reversed', () => {
  const base = { asset: ASSET, units: 5n, reverses: 'digest' }
  const others = [{ ...base, asset: 'GEM/2' }, { ...base, units: 6n }, { ...base, units: null }, { ...base, reverses: 'other' }]
  const prints = [base, ...others].map((each) => reversalFingerprint(each).toHex())
  expect(new Set(prints).size).toBe(5)
})
