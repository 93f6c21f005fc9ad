// `scenario run` as people run it: without a database, several files, and what came otherwise than expected beside it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runHere, type Ended } from './fixture.ts'

// A folder that cannot be made: whoever opened a database would fail.
const OFFLINE = { APPORTION_DATA: '/dev/null/none' }
const folder = mkdtempSync(join(tmpdir(), 'apportion-scenario-'))

const scenarioRun = async (...words: readonly string[]): Promise<Ended> => await runHere(['scenario', 'run', ...words], OFFLINE)

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

afterAll(() => rmSync(folder, { recursive: true }))

const SHARES = '[{"role": "a", "to": {"recipient": "ana"}, "weight": "2"}, {"role": "b", "to": {"fund": "b"}, "weight": "1"}]'

function fileOf(...scenarios: readonly string[]): string {
  return `{
  "given": {"asset": "EUR/2", "plan": {"steps": [
    {"name": "split", "from": "received", "rule": "fixed-shares", "parameters": {"shares": ${SHARES}}}
  ]}},
  "scenarios": [
    ${scenarios.join(',\n    ')}
  ]
}
`
}

const WHEN = '"when": [{"event": {"amount": "0.03"}}]'

const WRONG = fileOf(
  `{"it": "gives it all to b", "when": [{"event": {"amount": "0.03"}}, {"event": {"amount": "1.00"},
      "expect": {"shares": {"b": "1"}, "recipients": {}, "version": 2,
        "transfers": ["received → fund:b 1.00"]}}],
      "expect": {"balances": {"fund:b": "1"}, "payable": {"bo": "1"}, "locked": {}, "carried": {}}}`,
  '{"it": "refuses it", "when": [{"event": {"amount": "0.03"}, "expect": {"refused": "amount_malformed"}}]}',
  '{"it": "refuses it for another reason", "when": [{"event": {"amount": "x"}, "expect": {"refused": "amount_malformed", "field": "sum", "says": ["sum"]}}]}',
  '{"it": "takes anything", "when": [{"event": {"amount": "x"}}, {"fact": {"name": "N", "subject": "s", "value": "1"}}], "expect": {"payable": {}}}',
  '{"it": "knows it", "when": [{"event": {"amount": "1"}, "expect": {"duplicate": true}}]}',
)

it('shows what was expected beside what came, by the line, and ends with 1', async () => {
  const file = write('wrong.json', WRONG)
  const [json, people] = await Promise.all([scenarioRun(file, '--json'), scenarioRun(file)])
  expect([json.code, people.code, json.err, people.err]).toEqual([1, 1, '', ''])
  const answer = JSON.parse(json.out) as { passed: number; failed: number; scenarios: { line: number; findings: { what: string; expected: string; actual: string; line: number }[] }[] }
  expect(answer).toMatchObject({ passed: 0, failed: 5, refused: [] })
  expect(answer.scenarios.map(({ line, findings }) => [line, ...findings.map((each) => Object.values(each).join(' | '))])).toEqual([
    [
      6,
      'event 2: shares, b | 1 | 0.33 | 7',
      'event 2: shares, a | 0 | 0.67 | 7',
      'event 2: recipients, ana | 0 | 0.67 | 7',
      'event 2: transfer 1 | received → fund:b 1 | received → payable:ana 0.67 | 8',
      'event 2: transfer 2 | nothing | received → fund:b 0.33 | 8',
      'event 2: version | 2 | 1 | 7',
      'payable, bo | 1 | 0 | 9',
      'payable, ana | 0 | 0.69 | 9',
      'balances, fund:b | 1 | 0.34 | 9',
    ],
    [10, 'outcome | refused (amount_malformed) | not refused | 10'],
    [11, 'field | sum | amount | 11', 'message | … sum … | amount must be a plain decimal number such as 1.5, not "x" | 11'],
    [
      12,
      'event 1: outcome | recorded | refused (amount_malformed): amount must be a plain decimal number such as 1.5, not "x" | 12',
      'fact 1: outcome | done | refused (fact_invalid): name must be 1 to 63 small letters, digits, dots, dashes or underscores, not "N" | 12',
    ],
    [13, 'outcome | recorded before | recorded | 13'],
  ])
  expect(people.out).toContain(`  FAILED  gives it all to b (${file}:6)`)
  expect(people.out).toMatch(/^ {10}event 2: shares, a +0 +0\.67 +7$/m)
  expect(people.out).toMatch(/\n0 passed, 5 failed\n$/)
})

