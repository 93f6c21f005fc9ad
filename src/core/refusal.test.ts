// Refusals: their table and docs/reference/errors.md say the same, code for code, and nothing is left without a remedy.

import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Refusal, REFUSALS, type RefusalCode } from './refusal.ts'

const PAGE = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
const ROW = /^\| `([a-z_]+)` \| (\d+) \| (\w+) \| ([^|]+) \| ([^|]+) \|$/
const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, code = line, status = '', cause = '', meaning = '', remedy = ''] = ROW.exec(line) ?? []
    return { code, status: Number(status), cause, meaning, remedy }
  })
const codes = Object.keys(REFUSALS) as readonly RefusalCode[]

it('documents every code, and no other', () => {
  expect(rows.map(({ code }) => code).toSorted()).toEqual(codes.toSorted())
})

it('lists the codes in order, each once', () => {
  const listed = rows.map(({ code }) => code)
  expect(listed).toEqual([...new Set(listed)].toSorted())
})

it.each(rows)('documents $code with the status and the cause that callers get', ({ code, status, cause }) => {
  expect({ status, cause }).toEqual(REFUSALS[code as RefusalCode])
})

it.each(rows)('says of $code what it means and what to do, in whole sentences of its own', ({ meaning, remedy }) => {
  for (const text of [meaning, remedy]) expect(text).toMatch(/^[A-Z].{14,}\.$/)
  expect(rows.filter((row) => row.meaning === meaning)).toHaveLength(1)
})

it('names codes `<subject>_<problem>` with few problems', () => {
  const problems = new Set(codes.map((code) => code.slice(code.lastIndexOf('_') + 1)))
  const known = ['conflict', 'exceeded', 'failed', 'forbidden', 'found', 'invalid', 'locked', 'malformed', 'mismatch', 'missing', 'positive']
  expect([...problems].toSorted()).toEqual([...known, 'refused', 'unavailable', 'unsupported'])
})

it.each(codes)('answers %s with a status that fits its cause', (code) => {
  const { status, cause } = REFUSALS[code]
  expect([400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503]).toContain(status)
  // What the same request can never mend is a mistake of the request, not of the server.
  if (cause === 'content') expect(status).toBeLessThan(500)
  if (status >= 500 || status === 429) expect(cause).toBe('state')
})

it('has every code provoked by a test outside the core', () => {
  const root = new URL('../../', import.meta.url).pathname
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root }).filter((file) => !file.startsWith('src/core/'))
  const words = new Set(files.flatMap((file) => readFileSync(`${root}${file}`, 'utf8').match(/[a-z]+(?:_[a-z]+)+/g) ?? []))
  expect(codes.filter((code) => !words.has(code))).toEqual([])
})

it('carries code, status, cause, message and details', () => {
  const refusal = new Refusal('floor_exceeded', 'account payable:a would stand at -1 units', { account: 'payable:a', balance: '-1' })
  expect(refusal).toBeInstanceOf(Error)
  expect(refusal.name).toBe('Refusal')
  expect(refusal.message).toBe('account payable:a would stand at -1 units')
  expect([refusal.code, refusal.status, refusal.causedBy]).toEqual(['floor_exceeded', 409, 'state'])
  expect(refusal.details).toEqual({ account: 'payable:a', balance: '-1' })
  expect(new Refusal('route_not_found', 'there is no route /x').details).toEqual({})
  expect(`${refusal}`).toBe('Refusal: account payable:a would stand at -1 units')
})
