// The page about scenarios says what is so: its example runs, and its tables name every field there is.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readJsonDocument } from '../json-document.ts'
import { runScenarios } from './run.ts'

const PAGE = readFileSync(new URL('../../../docs/reference/scenarios.md', import.meta.url), 'utf8')
const SCHEMA = readFileSync(new URL('../../../docs/reference/scenario.schema.json', import.meta.url), 'utf8')

const noProgram = (): never => expect.fail('the example names a program')

it('its example comes out as it says', () => {
  const [, text = ''] = /```json\n(.*?)```/s.exec(PAGE) ?? []
  const results = runScenarios(readJsonDocument(text, 'the page'), noProgram)
  expect(results.map(({ findings }) => findings)).toEqual([[], []])
})

/** The names of all fields that a schema has anywhere, but those of plans, which have a page of their own. */
function fieldsOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const own = 'properties' in schema && typeof schema.properties === 'object' && schema.properties !== null ? Object.keys(schema.properties) : []
  return [...own, ...Object.entries(schema).flatMap(([key, part]) => (key === '$defs' ? [] : fieldsOf(part)))]
}

it('names every field of the schema', () => {
  const fields = new Set(fieldsOf(JSON.parse(SCHEMA)))
  expect(fields.size).toBeGreaterThan(25)
  for (const field of fields) expect(PAGE, field).toMatch(new RegExp(`[\`"]${field.replace('$', String.raw`\$`)}[\`"]`))
})
