// The rule `waterfall`: which tranche takes what of which event, against plain references, and why it says so.

import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../effects.ts'
import { formatRatio } from '../../ratio.ts'
import { Refusal } from '../../refusal.ts'
import { rules } from '../index.ts'
import type { BoundRule, PartExplanation, SplitInput } from '../rule.ts'

const to = (recipient: string) => ({ recipient })
const CARRY = [{ role: 'investors', to: { fund: 'investors' }, weight: '80' }, { role: 'manager', to: to('m1'), weight: '20' }]
const CAPITAL = { kind: 'capital', name: 'capital' }
const PREFERRED = { kind: 'preferred', name: 'preferred', rate: '8%', compounding: 'none' }
const CATCH_UP = { kind: 'catch-up', name: 'catch-up', rate: '100%', target: '20%', shares: [{ role: 'manager', to: to('m1'), weight: '1' }] }
const REST = { kind: 'split', name: 'carry', shares: CARRY }
const TWO = [
  { role: 'a', recipient: 'a1', contributed: { units: '600', on: '2026-01-01' } },
  { role: 'b', recipient: 'b1', contributed: { units: '400', on: '2026-01-01' } },
]
const FUND = { contributors: TWO, tranches: [CAPITAL, PREFERRED, REST] }

function bind(given: unknown): BoundRule {
  const entry = rules.get('waterfall')
  if (entry === undefined) throw new Error('the registry has no waterfall')
  return entry.bind(given)
}

/** An event on a day: its pool, and what was contributed, by contributor. */
type Event = { readonly pool?: bigint; readonly on?: string; readonly contributed?: Readonly<Record<string, string>> }

type Step = { readonly byRole: Readonly<Record<string, bigint>>; readonly explained: readonly PartExplanation[]; readonly state: ReadonlyMap<string, Json> }

function inputOf({ pool = 0n, on = '2027-01-01', contributed }: Event, state: ReadonlyMap<string, Json>): SplitInput {
  return {
    step: 'fall',
    parties: { label: 'y1' },
    facts: contributed === undefined ? {} : { contributed },
    at: Temporal.Instant.from(`${on}T09:30:00Z`),
    pool,
    rounding: 'largest-remainder',
    given: [],
    state,
  }
}

/** One event after the other on the state before, each through JSON as the store keeps it. */
function run(rule: BoundRule, events: readonly Event[]): readonly Step[] {
  const steps: Step[] = []
  for (const event of events) {
    const before = steps.at(-1)?.state ?? new Map<string, Json>()
    const input = inputOf(event, before)
    const { lines, state } = rule.split(input)
    const explained = rule.explain(input)
    expect(lines.map(({ place }) => place)).toEqual(rule.outline.parts?.map((_, place) => place))
    expect(lines.map(({ role }) => role)).toEqual(rule.outline.parts?.map(({ role }) => role))
    expect(explained.map(({ place, role, units }) => [place, role, BigInt(units)])).toEqual(lines.map(({ place, role, units }) => [place, role, units]))
    expect(explained.map(({ quota }) => quota)).toEqual(rule.quotas?.(input).map(formatRatio))
    expect(explained.every(({ floor, extra, units }) => BigInt(floor) + BigInt(extra) === BigInt(units) && ['0', '1'].includes(extra))).toBe(true)
    expect(lines.reduce((all, { units }) => all + units, 0n)).toBe(input.pool)
    const written: Record<string, Json> = JSON.parse(JSON.stringify({ ...Object.fromEntries(before), ...Object.fromEntries(state) }))
    steps.push({ byRole: Object.fromEntries(lines.map(({ role, units }) => [role, units])), explained, state: new Map(Object.entries(written)) })
  }
  return steps
}

const last = (rule: BoundRule, events: readonly Event[]) => run(rule, events).at(-1)?.byRole

it('divides 1500 after a year among capital, preferred return and the rest', () => {
  expect(last(bind(FUND), [{ pool: 1500n }])).toEqual({
    ...{ 'capital.a': 600n, 'capital.b': 400n },
    ...{ 'preferred.a': 48n, 'preferred.b': 32n },
    ...{ 'carry.investors': 336n, 'carry.manager': 84n },
  })
})

