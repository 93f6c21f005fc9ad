// JSON Schemas as they are published for editors: made of the schemas by which files are read, so that both say the same.

import { z } from 'zod'

/** The text of the schema's file: what may be written, before anything is filled in. Checks that no JSON Schema can say are left out. */
export function publishedSchema(schema: z.ZodType): string {
  const made = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' })
  return `${JSON.stringify(made, null, 2)}\n`
}
