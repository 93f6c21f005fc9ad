// Plans of every rule on a real ledger: what they divide is posted, within the chart and the floors, and what they refuse changes nothing.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { present } from '../core/assert.ts'
import { parsePlan } from '../core/plan.ts'
import { LATEST, listBalances } from '../store/balance.ts'
import { distribution, distributions } from './read-distributions.ts'
import { payoutsOfEvent } from './read-ledger.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function open(name: string, steps: readonly object[]): Promise<PaperLedger> {
  const opened = await paper.open(name)
  const [version] = opened.ledger.plans
  opened.ledger.plans = [{ ...present(version, 'plan version'), ...parsePlan({ steps }) }]
  return opened
}

async function balances({ lane }: PaperLedger): Promise<Readonly<Record<string, string>>> {
  const names = { first: null, end: null }
  const found = await listBalances(paper.database.pool, { lanes: [lane], upTo: [LATEST], names, after: null, limit: 100 })
  return Object.fromEntries(found.flatMap(({ name, debits, credits }) => (debits === credits ? [] : [[name, `${credits - debits}`]])))
}

const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })
const pool = { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } }
const referrers = { fact: 'referrers' }
const codeOf = (results: Awaited<ReturnType<PaperLedger['record']>>) => results.map((result) => (result.state === 'refused' ? result.refusal.code : result.state))

it('keeps fractions in the rounding account, which is never short', async () => {
  const ledger = await open('kept', [{ ...pool, rounding: 'cumulative' }])
  const event = (reference: string) => paperEvent(reference, 1n, { facts: { score: { ana: '1', bo: '1', cy: '1' } } })
  await ledger.record([event('a')])
  expect(await balances(ledger)).toEqual({ expected: '-1', 'rounding:pool': '1' })
  await ledger.record([event('b'), event('c')])
  expect(await balances(ledger)).toEqual({ expected: '-3', 'payable:ana': '1', 'payable:bo': '1', 'payable:cy': '1' })
})

it('carries what is below a minimum, caps what is above a limit, and pays what was carried', async () => {
  const ledger = await open('limits', [
    pool,
    { name: 'cap', from: 'shares:pool', rule: 'cap', parameters: { limit: '100', per: 'lifetime', excess: { fund: 'excess' } } },
    { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' } },
  ])
  const event = (reference: string) => paperEvent(reference, 90n, { facts: { score: { ana: '8', bo: '1' } } })
  await ledger.record([event('a')])
  expect(await balances(ledger)).toEqual({ expected: '-90', 'payable:ana': '80', 'carried:bo': '10' })
  await ledger.record([event('b')])
  expect(await balances(ledger)).toEqual({ expected: '-180', 'payable:ana': '100', 'payable:bo': '20', 'fund:excess': '60' })
})

it('draws a bonus on a fund, and refuses the event whole when the fund is short', async () => {
  const ledger = await open('bonus', [
    { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('ana', '9'), share('promotion', '1', { fund: 'promotion' })] } },
    { name: 'bonus', from: 'shares:split', rule: 'bonus', parameters: { rates: ['10%', '50%'], referrers, funding: { platform: { fund: 'promotion' } } } },
  ])
  const event = (reference: string, facts: Readonly<Record<string, string>>) => paperEvent(reference, 100n, { facts: { referrers: facts } })
  expect(codeOf(await ledger.record([event('a', { ana: 'bo' }), event('b', { ana: 'bo', bo: 'cy' })]))).toEqual(['recorded', 'floor_exceeded'])
  expect(await balances(ledger)).toEqual({ expected: '-100', 'payable:ana': '90', 'payable:bo': '9', 'fund:promotion': '1' })
})

it.each<[string, Readonly<Record<string, Readonly<Record<string, string>>>>]>([
  ['fact_not_found', { score: { ana: '1' } }],
  ['fact_malformed', { score: { ana: '-1' }, referrers: {} }],
  ['fact_mismatch', { score: { ana: '1' }, referrers: { bo: 'ana' } }],
  ['fact_conflict', { score: { ana: '1', bo: '1' }, referrers: { ana: 'bo', bo: 'ana' } }],
  ['recipient_malformed', { score: { 'a:b': '1' }, referrers: {} }],
  ['residual_not_found', { score: { bo: '1', cy: '1' }, referrers: {} }],
  ['fact_exceeded', { score: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`m${index}`, '1'])), referrers: {} }],
])('refuses an event by %s, and changes nothing', async (code, facts) => {
  const parameters = { rates: ['5%'], referrers, funding: { pool: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } } }
  const ledger = await open(code.replaceAll('_', '-'), [{ name: 'pool', from: 'received', rule: 'bonus', parameters, rounding: { 'residual-to': 'ana' } }])
  expect(codeOf(await ledger.record([paperEvent('a', 10n, { facts })]))).toEqual([code])
  expect(await balances(ledger)).toEqual({})
})

it('answers an event that comes again with the shares that it answered first, in their order', async () => {
  const split = { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [share('rest', '57', { fund: 'kept' }), share('ana', '43')] }, rounding: 'cumulative' }
  const cap = { name: 'cap', from: 'shares:split', rule: 'cap', parameters: { limit: '40', per: 'event', excess: { fund: 'excess' } } }
  const minimum = { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' } }
  const ledger = await open('again', [split, cap, minimum])
  for (const units of [1n, 7n, 99n, 100n, 3n]) {
    const event = paperEvent(`event of ${units}`, units)
    const [[first], [second]] = [await ledger.record([event]), await ledger.record([event])]
    expect([first?.state, second?.state]).toEqual(['recorded', 'duplicate'])
    expect(second).toMatchObject({ event: first?.state === 'recorded' ? first.event : null })
  }
})

it('shows of each share its own payout, also where many have one role', async () => {
  const ledger = await open('roles', [pool])
  await ledger.nameDrawers(['ana', 'cy'])
  await ledger.record([paperEvent('a', 90n, { facts: { score: { ana: '4', bo: '3', cy: '2' } } })])
  await ledger.makePayouts()
  const payouts = await payoutsOfEvent(ledger.world, ledger.ledger, 'a')
  const own = payouts.map(({ recipient, payout, state, reason }) => ({ recipient, payout, state, reason }))
  expect(own.map(({ recipient, state }) => `${recipient} ${state}`)).toEqual(['ana queued', 'bo held', 'cy queued'])
  const one = await distribution(ledger.world, ledger.ledger, 'a')
  const { items } = await distributions(ledger.world, ledger.ledger, { cursor: null, limit: 10 })
  for (const { shares } of [one, ...items]) expect(shares.map(({ recipient, payout, state, reason }) => ({ recipient, payout, state, reason }))).toEqual(own)
})
