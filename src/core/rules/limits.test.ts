// The rules `cap` and `minimum`: what is above a limit goes elsewhere, what is below one waits, and neither loses a unit.

import { expect, it } from 'vitest'
import { refusalOf, stepOf } from '../../../test/rule-samples/step.ts'
import { bind } from '../../../test/rule-samples/run.ts'

const cap = (per: string, more: object = {}) => stepOf('cap', { limit: '1000', per, excess: { fund: 'excess' }, ...more })

it('lets a recipient have the limit over all shares of an event', () => {
  expect(cap('event').lines({ shares: [['ana', 700n], ['bo', 1001n], ['ana', 600n], ['ana', 5n]] })).toEqual([
    'share: share 1 → payable:ana 700',
    'share: share 2 → payable:bo 1000',
    'excess: share 2 → fund:excess 1',
    'share: share 3 → payable:ana 300',
    'excess: share 3 → fund:excess 300',
    'share: share 4 → payable:ana 0',
    'excess: share 4 → fund:excess 5',
  ])
})

it.each([
  ['event', ['2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z'], [700n, 700n], []],
  ['day', ['2026-11-21T00:00:00Z', '2026-11-21T23:59:59.999999Z', '2026-11-22T00:00:00Z'], [700n, 300n, 700n], ['used/2026-11-21/ana', 'used/2026-11-22/ana']],
  ['week', ['2026-12-27T23:59:59Z', '2026-12-28T00:00:00Z', '2027-01-03T23:59:59Z', '2027-01-04T00:00:00Z'], [700n, 700n, 300n, 700n], ['used/2026-W52/ana', 'used/2026-W53/ana', 'used/2027-W01/ana']],
  ['month', ['2026-11-30T23:59:59Z', '2026-12-01T00:00:00Z', '2026-11-02T00:00:00Z'], [700n, 700n, 300n], ['used/2026-11/ana', 'used/2026-12/ana']],
  ['year', ['2026-01-01T00:00:00Z', '2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z'], [700n, 300n, 700n], ['used/2026/ana', 'used/2027/ana']],
  ['lifetime', ['2026-01-01T00:00:00Z', '2031-12-31T23:59:59Z'], [700n, 300n], ['used/ana']],
])('counts what was used of a limit a %s', (per, instants, kept, keys) => {
  const events = instants.map((at) => ({ at, shares: [['ana', 700n]] as const }))
  expect(cap(per).follow(events).map(([line]) => line)).toEqual(kept.map((units) => `share: share 1 → payable:ana ${units}`))
  const rule = bind('cap', { limit: '1000', per, excess: { fund: 'excess' } })
  const asked = instants.flatMap((at) => rule.keys({ step: 'step', parties: {}, facts: {}, at: Temporal.Instant.from(at), given: ['ana', 'ana'], rounding: 'none' }))
  expect([...new Set(asked)]).toEqual(keys)
})

it('caps the shares of some roles alone, gives the excess to a party, and explains both', () => {
  const capped = cap('month', { roles: ['creator'], excess: { party: 'charity' } })
  const asked = { shares: [['ana', 1500n, 'creator'], ['bo', 5000n, 'dao']] as const, parties: { charity: 'well' }, state: new Map([['used/2026-11/ana', '400']]) }
  expect(capped.lines(asked)).toEqual(['creator: share 1 → payable:ana 600', 'excess: share 1 → payable:well 900', 'dao: share 2 → payable:bo 5000'])
  expect(capped.split(asked).state).toEqual(new Map([['used/2026-11/ana', '1000']]))
  expect(capped.explain(asked)).toMatchObject([
    { grounds: 'at most 1000 units a month, of which 400 had been used', formula: 'min(1500, max(1000 − 400, 0))', units: '600', inputs: { share: '1500', limit: '1000', used: '400' } },
    { zone: 'others', grounds: 'what is above the limit of 1000 units a month for ana', formula: '1500 − 600', units: '900' },
    { grounds: '5000 units, which have no limit', units: '5000' },
  ])
})

it('keeps nobody from what a lowered limit has left them', () => {
  expect(cap('lifetime').lines({ shares: [['ana', 5n]], state: new Map([['used/ana', '1200']]) })).toEqual(['share: share 1 → payable:ana 0', 'excess: share 1 → fund:excess 5'])
})

const minimum = stepOf('minimum', { minimum: '100' })

it('carries what is below the minimum and pays all of it when there is enough', () => {
  expect(minimum.follow([60n, 30n, 25n, 0n, 100n].map((units) => ({ shares: [['ana', units]] as const })))).toEqual([
    ['share: share 1 → carried:ana 60'],
    ['share: share 1 → carried:ana 30'],
    ['share: share 1 → payable:ana 25', 'carried: carried:ana → payable:ana 90'],
    ['share: share 1 → payable:ana 0'],
    ['share: share 1 → payable:ana 100'],
  ])
})

it('counts all shares of a recipient together, and those of some roles alone', () => {
  const shares = [['ana', 60n, 'creator'], ['bo', 99n, 'creator'], ['ana', 40n, 'creator'], ['bo', 1n, 'dao']] as const
  const creators = stepOf('minimum', { minimum: '100', roles: ['creator'] })
  expect(creators.lines({ shares, state: new Map([['carried/ana', '7']]) })).toEqual([
    'creator: share 1 → payable:ana 60',
    'carried: carried:ana → payable:ana 7',
    'creator: share 2 → carried:bo 99',
    'creator: share 3 → payable:ana 40',
    'dao: share 4 → payable:bo 1',
  ])
  expect(creators.split({ shares, state: new Map([['carried/ana', '7']]) }).state).toEqual(new Map([['carried/ana', '0'], ['carried/bo', '99']]))
  expect(creators.explain({ shares, state: new Map([['carried/ana', '7']]) })).toMatchObject([
    { grounds: '7 carried and 100 new make 107 units, at least the minimum of 100', units: '60' },
    { zone: 'others', grounds: '7 carried and 100 new make 107 units, at least the minimum of 100: what was carried is paid', units: '7' },
    { grounds: '0 carried and 99 new make 99 units, below the minimum of 100', note: 'carried until there is enough', units: '99' },
    { units: '40' },
    { grounds: '1 units, which have no minimum', units: '1' },
  ])
})

it.each<[string, string, unknown, string]>([
  ['cap', 'an amount is a whole number of units', { limit: '-1', per: 'day', excess: { fund: 'x' } }, 'shares:first'],
  ['cap', 'an amount is at most 10^38 units', { limit: `1${'0'.repeat(37)}01`, per: 'day', excess: { fund: 'x' } }, 'shares:first'],
  ['cap', 'per', { limit: '1', per: 'hour', excess: { fund: 'x' } }, 'shares:first'],
  ['cap', 'excess', { limit: '1', per: 'day' }, 'shares:first'],
  ['cap', 'divides received, but cap changes the shares of an earlier step', { limit: '1', per: 'day', excess: { fund: 'x' } }, 'received'],
  ['minimum', 'changes the shares of other, and there is no earlier step of that name', { minimum: '1' }, 'shares:other'],
  ['minimum', 'an amount is a whole number of units', { minimum: '0.5' }, 'shares:first'],
])('a plan with %s is refused: %s', (kind, problem, parameters, from) => {
  expect(refusalOf(kind, parameters, { from })).toContain(problem)
})