it.each([
  ['full', CATCH_UP, { 'catch-up.manager': 20n, 'carry.investors': 320n, 'carry.manager': 80n }],
  // C = 20 × 80 ÷ (50 − 20) = 53.33…, of which the manager gets half: 27 of 133 is 20 % to the unit.
  [
    'half',
    { ...CATCH_UP, rate: '50%', rest: [{ role: 'investors', to: { fund: 'investors' }, weight: '1' }] },
    { 'catch-up.manager': 27n, 'catch-up.investors': 26n, 'carry.investors': 294n, 'carry.manager': 73n },
  ],
])('lets the manager catch up with the preferred return: %s', (_, catchUp, expected) => {
  expect(last(bind({ ...FUND, tranches: [CAPITAL, PREFERRED, catchUp, REST] }), [{ pool: 1500n }])).toMatchObject(expected)
})

it('fills its tranches over several events as over one, and goes on reckoning on capital that is out', () => {
  const steps = run(bind({ ...FUND, tranches: [CAPITAL, PREFERRED, CATCH_UP, REST] }), [
    { pool: 500n, on: '2026-07-02' }, // 182 days
    { pool: 0n, on: '2026-12-31', contributed: { a1: '100' } },
    { pool: 600n, on: '2027-01-01' },
    { pool: 70n, on: '2027-01-01' },
    { pool: 100n, on: '2027-01-01' },
  ])
  // a: 600 × 8 % × 182/365 + 300 × 8 % × 183/365 + 100 × 8 % × 1/365 = 35.98…; b: 400 × … + 200 × … = 23.97…
  expect(steps.map(({ byRole }) => Object.values(byRole))).toEqual([
    [300n, 200n, 0n, 0n, 0n, 0n, 0n],
    [0n, 0n, 0n, 0n, 0n, 0n, 0n],
    [400n, 200n, 0n, 0n, 0n, 0n, 0n],
    [0n, 0n, 35n, 23n, 12n, 0n, 0n],
    [0n, 0n, 0n, 0n, 2n, 78n, 20n],
  ])
})

it('divides a list of thresholds without any contributor', () => {
  const tiers = {
    tranches: [
      { kind: 'split', name: 'first', until: '100', shares: [{ role: 'artist', to: to('x1'), weight: '1' }] },
      { kind: 'split', name: 'second', until: '250', shares: [{ role: 'artist', to: to('x1'), weight: '1' }, { role: 'label', to: to('y1'), weight: '2' }] },
      { kind: 'split', name: 'then', shares: [{ role: 'label', to: { party: 'label' }, weight: '1' }] },
    ],
  }
  const rule = bind(tiers)
  expect(rule.outline).toMatchObject({ facts: [], takesNothing: false })
  const events = [80n, 50n, 200n].map((pool) => ({ pool }))
  expect(run(rule, events).map(({ byRole }) => Object.values(byRole))).toEqual([
    [80n, 0n, 0n, 0n],
    [20n, 10n, 20n, 0n],
    [0n, 40n, 80n, 80n],
  ])
})

it.each([
  ['none', '160', ['80', '160']],
  ['year', '166.4', ['80', '166.4']],
  // 80 ÷ 4 is not a quarter's return: quarters have 90, 91, 92 and 92 days.
  ['quarter', '171.6', [/^82\.4/, /^171\.6/]],
  ['month', '172.8', [/^82\.9/, /^172\.8/]],
])('lets unpaid preferred return join the capital: %s', (compounding, _, expected) => {
  const rule = bind({ contributors: [{ role: 'a', recipient: 'a1', contributed: { units: '1000', on: '2026-01-01' } }], tranches: [CAPITAL, { ...PREFERRED, compounding }, REST] })
  const held = run(rule, [{ on: '2027-01-01' }, { on: '2028-01-01' }]).map(({ state }) => state.get('contributor/a1') as Readonly<Record<string, Json>>)
  for (const [index, each] of expected.entries()) expect(held[index]?.['preferred']).toEqual(typeof each === 'string' ? each : expect.stringMatching(each))
  // The same without an event in between: time passes alike.
  expect(run(rule, [{ on: '2028-01-01' }]).at(-1)?.state.get('contributor/a1')).toEqual(held[1])
})

