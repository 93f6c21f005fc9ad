// All scenario files of this project, each scenario a test: those of the programs, of the rules, of the templates and of the guides.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { programs } from '../../programs/index.ts'
import { checkDocument, readJsonDocument } from '../json-document.ts'
import { chosenProgram } from '../program.ts'
import { scenarioFileSchema } from './form.ts'
import { runScenarios } from './run.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FILES = ['src/programs/*/scenarios/*.json', 'src/programs/*/templates/*/scenarios.json', 'src/core/rules/scenarios/*.json'].flatMap((pattern) => globSync(pattern, { cwd: ROOT })).toSorted()

it('finds the files', () => {
  expect(FILES.length).toBeGreaterThan(5)
})

describe.each(FILES)('%s', (file) => {
  const document = readJsonDocument(readFileSync(join(ROOT, file), 'utf8'), file)
  const results = runScenarios(document, ({ program, file: named }) => {
    const path = named === null ? null : join(ROOT, dirname(file), named)
    return chosenProgram(programs, { program, file: path === null ? null : readFileSync(path, 'utf8') })
  })

  it('names the schema by its place', () => {
    const { $schema = '' } = checkDocument(document, scenarioFileSchema)
    expect(join(dirname(file), $schema)).toBe('docs/reference/scenario.schema.json')
  })

  it.each(results.map((result) => [result.it, result] as const))('%s', (_, { findings }) => {
    expect(findings).toEqual([])
  })
})
