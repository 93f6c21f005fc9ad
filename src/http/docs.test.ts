// The reference of the HTTP API: its examples are sent as they stand, in order, and its tables name what there is.

import { readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BATCH_BODY_LIMIT, BODY_LIMIT } from './body.ts'
import { testbed, type Testbed } from './fixture.ts'

const PAGE = readFileSync(new URL('../../docs/reference/http-api.md', import.meta.url), 'utf8')

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

const blocks = [...PAGE.matchAll(/^```http\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text.trimEnd())

/** What differs from run to run. */
const withoutChance = (text: string): string => {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'an instant').replaceAll(/urn:uuid:[0-9a-f-]{36}/g, 'urn:uuid:an id')
}

/** What is shown of an object is in it; "…" stands for the rest. */
function expectShown(shown: unknown, actual: unknown): void {
  if (shown === null || typeof shown !== 'object') return expect(actual).toEqual(shown)
  const { '…': rest, ...fields } = shown as Readonly<Record<string, unknown>>
  const found = actual as Readonly<Record<string, unknown>>
  // A list whose last item is "and so on" shows a part of it.
  const goesOn = rest !== undefined || (Array.isArray(shown) && JSON.stringify(shown.at(-1) ?? null).includes('and so on'))
  if (!goesOn) expect(Object.keys(found)).toEqual(Object.keys(fields))
  for (const [name, value] of Object.entries(fields)) expectShown(value, found[name])
}

it('shows requests with the answers that they get', async () => {
  expect(blocks).toHaveLength(16)
  let answer: Awaited<ReturnType<Testbed['send']>> | undefined
  for (const block of blocks) {
    const [top = '', ...rest] = block.split('\n\n')
    const [line = '', ...headers] = top.split('\n')
    const text = rest.join('\n\n')
    if (line.startsWith('HTTP/1.1')) {
      expect(`HTTP/1.1 ${answer?.statusCode} ${STATUS_CODES[answer?.statusCode ?? 0]}`).toBe(line)
      const body = withoutChance(answer?.body ?? '')
      if (text.startsWith('{')) expectShown(JSON.parse(withoutChance(text)), JSON.parse(body))
      else expect(body.split('\n')).toEqual(expect.arrayContaining(withoutChance(text).split('\n').filter((each) => each !== '…')))
      continue
    }
    const [method = '', path = ''] = line.split(' ')
    const fields = Object.fromEntries(headers.map((header) => header.split(': ') as [string, string]))
    answer = await bed.send(`/${path}`, { method, ...(text !== '' && { text }), headers: fields })
    expect(answer.statusCode).toBeLessThan(500)
  }
})

it('names every path, and no other', async () => {
  const { paths } = (await bed.send('//openapi.json', { key: null })).json<{ paths: Record<string, Record<string, unknown>> }>()
  const there = Object.entries(paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
  const named = [...PAGE.matchAll(/^\| `((?:GET|POST) [^`]+)` \|/gm)].map(([, path]) => path)
  expect(named.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual(there.toSorted((a, b) => a.localeCompare(b)))
})

it('gives the limits that hold', () => {
  expect([BODY_LIMIT, BATCH_BODY_LIMIT]).toEqual([1024 * 1024, 5 * 1024 * 1024])
  expect(PAGE).toContain('1 MiB, a batch 5 MiB')
})
