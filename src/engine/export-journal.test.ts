// Exported journals, and the verifier that others run on them: what it shares with the program is the format alone.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ASSET, paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { breakOutside, STAND_ALONE, standAlone } from '../../test/stand-alone.ts'
import { roleOf, TRANSFER_KINDS } from '../core/account.ts'
import { Refusal } from '../core/refusal.ts'
import { exportJournal, type ExportOptions } from './export-journal.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
let busy: PaperLedger
beforeAll(async () => {
  paper = await paperDatabase()
  busy = await paper.open('busy', { lanes: 2 })
  for (let round = 0; round < 6; round += 1) await busy.record([paperEvent(`sale ${round}`, 1000n + BigInt(round)), paperEvent(`Größe ${round}`, 77n)])
  await busy.record([paperEvent('with all', 500n, { claimed: { house: 350n }, details: { note: 'a\tb\nc "ü" \\', rate: 1.5, deep: [{ of: [null, true] }] } })])
  busy.network.movements.push({ identity: 'in', asset: ASSET, units: 5000n, direction: 'in', at: null, proof: { receipt: 'in' } })
  await busy.watch()
  await busy.nameDrawers(['house', 'fund'])
  await busy.makePayouts()
  await busy.send()
  await busy.look()
})
afterAll(async () => await paper.drop())

async function exported(options: ExportOptions = {}, { world, ledger } = busy): Promise<string> {
  let text = ''
  await exportJournal(world, ledger, options, async (more) => void (text += await Promise.resolve(more)))
  return text
}

it('is sound to the verifier outside, with the heads that the server names', async () => {
  const { verifyJournal } = await standAlone()
  const text = await exported()
  const found = await verifyJournal([Buffer.from(text)])
  const { lanes } = await verify(busy.world, busy.ledger)
  expect(found.heads).toEqual(lanes.map(({ position, blocks, events, transfers, head }) => ({ position: position.toString(), blocks, events, transfers, head })))
  expect(found.heads.length).toBe(2)
  const [head] = found.heads
  expect((await verifyJournal([Buffer.from(text)], head?.head)).transfers).toBe(found.transfers)
  await expect(verifyJournal([Buffer.from(text)], 'ab'.repeat(32))).rejects.toThrow(`expected a block with the hash ${'ab'.repeat(32)}`)
  // However the bytes come.
  const bytes = Buffer.from(text)
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) => bytes.subarray(index * 7, index * 7 + 7))
  expect(await verifyJournal(pieces)).toEqual(found)
})

it('holds nothing of the events but digests when it is asked to', async () => {
  const bare = await exported({ records: false })
  expect(bare).not.toContain('sale 1')
  expect(bare).not.toContain('a\\tb')
  expect(bare.split('\n').filter((line) => line.startsWith('R\t'))).toEqual([])
  expect(await breakOutside(bare)).toBeNull()
  expect(await exported()).toContain('"reference" : "Größe 1"')
})

it('of some blocks begins with the balances before them', async () => {
  const [first] = busy.ledger.lanes.keys()
  for (const [from, to] of [[1n, 2n], [2n, 4n], [3n, null]] as const) {
    const span = await exported({ span: { lane: first ?? 0, from, to } })
    expect(await breakOutside(span)).toBeNull()
    expect(span.split('\n').filter((line) => line.startsWith('A\t')).length > 0).toBe(from > 1n)
    // A floor counts what stood there before.
    if (from > 1n) expect(await breakOutside(span.replace(/^A\treceived\t(.*)\t([0-9]+)$/m, 'A\treceived\t$1\t0'))).toMatch(/a balance of zero or more/)
  }
  for (const span of [{ lane: 0, from: 0n, to: null }, { lane: 0, from: 1n, to: 99n }, { lane: 0, from: 3n, to: 2n }, { lane: 7, from: 1n, to: null }]) {
    const error = await exported({ span }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(Refusal)
    expect(error).toMatchObject({ code: 'field_malformed' })
  }
})

it('is broken to the verifier outside whichever line is changed, put in, doubled, moved or taken out', async () => {
  const lines = (await exported()).trimEnd().split('\n')
  const text = (changed: readonly string[]): string => `${changed.join('\n')}\n`
  expect(await breakOutside(text(lines))).toBeNull()
  for (const [index, line] of lines.entries()) {
    // The header says what cannot be checked, and an instant of a plan version stands in no hash.
    if (index < 1 || line.startsWith('P\t')) continue
    const before = lines.slice(0, index)
    const after = lines.slice(index + 1)
    expect(await breakOutside(text([...before, line.replace(/[0-9](?=[^0-9]*$)/, (digit) => String((Number(digit) + 1) % 10)), ...after]))).not.toBeNull()
    expect(await breakOutside(text([...before, line, line, ...after]))).not.toBeNull()
    expect(await breakOutside(text([...before, ...after]))).not.toBeNull()
    const [next, ...later] = after
    if (next !== undefined && !line.startsWith('R\t') && !next.startsWith('R\t')) expect(await breakOutside(text([...before, next, line, ...later]))).not.toBeNull()
  }
  for (let end = 1; end < lines.length; end += 1) expect(await breakOutside(text(lines.slice(0, end)))).not.toBeNull()
  expect(await breakOutside(text(lines).slice(0, -1))).toMatch(/which was cut off/)
})

it('is verified by a script that imports nothing but Node, knows the same chart, and ends with 1 on a break', async () => {
  const source = readFileSync(STAND_ALONE, 'utf8')
  const imported = [...source.matchAll(/(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, name]) => name)
  expect(imported).toEqual(['node:crypto', 'node:fs'])
  const { KINDS, OF_EVENTS, FLOORS, DEBIT_SIDE } = await standAlone()
  expect(KINDS).toEqual(Object.fromEntries(Object.entries(TRANSFER_KINDS).map(([kind, { debit, credit }]) => [kind, [debit, credit]])))
  expect(OF_EVENTS).toEqual(Object.entries(TRANSFER_KINDS).filter(([, { event }]) => event).map(([kind]) => kind))
  const roles = [...new Set(Object.values(TRANSFER_KINDS).flatMap(({ debit, credit }) => [...debit, ...credit]))]
  expect(DEBIT_SIDE).toEqual(FLOORS.filter((role) => roleOf(role).side === 'debit'))
  expect(FLOORS.toSorted()).toEqual(roles.filter((role) => roleOf(role).floor).toSorted())
  const text = await exported()
  const run = (input: string, ...words: string[]) => {
    try {
      return [0, execFileSync(process.execPath, [fileURLToPath(STAND_ALONE), ...words], { input, encoding: 'utf8', stdio: 'pipe' })]
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
      return [status, stdout + stderr]
    }
  }
  expect(run(text, '-')).toEqual([0, expect.stringMatching(/^sound: [0-9]+ blocks, 13 events, [0-9]+ transfers of busy \([0-9.]+ s\)\nhead of lane 0: [0-9a-f]{64}\nhead of lane 1: [0-9a-f]{64}\n$/)])
  expect(run(text.replace(/\t1001$/m, '\t1002'), '-')).toEqual([1, expect.stringMatching(/^broken: line [0-9]+, lane [01], block [0-9]+/)])
  expect(run('', join('no', 'file'))).toEqual([2, expect.stringMatching(/cannot be read: ENOENT/)])
  expect(run('')).toEqual([2, expect.stringMatching(/^usage: /)])
})
