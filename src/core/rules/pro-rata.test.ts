// The rule `pro-rata`: facts as weights, from outside and therefore checked; recipients in byte order; nobody with anything.

import { expect, it } from 'vitest'
import { refusalOf, stepOf } from '../../../test/rule-samples/step.ts'
import { bind } from '../../../test/rule-samples/run.ts'

const PARAMETERS = { by: { fact: 'score' }, whenAllZero: { fund: 'next-period' } }
const byScore = stepOf('pro-rata', PARAMETERS)
const score = (facts: Readonly<Record<string, string>>) => ({ facts: { score: facts } })

it.each([
  [1000n, { ana: '39.5', bo: '12', cy: '0' }, ['share: payable:ana 767', 'share: payable:bo 233', 'share: payable:cy 0']],
  [100n, { 'u-10': '1', 'u-9': '1', U: '1' }, ['share: payable:U 34', 'share: payable:u-10 33', 'share: payable:u-9 33']],
  [7n, { a: `${'9'.repeat(38)}.${'9'.repeat(18)}`, b: `0.${'0'.repeat(17)}1` }, ['share: payable:a 7', 'share: payable:b 0']],
  [10n ** 38n, { a: '1', b: '2' }, ['share: payable:a 33333333333333333333333333333333333333', 'share: payable:b 66666666666666666666666666666666666667']],
])('divides %d by %o', (pool, facts, expected) => {
  expect(byScore.lines({ pool, ...score(facts) })).toEqual(expected)
})

it.each([[{}], [{ ana: '0', bo: '0.00' }]])('gives everything to the one named for it when nobody has any: %o', (facts) => {
  expect(byScore.lines({ pool: 5n, ...score(facts) })).toEqual(['unshared: fund:next-period 5'])
  expect(byScore.explain({ pool: 5n, ...score(facts) })).toMatchObject([{ grounds: 'everything, because nobody has a score above zero', units: '5' }])
})

it('keeps a running entitlement for each recipient, whoever else takes part', () => {
  const of = (facts: Readonly<Record<string, string>>) => ({ pool: 1n, rounding: 'cumulative' as const, ...score(facts) })
  const followed = byScore.follow([of({ ana: '1', bo: '1' }), of({ ana: '1', cy: '1' }), of({ bo: '1', cy: '1' })])
  expect(followed.map((lines) => lines.slice(1).join(', '))).toEqual([
    'share: rounding:step → payable:ana 0, share: rounding:step → payable:bo 0',
    'share: rounding:step → payable:ana 1, share: rounding:step → payable:cy 0',
    'share: rounding:step → payable:bo 1, share: rounding:step → payable:cy 1',
  ])
})

it('gives the next turn to the next recipient when the one whose turn it was is gone', () => {
  const of = (facts: Readonly<Record<string, string>>, state?: ReadonlyMap<string, string>) => ({ pool: 1n, rounding: 'rotate' as const, ...score(facts), ...(state === undefined ? {} : { state }) })
  const { state } = byScore.split(of({ ana: '1', bo: '1', cy: '1' }))
  expect(state).toEqual(new Map([['turn', 'bo']]))
  expect(byScore.lines(of({ ana: '1', cy: '1' }, new Map([['turn', 'bo']])))).toEqual(['share: payable:ana 0', 'share: payable:cy 1'])
  expect(byScore.lines(of({ ana: '1', cy: '1' }, new Map([['turn', 'di']])))).toEqual(['share: payable:ana 1', 'share: payable:cy 0'])
})

it('gives the rest to the recipient named for it, and refuses when it has no share', () => {
  const thirds = { pool: 100n, rounding: { 'residual-to': 'cy' } } as const
  expect(byScore.lines({ ...thirds, ...score({ ana: '1', bo: '1', cy: '1' }) })).toEqual(['share: payable:ana 33', 'share: payable:bo 33', 'share: payable:cy 34'])
  for (const [facts, why] of [[{ ana: '1', bo: '2' }, 'has no share'], [{ ana: '1', bo: '2', cy: '0' }, 'has a weight of zero']] as const) {
    expect(() => byScore.split({ ...thirds, ...score(facts) })).toThrow(expect.objectContaining({ code: 'residual_not_found', message: expect.stringContaining(why) as string }))
  }
})

it('explains a share with the fact it goes by', () => {
  expect(byScore.explain({ pool: 1000n, ...score({ bo: '12', ana: '39.5' }) })[0]).toEqual({
    place: 0,
    role: 'share',
    grounds: '39.5 of 51.5 by score',
    formula: '1000 × 395 ÷ 515',
    inputs: { pool: '1000', fact: 'score', subject: 'ana', weight: '39.5', weights: '51.5', of: '79/103' },
    quota: '79000/103',
    floor: '766',
    remainder: '510/515',
    extra: '1',
    units: '767',
    note: 'rounded up by less than one unit: it has one of the largest remainders',
  })
})

it.each<[string, string, Readonly<Record<string, Readonly<Record<string, string>>>>]>([
  ['a missing set', 'fact_not_found', {}],
  ['a set that every object has', 'fact_not_found', Object.create({ score: { ana: '1' } }) as Record<string, Record<string, string>>],
  ...['-1', '1/2', '', '1e3', ' 1', '1'.repeat(39), `0.${'1'.repeat(19)}`].map((value): [string, string, Record<string, Record<string, string>>] => [
    `the fact ${JSON.stringify(value)}`,
    'fact_malformed',
    { score: { ana: '1', bo: value } },
  ]),
  ['a subject that is no id', 'recipient_malformed', { score: { 'a:b': '1' } }],
  ['10,001 subjects', 'fact_exceeded', { score: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`u${index}`, '1'])) }],
])('refuses %s', (_, code, facts) => {
  expect(() => byScore.split({ pool: 1n, facts })).toThrow(expect.objectContaining({ code }))
})

it('divides among 10,000 recipients, the most there are in one event', () => {
  const facts = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`u${index}`, `${index % 7}`]))
  const { lines } = byScore.split({ pool: 10n ** 12n, ...score(facts) })
  expect(lines.length).toBe(10_000)
  expect(lines.reduce((sum, { units }) => sum + units, 0n)).toBe(10n ** 12n)
})

it('says what it needs: its facts, and where the pool may go', () => {
  expect(bind('pro-rata', { ...PARAMETERS, by: { fact: 'holding', source: 'standing' } }).outline).toMatchObject({ facts: [{ name: 'holding', source: 'standing' }], gives: ['next-period'], parts: null })
  expect(refusalOf('pro-rata', { by: { fact: 'score' } })).toContain('whenAllZero')
  expect(refusalOf('pro-rata', { ...PARAMETERS, by: { fact: 'score', source: 'elsewhere' } })).toContain('by.source')
})
