// The scenarios of sale-split as rows: for the tests that send the same sales through the SQL table and through our own door.

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { present } from '../src/core/assert.ts'
import { checkDocument, readJsonDocument } from '../src/core/json-document.ts'
import { readUnits } from '../src/core/money.ts'
import { scenarioFileSchema, type RefusedExpectation } from '../src/core/scenario/form.ts'
import { AMOUNT_FIELDS, formatSol, ROLES } from '../src/programs/sale-split/amounts.ts'

const FOLDER = join(import.meta.dirname, '../src/programs/sale-split/scenarios')

export type Scenario = {
  readonly it: string
  /** The fields that the scenario gives itself. */
  readonly when: Readonly<Record<string, string>>
  /** The four amounts by their columns, or the refusal. */
  readonly expect: Readonly<Record<string, string>> | RefusedExpectation
}

export const TOKEN = '11111111-2222-3333-4444-555555555555'

/** Scenarios of one event each, by file. */
export function scenarios(file: string): readonly Scenario[] {
  const [path = ''] = globSync(join(FOLDER, `${file}.json`))
  const { scenarios: all } = checkDocument(readJsonDocument(readFileSync(path, 'utf8'), basename(path)), scenarioFileSchema)
  return all.map(({ it, when: [step] }) => {
    if (step === undefined || !('event' in step)) throw new Error(`${it}: is not of one event`)
    const expected = present(step.expect, `expectation of: ${it}`)
    if ('refused' in expected) return { it, when: step.event as Readonly<Record<string, string>>, expect: expected }
    const { shares = {} } = 'shares' in expected ? expected : {}
    const amounts = ROLES.map((role) => [AMOUNT_FIELDS[role], formatSol(readUnits(present(shares[role], role), { field: role, scale: 9 }))] as const)
    return { it, when: step.event as Readonly<Record<string, string>>, expect: Object.fromEntries(amounts) }
  })
}
