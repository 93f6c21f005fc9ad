// A journal imported into an empty ledger: the same heads, the same explanations, and nothing that is ever paid again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importLines, journalOf, linesOfJournal } from '../../test/copying.ts'
import { ASSET, FIRST_PLAN, paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { expectSound, reverse } from '../../test/reversing.ts'
import { createWorker } from '../worker/worker.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { explain } from './explain.ts'
import { createLedgers, type Ledger } from './ledger.ts'
import { createRecorder } from './recorder.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
let busy: PaperLedger
let journal: readonly string[]
beforeAll(async () => {
  paper = await paperDatabase()
  busy = await paper.open('busy', { lanes: 2, inbox: true })
  for (let round = 0; round < 4; round += 1) await busy.record([paperEvent(`sale ${round}`, 1000n + BigInt(round)), paperEvent(`Größe ${round}`, 77n)])
  await busy.record([paperEvent('with all', 500n, { claimed: { house: 350n }, details: { note: 'a\tb\nc "ü" \\', rate: 1.5, deep: [{ of: [null, true] }] } })])
  await addPlanVersion(busy.world, busy.ledger, { content: JSON.parse(JSON.stringify(FIRST_PLAN).replace('"70"', '"60"')), effectiveFrom: null })
  for (let round = 0; round < 6; round += 1) await busy.record([paperEvent(`later ${round}`, 7n + BigInt(round)), paperEvent(`and later ${round}`, 11n)])
  busy.network.movements.push({ identity: 'in', asset: ASSET, units: 50_000n, direction: 'in', at: null, proof: { receipt: 'in' } })
  await busy.watch()
  await busy.nameDrawers(['house', 'fund'])
  await busy.makePayouts()
  await busy.send()
  await busy.look()
  journal = await exported(busy)
})
afterAll(async () => await paper.drop())

const exported = async (of: Pick<PaperLedger, 'world' | 'ledger'>, records = true): Promise<readonly string[]> => linesOfJournal(await journalOf(of, { records }))

const take = async (into: Pick<PaperLedger, 'world' | 'ledger'>, lines: readonly string[]) => await importLines(paper, into, lines)

const reopen = async ({ world, ledger: { name } }: PaperLedger): Promise<Ledger> => await createLedgers(world).open(name)

it('keeps order, numbers, instants and heads, is sound, and exports to the same lines', async () => {
  const made = await paper.open('copy', { lanes: 2, inbox: true })
  const imported = await take(made, journal)
  const copy = await reopen(made)
  const [of, original] = [await verify(made.world, copy), await verify(busy.world, busy.ledger)]
  expect(of).toMatchObject({ ok: true, copy: true, breaks: [], lanes: original.lanes })
  expect(original).toMatchObject({ ok: true, copy: false })
  expect(imported).toEqual({ from: 'busy', lanes: original.lanes.map(({ position, blocks, transfers, head }) => ({ position, blocks: BigInt(blocks), transfers: BigInt(transfers), head })) })
  const again = await exported({ world: made.world, ledger: copy })
  expect(again.slice(1)).toEqual(journal.slice(1))
  for (const reference of ['with all', 'later 5', 'Größe 1']) {
    const [one, other] = await Promise.all([explain(busy.world, busy.ledger, reference), explain(made.world, copy, reference)])
    const told = ({ shares }: typeof one) => shares.map(({ units, role, recipient }) => ({ units, role, recipient }))
    expect(told(other)).toEqual(told(one))
  }
})

it('keeps reversals, and what they gave back of what rules remember', async () => {
  const of = await paper.open('reversing')
  const pool = { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } }, rounding: 'cumulative' }
  const cap = { name: 'cap', from: 'shares:pool', rule: 'cap', parameters: { limit: '100', per: 'lifetime', excess: { fund: 'excess' } } }
  const minimum = { name: 'minimum', from: 'shares:cap', rule: 'minimum', parameters: { minimum: '20' } }
  await addPlanVersion(of.world, of.ledger, { content: { steps: [pool, cap, minimum] }, effectiveFrom: null })
  const event = (reference: string, units: bigint) => paperEvent(reference, units, { facts: { score: { ana: '8', bo: '1' } } })
  await of.record([event('a', 91n), event('b', 50n)])
  await reverse(of, 'a', { reference: 'a/1', units: 40n })
  await of.record([event('c', 77n)])
  await reverse(of, 'b', { reference: 'b/1' })
  await reverse(of, 'a', { reference: 'a/2' })
  await of.record([event('d', 90n)])
  await expectSound(of, ['a', 'a/1', 'b', 'c', 'd'])
  const lines = await exported(of)
  const made = await paper.open('reversing-copy')
  await take(made, lines)
  const copy = await reopen(made)
  const states = async (lane: bigint | undefined) => (await paper.database.pool.query('select event, key, value from apportion.rule_state where lane = $1 order by event, key', [lane])).rows as unknown[]
  expect(await states(copy.lanes[0])).toEqual(await states(of.lane))
  expect((await exported({ world: made.world, ledger: copy })).slice(1)).toEqual(lines.slice(1))
  await expect(reverse({ world: made.world, ledger: copy }, 'd', { reference: 'd/1' })).rejects.toMatchObject({ code: 'ledger_copy_forbidden' })
  const other = lines.map((line) => (line.startsWith('R') ? line.replace(/"reverses" : "[0-9]+"/, '"reverses" : "2"') : line))
  await expect(take(await paper.open('reversing-other'), other)).rejects.toMatchObject({ code: 'journal_malformed', message: expect.stringContaining('does not verify') })
})