it('ends with 0 when all came as expected', async () => {
  const file = write('right.json', fileOf(`{"it": "gives two thirds", ${WHEN}, "expect": {"payable": {"ana": "0.02"}}}`))
  const { code, out, err } = await scenarioRun(file, file)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('  ok      gives two thirds\n')
  expect(out).toMatch(/\n2 passed, 0 failed\n$/)
})

it('refuses files that are none by their line, and runs the others', async () => {
  const good = `{"it": "gives two thirds", ${WHEN}, "expect": {"payable": {"ana": "0.02"}}}`
  const bad: readonly (readonly [name: string, text: string, line: number, says: string])[] = [
    ['empty.json', '', 1, 'it is empty'],
    ['comma.json', '{\n  "scenarios": [],\n}', 2, 'a comma stands before the end'],
    ['none.json', '{\n  "scenarios": []\n}', 2, 'scenarios'],
    ['nothing.json', fileOf(`{"it": "shows nothing", ${WHEN}}`), 6, 'expects nothing'],
    ['number.json', fileOf(good.replace('"0.02"', '0.02')), 6, 'must be text in quotes'],
    ['fine.json', fileOf(good.replace('"0.02"', '"0.021"')), 6, 'its asset has 2 decimals'],
    ['field.json', fileOf(good.replace('"payable"', '"paid"')), 6, 'paid is no field'],
    ['plan.json', fileOf(good).replace('"weight": "1"', '"weight": "1%"'), 3, 'step split'],
    ['source.json', fileOf(good).replace('"received"', '"fund:x"'), 3, 'step split is the first and divides fund:x'],
    ['asset.json', fileOf(good).replace('EUR/2', 'euro'), 2, 'asset must look like SOL/9'],
    ['program.json', `{"given": {"program": "other"},\n "scenarios": [${good}]}`, 1, 'there is no program "other"; there are: '],
    ['two.json', fileOf(good).replace('"given": {', '"given": {"program": "other", '), 6, 'both a program and an asset'],
    ['neither.json', `{"scenarios": [\n${good}]}`, 2, 'neither a program nor both an asset and a plan'],
    ['fund.json', fileOf(good).replace('"given": {', '"given": {"funds": {"b": "0.001"},\n'), 2, 'its asset has 2 decimals'],
    ['fact.json', fileOf(good).replace('"given": {', '"given": {"facts": {"n": {"s": "many"}},\n'), 2, 'value must be a plain decimal'],
  ]
  const files = bad.map(([name, text]) => write(name, text))
  const { code, out } = await scenarioRun(...files, join(folder, 'missing.json'), folder, write('last.json', fileOf(good)), '--json')
  const { passed, refused } = JSON.parse(out) as { passed: number; refused: { file: string; message: string; code: string }[] }
  expect({ code, passed }).toEqual({ code: 1, passed: 1 })
  const [missing, isFolder] = refused.splice(-2)
  expect(missing).toMatchObject({ code: 'file_not_found', message: `${join(folder, 'missing.json')} cannot be read: there is none of this name` })
  expect(isFolder).toMatchObject({ code: 'file_not_found', message: `${folder} cannot be read: it is a folder` })
  const codes = new Set(refused.map((each) => each.code))
  expect(codes).toEqual(new Set(['file_malformed', 'plan_invalid', 'asset_not_found', 'program_not_found', 'amount_scale_exceeded', 'fact_invalid']))
  for (const [index, [, , line, says]] of bad.entries()) {
    const message = refused[index]?.message ?? ''
    expect(message.startsWith(`${files[index]}:${line}: `), message).toBe(true)
    expect(message).toContain(says)
  }
})
