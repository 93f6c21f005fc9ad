// The rule `profit-share`: what each policy, hurdle and span shares of which path, against a plain reference, and why it says so.

import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../effects.ts'
import { formatRatio, ratio } from '../../ratio.ts'
import { Refusal } from '../../refusal.ts'
import { rules } from '../index.ts'
import type { BoundRule, PartExplanation, SplitInput } from '../rule.ts'

const TERMS = {
  policy: 'high-water-mark',
  subject: 'subscription',
  percent: '20%',
  share: { role: 'creator', to: { party: 'creator' } },
  rest: { role: 'subscriber', to: { fund: 'subscribers' } },
  crystallised: 'event',
  keep: 20,
}
const EACH_WIN = { ...TERMS, policy: 'each-win', keep: undefined }

function bind(given: unknown): BoundRule {
  const entry = rules.get('profit-share')
  if (entry === undefined) throw new Error('the registry has no profit-share')
  // As JSON has it: what is undefined is not there.
  return entry.bind(JSON.parse(JSON.stringify(given)))
}

/** An event of the subscription `s1`: figures as facts, the pool, and the day and hour of 2026 on which it happened. */
type Event = {
  readonly result?: string | bigint
  readonly fees?: string
  readonly funding?: string
  readonly moved?: string | bigint
  readonly percent?: string
  readonly pool?: bigint
  readonly at?: string
}

const FIRST = Temporal.Instant.from('2026-01-01T12:00:00Z')

function inputOf({ pool, at, percent, ...figures }: Event, place: number, state: ReadonlyMap<string, Json>): SplitInput {
  const given = Object.entries(figures).map(([name, value]) => [name, { s1: value.toString() }])
  const facts: Record<string, Record<string, string>> = Object.fromEntries(given)
  if (percent !== undefined) facts['percent'] = { s1: percent }
  const result = BigInt((figures.result ?? '0').toString().split('.')[0] ?? '0')
  return {
    step: 'share',
    parties: { subscription: 's1', creator: 'c1' },
    facts,
    at: at === undefined ? FIRST.add({ hours: place * 24 }) : Temporal.Instant.from(at.length > 10 ? at : `${at}T12:00:00Z`),
    pool: pool ?? (result > 0n ? result : 0n),
    rounding: 'largest-remainder',
    given: [],
    state,
  }
}

type Step = { readonly units: bigint; readonly pool: bigint; readonly explained: PartExplanation; readonly state: ReadonlyMap<string, Json> }

/** One event after the other on the state before, each through JSON as the store keeps it. */
function run(rule: BoundRule, events: readonly Event[]): readonly Step[] {
  const steps: Step[] = []
  for (const [place, event] of events.entries()) {
    const input = inputOf(event, place, steps.at(-1)?.state ?? new Map())
    const { lines, state } = rule.split(input)
    const explained = rule.explain(input)
    expect(explained.map(({ units }) => BigInt(units))).toEqual(lines.map(({ units }) => units))
    expect(explained.map(({ quota }) => quota)).toEqual(rule.quotas?.(input).map(formatRatio))
    expect(lines.reduce((all, { units }) => all + units, 0n)).toBe(input.pool)
    steps.push({
      units: lines[0]?.units ?? -1n,
      pool: input.pool,
      explained: explained[0] as PartExplanation,
      state: new Map(Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(state))) as Record<string, Json>)),
    })
  }
  return steps
}

const shares = (rule: BoundRule, events: readonly Event[]) => run(rule, events).map(({ units }) => units)
const results = (...figures: readonly (string | number)[]): readonly Event[] => figures.map((result) => ({ result: result.toString() }))
const sum = (values: readonly bigint[]) => values.reduce((all, value) => all + value, 0n)
const memory = (steps: readonly Step[]) => steps.at(-1)?.state.get('subject/s1') as Readonly<Record<string, Json>>

const PATH = results(100, -200, 100, 100, -400, 500)

