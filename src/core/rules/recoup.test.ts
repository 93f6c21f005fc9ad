// The rule `recoup`: advances over several events, one after the other or pro rata, of a part of the pool, down to nothing left.

import { expect, it } from 'vitest'
import { refusalOf, stepOf } from '../../../test/rule-samples/step.ts'

const advance = (role: string, size: unknown) => ({ role, to: { recipient: role }, advance: size })
const recoup = (among: string, more: object = {}) => ({
  advances: [advance('label', '1000')],
  among,
  rest: { role: 'artist', to: { party: 'artist' } },
  ...more,
})
const parties = { artist: 'ana' }

it('pays an advance of 1000 back over five events, of each pool at most half', () => {
  const step = stepOf('recoup', recoup('order', { most: '50%' }))
  expect(step.follow([600n, 601n, 400n, 900n, 300n].map((pool) => ({ pool, parties })))).toEqual([
    ['label: payable:label 300', 'artist: payable:ana 300'],
    ['label: payable:label 300', 'artist: payable:ana 301'],
    ['label: payable:label 200', 'artist: payable:ana 200'],
    ['label: payable:label 200', 'artist: payable:ana 700'],
    ['label: payable:label 0', 'artist: payable:ana 300'],
  ])
  expect(step.split({ pool: 601n, parties, state: new Map([['recouped/label', '300']]) }).state).toEqual(new Map([['recouped/label', '600']]))
  expect(step.explain({ pool: 900n, parties, state: new Map([['recouped/label', '800']]) })).toMatchObject([
    { grounds: 'an advance of 1000 units, of which 800 had been paid back and 200 were left', formula: 'min(450, 200)', units: '200', inputs: { left: '200', leaves: '0', most: '50%', available: '450' } },
    { role: 'artist', grounds: 'what advances leave of the pool', formula: '900 − 200', units: '700' },
  ])
})

const TWO = { advances: [advance('label', '100'), advance('bank', '300')] }

it.each([
  ['order', [90n, 50n, 400n], [[90n, 0n, 0n], [10n, 40n, 0n], [0n, 260n, 140n]]],
  // 50 by 77 and 233 left (after 90 by 100 and 300): 12.4 and 37.6.
  ['pro-rata', [90n, 50n, 400n], [[23n, 67n, 0n], [12n, 38n, 0n], [65n, 195n, 140n]]],
])('pays two advances back in %s', (among, pools, expected) => {
  const followed = stepOf('recoup', recoup(among, TWO)).follow(pools.map((pool) => ({ pool, parties })))
  expect(followed.map((lines) => lines.map((line) => BigInt(line.split(' ').at(-1) ?? '')))).toEqual(expected)
})

it('gives nobody more than is left, whoever gets the units that do not divide', () => {
  const three = recoup('pro-rata', { advances: ['a', 'b', 'c'].map((role) => advance(role, '1')) })
  for (const rounding of ['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate'] as const) {
    const followed = stepOf('recoup', three).follow([{ pool: 2n, rounding, parties }, { pool: 2n, rounding, parties }])
    expect(followed.map((lines) => lines.at(-1))).toEqual(['artist: payable:ana 0', 'artist: payable:ana 1'])
  }
  expect(refusalOf('recoup', three, { rounding: 'cumulative' })).toContain('cannot round by cumulative: with these parameters recoup rounds by largest-remainder, first, largest-ratio, prefix, rotate')
  expect(refusalOf('recoup', three, { rounding: { 'residual-to': 'a' } })).toContain('cannot round by residual-to')
})

it('has an advance for each party by a fact, and more of it when the fact is raised', () => {
  const step = stepOf('recoup', recoup('order', { advances: [{ role: 'label', to: { recipient: 'label' }, advance: { fact: 'advance', source: 'standing', of: 'artist' } }] }))
  const event = (artist: string, size: string) => ({ pool: 60n, parties: { artist }, facts: { advance: { [artist]: size } } })
  expect(step.follow([event('ana', '100'), event('bo', '30'), event('ana', '100'), event('ana', '150'), event('ana', '20')])).toEqual([
    ['label: payable:label 60', 'artist: payable:ana 0'],
    ['label: payable:label 30', 'artist: payable:bo 30'],
    ['label: payable:label 40', 'artist: payable:ana 20'],
    ['label: payable:label 50', 'artist: payable:ana 10'],
    ['label: payable:label 0', 'artist: payable:ana 60'],
  ])
  expect(() => step.split({ pool: 1n, parties, facts: { advance: {} } })).toThrow(expect.objectContaining({ code: 'fact_not_found' }))
  expect(() => step.split({ pool: 1n, parties, facts: { advance: { ana: '1.5' } } })).toThrow(expect.objectContaining({ code: 'fact_malformed' }))
  expect(() => step.split({ pool: 1n, facts: { advance: { ana: '1' } } })).toThrow(expect.objectContaining({ code: 'recipient_not_found' }))
})

it.each<[string, object]>([
  ['a rate is at most 100%', { most: '101%' }],
  ['two shares have the same role', { advances: [advance('artist', '1')] }],
  ['an amount is a whole number of units', { advances: [advance('label', '-5')] }],
  ['advances', { advances: [] }],
])('is refused when %s', (problem, change) => {
  expect(refusalOf('recoup', recoup('order', change))).toContain(problem)
})