it('pays a return that has joined the capital first, so that less is reckoned on from then', () => {
  const rule = bind({
    contributors: [{ role: 'a', recipient: 'a1', contributed: { units: '1000', on: '2026-01-01' } }],
    tranches: [{ ...PREFERRED, compounding: 'year' }, CAPITAL, REST],
  })
  const held = run(rule, [{ pool: 50n, on: '2027-01-01' }, { on: '2028-01-01' }]).map(({ state }) => state.get('contributor/a1'))
  expect(held).toEqual([
    { day: '2027-01-01', capital: '1000', preferred: '30', joined: '30', hasPlanned: true },
    { day: '2028-01-01', capital: '1000', preferred: '112.4', joined: '112.4', hasPlanned: true },
  ])
})

it('counts what the plan says was contributed from its day on, and not twice', () => {
  const rule = bind({ ...FUND, contributors: [{ role: 'a', recipient: 'a1', contributed: { units: '365', on: '2026-03-01' } }] })
  const steps = run(rule, [
    { pool: 10n, on: '2026-02-28' },
    { on: '2026-02-28', contributed: { a1: '365' } },
    { on: '2026-03-11' },
    { pool: 731n, on: '2026-03-11' },
  ])
  expect(steps[0]?.byRole).toMatchObject({ 'capital.a': 0n, 'carry.investors': 8n })
  // 365 × 8 % × 11 ÷ 365 + 365 × 8 % × 10 ÷ 365 = 1.68
  expect(steps[2]?.state.get('contributor/a1')).toMatchObject({ capital: '730', preferred: '1.68' })
  expect(steps[3]?.byRole).toMatchObject({ 'capital.a': 730n, 'preferred.a': 1n, 'carry.investors': 0n })
})

const FALL = { ...FUND, tranches: [CAPITAL, PREFERRED, CATCH_UP, { ...REST, name: 'middle', until: '2000' }, REST] }

it('says why of each part of each tranche', () => {
  const why = (events: readonly Event[]) => run(bind(FALL), events).at(-1)?.explained.map(({ role, grounds, formula }) => `${role}: ${grounds}: ${formula}`)
  expect(why([{ pool: 1500n }])).toEqual([
    'capital.a: capital back: 600 of its own are still out: 1000 × 600 ÷ 1000',
    'capital.b: capital back: 400 of its own are still out: 1000 × 400 ÷ 1000',
    'preferred.a: the preferred return of 8% a year: 48 have accrued and are not paid: 80 × 48 ÷ 80',
    'preferred.b: the preferred return of 8% a year: 32 have accrued and are not paid: 80 × 32 ÷ 80',
    'catch-up.manager: 1 of 1 parts of 100% of the catch-up, until 20% of what preferred and catch-up have paid are theirs: 20 × 1 ÷ 1',
    'middle.investors: 80 of 100 parts of the 400 units in the tranche middle, until 2000 have been paid in all: 400 × 4 ÷ 5',
    'middle.manager: 20 of 100 parts of the 400 units in the tranche middle, until 2000 have been paid in all: 400 × 1 ÷ 5',
    'carry.investors: nothing: no money reached the tranche carry: 0',
    'carry.manager: nothing: no money reached the tranche carry: 0',
  ])
  expect(why([{ pool: 2000n }, { pool: 10n }])?.filter((_, place) => [0, 2, 4, 5, 7].includes(place))).toEqual([
    'capital.a: nothing: all capital has been returned: 0',
    'preferred.a: nothing: no whole unit of preferred return is due: 0',
    'catch-up.manager: nothing: it has caught up with the preferred return: 0',
    'middle.investors: nothing: 2000 units have been paid in all, and the tranche middle ends there or before: 0',
    'carry.investors: 80 of 100 parts of the 10 units in the tranche carry: 10 × 4 ÷ 5',
  ])
  const half = { ...CATCH_UP, rate: '50%', rest: [{ role: 'investors', to: { fund: 'investors' }, weight: '3' }] }
  const yearly = [{ ...PREFERRED, compounding: 'year' }, half, CAPITAL, REST]
  expect(run(bind({ ...FUND, tranches: yearly }), [{ pool: 100n }]).at(-1)?.explained.map(({ grounds }) => grounds).slice(0, 4)).toEqual([
    'the preferred return of 8% a year, joining the capital each year: 48 have accrued and are not paid, with 600 of its capital still out',
    'the preferred return of 8% a year, joining the capital each year: 32 have accrued and are not paid, with 400 of its capital still out',
    '1 of 1 parts of 50% of the catch-up, until 20% of what preferred and catch-up have paid are theirs',
    '3 of 3 parts of what a catch-up at 50% leaves',
  ])
})

