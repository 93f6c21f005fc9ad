// The rule `bonus`: the same bonus out of three pockets, more levels, and referrals that must not be.

import { expect, it } from 'vitest'
import { bind } from '../../../test/rule-samples/run.ts'
import { refusalOf, stepOf } from '../../../test/rule-samples/step.ts'

const MEMBERS = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'] as const
/** 45.92 SOL in lamports. */
const POOL = 45_920_000_000n
const referrers = { fact: 'referrers', source: 'standing' } as const
/** Each was referred by the one before, the first by somebody outside. */
const CHAIN = { referrers: Object.fromEntries(MEMBERS.map((member, place) => [member, place === 0 ? 'friend' : MEMBERS[place - 1]])) as Record<string, string> }
const EQUAL = { score: Object.fromEntries(MEMBERS.map((member) => [member, '39.5'])) }
const SHARES = MEMBERS.map((member) => [member, POOL / 7n] as const)

const sum = (values: readonly bigint[]): bigint => values.reduce((all, value) => all + value, 0n)

it('funded by the platform: seven members keep 6.56 SOL each, and the fund pays 2.296 on top', () => {
  const step = stepOf('bonus', { rates: ['5%'], referrers, funding: { platform: { fund: 'growth' } } })
  const { lines } = step.split({ shares: SHARES, facts: CHAIN })
  expect(step.lines({ shares: SHARES.slice(0, 2), facts: { referrers: { m1: 'friend', m2: 'm1' } } })).toEqual([
    'share: share 1 → payable:m1 6560000000',
    'bonus: fund:growth → payable:friend 328000000',
    'share: share 2 → payable:m2 6560000000',
    'bonus: fund:growth → payable:m1 328000000',
  ])
  expect(sum(lines.filter(({ from }) => from === 'fund:growth').map(({ units }) => units))).toBe(2_296_000_000n)
  expect(sum(lines.filter(({ from }) => typeof from === 'number').map(({ units }) => units))).toBe(POOL)
})

it('funded by the referred: each pays 0.328 SOL of their 6.56, 45.92 in all', () => {
  const step = stepOf('bonus', { rates: ['5%'], referrers, funding: 'referred' })
  const { lines } = step.split({ shares: SHARES, facts: CHAIN })
  expect(lines.filter(({ role }) => role === 'share').map(({ units }) => units)).toEqual(MEMBERS.map(() => 6_232_000_000n))
  expect(lines.filter(({ role }) => role === 'bonus').map(({ units, to }) => [to, units])).toEqual(['friend', ...MEMBERS.slice(0, 6)].map((id) => [`payable:${id}`, 328_000_000n]))
  expect(sum(lines.map(({ units }) => units))).toBe(POOL)
  expect(step.explain({ shares: SHARES, facts: CHAIN }).slice(0, 2)).toMatchObject([
    { grounds: '6560000000 units, less the bonus of who referred m1', formula: '6560000000 × 19 ÷ 20', units: '6232000000' },
    {
      ...{ zone: 'others', role: 'bonus', grounds: 'a bonus of 5% of the 6560000000 units of m1, whom they referred, out of that share', formula: '6560000000 × 1 ÷ 20' },
      inputs: { share: '6560000000', referred: 'm1', funding: 'm1', rate: '5%', level: '1' },
    },
  ])
})