it.each([
  ['each win', EACH_WIN, [20n, 0n, 20n, 20n, 0n, 100n]],
  ['high-water mark', TERMS, [20n, 0n, 0n, 0n, 0n, 20n]],
])('shares of +100 -200 +100 +100 -400 +500 at 20 %%, by %s, %s', (_, terms, expected) => {
  expect(shares(bind(terms), PATH)).toEqual(expected)
  expect(sum(shares(bind(terms), PATH))).toBe(terms.policy === 'each-win' ? 160n : 40n)
})

it.each([
  ['counts what is left after fees and funding paid', [{ result: '100', fees: '10', funding: '20' }], [14n]],
  ['adds funding that was received and a rebate', [{ result: '100', fees: '-10', funding: '-20', pool: 200n }], [26n]],
  ['shares no gain that fees eat up', [{ result: '10', fees: '10' }], [0n]],
  ['takes no deposit for a profit', [{ result: '100' }, { moved: '5000' }, { result: '50' }], [20n, 0n, 10n]],
  ['takes no withdrawal for a loss', [{ result: '100' }, { moved: '-90' }, { result: '50' }], [20n, 0n, 10n]],
  ['leaves a loss to be made up for when money is withdrawn', [{ result: '-100' }, { moved: '-500' }, { result: '150' }], [0n, 0n, 10n]],
  ['counts a movement and a result that come together', [{ result: '100', moved: '-50' }, { result: '100', moved: '50' }], [20n, 20n]],
  ['rounds the share of a part of a unit', [{ result: '12.5', pool: 20n }, { result: '0.0' }, { result: '2.5', pool: 20n }], [3n, 0n, 1n]],
])('%s', (_, events, expected) => {
  expect(shares(bind(TERMS), events)).toEqual(expected)
})

it('takes the percentage as a fact of the subject, with each event its own', () => {
  const rule = bind({ ...TERMS, percent: { fact: 'percent' } })
  expect(rule.outline.facts.find(({ name }) => name === 'percent')).toEqual({ name: 'percent', source: 'standing' })
  expect(shares(rule, [{ result: '100', percent: '20' }, { result: '100', percent: '2.5' }, { result: '100', percent: '0' }, { result: '100', percent: '100' }])).toEqual(
    [20n, 3n, 0n, 100n],
  )
})

const hurdle = (terms: object, bar: object) => ({ ...terms, hurdle: bar })

it.each([
  ['hard, each win', hurdle(EACH_WIN, { kind: 'hard', units: '30' }), results(30, 31, 130, -50, 80), [0n, 0n, 20n, 0n, 10n]],
  ['soft, each win', hurdle(EACH_WIN, { kind: 'soft', units: '30' }), results(30, 31, 130, -50, 80), [0n, 6n, 26n, 0n, 16n]],
  // The mark stays at 0 until profit passes the hurdle, at 60 + 60; then 120 is the mark.
  ['hard, high-water mark', hurdle(TERMS, { kind: 'hard', units: '100' }), results(60, 60, 60, -10, 100), [0n, 4n, 0n, 0n, 10n]],
  ['soft, high-water mark', hurdle(TERMS, { kind: 'soft', units: '100' }), results(60, 60, 60, -10, 100), [0n, 24n, 0n, 0n, 30n]],
])('holds profit against a hurdle of units: %s', (_, terms, events, expected) => {
  expect(shares(bind(terms), events)).toEqual(expected)
})

