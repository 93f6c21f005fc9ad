// One share of many: why it is what it is, and the proof that it is one of them, each from its own chunk alone.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { byHoldings, openLarge, type Holders, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { checkProof } from '../core/merkle.ts'
import { explain } from './explain.ts'
import { sentences } from './explain-sentences.ts'
import { explanationSchema } from './explain-document.ts'
import { growTree, proof } from './prove-shares.ts'
import { distribution } from './read-distributions.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

// Many at the cut, in every chunk.
const HOLDERS: Holders = { ana: '1', bo: '1.0', cy: '0', dee: '1', eli: '2.5', flo: '1', gus: '1', hal: '1', ida: '7' }

const told = async ({ world, ledger }: LargeLedger, subject: string) => {
  const found = await explain(world, ledger, subject)
  expect(explanationSchema.parse(found)).toEqual(found)
  expect([found.agrees, found.differences]).toEqual([true, []])
  expect(sentences(found).join(' ')).toContain(found.event.reference)
  const [part] = found.asked.parts
  const share = found.shares.find((one) => one.part === part)
  if (share === undefined) throw new Error('the share that was asked for is not among them')
  return share
}

async function grow({ world, ledger, lane }: LargeLedger): Promise<void> {
  while (await growTree(world, ledger, lane));
}

it.each(['largest-remainder', 'prefix'] as const)('explains and proves each share of a distribution by %s', async (rounding) => {
  const ledger = await openLarge(paper, rounding, [byHoldings(rounding)])
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  await ledger.complete()
  await grow(ledger)
  let sum = 0n
  for (const recipient of Object.keys(HOLDERS)) {
    const share = await told(ledger, `dividend#${recipient}`)
    expect(share).toEqual(await told(ledger, `dividend#share:${recipient}`))
    expect(BigInt(share.floor) + BigInt(share.extra)).toBe(BigInt(share.units))
    expect(share).toMatchObject({ recipient, rounding, now: { state: share.units === '0' ? 'zero' : 'payable' } })
    const found = await proof(ledger.world, ledger.ledger, { reference: 'dividend', recipient })
    expect([found.units, checkProof(found)]).toEqual([share.units, true])
    expect(checkProof({ ...found, leaf: `${recipient}\t${BigInt(share.units) + 1n}\n` })).toBe(false)
    sum += BigInt(share.units)
  }
  expect(sum).toBe(1000n)
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
  await ledger.makePayouts()
  await ledger.makePayouts()
  const { rows } = await paper.database.pool.query<{ payout: string; recipient: string }>('select payout, recipient from apportion.payout where lane = $1 limit 3', [ledger.lane])
  for (const { payout, recipient } of rows) expect(await told(ledger, payout)).toMatchObject({ recipient, payout: { payout }, now: { state: 'held' } })
  expect((await told(ledger, 'dividend')).role).toBe('distribution')
})

it('says how far it is, and what is asked for too early or is not there', async () => {
  const ledger = await openLarge(paper, 'early')
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.record([paperEvent('small', 10n, { facts: { holdings: { ana: '1' } } })])
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 2)
  const progress = async () => (await distribution(ledger.world, ledger.ledger, 'dividend')).progress
  expect(await progress()).toMatchObject({ state: 'running', place: '0', recipients: '9', units: '0', root: null })
  await ledger.step()
  expect(await progress()).toMatchObject({ state: 'running', place: '2', shares: '2' })
  expect(await told(ledger, 'dividend#ana')).toMatchObject({ now: { state: 'running' } })
  await expect(explain(ledger.world, ledger.ledger, 'dividend#ida')).rejects.toMatchObject({ code: 'distribution_locked' })
  await expect(explain(ledger.world, ledger.ledger, 'dividend#nobody')).rejects.toMatchObject({ code: 'recipient_not_found' })
  const of = async (reference: string, recipient: string) => await proof(ledger.world, ledger.ledger, { reference, recipient })
  await expect(of('dividend', 'ana')).rejects.toMatchObject({ code: 'distribution_locked' })
  await expect(of('small', 'ana')).rejects.toMatchObject({ code: 'distribution_not_found' })
  await ledger.complete()
  await grow(ledger)
  expect(await distribution(ledger.world, ledger.ledger, 'dividend')).toMatchObject({ state: 'complete', progress: { state: 'complete', units: '1000' } })
  await expect(of('dividend', 'nobody')).rejects.toMatchObject({ code: 'recipient_not_found' })
  // A root that was changed is found.
  await paper.database.pool.query(`update apportion.distribution_root set root = decode(repeat('00', 32), 'hex') where lane = $1 and first_place = 2`, [ledger.lane])
  expect((await verify(ledger.world, ledger.ledger)).breaks.map(({ check }) => check)).toContain('large_distribution')
})