it('funded by the pool: one division, in which each bonus is 5 % of the share really paid', () => {
  const step = stepOf('bonus', { rates: ['5%'], referrers, funding: { pool: { by: { fact: 'score' }, whenAllZero: { fund: 'next' } } } })
  const asked = { pool: POOL, facts: { ...EQUAL, ...CHAIN } }
  const { lines } = step.split(asked)
  const own = lines.filter(({ role }) => role === 'share').map(({ units }) => units)
  // 45.92 ÷ 7.35 is 6.247619047619…, and 5 % of it 0.312380952380…: 7 lamports are left over, and the larger remainders are the shares'.
  expect(own).toEqual(MEMBERS.map(() => 6_247_619_048n))
  expect(lines.filter(({ role }) => role === 'bonus').map(({ to, units }) => [to, units])).toEqual(['friend', ...MEMBERS.slice(0, 6)].map((id) => [`payable:${id}`, 312_380_952n]))
  expect(sum(lines.map(({ units }) => units))).toBe(POOL)
  expect(step.explain(asked)[7]).toMatchObject({
    ...{ zone: 'others', place: 0, role: 'bonus', grounds: 'a bonus that weighs 5% of the 39.5 by score of m1, whom they referred', quota: '6560000000/21' },
    inputs: { referred: 'm1', rate: '5%', level: '1', funding: 'pool', weight: '39.5', of: '1/147' },
  })
  expect(step.lines({ pool: 5n, facts: { score: { m1: '0' }, referrers: { m1: 'm2' } } })).toEqual(['share: fund:next 5'])
})

it('pays one level unless more are said, and nobody above the first without one', () => {
  const shares = [['m3', 1000n]] as const
  expect(stepOf('bonus', { rates: ['5%'], referrers, funding: 'referred' }).lines({ shares, facts: CHAIN })).toEqual(['share: share 1 → payable:m3 950', 'bonus: share 1 → payable:m2 50'])
  expect(stepOf('bonus', { rates: ['5%', '1%', '0.5%'], referrers, funding: 'referred' }).lines({ shares: [['m2', 1000n]], facts: CHAIN })).toEqual([
    'share: share 1 → payable:m2 940',
    'bonus: share 1 → payable:m1 50',
    'bonus: share 1 → payable:friend 10',
  ])
  expect(stepOf('bonus', { rates: ['5%'], referrers, funding: 'referred' }).lines({ shares: [['x', 7n]], facts: CHAIN })).toEqual(['share: share 1 → payable:x 7'])
})

it('takes referrals from the plan, by id or by the event’s parties', () => {
  const listed = [{ referred: { recipient: 'shop' }, referrer: { party: 'affiliate' } }]
  const step = stepOf('bonus', { rates: ['10%'], referrers: listed, funding: 'referred' })
  expect(step.lines({ shares: [['shop', 100n], ['other', 50n]], parties: { affiliate: 'bo' } })).toEqual([
    'share: share 1 → payable:shop 90',
    'bonus: share 1 → payable:bo 10',
    'share: share 2 → payable:other 50',
  ])
  const optional = stepOf('bonus', { rates: ['10%'], referrers: listed.map((each) => ({ ...each, optional: true })), funding: 'referred' })
  expect(optional.lines({ shares: [['shop', 100n]] })).toEqual(['share: share 1 → payable:shop 100'])
  expect(optional.lines({ shares: [['shop', 100n]], parties: { affiliate: 'bo' } })).toEqual(['share: share 1 → payable:shop 90', 'bonus: share 1 → payable:bo 10'])
  expect(() => step.split({ shares: [['shop', 100n]] })).toThrow(expect.objectContaining({ code: 'recipient_not_found' }))
  expect(() => step.split({ shares: [['shop', 100n]], parties: { affiliate: 'shop' } })).toThrow(expect.objectContaining({ code: 'fact_conflict' }))
})

it('rounds a bonus as the step says: to the nearest, down for the referred, or kept until it is whole', () => {
  const step = stepOf('bonus', { rates: ['5%'], referrers, funding: 'referred' })
  const asked = { shares: [['m1', 15n]], facts: CHAIN } as const
  const bonusOf = (rounding: Parameters<typeof step.lines>[0]['rounding']) => step.split({ ...asked, ...(rounding === undefined ? {} : { rounding }) }).lines.find(({ role }) => role === 'bonus')?.units
  expect([bonusOf('largest-remainder'), bonusOf({ 'residual-to': 'referred' }), bonusOf({ 'residual-to': 'bonus' })]).toEqual([1n, 0n, 1n])
  const small = { shares: [['m1', 5n], ['m1', 5n]], facts: CHAIN, rounding: 'cumulative' } as const
  expect(step.follow([small, small]).map((lines) => lines.filter((line) => line.startsWith('bonus')).map((line) => line.at(-1)))).toEqual([['0', '0'], ['0', '1']])
})