it('lets a yearly rate run on the mark by days of a year of 365, in leap years too', () => {
  const year = (kind: string) => bind(hurdle(TERMS, { kind, rate: '8%' }))
  const events = [
    { moved: '10000', at: '2027-03-01' },
    { result: '1300', at: '2028-03-01' }, // 366 days: 10000 × 8 % × 366 ÷ 365 = 802.19…
    { result: '100', at: '2028-03-02' }, // one day on the new mark of 11300: 2.476…
  ]
  expect(shares(year('hard'), events)).toEqual([0n, 100n, 20n])
  expect(run(year('hard'), events)[1]?.explained.quota).toBe(formatRatio(ratio(1300n * 365n - 800n * 366n, 5n * 365n)))
  expect(shares(year('soft'), events)).toEqual([0n, 260n, 20n])
  const moved = [{ moved: '10000', at: '2027-03-01' }, { moved: '-5000', at: '2027-03-11' }, { result: '100', at: '2027-03-21' }]
  // 8 % on 10000 for 10 days and on 5000 for 10 days is 120000 ÷ 3650 = 32.87…
  expect(run(year('hard'), moved)[2]?.explained.quota).toBe(formatRatio(ratio(100n * 365n - 12000n, 5n * 365n)))
})

const monthly = (terms: object, zone = 'UTC') => ({ ...terms, keep: 20, crystallised: { every: 'month', zone } })

it.each([
  ['high-water mark', monthly(TERMS), [0n, 0n, 10n, 0n, 4n]],
  ['each win', monthly(EACH_WIN), [0n, 0n, 20n, 0n, 60n]],
])('settles a month with the first event after it, by %s', (_, terms, expected) => {
  const events = [
    { result: '100', at: '2026-01-05' },
    { result: '-50', at: '2026-01-31T23:59:59.999999Z' },
    { result: '300', at: '2026-02-01T00:00:00Z' },
    { result: '-280', at: '2026-02-28' },
    { result: '0', pool: 100n, at: '2026-06-01' },
  ]
  expect(shares(bind(terms), events)).toEqual(expected)
})

it('ends a month when the day begins in its zone', () => {
  const events = [{ result: '100', at: '2026-01-05' }, { result: '0', pool: 50n, at: '2026-01-31T23:30:00Z' }]
  expect(shares(bind(monthly(TERMS, 'Europe/Paris')), events)).toEqual([0n, 20n])
  expect(shares(bind(monthly(TERMS)), events)).toEqual([0n, 0n])
})

it('settles a span with the percentage of its last close, not of the event that settles it', () => {
  const rule = bind({ ...monthly(TERMS), percent: { fact: 'percent' } })
  expect(
    shares(rule, [
      { result: '100', percent: '20', at: '2026-01-05' },
      { moved: '1', percent: '10', at: '2026-01-06' },
      { result: '0', pool: 100n, percent: '50', at: '2026-02-01' },
    ]),
  ).toEqual([0n, 0n, 10n])
})

it('begins the hurdle of each win anew with each span, and keeps that of a mark until it is passed', () => {
  const events = [
    { moved: '36500', at: '2026-01-01' },
    { result: '500', at: '2026-01-02' },
    { moved: '0', at: '2026-02-01' }, // January asks for 36500 × 10 % × 31 ÷ 365 = 310 of 500
    { result: '320', at: '2026-03-31' },
    { result: '0', pool: 1000n, at: '2026-04-01' },
  ]
  const rate = { kind: 'hard', rate: '10%' }
  const added = (terms: object) => run(bind(hurdle(monthly(terms), rate)), events).map(({ explained }) => explained.inputs['added'])
  // By each win March began at 37000 and asks for 37000 × 10 % × 31 ÷ 365 = 314.25 of 320; by the mark 59 days ask for 598.08.
  expect(added(EACH_WIN)).toEqual(['0', '0', '38', '0', '84/73'])
  expect(added(TERMS)).toEqual(['0', '0', '38', '0', '0'])
})

