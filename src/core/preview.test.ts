// A plan tried on events: what it adds up is what the events brought, nobody's part changes where the plan does not, and effects come in
// their order.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { distribute, type Share } from './distribution.ts'
import { parsePlan, type PlanVersion } from './plan.ts'
import { createSide, FIRST_REFUSALS, previewEvent, previewUnreadable, type Memory, type PreviewedEvent, type PreviewedPlan, type Side } from './preview.ts'
import { byEffect, diffOf, percentText, type Diff } from './preview/diff.ts'
import { diffSentences } from './preview/sentences.ts'
import { totalsOf, type Totals } from './preview/tally.ts'
import { createTimeline, type Announced } from './preview/timeline.ts'
import { ratio } from './ratio.ts'
import { Refusal } from './refusal.ts'
import { completeSnapshot } from './snapshot.ts'

const AT = Temporal.Instant.from('2026-11-21T12:00:00Z')
const ASSET = 'USD/2'

const planOf = (...steps: readonly object[]): PlanVersion => ({ version: 1, effectiveFrom: null, ...parsePlan({ steps }) })
const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })
const shares = (...of: readonly object[]): PlanVersion => planOf({ name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: of } })

const eventOf = (units: bigint, more: Partial<PreviewedEvent> = {}): PreviewedEvent => ({
  ...{ lane: 0, reference: 'a', line: null, plan: 1, standing: {}, recordedAt: AT, asset: ASSET, units, parties: {}, facts: {}, claimed: null, eventAt: AT, isReversal: false },
  ...more,
})

const memories = (lanes = 1): ReadonlyMap<number, Memory> => new Map(Array.from({ length: lanes }, (_, lane) => [lane, { states: new Map(), balances: new Map() }]))

function run(plan: PlanVersion, events: readonly PreviewedEvent[], own: Partial<PreviewedPlan> = {}, lanes = memories()): Side {
  const side = createSide({ stepsOf: () => plan, standingOf: () => ({}), amountFields: {}, enforceClaims: false, ...own }, lanes)
  for (const event of events) previewEvent(side, event)
  return side
}

const totals = (plan: PlanVersion, events: readonly PreviewedEvent[]): Totals => totalsOf(run(plan, events).tally)
const got = ({ recipients }: Totals): Readonly<Record<string, string>> => Object.fromEntries(recipients.map(({ recipient, units, carried }) => [recipient, carried === 0n ? `${units}` : `${units}+${carried}`]))

/** Plans that divide, keep, carry, cap, draw and pass on, so that every account there is takes part. */
const PLANS: readonly PlanVersion[] = [
  shares(share('ana', '80'), share('bo', '15'), share('guest', '5', { party: 'guest' })),
  shares(share('ana', '60'), share('well', '30', { fund: 'well' }), share('guest', '10', { party: 'guest' })),
  planOf({ name: 'kept', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '1'), share('bo', '1'), share('cy', '1')] }, rounding: 'cumulative' }),
  planOf({ name: 'turns', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '1'), share('bo', '2'), share('cy', '4')] }, rounding: 'rotate' }),
  planOf(
    { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '90'), share('guest', '10', { party: 'guest' })] } },
    { name: 'cap', from: 'shares:split', rule: 'cap', parameters: { limit: '200', per: 'lifetime', excess: { fund: 'excess' } } },
    { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' } },
  ),
  planOf({ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } }),
]

const events = fc.array(
  fc.record({ units: fc.bigInt({ min: 1n, max: 500n }), guest: fc.constantFrom('di', 'ed', 'flo'), lane: fc.nat(1), score: fc.constantFrom<Readonly<Record<string, string>>>({ ana: '1' }, { ana: '2', bo: '1' }, { ana: '0' }) }),
  { maxLength: 12 },
)
type Given = Parameters<typeof eventsOf>[0]
const eventsOf = (given: readonly { units: bigint; guest: string; lane: number; score: Readonly<Record<string, string>> }[], plan: PlanVersion): readonly PreviewedEvent[] => {
  const asks = plan.steps.some(({ rule }) => rule.outline.facts.length > 0)
  return given.map(({ units, guest, lane, score }, place) => eventOf(units, { lane, reference: `e${place}`, parties: { guest }, facts: asks ? { score } : {} }))
}
const tried = (plan: PlanVersion, given: Given): Totals => totalsOf(run(plan, eventsOf(given, plan), {}, memories(2)).tally)
const anyPlan = fc.constantFrom(...PLANS)

