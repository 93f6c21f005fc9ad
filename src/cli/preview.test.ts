// `plan preview`, `plan diff` and `plan approve --preview` as people run them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { runHere, type Ended } from './fixture.ts'
import { diffSchema, previewSchema } from '../engine/preview/document.ts'
import { saleSplit } from '../programs/sale-split/program.ts'

const TOKEN = '0190a000-0000-7000-8000-000000000001'

let database: TestDatabase
let folder = ''
let addresses: Readonly<Record<string, string>> = {}

const apportion = async (...words: readonly string[]): Promise<Ended> => await runHere(words, addresses)

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const sale = (reference: string, more: object = {}): string => JSON.stringify({ reference, token_id: TOKEN, sale_amount: '100', ...more })
const planOf = (ai: number, creator: number): string =>
  JSON.stringify(saleSplit.firstPlan).replace('"80"', `"${ai}"`).replace('"2"', `"${creator}"`)

beforeAll(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'apportion-preview-'))
  addresses = {
    ...{ DATABASE_URL: database.url, APP_DATABASE_URL: database.appUrl, SIGNER_DATABASE_URL: database.signerUrl },
    ...{ APPORTION_DATA: join(folder, 'data'), APPORTION_MASTER_KEY: 'ab'.repeat(32) },
  }
  expect((await apportion('ledger', 'create', 'shop', '--schema', 'public')).code).toBe(0)
  expect((await apportion('event', 'record', '--file', file('sales.jsonl', [1, 2, 3].map((place) => sale(`sale-${place}`)).join('\n')))).code).toBe(0)
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

it('shows what a plan does, and what a change changes, and approves by what was looked at', async () => {
  const plan = file('plan.json', planOf(79, 3))
  const shown = await apportion('plan', 'preview', plan)
  expect([shown.code, shown.err]).toEqual([0, ''])
  expect(shown.out).toMatch(/^3 of 3 events recorded so far are divided by the plan given: 300 SOL\.\n/)
  expect(shown.out).toMatch(/\nai +ai +237 SOL +- +3\n/)
  expect(shown.out).toMatch(/\nHash [0-9a-f]{64}\n$/)

  const drafted = JSON.parse((await apportion('plan', 'draft', plan, '--json')).out) as { draft: string; hash: string }
  const people = await apportion('plan', 'diff', drafted.draft)
  expect([people.code, people.err]).toEqual([0, ''])
  expect(people.out.split('\n')[0]).toBe(`ai gets 1.25 % less (3 SOL); ${TOKEN} gets 50 % more (3 SOL); nobody else changes.`)
  expect(people.out).toMatch(/\nai +ai +240 SOL +237 SOL +-3 SOL +-1\.25 %\n/)

  const { out } = await apportion('plan', 'diff', '1', drafted.draft, '--json')
  const diff = diffSchema.parse(JSON.parse(out))
  expect(people.out).toContain(`\nHash ${diff.hash}\n`)
  expect(diff.before).toMatchObject({ plan: { kind: 'version', version: 1 }, events: '3', source: { kind: 'ledger', lanes: [{ after_event: '0', event: '3' }] } })

  expect((await apportion('event', 'record', `reference=late`, `token_id=${TOKEN}`, 'sale_amount=1')).code).toBe(0)
  const forged = file('forged.json', out.replace('"-1.25"', '"-1.20"'))
  expect(await apportion('plan', 'approve', drafted.draft, '--hash', drafted.hash, '--preview', forged)).toMatchObject({ code: 1, err: expect.stringContaining('(preview_mismatch)') })
  const alone = await apportion('plan', 'approve', drafted.draft, '--hash', drafted.hash, '--preview', diff.hash)
  expect(alone).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/a hash alone, which says nothing.*\(preview_mismatch\)/s) })
  const approved = await apportion('plan', 'approve', drafted.draft, '--hash', drafted.hash, '--preview', file('diff.json', out))
  expect(approved).toMatchObject({ code: 0, out: expect.stringMatching(/^Version 2, in force/) })
  expect(approved.err).toBe(`Preview ${diff.hash} was made anew on the same 3 events, and is the same.\nThe ledger has recorded 1 event since it was made: they are not in it.\n`)
})

it('tells which lines of a file are none, and goes on with the others', async () => {
  const lines = [sale('a'), 'not JSON', sale('b', { sale_amount: '-1' }), '', '{"reference":"c","reference":"d"}', sale('e', { unknown: 1 }), sale('f')]
  const { code, out, err } = await apportion('plan', 'preview', '1', '--file', file('mixed.jsonl', lines.join('\n')), '--json')
  expect([code, err]).toEqual([0, ''])
  const found = previewSchema.parse(JSON.parse(out))
  expect(found).toMatchObject({ events: '6', divided: '2', refused: '4', source: { kind: 'events' } })
  expect(found.first_refusals.map(({ line, code: why }) => [line, why])).toEqual([[2, 'body_malformed'], [3, 'amount_not_positive'], [5, 'body_malformed'], [6, 'field_malformed']])
})

it.each([
  [['plan', 'preview', '1', '--sample', '--from', '2026-01-01T00:00:00Z'], 'field_malformed'],
  [['plan', 'preview', '1', '--file', '/nowhere/at/all'], 'field_malformed'],
  [['plan', 'diff', '1', '--sample', '--before-from', '2026-01-01T00:00:00Z'], 'field_malformed'],
])('refuses %j by name', async (words, code) => {
  const ended = await apportion(...words)
  expect([ended.code, ended.out, ended.err.endsWith(`(${code})\n`)]).toEqual([1, '', true])
})
