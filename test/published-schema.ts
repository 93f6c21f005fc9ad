// JSON Schemas as they are published for editors: made of the schemas by which files are read, so that both say the same.

import { z } from 'zod'
import { MAX_STEPS, stepFields, writtenPlan } from '../src/core/plan.ts'
import { rules } from '../src/core/rules/index.ts'

type Schema = Record<string, unknown> & { $defs?: Record<string, unknown> }

/** A plan by its rules: which parameters a step takes follows from its rule. */
const plan = z.strictObject({
  steps: z
    .array(
      z.union(
        [...rules].map(([kind, { parameters }]) => z.strictObject({ ...stepFields, rule: z.literal(kind), parameters: parameters.meta({ id: `parameters of ${kind}` }) })),
      ),
    )
    .min(1)
    .max(MAX_STEPS),
})

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' })
  return made
}

/** The text of the schema's file: what may be written, before anything is filled in. Checks that no JSON Schema can say are left out. */
export function publishedSchema(schema: z.ZodType): string {
  const { $defs = {}, ...made } = schemaOf(schema)
  const { $defs: ofPlan = {}, ...planSchema } = schemaOf(plan)
  const { description } = writtenPlan.meta() ?? {}
  const defs = { ...ofPlan, ...$defs, ...('WrittenPlan' in $defs ? { WrittenPlan: { description, ...planSchema } } : {}) }
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...made, $defs: defs }, null, 2)}\n`
}
