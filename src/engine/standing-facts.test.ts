// Facts that a ledger keeps, in the division of events: as they counted at the event's instant, kept with it, and never the source's own.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { explain } from './explain.ts'
import { OWNER } from './person.ts'
import { setFact } from './set-fact.ts'
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