describe('the totals', () => {
  it('add up to the units of the events, whatever the plan keeps, carries or passes on', () => {
    fc.assert(
      fc.property(anyPlan, events, (plan, given) => {
        const { assets, recipients, accounts } = tried(plan, given)
        const brought = given.reduce((all, { units }) => all + units, 0n)
        const standing = [...recipients.map(({ units, carried }) => units + carried), ...accounts.map(({ units }) => units)].reduce((all, units) => all + units, 0n)
        expect([standing, assets.reduce((all, { units }) => all + units, 0n)]).toEqual([brought, brought])
      }),
    )
  })

  it('are those of the distributions one after the other, each lane on its own memory', () => {
    fc.assert(
      fc.property(anyPlan, events, (plan, given) => {
        const payable = new Map<string, bigint>()
        const memory = [new Map(), new Map()] as const
        for (const event of eventsOf(given, plan)) {
          const { shares: made, state } = distribute(event, plan, { state: memory[event.lane] ?? new Map() })
          for (const [key, value] of state) memory[event.lane]?.set(key, value)
          for (const { account, units } of made) if (account.startsWith('payable:')) payable.set(account.slice('payable:'.length), (payable.get(account.slice('payable:'.length)) ?? 0n) + units)
        }
        const found = tried(plan, given).recipients.filter(({ units }) => units > 0n)
        expect(Object.fromEntries(found.map(({ recipient, units }) => [recipient, units]))).toEqual(Object.fromEntries([...payable].filter(([, units]) => units > 0n)))
      }),
    )
  })

  it('keep what goes out by snapshot in the account from which it is given out', () => {
    const plan = planOf({ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } })
    const snapshot = { score: completeSnapshot({ hash: 'ab'.repeat(32), recipients: 3, weights: '10' }) }
    const found = totals(plan, [eventOf(100n, { facts: snapshot }), eventOf(10n, { facts: { score: { ana: '1' } } })])
    expect([got(found), found.accounts]).toEqual([{ ana: '10' }, [{ asset: ASSET, account: 'distributing', units: 100n }]])
  })

  it('say what is carried beside what is paid', () => {
    const plan = planOf(
      { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('bo', '1')] } },
      { name: 'minimum', from: 'shares:split', rule: 'minimum', parameters: { minimum: '20' } },
    )
    expect(got(totals(plan, [eventOf(100n)]))).toEqual({ ana: '90', bo: '0+10' })
    expect(got(totals(plan, [eventOf(100n), eventOf(100n)]))).toEqual({ ana: '180', bo: '20' })
    expect(totals(plan, [eventOf(100n)]).assets).toEqual([{ asset: ASSET, events: 1, units: 100n, carried: 10n }])
  })
})

describe('what is refused', () => {
  const drawing = planOf(
    { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('promotion', '1', { fund: 'promotion' })] } },
    { name: 'bonus', from: 'shares:split', rule: 'bonus', parameters: { rates: ['50%'], referrers: { fact: 'referrers' }, funding: { platform: { fund: 'promotion' } } } },
  )
  const referred = { referrers: { ana: 'bo' } }

  it('is counted by code, changes nothing, and is told whole at first', () => {
    const plan = shares(share('ana', '1'), share('guest', '1', { party: 'guest' }))
    const side = run(plan, Array.from({ length: 15 }, (_, place) => eventOf(10n, { reference: `e${place}`, ...(place < 3 && { parties: { guest: 'di' } }) })))
    previewUnreadable(side, 16, new Refusal('body_malformed', 'the line is not JSON'))
    expect([side.events, side.divided, Object.fromEntries(side.refusals)]).toEqual([16, 3, { recipient_not_found: 12, body_malformed: 1 }])
    expect(side.first).toHaveLength(FIRST_REFUSALS)
    expect(side.first[0]).toMatchObject({ reference: 'e3', line: null, code: 'recipient_not_found' })
    expect(got(totalsOf(side.tally))).toEqual({ ana: '15', di: '15' })
  })

  it('is what a fund cannot bear, on what stood in it before and what came in since', () => {
    const bonus = [eventOf(100n, { facts: { referrers: {} } }), eventOf(100n, { facts: referred })]
    const poor = run(drawing, bonus)
    expect([poor.divided, [...poor.refusals]]).toEqual([1, [['floor_exceeded', 1]]])
    expect(poor.first[0]?.message).toContain('fund:promotion would stand at -25 units')
    const lanes = memories()
    lanes.get(0)?.balances.set(`fund:promotion\t${ASSET}`, 25n)
    const rich = run(drawing, bonus, {}, lanes)
    expect(rich.divided).toBe(2)
    expect(totalsOf(rich.tally).accounts).toEqual([{ asset: ASSET, account: 'fund:promotion', units: -25n }])
  })

  it('is not an event for the amounts that came with it for another plan, but where they are sent now', () => {
    const plan = shares(share('ana', '70'), share('bo', '30'))
    const claimed = [eventOf(100n, { claimed: { ana: 80n, bo: 20n } }), eventOf(100n, { claimed: { ana: 70n, bo: 30n } }), eventOf(100n)]
    const past = run(plan, claimed)
    expect([past.divided, past.claims]).toEqual([3, { events: 2, mismatched: 1 }])
    const given = run(plan, claimed, { enforceClaims: true })
    expect([given.divided, [...given.refusals]]).toEqual([2, [['event_share_mismatch', 1]]])
  })
})

