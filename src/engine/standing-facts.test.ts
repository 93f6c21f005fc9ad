// Facts that a ledger keeps, in the division of events: as they counted at the event's instant, kept with it, and never the source's own.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { countingStore } from '../../test/buffers.ts'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { explain } from './explain.ts'
import { OWNER } from './person.ts'
import { facts, setFact } from './set-fact.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const HOLDINGS = {
  steps: [{ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'holding', source: 'standing' }, whenAllZero: { fund: 'later' } }, rounding: 'largest-remainder' }],
}

async function open(name: string): Promise<PaperLedger> {
  const opened = await paper.open(name)
  await addPlanVersion(opened.world, opened.ledger, { content: HOLDINGS, effectiveFrom: null })
  return opened
}

const hold = async ({ world, ledger }: PaperLedger, subject: string, value: string): Promise<void> => {
  await setFact(world, ledger, OWNER, { name: 'holding', subject, value, effectiveFrom: null })
}
const sharesOf = (results: Awaited<ReturnType<PaperLedger['record']>>) =>
  results.map((result) => (result.state === 'refused' ? result.refusal.code : result.event.shares.map(({ recipient, units }) => `${recipient ?? ''} ${units}`).join(', ')))

it('are those in force at the event’s instant, for everybody who has one', async () => {
  const ledger = await open('holders')
  expect(sharesOf(await ledger.record([paperEvent('before', 100n)]))).toEqual(['fact_not_found'])
  await hold(ledger, 'ana', '3')
  await hold(ledger, 'bo', '1')
  const then = ledger.world.now()
  expect(sharesOf(await ledger.record([paperEvent('first', 100n)]))).toEqual(['ana 75, bo 25'])
  await hold(ledger, 'bo', '3')
  expect(sharesOf(await ledger.record([paperEvent('second', 100n), paperEvent('late', 100n, { eventAt: then })]))).toEqual(['ana 50, bo 50', 'ana 75, bo 25'])
  expect(sharesOf(await ledger.record([paperEvent('first', 100n)]))).toEqual(['ana 75, bo 25'])
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
  expect(await explain(ledger.world, ledger.ledger, 'first')).toMatchObject({ agrees: true, event: { facts: {}, standing: { holding: { ana: '3', bo: '1' } } } })
})

it('do not come with the event: a source must not choose its own', async () => {
  const ledger = await open('own-choice')
  await hold(ledger, 'ana', '1')
  const [refused] = await ledger.record([paperEvent('a', 100n, { facts: { holding: { bo: '1' } } })])
  expect(refused).toMatchObject({ state: 'refused', refusal: { code: 'fact_mismatch', details: { fact: 'holding' } } })
})

it('are listed page by page, the last page at the cost of the first, the newest announcement of each before those it replaced', async () => {
  const ledger = await open('listed')
  for (const value of ['1', '2', '3']) for (const subject of ['ana', 'bo']) await hold(ledger, subject, value)
  // Announced in one statement, as hundreds of holders have.
  await paper.database.pool.query(
    `insert into apportion.fact (ledger, name, subject, number, value, effective_from, announced_at)
      select $1, 'holding', 'holder-' || index, 1, '1', now(), now() from generate_series(100, 699) as index`,
    [ledger.ledger.id],
  )
  await paper.database.pool.query('vacuum analyze apportion.fact')
  const { store, taken } = countingStore(ledger.world.store)
  const read = async (limit: number, asked: { readonly name?: string; readonly subject?: string } = {}): Promise<{ readonly found: readonly string[]; readonly costs: readonly number[] }> => {
    const [found, costs]: [string[], number[]] = [[], []]
    let cursor: string | null = null
    do {
      taken()
      const page = await facts({ ...ledger.world, store }, ledger.ledger, { name: null, subject: null, cursor, limit, ...asked })
      costs.push(taken())
      found.push(...page.items.map((fact) => `${fact.subject} ${fact.number} ${fact.state}`))
      cursor = page.next
    } while (cursor !== null)
    return { found, costs }
  }
  const of = (subject: string): readonly string[] => [`${subject} 3 in_force`, `${subject} 2 superseded`, `${subject} 1 superseded`]
  const all = [...of('ana'), ...of('bo'), ...Array.from({ length: 600 }, (_, index) => `holder-${index + 100} 1 in_force`)]
  const { found, costs } = await read(50)
  expect(found).toEqual(all)
  expect(Math.max(...costs)).toBeLessThanOrEqual((costs[0] ?? 0) * 2)
  for (const limit of [1, 2, 4]) expect((await read(limit, { subject: 'bo' })).found).toEqual(of('bo'))
  // Pages that end within a subject.
  expect((await read(7)).found).toEqual(all)
  expect((await read(101, { name: 'holding' })).found).toEqual(all)
  expect((await read(2, { name: 'holding', subject: 'ana' })).found).toEqual(of('ana'))
  expect((await read(50, { name: 'other' })).found).toEqual([])
})