it('leaves what a pool does not cover due, and takes it from the pools that come next', () => {
  const steps = run(bind(TERMS), [{ result: '1000', pool: 50n }, { result: '-10', pool: 100n }, { result: '0', pool: 70n }, { result: '0', pool: 70n }])
  expect(steps.map(({ units }) => units)).toEqual([50n, 100n, 50n, 0n])
  expect(steps.map(({ explained: { grounds, formula } }) => `${grounds}: ${formula}`)).toEqual([
    '20 % of the profit of 1000 above the high-water mark of 0; the pool of 50 covers 50 of it, and 150 stay due: min(50, (1000 − 0) × 20 ÷ 100)',
    'nothing: the running result of 990 is not above the high-water mark of 1000, and 150 due before that no pool has covered; the pool of 100 covers 100 of it, and 50 stay due: min(100, 0 + 150)',
    'nothing: the running result of 990 is not above the high-water mark of 1000, and 50 due before that no pool has covered: 0 + 50',
    'nothing: the running result of 990 is not above the high-water mark of 1000: 0',
  ])
})

const late = [
  { result: '100', at: '2026-01-05' },
  { result: '-100', at: '2026-01-06' },
  { result: '100', at: '2026-01-07' },
  { result: '-60', at: '2026-01-04' }, // The mark was 40 then and is so again.
  { result: '0', pool: 100n, at: '2026-01-08' },
  { result: '100', at: '2026-01-09' },
]

it('puts a late close in its place, and takes back what was shared too much from shares to come', () => {
  const steps = run(bind(TERMS), late)
  expect(steps.map(({ units }) => units)).toEqual([20n, 0n, 0n, 0n, 0n, 8n])
  expect(steps.slice(3).map(({ explained: { grounds, formula, quota } }) => `${grounds}: ${formula} = ${quota}`)).toEqual([
    '12 less than was counted before, since this close belongs before others; nothing is paid, and 12 stay owed: max(0, -12) = 0',
    'nothing: the running result of 40 is not above the high-water mark of 40, less 12 taken back by a late close; nothing is paid, and 12 stay owed: max(0, 0 − 12) = 0',
    '20 % of the profit of 100 above the high-water mark of 40, less 12 taken back by a late close: (140 − 40) × 20 ÷ 100 − 12 = 8',
  ])
  const [, ...early] = run(bind(TERMS), [...results(100, -100), { result: '50', at: '2026-01-01T13:00:00Z' }])
  expect(early.at(-1)).toMatchObject({ units: 10n, explained: { grounds: '10 more than was counted before, since this close belongs before others', formula: '10' } })
})

it('keeps so many closes, and refuses one that is older than the newest before them', () => {
  const rule = bind({ ...TERMS, keep: 2 })
  const kept = results(10, 10, 10, 10)
  expect(memory(run(rule, kept))['closes']).toEqual([
    '2026-01-03T12:00:00Z 10 0 20',
    '2026-01-04T12:00:00Z 10 0 20',
  ])
  const [, , , , inPlace] = run(rule, [...kept, { result: '-10', at: '2026-01-02T12:00:00Z' }])
  expect(inPlace?.explained.inputs['added']).toBe('-2')
  const refused = refusalOf(() => run(rule, [...kept, { result: '-10', at: '2026-01-02T11:59:59Z' }]))
  expect(refused.code).toBe('event_order_conflict')
  expect(refused.message).toBe(
    'the event happened at 2026-01-02T11:59:59Z, but step share has settled all up to 2026-01-02T12:00:00Z and keeps 2 closes after it: record it at that instant or later',
  )
  expect(refused.details).toEqual({ step: 'share', event_at: '2026-01-02T11:59:59Z', earliest: '2026-01-02T12:00:00Z', keep: 2 })
})

it('takes each win in any order when it stands alone, and remembers no close', () => {
  const steps = run(bind(EACH_WIN), [{ result: '100', at: '2026-02-01' }, { result: '50', at: '2020-01-01' }])
  expect(steps.map(({ units }) => units)).toEqual([20n, 10n])
  expect(memory(steps)['closes']).toEqual([])
})

