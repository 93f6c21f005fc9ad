// The model beside ledgers on which walks through time and shares by snapshot are reversed: no false alarm, and what is false is still found.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLarge } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { reverse } from '../../test/reversing.ts'
import { addPlanVersion } from '../../src/engine/add-plan-version.ts'
import { exportJournal } from '../../src/engine/export-journal.ts'
import { createFindings, type Findings } from './findings.ts'
import { readJournal } from './journal.ts'
import { replay, type Replayed, type Snapshots } from './replay.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function audit({ world, ledger }: Pick<PaperLedger, 'world' | 'ledger'>, snapshots: Snapshots, change: (text: string) => string = (text) => text): Promise<{ findings: Findings; replayed: Replayed }> {
  let text = ''
  await exportJournal(world, ledger, {}, async (more) => void (text += await Promise.resolve(more)))
  const findings = createFindings()
  const replayed = replay(readJournal(change(text), createFindings()), { findings, snapshots, keysOf: new Map() })
  return { findings, replayed }
}

it('holds later events of a reversed waterfall to laws alone, and those of other plans to the unit', async () => {
  const ledger = await paper.open('walks')
  const share = (role: string): object => ({ role, to: { recipient: role }, weight: '1' })
  const tranches = [{ name: 'first', kind: 'split', until: '100', shares: [share('ana')] }, { name: 'rest', kind: 'split', shares: [share('bo')] }]
  await addPlanVersion(ledger.world, ledger.ledger, { content: { steps: [{ name: 'fall', from: 'received', rule: 'waterfall', parameters: { tranches } }] }, effectiveFrom: null })
  await ledger.record([paperEvent('a', 150n)])
  await reverse(ledger, 'a', { reference: 'a/1' })
  await ledger.record([paperEvent('b', 150n)])
  const { findings, replayed } = await audit(ledger, new Map())
  expect([findings.all(), replayed.exact, replayed.byLaws]).toEqual([[], 2, 2])
})

it('follows a reversal into shares by snapshot, and finds one that took from the wrong share', async () => {
  const ledger = await openLarge(paper, 'large')
  const holders = { ana: '1', bo: '2', cy: '3' }
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('dividend', 600n, snapshot.hash, 2)
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back', units: 60n })
  const snapshots = new Map([[snapshot.hash, Object.entries(holders).map(([recipient, weight]) => ({ recipient, weight }))]])
  expect((await audit(ledger, snapshots)).findings.all()).toEqual([])
  const swapped = await audit(ledger, snapshots, (text) => text.replace(/^(T\t.*reversed.*payable:)bo(.*)$/m, '$1cy$2'))
  expect(swapped.findings.all().length).toBeGreaterThan(0)
})

it('follows a distribution that is taken back chunk by chunk, while it is and after, and finds what was taken from the wrong share or twice', async () => {
  const ledger = await openLarge(paper, 'chunks')
  const holders = { ana: '1', bo: '2', cy: '3', dee: '5' }
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('dividend', 1000n, snapshot.hash, 1)
  await ledger.complete()
  const snapshots = new Map([[snapshot.hash, Object.entries(holders).map(([recipient, weight]) => ({ recipient, weight }))]])
  await reverse(ledger, 'dividend', { reference: 'back/1', units: 333n })
  await ledger.step()
  expect((await audit(ledger, snapshots)).findings.all()).toEqual([])
  await ledger.complete()
  await reverse(ledger, 'dividend', { reference: 'back/2' })
  await ledger.complete()
  const { findings, replayed } = await audit(ledger, snapshots)
  expect([findings.all(), replayed.byLaws]).toEqual([[], 0])
  for (const [from, to] of [[/^(T\t.*taken_back.*payable:)bo(.*)$/m, '$1cy$2'], [/^(T\t.*taken_back.*)payable:dee(.*)$/m, '$1owed_by:dee$2']] as const) {
    const changed = await audit(ledger, snapshots, (text) => text.replace(from, to))
    expect(changed.findings.all().length).toBeGreaterThan(0)
  }
})
