// `init` and `try` as people run them: without a database, from an empty folder to what everybody is due.

import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runHere, type Ended } from './fixture.ts'

// A folder that cannot be made: whoever opened a database would fail.
const OFFLINE = { APPORTION_DATA: '/dev/null/none' }
const folder = mkdtempSync(join(tmpdir(), 'apportion-init-'))
const TEMPLATES = ['affiliate-bonus', 'collective', 'fund-waterfall', 'marketplace-fee', 'royalty-advance', 'single-split']

const apportion = async (words: readonly string[], input = ''): Promise<Ended> => await runHere(words, OFFLINE, input)

const inFolder = (...names: readonly string[]): string => join(folder, ...names)

function write(name: string, text: string | Buffer): string {
  writeFileSync(inFolder(name), text)
  return inFolder(name)
}

beforeAll(async () => {
  const made = await apportion(['init', 'marketplace-fee', inFolder('market')])
  expect(made).toMatchObject({ code: 0, err: '', out: expect.stringContaining('holds README.md, deal.json, events.jsonl, scenarios.json. Next:') })
})

afterAll(() => rmSync(folder, { recursive: true }))

it('lists the templates, for people and for programs', async () => {
  const [people, json] = await Promise.all([apportion(['init']), apportion(['init', '--json'])])
  expect([people.code, json.code]).toEqual([0, 0])
  for (const name of TEMPLATES) expect(people.out).toMatch(new RegExp(`^${name} +\\S`, 'm'))
  expect((JSON.parse(json.out) as { templates: { template: string; program: string }[] }).templates.map(({ template, program }) => [template, program])).toEqual(TEMPLATES.map((name) => [name, 'custom']))
})

it('writes a template whose scenarios pass and whose schema is found, and never over anything unasked', async () => {
  const deal = inFolder('market', 'deal.json')
  const schema = /"\$schema": "([^"]+)"/.exec(readFileSync(deal, 'utf8'))?.[1] ?? ''
  expect(JSON.parse(readFileSync(inFolder('market', schema), 'utf8'))).toMatchObject({ title: 'Program file' })
  const scenarios = await apportion(['scenario', 'run', inFolder('market', 'scenarios.json')])
  expect(scenarios).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/\n8 passed, 0 failed\n$/) })
  writeFileSync(inFolder('market', 'README.md'), 'mine')
  const again = await apportion(['init', 'single-split', inFolder('market')])
  expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`${inFolder('market', 'README.md')} is there already: nothing was written`) })
  expect([again.err.includes('(file_conflict)'), readFileSync(inFolder('market', 'README.md'), 'utf8'), readFileSync(deal, 'utf8').includes('marketplace')]).toEqual([true, 'mine', true])
  const forced = await apportion(['init', 'marketplace-fee', inFolder('market'), '--force'])
  expect([forced.code, readFileSync(inFolder('market', 'README.md'), 'utf8').startsWith('# Marketplace fee')]).toEqual([0, true])
  const [unknown, isFile] = await Promise.all([apportion(['init', 'other', inFolder('other')]), apportion(['init', 'single-split', deal])])
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('(template_not_found)') })
  expect(isFile).toMatchObject({ code: 1, err: expect.stringContaining('is no folder') })
})

it('tries a file with events: what each does, and what everybody is due; a refused one holds up none after it', async () => {
  const [deal, events] = [inFolder('market', 'deal.json'), inFolder('market', 'events.jsonl')]
  const [people, json, totals] = await Promise.all([apportion(['try', deal, events]), apportion(['try', deal, events, '--json']), apportion(['try', deal, events, '--totals'])])
  expect([people.code, json.code, totals.code, people.err]).toEqual([1, 1, 1, ''])
  expect(people.out).toMatch(/^line 2: order-2, 1500 USDC, by plan version 1\n {2}seller +1435 USDC +payable:seller-2\n {2}fee +65 USDC +payable:platform$/m)
  expect(people.out).toMatch(/^line 4: refused \(field_malformed\): status is "open"/m)
  expect(people.out).toMatch(/^seller-1 +1486 USDC +1486 USDC +-$/m)
  expect(totals.out).not.toContain('order-2')
  expect(totals.out).toContain('line 4: refused')
  const lines = json.out.trim().split('\n').map((line) => JSON.parse(line) as { line?: number; state?: string; totals?: { recorded: number; refused: number; recipients: { recipient: string; due: { units: string } }[] } })
  expect(lines.map(({ line, state }) => [line, state])).toEqual([[1, 'recorded'], [2, 'recorded'], [3, 'recorded'], [4, 'refused'], [undefined, undefined]])
  const last = lines.at(-1)?.totals
  expect(last).toMatchObject({ recorded: 3, refused: 1, duplicates: 0 })
  expect(last?.recipients.map(({ recipient, due }) => [recipient, due.units])).toEqual([['seller-1', '1486000000'], ['seller-2', '1435000000'], ['platform', '119000000']])
})