it.each([
  ['a win', EACH_WIN, results(100), '20 % of the profit of 100: 100 × 20 ÷ 100'],
  ['a loss', EACH_WIN, results(-100), 'nothing: there was no profit, but a result of -100 net of fees and funding: 0'],
  ['a gain above the mark', TERMS, results(100, -50, 150), '20 % of the profit of 100 above the high-water mark of 100: (200 − 100) × 20 ÷ 100'],
  ['a gain below the mark', TERMS, results(100, -200, 50), 'nothing: the running result of -50 is not above the high-water mark of 100: 0'],
  [
    'a hard hurdle',
    hurdle(TERMS, { kind: 'hard', units: '30' }),
    results(100),
    '20 % of the profit of 100 above the high-water mark of 0, as far as it is above the hurdle of 30: (100 − 0 − 30) × 20 ÷ 100',
  ],
  [
    'a soft hurdle',
    hurdle(EACH_WIN, { kind: 'soft', units: '30' }),
    results(100),
    '20 % of the profit of 100, all of it because it is above the hurdle of 30: 100 × 20 ÷ 100',
  ],
  ['a hurdle not passed', hurdle(TERMS, { kind: 'soft', units: '30' }), results(30), 'nothing: the profit of 30 is not above the hurdle of 30: 0'],
  ['a span that runs', monthly(TERMS), results(100), 'nothing yet: the span has not ended: 0'],
  [
    'a span settled',
    monthly(TERMS),
    [{ result: '100' }, { result: '0', pool: 30n, at: '2026-02-01' }],
    '20 % of the profit of 100 above the high-water mark of 0, settled for the span that ended before 2026-02-01: (100 − 0) × 20 ÷ 100',
  ],
])('says why of %s', (_, terms, events, expected) => {
  const explained = run(bind(terms), events).at(-1)?.explained
  expect(`${explained?.grounds}: ${explained?.formula}`).toBe(expected)
})

it('explains both parts with their rounding, and shows the mark before and after', () => {
  const input = inputOf({ result: '103', fees: '0.5', pool: 103n }, 0, new Map())
  expect(bind(TERMS).explain(input)).toEqual([
    {
      place: 0,
      role: 'creator',
      grounds: '20 % of the profit of 102.5 above the high-water mark of 0',
      formula: '(102.5 − 0) × 20 ÷ 100',
      inputs: {
        ...{ pool: '103', result: '103', fees: '0.5', funding: '0', moved: '0', percent: '20' },
        ...{ value_before: '0', value_after: '102.5', mark_before: '0', mark_after: '102.5' },
        ...{ due_before: '0', added: '20.5', due: '20.5', payable: '20.5' },
      },
      quota: '41/2',
      floor: '20',
      remainder: '103/206',
      extra: '1',
      units: '21',
      note: 'rounded up by less than one unit: it has one of the largest remainders',
    },
    expect.objectContaining({
      place: 1,
      role: 'subscriber',
      grounds: 'the rest of the pool',
      formula: '103 − 20.5',
      quota: '165/2',
      units: '82',
      note: 'rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan',
    }),
  ])
})