it.each<[string, string, Readonly<Record<string, string>>]>([
  ['one who referred themselves', 'fact_conflict', { m1: 'm1' }],
  ['a loop of two', 'fact_conflict', { m1: 'm2', m2: 'm1' }],
  ['a loop further up', 'fact_conflict', { m1: 'x', x: 'y', y: 'x' }],
  ['a referrer that is no id', 'recipient_malformed', { m1: 'a:b' }],
])('refuses %s', (_, code, facts) => {
  for (const funding of ['referred', { platform: { fund: 'growth' } }]) {
    const step = stepOf('bonus', { rates: ['5%'], referrers, funding })
    expect(() => step.split({ shares: [['m1', 10n]], facts: { referrers: facts } })).toThrow(expect.objectContaining({ code }))
  }
})

it('names the loop, and refuses a referral that came with the event for somebody without a part', () => {
  const step = stepOf('bonus', { rates: ['5%'], referrers: { fact: 'referrers' }, funding: 'referred' })
  expect(() => step.split({ shares: [['m1', 10n]], facts: { referrers: { m1: 'm2', m2: 'm1' } } })).toThrow('the referrals make a loop: m1 → m2 → m1')
  expect(() => step.split({ shares: [['m1', 10n]], facts: { referrers: { m9: 'm1' } } })).toThrow(expect.objectContaining({ code: 'fact_mismatch' }))
})

const LISTED = (pairs: readonly (readonly [string, string])[]) => ({
  rates: ['5%'],
  referrers: pairs.map(([referred, referrer]) => ({ referred: { recipient: referred }, referrer: { recipient: referrer } })),
  funding: 'referred',
})

it.each<[string, unknown]>([
  ['the referrals make a loop: a → b → a', LISTED([['a', 'b'], ['b', 'a']])],
  ['the referrals make a loop: a → a', LISTED([['a', 'a']])],
  ['a is listed twice as referred: one bonus has one referrer', LISTED([['a', 'b'], ['x', 'y'], ['a', 'c']])],
  ['the rates come to over 100%', { ...LISTED([['a', 'b']]), rates: ['60%', '41%'] }],
  ['a rate is a percentage', { ...LISTED([['a', 'b']]), rates: ['-5%'] }],
  ['rates', { ...LISTED([['a', 'b']]), rates: [] }],
  ['a bonus is funded by', { ...LISTED([['a', 'b']]), funding: 'nobody' }],
  ['draws on fund:growth, and no step gives anything to it', { ...LISTED([['a', 'b']]), funding: { platform: { fund: 'growth' } } }],
])('a plan is refused: %s', (problem, parameters) => {
  expect(refusalOf('bonus', parameters, { from: 'shares:first' })).toContain(problem)
})

it('changes shares or divides an account, as its funding says', () => {
  expect(bind('bonus', LISTED([['a', 'b']])).outline).toMatchObject({ divides: 'shares', draws: [], residuals: ['referred', 'bonus'] })
  expect(bind('bonus', { ...LISTED([['a', 'b']]), funding: { platform: { fund: 'growth' } } }).outline).toMatchObject({ divides: 'shares', draws: ['growth'] })
  expect(bind('bonus', { ...LISTED([['a', 'b']]), funding: { pool: { by: { fact: 'score' }, whenAllZero: { fund: 'x' } } } }).outline).toMatchObject({ divides: 'account', gives: ['x'] })
  expect(refusalOf('bonus', LISTED([['a', 'b']]))).toContain('divides received, but bonus changes the shares of an earlier step')
})