it('tries a file with a schedule: what waits for its next instant, and when that is; one that is none is told by its line', async () => {
  const [text, events] = [readFileSync(inFolder('market', 'deal.json'), 'utf8'), inFolder('market', 'events.jsonl')]
  const withSchedule = (schedule: string): string => text.replace('"event": {', `"schedule": { "payouts": ${schedule} },\n  "event": {`)
  const weekly = write('weekly.json', withSchedule('{ "every": "week", "on": "friday", "at": "09:00" }'))
  const [people, json] = await Promise.all([apportion(['try', weekly, events, '--totals']), apportion(['try', weekly, events, '--totals', '--json'])])
  expect(people.out).toMatch(/RECIPIENT +DUE +LOCKED +SCHEDULED +CARRIED/)
  expect(people.out).toMatch(/Payouts are made next at \S+T09:00:00Z\./)
  const { totals } = JSON.parse(json.out.trim().split('\n').at(-1) ?? '') as { totals: { next_run_at: string; recipients: { recipient: string; due: { units: string }; scheduled: { units: string } }[] } }
  expect(Temporal.Instant.from(totals.next_run_at).toZonedDateTimeISO('UTC').dayOfWeek).toBe(5)
  expect(totals.recipients.some(({ scheduled }) => scheduled.units !== '0')).toBe(true)
  const never = await apportion(['try', write('never.json', withSchedule('{ "every": "fortnight", "at": "09:00" }')), events])
  expect(never).toMatchObject({ code: 1, err: expect.stringMatching(/never\.json:\d+: .*every.*\(file_malformed\)/s) })
})

it('refuses what is no file, no program or no event, saying where', async () => {
  const [deal, events] = [inFolder('market', 'deal.json'), inFolder('market', 'events.jsonl')]
  const broken = write('broken.json', readFileSync(deal, 'utf8').replace('"5%"', '"105%"'))
  const comma = write('comma.json', '{\n  "summary": "a",\n}')
  const empty = write('empty.jsonl', '\n \n')
  const facts = write('given.json', '{\n  "facts": {"tier": {"s": "high"}}\n}')
  const cases: readonly (readonly [words: readonly string[], says: string, code: string])[] = [
    [[inFolder('none.json'), events], 'none.json cannot be read: there is none of this name', 'file_not_found'],
    [[deal, inFolder('none.jsonl')], 'none.jsonl cannot be read: there is none of this name', 'file_not_found'],
    [[deal, folder], 'it is a folder', 'file_not_found'],
    [[comma, events], 'comma.json:2: a comma stands before the end', 'file_malformed'],
    [[broken, events], 'broken.json:14: step fee', 'plan_invalid'],
    [[deal, empty], 'holds no event', 'file_malformed'],
    [[deal, events, '--program', 'other'], 'there is no program "other"', 'program_not_found'],
    [[deal, events, '--program', 'sale-split'], 'takes no file', 'field_malformed'],
    [[deal, events, '--given', facts], 'given.json:2: value must be a plain decimal', 'fact_invalid'],
  ]
  const answers = await Promise.all(cases.map(async ([words]) => await apportion(['try', ...words])))
  for (const [index, [, says, code]] of cases.entries()) {
    expect(answers[index]).toMatchObject({ code: 1, out: '' })
    expect(answers[index]?.err).toContain(says)
    expect(answers[index]?.err).toContain(`(${code})`)
  }
})

it('shows each bad line of standard input, and goes on', async () => {
  const good = '{"id": "o-1", "amount_total": 1000000, "currency": "usdc", "status": "paid", "created": 1767607200, "seller": {"id": "s-1", "verified": false}}'
  const input = ['no JSON', good, good.replace('"o-1"', '"o-1", "id": "o-2"'), good, good.replace('1000000', '2000000'), `"${'x'.repeat(1_100_000)}"`, '[]'].join('\n')
  const { code, out } = await apportion(['try', inFolder('market', 'deal.json'), '-', '--json'], input)
  const lines = out.trim().split('\n').map((line) => JSON.parse(line) as { line?: number; state?: string; code?: string })
  expect(code).toBe(1)
  expect(lines.slice(0, -1).map(({ line, state, code: refused }) => [line, refused ?? state])).toEqual([
    [1, 'body_malformed'],
    [2, 'recorded'],
    [3, 'body_malformed'],
    [4, 'duplicate'],
    [5, 'reference_conflict'],
    [6, 'body_exceeded'],
    [7, 'field_malformed'],
  ])
})

it('reads events as they come, and adds them up', async () => {
  const path = inFolder('many.jsonl')
  const stream = createWriteStream(path)
  for (let number = 0; number < 3000; number += 1) stream.write(`{"id": "payment-${number}", "amount": "1.5", "paid_at": "2026-01-05T10:00:00Z"}\n`)
  await finished(stream.end())
  await apportion(['init', 'single-split', inFolder('split')])
  const { code, out } = await apportion(['try', inFolder('split', 'deal.json'), path, '--totals', '--json'])
  expect({ code, ...(JSON.parse(out) as { totals: object }).totals }).toMatchObject({ code: 0, recorded: 3000, recipients: [{ recipient: 'founder', due: { amount: '3150.000000000' } }, {}, {}] })
})
