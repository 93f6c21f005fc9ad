// The scenarios of sale-split, as its folder holds them: what is given, what comes in, what is expected. Read here, run by tests.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const FOLDER = join(import.meta.dirname, '../src/programs/sale-split/scenarios')

const amounts = z.strictObject({
  reinvestment_amount: z.string(),
  dao_amount: z.string(),
  lucky_amount: z.string(),
  creator_amount: z.string(),
})

const scenario = z.strictObject({
  it: z.string(),
  /** Weights by role, in plan order, in place of the first plan's. */
  given: z.strictObject({ weights: z.record(z.string(), z.string()) }).optional(),
  /** An event's body; the token is always the same, and the reference is TEST_scenario where it is not given. */
  when: amounts.partial().extend({ sale_amount: z.string(), reference: z.string().optional() }),
  /** All four shares, or the refusal's code, its field and what its message says. */
  expect: z.union([
    amounts,
    z.strictObject({ refused: z.string(), field: z.string().optional(), says: z.array(z.string()).optional() }),
  ]),
})

export type Scenario = z.infer<typeof scenario> & { readonly file: string }

export const TOKEN = '11111111-2222-3333-4444-555555555555'

export function scenarios(...files: readonly string[]): readonly Scenario[] {
  const names = files.length > 0 ? files.map((file) => `${file}.json`) : readdirSync(FOLDER).toSorted()
  return names.flatMap((file) => {
    const found = z.array(scenario).min(1).parse(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')))
    return found.map((one) => ({ ...one, file }))
  })
}