it('takes a role of 100 characters, its tranche included', () => {
  const role = 'x'.repeat(94)
  expect(bind({ tranches: [{ ...REST, shares: [{ ...CARRY[1], role }] }] }).outline.parts).toEqual([{ role: `carry.${role}`, to: to('m1') }])
})

it('explains a part with every figure', () => {
  expect(run(bind(FUND), [{ pool: 101n, on: '2026-01-11' }])[0]?.explained[0]).toEqual({
    place: 0,
    role: 'capital.a',
    grounds: 'capital back: 600 of its own are still out',
    formula: '101 × 600 ÷ 1000',
    inputs: {
      ...{ pool: '101', tranche: 'capital', reached: '101', room: '1000', amount: '101', taken: '0', taken_by_all: '0' },
      ...{ weight: '600', weights: '1000', capital: '600', preferred: '96/73' },
    },
    quota: '303/5',
    floor: '60',
    remainder: '600/1000',
    extra: '1',
    units: '61',
    note: 'rounded up by less than one unit: it has one of the largest remainders',
  })
})

it('names its parts, funds, facts, recipients and state before any event', () => {
  const rule = bind(FALL)
  const context = { ...inputOf({}, new Map()), given: [], rounding: 'largest-remainder' } as const
  expect(rule.outline.parts?.map(({ role }) => role)).toEqual(Object.keys(last(rule, [{}]) ?? {}))
  expect(rule.outline).toMatchObject({ gives: ['investors'], draws: [], takesNothing: true, facts: [{ name: 'contributed', source: 'event', optional: true }] })
  expect(rule.recipients(context)).toEqual(['a1', 'b1', 'm1'])
  expect(rule.keys(context)).toEqual(['paid', 'contributor/a1', 'contributor/b1'])
})

