// Plans whose rules remember: divided under the lane's lock in the order of recording, on what the events before left, once for each.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { present } from '../core/assert.ts'
import { ruleEntry, type Rule } from '../core/rules/rule.ts'
import { rows } from '../store/statement.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

/** Gives the first units there ever were to a guest, up to as many as the event's fact `limit` says, and all others to a fund. */
const firstUnits: Rule<Record<string, never>> = {
  kind: 'first-units',
  parameters: z.strictObject({}),
  outline: () => ({ divides: 'account', roundings: ['none'], residuals: [], parts: null, role: 'guest', others: 'guest', gives: ['rest'], draws: [], facts: [{ name: 'limit', source: 'event' }], carries: false, takesNothing: true }),
  recipients: () => ['guest-1'],
  keys: () => ['given'],
  split: ({ pool, state, facts }) => {
    const given = BigInt((state.get('given') as string | undefined) ?? '0')
    const left = BigInt(facts['limit']?.['guest-1'] ?? '0') - given
    const units = left <= 0n ? 0n : left < pool ? left : pool
    const lines = [
      { place: 0, role: 'guest', from: null, to: 'payable:guest-1', units },
      { place: 1, role: 'rest', from: null, to: 'fund:rest', units: pool - units },
    ]
    return { lines, state: new Map([['given', (given + units).toString()]]) }
  },
  quotas: null,
  explain: () => [],
}

/** A ledger whose plan is the rule above. */
async function openRemembering(name: string): Promise<PaperLedger> {
  const opened = await paper.open(name)
  const [version] = opened.ledger.plans
  const step = { name: 'first', from: 'received', rule: ruleEntry(firstUnits).bind({}), rounding: 'none' as const, lock: null }
  opened.ledger.plans = [{ ...present(version, 'plan version'), steps: [step] }]
  return opened
}

const limited = (reference: string, units: bigint, limit = '150') => paperEvent(reference, units, { facts: { limit: { 'guest-1': limit } } })

/** Shares of zero units are shown where the plan lists their recipients, and this one lists nobody. */
const sharesOf = (result: Awaited<ReturnType<PaperLedger['record']>>[number]) =>
  result.state === 'refused' ? result.refusal.code : result.event.shares.map(({ account, units }) => `${account} ${units}`)

async function remembered({ lane }: PaperLedger): Promise<readonly string[]> {
  const found = await rows<{ key: string; event: bigint; value: string }>(paper.database.pool, {
    text: 'select key, event, value from apportion.rule_state where lane = $1 order by event',
    values: [lane],
  })
  return found.map(({ key, event, value }) => `${key} after ${event}: ${value}`)
}

it('divides each event on what those before it left, in one batch and over several', async () => {
  const ledger = await openRemembering('in-order')
  const results = await ledger.record([limited('a', 100n), limited('b', 100n), limited('a', 100n)])
  expect(results.map(sharesOf)).toEqual([
    ['payable:guest-1 100'],
    ['payable:guest-1 50', 'fund:rest 50'],
    ['payable:guest-1 100'],
  ])
  expect(results.map(({ state }) => state)).toEqual(['recorded', 'recorded', 'duplicate'])
  expect((await ledger.record([limited('c', 100n), limited('d', 10n, '155')])).map(sharesOf)).toEqual([
    ['fund:rest 100'],
    ['payable:guest-1 5', 'fund:rest 5'],
  ])
  expect(await remembered(ledger)).toEqual(['first/PAP/2/given after 1: 100', 'first/PAP/2/given after 2: 150', 'first/PAP/2/given after 3: 150', 'first/PAP/2/given after 4: 155'])
})

it('answers the same again from what is stored, and tells other facts from the same', async () => {
  const ledger = await openRemembering('again')
  await ledger.record([limited('a', 100n)])
  const [again, other] = await ledger.record([limited('a', 100n), limited('a', 100n, '151')])
  expect([again?.state, again === undefined ? null : sharesOf(again)]).toEqual(['duplicate', ['payable:guest-1 100']])
  expect(other).toMatchObject({ state: 'refused', refusal: { code: 'reference_conflict', details: { field: 'facts' } } })
  expect(await remembered(ledger)).toEqual(['first/PAP/2/given after 1: 100'])
})

it('records an event of no units where a rule can use it, with a block of its own and no transfer', async () => {
  const ledger = await openRemembering('nothing')
  expect((await ledger.record([limited('a', 0n)])).map(sharesOf)).toEqual([[]])
  expect(await remembered(ledger)).toEqual(['first/PAP/2/given after 1: 0'])
  expect((await ledger.record([limited('b', 7n)])).map(sharesOf)).toEqual([['payable:guest-1 7']])
})

it.each([
  ['without the fact that the plan asks for', {}, 'fact_not_found'],
  ['with a fact that nobody asks for', { limit: { 'guest-1': '1' }, score: { 'guest-1': '1' } }, 'fact_mismatch'],
])('refuses an event %s, and remembers nothing of it', async (_, facts, code) => {
  const ledger = await openRemembering(code.replaceAll('_', '-'))
  const [refused] = await ledger.record([paperEvent('a', 10n, { facts })])
  expect(refused).toMatchObject({ state: 'refused', refusal: { code } })
  expect(await remembered(ledger)).toEqual([])
})

it('divides as one after the other when many come at once', async () => {
  const ledger = await openRemembering('at-once')
  const results = await Promise.all(Array.from({ length: 40 }, async (__, index) => await ledger.record([limited(`e${index}`, 10n)])))
  const toGuest = results.flat().map((result) => (result.state === 'refused' ? 0n : (result.event.shares.find(({ account }) => account === 'payable:guest-1')?.units ?? 0n)))
  expect(toGuest.reduce((all, units) => all + units, 0n)).toBe(150n)
  expect((await remembered(ledger)).at(-1)).toBe('first/PAP/2/given after 40: 150')
})