const diff = (before: PlanVersion, after: PlanVersion, given: readonly PreviewedEvent[]): Diff => diffOf(totals(before, given), totals(after, given))

describe('a diff', () => {
  it('of a plan with itself is nothing for everybody', () => {
    fc.assert(
      fc.property(anyPlan, events, (plan, given) => {
        const found = diffOf(tried(plan, given), tried(plan, given))
        expect([...found.recipients, ...found.roles, ...found.accounts].filter(({ difference }) => difference !== 0n)).toEqual([])
        expect(diffSentences(found).every((sentence) => sentence === 'Nobody gets more or less.')).toBe(true)
      }),
    )
  })

  it('adds up to nothing, turns round with its sides, and comes in the order of effect', () => {
    fc.assert(
      fc.property(anyPlan, anyPlan, events, (one, other, given) => {
        const [before, after] = [tried(one, given), tried(other, given)]
        const [there, back] = [diffOf(before, after), diffOf(after, before)]
        const carried = there.recipients.reduce((all, { carriedBefore, carriedAfter }) => all + carriedAfter - carriedBefore, 0n)
        expect([...there.recipients, ...there.accounts].reduce((all, { difference }) => all + difference, carried)).toBe(0n)
        expect(new Map(back.recipients.map(({ name, difference }) => [name, -difference]))).toEqual(new Map(there.recipients.map(({ name, difference }) => [name, difference])))
        const sizes = there.recipients.map(({ difference }) => (difference < 0n ? -difference : difference))
        expect(sizes).toEqual(sizes.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0)))
        expect(there.recipients.toSorted(byEffect)).toEqual(there.recipients)
        const [count] = there.counts
        if (count !== undefined) expect(count.less + count.more + count.same).toBe(there.recipients.length)
      }),
    )
  })

  it('keeps ratios exact and rounds what it shows to the nearest hundredth of a per cent, ties to the even', () => {
    const shown = ([above, below]: readonly [bigint, bigint]): string => percentText(ratio(above, below))
    expect(([[-3n, 250n], [1n, 3n], [-1n, 1n], [1n, 20_000n], [3n, 20_000n], [-1n, 1_000_000n], [5n, 2n], [0n, 7n]] as const).map(shown)).toEqual(['-1.20', '33.33', '-100.00', '0.00', '0.02', '-0.00', '250.00', '0.00'])
    // Where as much is lost as gained, whoever had more comes first.
    const [, change] = diff(shares(share('ana', '3'), share('bo', '4')), shares(share('ana', '4'), share('bo', '3')), [eventOf(700n)]).recipients
    expect(change).toMatchObject({ before: 300n, after: 400n, difference: 100n, ratio: { numerator: 1n, denominator: 3n } })
  })
})