function refusalOf(action: () => unknown): Refusal {
  try {
    action()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

it('refuses an event of an earlier day than the newest before it, and takes one of the same day', () => {
  const rule = bind(FUND)
  const day = run(rule, [{ pool: 10n, on: '2026-05-02' }])
  const input = inputOf({ pool: 5n }, day[0]?.state ?? new Map())
  const early = refusalOf(() => rule.split({ ...input, at: Temporal.Instant.from('2026-05-01T23:59:59.999999Z') }))
  expect(early.code).toBe('event_order_conflict')
  expect(early.message).toBe(
    'the event happened at 2026-05-01T23:59:59.999999Z, but step fall has reckoned returns up to 2026-05-02, on capital that it would have changed: record it on that day (UTC) or later',
  )
  expect(early.details).toEqual({ step: 'fall', event_at: '2026-05-01T23:59:59.999999Z', earliest: '2026-05-02' })
  expect(rule.split({ ...input, at: Temporal.Instant.from('2026-05-02T00:00:00Z') }).lines[0]?.units).toBe(3n)
})

it.each<readonly [string, Readonly<Record<string, string>>, string, RegExp]>([
  ['part of a unit', { a1: '1.5' }, 'fact_malformed', /whole units/],
  ['less than nothing', { a1: '-1' }, 'fact_malformed', /whole units/],
  ['no number', { b1: 'all' }, 'fact_malformed', /is "all"/],
  ['a stranger', { a1: '1', x9: '1' }, 'fact_mismatch', /contributed came with the event for x9/],
])('refuses a contribution of %s', (_, contributed, code, message) => {
  const refused = refusalOf(() => bind(FUND).split(inputOf({ contributed }, new Map())))
  expect([refused.code, refused.message]).toEqual([code, expect.stringMatching(message)])
})

const split = (name: string, until?: string) => ({ kind: 'split', name, shares: CARRY, ...(until === undefined ? {} : { until }) })

it.each([
  ['no tranche', { tranches: [] }, /./],
  ['thresholds that fall', { tranches: [split('a', '100'), split('b', '90'), split('c')] }, /tranche b ends at 90, which is not above 100, where a ends: thresholds must rise/],
  ['thresholds that stay', { tranches: [split('a', '100'), split('b', '100'), split('c')] }, /thresholds must rise/],
  ['a last tranche that ends', { tranches: [split('a', '100')] }, /the last tranche, a, has an end/],
  ['a last tranche that is filled some day', { ...FUND, tranches: [CAPITAL, PREFERRED] }, /the last tranche, preferred, has an end/],
  ['tranches that get nothing', { tranches: [split('a'), split('b', '5'), split('c')] }, /a takes all that reaches it, so 2 after it/],
  ['nobody who contributes', { tranches: FUND.tranches }, /capital gives to contributors, and there are none/],
  ['contributors without a tranche', { ...FUND, tranches: [REST] }, /there are 2 contributors, and no tranche/],
  ['capital twice', { ...FUND, tranches: [CAPITAL, { ...CAPITAL, name: 'more' }, REST] }, /2 tranches of the kind capital, capital and more/],
  ['one name for two', { tranches: [split('a', '1'), split('a')] }, /two tranches have the name a/],
  ['one role for two', { tranches: [{ ...REST, shares: [CARRY[0], CARRY[0]] }] }, /two shares have the role carry.investors/],
  ['a role that is too long', { tranches: [{ ...REST, shares: [{ ...CARRY[1], role: 'x'.repeat(95) }] }] }, /has 101 characters/],
  ['a contributor twice', { ...FUND, contributors: [TWO[0], { ...TWO[1], recipient: 'a1' }] }, /a1 is a contributor twice/],
  ['a catch-up with nothing', { ...FUND, tranches: [CAPITAL, CATCH_UP, REST] }, /catch-up catches up with a preferred return, and none/],
  ['a catch-up before it', { ...FUND, tranches: [CATCH_UP, PREFERRED, REST] }, /none stands before it/],
  ['a catch-up that never ends', { ...FUND, tranches: [PREFERRED, { ...CATCH_UP, rate: '20%' }, REST] }, /catches up at 20%, which never reaches its target of 20%/],
  ['a half catch-up without the other half', { ...FUND, tranches: [PREFERRED, { ...CATCH_UP, rate: '50%' }, REST] }, /gives 50% to its shares, and nobody the rest/],
  ['a full catch-up with a rest', { ...FUND, tranches: [PREFERRED, { ...CATCH_UP, rest: CARRY }, REST] }, /its rest would never get anything/],
  ['a target of everything', { ...FUND, tranches: [PREFERRED, { ...CATCH_UP, target: '100%' }, REST] }, /below 100%/],
  ['no rate of return', { ...FUND, tranches: [{ ...PREFERRED, rate: '0%' }, REST] }, /above 0%/],
  ['weights that are all zero', { tranches: [{ ...REST, shares: [{ ...CARRY[0], weight: '0' }] }] }, /all weights are zero/],
  ['a day that is none', { ...FUND, contributors: [{ ...TWO[0], contributed: { units: '1', on: '2026-02-30' } }] }, /a day is a date/],
  ['a contribution of nothing', { ...FUND, contributors: [{ ...TWO[0], contributed: { units: '0', on: '2026-02-03' } }] }, /above zero/],
  ['21 tranches', { tranches: Array.from({ length: 21 }, (_, index) => split(`t${index}`, index === 20 ? undefined : `${index + 1}`)) }, /./],
  ['an unknown kind', { tranches: [{ ...REST, kind: 'hurdle' }] }, /./],
  ['an unknown key', { ...FUND, note: 'x' }, /./],
])('refuses a plan with %s', (_, given, message) => {
  const refused = z.ZodError
  expect(() => bind(given)).toThrow(refused)
  expect(() => bind(given)).toThrow(message)
})