it('names its parts, funds, facts, recipients and state before any event', () => {
  const rule = bind(TERMS)
  const context = { ...inputOf({}, 0, new Map()), given: [], rounding: 'largest-remainder' } as const
  expect(rule.outline).toMatchObject({ parts: [TERMS.share, TERMS.rest], gives: ['subscribers'], draws: [], takesNothing: true, carries: false })
  expect(rule.outline.facts).toEqual(['result', 'fees', 'funding', 'moved'].map((name) => ({ name, source: 'event', optional: true })))
  expect(rule.recipients(context)).toEqual(['c1'])
  expect(rule.keys(context)).toEqual(['subject/s1'])
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

const BAD: readonly (readonly [string, Event, string, RegExp])[] = [
  ['money without a result', { pool: 10n }, 'fact_not_found', /needs the fact result of s1.*10 units/],
  ...['1e3', '+1', '-0', '-0.00', '01', '.5', '', '1/3', '9'.repeat(40), `0.${'1'.repeat(19)}`].map(
    (result): (typeof BAD)[number] => [`the result ${JSON.stringify(result)}`, { result, pool: 0n }, 'fact_malformed', /the fact result of s1 is .*needs units as a plain decimal/],
  ),
  ['fees that are no number', { result: '1', fees: 'none' }, 'fact_malformed', /the fact fees of s1 is "none"/],
  ['no percentage', { result: '1' }, 'fact_not_found', /needs the fact percent/],
  ['a percentage above 100', { result: '1', percent: '100.0001' }, 'fact_malformed', /is "100.0001".*percentage from 0 to 100/],
  ['a percentage below 0', { result: '1', percent: '-1' }, 'fact_malformed', /percentage/],
]

it.each(BAD)('refuses an event with %s', (_, event, code, message) => {
  const rule = bind({ ...TERMS, percent: { fact: 'percent' } })
  const refused = refusalOf(() => rule.split({ ...inputOf({ ...event, result: '0' }, 0, new Map()), ...factsOf(event), pool: event.pool ?? 0n }))
  expect([refused.code, refused.message]).toEqual([code, expect.stringMatching(message)])
})

/** The facts as they are, without a result where the event has none. */
function factsOf(event: Event): Pick<SplitInput, 'facts'> {
  const figures = Object.entries(event).filter(([name]) => name !== 'pool' && name !== 'at')
  return { facts: Object.fromEntries(figures.map(([name, value]) => [name, { s1: value.toString() }])) }
}

it('refuses a fact of another subject, and an event that names none', () => {
  const rule = bind(TERMS)
  const input = inputOf({ result: '1' }, 0, new Map())
  expect(refusalOf(() => rule.split({ ...input, facts: { result: { s1: '1', s2: '5' } } })).code).toBe('fact_mismatch')
  expect(refusalOf(() => rule.split({ ...input, parties: { creator: 'c1' } })).code).toBe('recipient_not_found')
  expect(refusalOf(() => rule.split({ ...input, parties: { subscription: 's1' } })).code).toBe('recipient_not_found')
})

it.each([
  ['a policy it does not know', { ...TERMS, policy: 'high-water' }, /policy|option/i],
  ['a percentage above 100', { ...TERMS, percent: '100.5%' }, /from 0% to 100%/],
  ['a percentage below 0', { ...TERMS, percent: '-1%' }, /from 0% to 100%/],
  ['a percentage without its sign', { ...TERMS, percent: '20' }, /from 0% to 100%/],
  ['five decimals', { ...TERMS, percent: '0.00001%' }, /from 0% to 100%/],
  ['a percentage that is a number', { ...TERMS, percent: 20 }, /./],
  ['one role for both parts', { ...TERMS, rest: { ...TERMS.rest, role: 'creator' } }, /same role/],
  ['a yearly hurdle for a win by itself', { ...EACH_WIN, hurdle: { kind: 'hard', rate: '8%' } }, /a win by itself has no length/],
  ['a hurdle of both kinds', { ...TERMS, hurdle: { kind: 'hard', rate: '8%', units: '1' } }, /./],
  ['a hurdle of a part of a unit', { ...TERMS, hurdle: { kind: 'hard', units: '1.5' } }, /./],
  ['a rate above 1000', { ...TERMS, hurdle: { kind: 'hard', rate: '1000.1%' } }, /./],
  ['a zone that is none', monthly(TERMS, 'Europe/Atlantis'), /./],
  ['a span that is none', { ...TERMS, crystallised: { every: 'decade', zone: 'UTC' } }, /./],
  ['a mark without keep', { ...TERMS, keep: undefined }, /keep/],
  ['keep where each win stands alone', { ...EACH_WIN, keep: 5 }, /keep/],
  ['more than 100 closes to keep', { ...TERMS, keep: 101 }, /./],
  ['an unknown key', { ...TERMS, note: 'x' }, /./],
])('refuses a plan with %s', (_, given, message) => {
  const refused = z.ZodError
  expect(() => bind(given)).toThrow(refused)
  expect(() => bind(given)).toThrow(message)
})