describe('what people read', () => {
  const ordinary = shares(share('house', '83'), share('dao', '15'), share('creator', '2', { party: 'creator' }))
  const sale = (units: bigint, creator: string): PreviewedEvent => eventOf(units, { parties: { creator } })

  it.each<[string, PlanVersion, readonly PreviewedEvent[], readonly string[]]>([
    ['one who loses what another gains', shares(share('house', '82'), share('dao', '15'), share('creator', '3', { party: 'creator' })), [sale(10_000n, 'di')], ['house gets 1.2 % less (1 USD); di gets 50 % more (1 USD); nobody else changes.']],
    [
      'a role that many have, as one',
      shares(share('house', '82'), share('dao', '15'), share('creator', '3', { party: 'creator' })),
      [sale(10_000n, 'di'), sale(30_000n, 'ed')],
      ['house gets 1.2 % less (4 USD); creator (2 recipients) gets 50 % more (4 USD); nobody else changes.'],
    ],
    ['nobody', ordinary, [sale(10_000n, 'di')], ['Nobody gets more or less.']],
    [
      'those who come and those who go, and a fund',
      shares(share('house', '83'), share('well', '15', { fund: 'well' }), share('creator', '2', { party: 'creator' })),
      [sale(10_000n, 'di')],
      ['dao gets nothing, and 15 USD before; nobody else changes.', 'fund:well gets 15 USD more.'],
    ],
    [
      'what rounding alone moves, as that',
      shares(share('dao', '15'), share('house', '83'), share('creator', '2', { party: 'creator' })),
      [sale(1_000_050n, 'di')],
      ['Nobody changes but by rounding, at most a unit an event.'],
    ],
  ])('names %s', (_, after, given, expected) => {
    expect(diffSentences(diff(ordinary, after, given))).toEqual(expected)
  })

  it('counts where there are many, or where those of a role go different ways', () => {
    const pool = (by: string): PlanVersion => planOf({ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: by }, whenAllZero: { fund: 'later' } } })
    const facts = (name: string, values: readonly number[]) => ({ [name]: Object.fromEntries(values.map((value, place) => [`p${place}`, `${value}`])) })
    const before = totals(pool('score'), [eventOf(1000n, { facts: facts('score', [1, 2, 3, 4]) })])
    const after = totals(pool('score'), [eventOf(1000n, { facts: facts('score', [4, 2, 3, 1]) })])
    expect(diffSentences(diffOf(before, after))).toEqual([
      '1 of 4 recipients get less, 1 more, 2 as much as before. p3 gets 3 USD less, the most of them (75 % less); p0 gets 3 USD more, the most of them (300 % more).',
    ])
  })

  it('tells what is carried', () => {
    const least = (minimum: string): PlanVersion => planOf({ name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('bo', '1')] } }, { name: 'minimum', from: 'shares:split', rule: 'minimum', parameters: { minimum } })
    expect(diffSentences(diff(least('1'), least('50'), [eventOf(100n)]))).toEqual([
      'bo gets nothing, and 0.1 USD before; nobody else changes. For 1 recipient another amount is carried, 0.1 USD more in all.',
    ])
  })
})

describe('standing facts over time', () => {
  const instant = (hour: number): Temporal.Instant => AT.add({ hours: hour })
  const announced = (subject: string, number: number, [value, from, at, dropped]: readonly [string, number, number, number?]): Announced => ({
    ...{ name: 'rate', subject, number, value, effective_from: instant(from), announced_at: instant(at), dropped_at: dropped === undefined ? null : instant(dropped) },
  })
  const line = createTimeline([announced('ana', 1, ['5', 0, 0]), announced('ana', 2, ['8', 6, 1, 3]), announced('ana', 3, ['4', 3, 3]), announced('bo', 1, ['1', 2, 2])])
  const at = (hour: number, known = hour, subjects: readonly string[] | null = null) => line.factsOf([{ name: 'rate', subjects }], { at: instant(hour), knownAt: instant(known) })

  it('are those that counted at the event, of what was known when it was recorded', () => {
    expect([at(-1), at(0), at(2), at(3), at(9)]).toEqual([{}, { rate: { ana: '5' } }, { rate: { ana: '5', bo: '1' } }, { rate: { ana: '4', bo: '1' } }, { rate: { ana: '4', bo: '1' } }])
    expect(at(7, 2)).toEqual({ rate: { ana: '8', bo: '1' } })
    expect(at(0, 9)).toEqual({ rate: { ana: '5' } })
    expect([at(9, 9, ['bo']), at(9, 9, ['cy'])]).toEqual([{ rate: { bo: '1' } }, {}])
  })
})

it('passes reversals over, and says what they were', () => {
  const plan = shares(share('ana', '75'), share('bo', '25'))
  const side = run(plan, [eventOf(100n), eventOf(40n, { isReversal: true }), eventOf(8n, { isReversal: true })])
  expect([side.events, got(totalsOf(side.tally)), [...side.reversals]]).toEqual([1, { ana: '75', bo: '25' }, [[ASSET, { events: 2, units: 48n }]]])
})

it('takes no share from one event to another', () => {
  const made: readonly Share[] = distribute(eventOf(3n), shares(share('ana', '75'), share('bo', '25'))).shares
  expect(made.map(({ units }) => units)).toEqual([2n, 1n])
  expect(got(totals(shares(share('ana', '75'), share('bo', '25')), [eventOf(3n), eventOf(3n)]))).toEqual({ ana: '4', bo: '2' })
})