it('makes a ledger in which nothing is recorded, planned or paid, whoever had it open', async () => {
  const made = await paper.open('unpaid', { lanes: 2 })
  await take(made, journal)
  const copy = await reopen(made)
  const refused = { code: 'ledger_copy_forbidden' }
  const offer = { input: paperEvent('new', 100n), door: 'test', mayBackdate: true }
  await expect(createRecorder(made.world).record(copy, [offer])).rejects.toMatchObject(refused)
  await expect(addPlanVersion(made.world, copy, { content: FIRST_PLAN, effectiveFrom: null })).rejects.toMatchObject(refused)
  // One who opened it while it was empty knows lanes that are no more.
  await expect(made.record([paperEvent('new', 100n)])).rejects.toThrow('head')
  await made.makePayouts()
  for (const lane of copy.lanes) {
    const { makePayouts } = await import('./make-payouts.ts')
    expect(await makePayouts(made.world, copy, lane)).toBe(0)
  }
  const names = createLedgers(made.world)
  const worker = createWorker(made.world, { ledgers: { ...names, names: async () => await Promise.resolve(['unpaid']) }, recorder: createRecorder(made.world) })
  worker.start()
  await worker.stop()
  expect(worker.faults()).toEqual([])
  const { rows } = await paper.database.pool.query('select count(*)::integer as payouts from apportion.payout where lane = any ($1)', [copy.lanes])
  expect(rows).toEqual([{ payouts: 0 }])
  expect(await verify(made.world, copy)).toMatchObject({ ok: true })
})

const at = (pattern: RegExp): number => journal.findIndex((line) => pattern.test(line))
const changed = (pattern: RegExp, by: (line: string) => readonly string[]): readonly string[] => journal.flatMap((line, index) => (index === at(pattern) ? by(line) : [line]))

describe('refuses, and leaves the ledger as it was,', () => {
  let empty: PaperLedger
  beforeAll(async () => {
    empty = await paper.open('empty', { lanes: 2 })
  })
  afterAll(async () => {
    expect(await verify(empty.world, empty.ledger)).toMatchObject({ ok: true, lanes: [{ blocks: '0' }, { blocks: '0' }] })
    // It is still what it was to the process that opened it first.
    await empty.record([paperEvent('first', 10n)])
  })

  const MALFORMED: readonly (readonly [name: string, lines: () => readonly string[], said: RegExp])[] = [
    ['nothing', () => [], /found an empty file/],
    ['what is no journal', () => ['a line'], /line 1 of the file: expected the first line of a journal/],
    ['a file that was cut off', () => journal.slice(0, -3), /cut off/],
    ['units that were changed', () => changed(/^T\t/, (line) => [`${line}1`]), /line [0-9]+ of the file: expected the hash [0-9a-f]{64} of the lines of block 1/],
    ['a line that was taken out', () => changed(/^E\t/, () => []), /line [0-9]+ of the file/],
    ['a record that was taken out', () => changed(/^R\t/, () => []), /the record and the transfers of event 1/],
    ['a record that was changed', () => changed(/^R\t/, (line) => [line.replace('guest-1', 'thief')]), /does not verify/],
    ['a record of another reference', () => changed(/^R\t/, (line) => [line.replace(/"reference" : ".*"/, '"reference" : "other"')]), /does not verify/],
    ['a line of no kind', () => changed(/^B\t/, (line) => ['Q\t1', line]), /a line in its place/],
    ['a plan that was changed', () => changed(/^P\t1/, (line) => [line.replace('"20"', '"21"')]), /does not verify/],
    ['a head that was changed', () => changed(/^Z\t/, (line) => [line.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))]), /expected the head/],
    ['lanes in another order', () => changed(/^L\t0/, (line) => [line.replace('L\t0', 'L\t1')]), /expected lane 0/],
  ]
  it.each(MALFORMED)('%s', async (_, lines, said) => {
    await expect(take(empty, lines())).rejects.toMatchObject({ code: 'journal_malformed', message: expect.stringMatching(said) })
  })

  const header = (key: string, value: unknown) => (): readonly string[] => changed(/^apportion/, (line) => {
    const [name, format, json = ''] = line.split('\t')
    return [[name, format, JSON.stringify({ ...(JSON.parse(json) as object), [key]: value })].join('\t')]
  })
  const MISMATCHED: readonly (readonly [name: string, lines: () => readonly string[] | Promise<readonly string[]>, said: string])[] = [
    ['a journal of another program', header('program', 'others'), 'is of the program others'],
    ['a journal of another asset', header('asset', 'GEM/2'), 'is in GEM/2'],
    ['another number of lanes', header('lanes', 3), 'create one with --lanes 3'],
    ['some blocks', header('span', true), 'holds some blocks only'],
    ['a journal without records', async () => await exported(busy, false), 'without the records'],
  ]
  it.each(MISMATCHED)('%s', async (_, lines, said) => {
    await expect(take(empty, await lines())).rejects.toMatchObject({ code: 'journal_mismatch', message: expect.stringContaining(said) })
  })

  it('a ledger with a history', async () => {
    await expect(take(busy, journal)).rejects.toMatchObject({ code: 'journal_conflict' })
  })
})
