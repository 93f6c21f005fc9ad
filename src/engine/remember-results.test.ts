// Rules that reckon with what happened before, through the engine: profit shares and waterfalls on what the database keeps of them.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { present } from '../core/assert.ts'
import type { EventInput } from '../core/event.ts'
import { parsePlan } from '../core/plan.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function open(name: string, rule: string, parameters: unknown): Promise<PaperLedger> {
  const opened = await paper.open(name)
  const [version] = opened.ledger.plans
  const planned = parsePlan({ steps: [{ name: 'first', from: 'received', rule, parameters, rounding: 'largest-remainder' }] })
  opened.ledger.plans = [{ ...present(version, 'plan version'), ...planned }]
  return opened
}

const MARK = {
  policy: 'high-water-mark',
  subject: 'guest',
  percent: '20%',
  share: { role: 'house', to: { recipient: 'house' } },
  rest: { role: 'rest', to: { fund: 'guests' } },
  crystallised: 'event',
  keep: 2,
}

const close = (reference: string, result: string, day: number): EventInput => {
  const units = result.startsWith('-') ? 0n : BigInt(result)
  const eventAt = Temporal.Instant.from('2025-01-01T12:00:00Z').add({ hours: 24 * day })
  return paperEvent(reference, units, { eventAt, facts: { result: { 'guest-1': result } } })
}

async function sharesOf({ record }: PaperLedger, events: readonly EventInput[]): Promise<readonly string[]> {
  const results = await record(events)
  return results.map((result) => (result.state === 'refused' ? result.refusal.code : result.event.shares.map(({ units }) => units.toString()).join(' ')))
}

const PATH = [100, -200, 100, 100, -400, 500].map((result, day) => close(`c${day}`, result.toString(), day))

it('shares 40 of the path of six closes at 20 % above a high-water mark, in one batch as in several', async () => {
  const expected = ['20 80', '0 0', '0 100', '0 100', '0 0', '20 480']
  expect(await sharesOf(await open('mark-whole', 'profit-share', MARK), PATH)).toEqual(expected)
  const several = await open('mark-several', 'profit-share', MARK)
  const one = []
  for (const event of PATH) one.push(...(await sharesOf(several, [event])))
  expect(one).toEqual(expected)
  // Losses are events of their own, without transfers, and the same again is the same.
  expect(await sharesOf(several, PATH)).toEqual(expected)
})

it('refuses a close that is older than those kept, and a result that is no number, and goes on as if they had not come', async () => {
  const ledger = await open('mark-refused', 'profit-share', MARK)
  await sharesOf(ledger, PATH.slice(0, 4))
  expect(await sharesOf(ledger, [close('old', '5', 0), close('new', '7', 9)])).toEqual(['event_order_conflict', '1 6'])
  const bad = { ...close('bad', '5', 9), facts: { result: { 'guest-1': '5 USD' } } }
  expect(await sharesOf(ledger, [bad, close('next', '93', 10)])).toEqual(['fact_malformed', '19 74'])
})

it('counts contributions of events without money, and pours what comes later into the tranches', async () => {
  const share = (role: string, weight: string) => ({ role, to: { recipient: role }, weight })
  const ledger = await open('fall', 'waterfall', {
    contributors: [{ role: 'a', recipient: 'ann' }, { role: 'b', recipient: 'ben' }],
    tranches: [
      { kind: 'capital', name: 'capital' },
      { kind: 'preferred', name: 'preferred', rate: '8%', compounding: 'none' },
      { kind: 'split', name: 'carry', shares: [share('house', '80'), share('fund', '20')] },
    ],
  })
  const on = (reference: string, day: string, units: bigint, contributed: Readonly<Record<string, string>> = {}): EventInput =>
    paperEvent(reference, units, { eventAt: Temporal.Instant.from(`${day}T00:00:00Z`), facts: { contributed } })
  expect(
    await sharesOf(ledger, [
      on('call', '2025-01-01', 0n, { ann: '600', ben: '400' }),
      on('exit', '2026-01-01', 1500n),
      on('late', '2025-12-31', 10n),
      on('odd', '2026-01-01', 10n, { ann: '0.5' }),
      on('more', '2026-01-01', 10n),
    ]),
  ).toEqual(['0 0 0 0 0 0', '600 400 48 32 336 84', 'event_order_conflict', 'fact_malformed', '0 0 0 0 8 2'])
})

it('explains a share with the mark it was held against, from what is stored, and verifies what every event left to remember', async () => {
  const opened = await paper.open('explained')
  const step = { name: 'first', from: 'received', rule: 'profit-share', parameters: MARK, rounding: 'cumulative' }
  await addPlanVersion(opened.world, opened.ledger, { content: { steps: [step] }, effectiveFrom: null })
  await sharesOf(opened, PATH.map((event) => ({ ...event, eventAt: null })))
  const gain = await explain(opened.world, opened.ledger, 'c5#house')
  expect(sentences(gain).join(' ')).toContain('20 % of the profit of 100 above the high-water mark of 100: (200 − 100) × 20 ÷ 100 = 20')
  const loss = await explain(opened.world, opened.ledger, 'c1')
  expect(sentences(loss).join(' ')).toContain('gives house nothing: the running result of -100 is not above the high-water mark of 100: 0 = 0')
  expect([gain, loss].map(({ agrees, differences }) => [agrees, differences])).toEqual([[true, []], [true, []]])
  expect((await verify(opened.world, opened.ledger)).breaks).toEqual([])
})
