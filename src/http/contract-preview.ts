// The API's words for previews and diffs of plans: what goes in. What comes out is the documents' own schemas.

import { z } from 'zod'
import { MAX_BATCH } from './contract.ts'

const span = {
  from: z.string().nullable().optional().meta({ format: 'date-time', description: 'Recorded then or later; from the beginning when left out' }),
  to: z.string().nullable().optional().meta({ format: 'date-time', description: 'Recorded before then; up to now when left out' }),
}

const plan = z
  .strictObject({
    draft: z.string().optional().meta({ description: "A draft's id: as it stands now" }),
    version: z.number().int().positive().optional(),
    content: z.unknown().optional().meta({ description: 'A plan, as in a plan file' }),
    use: z.enum(['in_force', 'recorded']).optional().meta({ description: 'The version in force; or for each event the one that it was recorded with' }),
  })
  .refine((given) => Object.values(given).filter((value) => value !== undefined).length === 1, 'takes one of draft, version, content and use')
  .meta({ id: 'PreviewedPlan' })

const source = {
  ...span,
  events: z.array(z.unknown()).min(1).max(MAX_BATCH).optional().meta({ description: "Events in the program's words, in place of past ones; one that is none counts as refused" }),
  sample: z.literal(true).optional().meta({ description: "The program's sample, in place of past events" }),
  fresh: z.boolean().optional().meta({ description: 'Let rules begin without memory, and accounts empty' }),
}

export const previewIn = z.strictObject({ plan, ...source })

export const diffIn = z.strictObject({
  before: plan.optional().meta({ description: 'Left out: the version in force; with before_span: as after' }),
  after: plan,
  ...source,
  before_span: z.strictObject(span).optional().meta({ description: 'Another span for what is before: the same plan at two times' }),
})

export type PreviewedPlanIn = z.infer<typeof plan>
export type SourceIn = Pick<z.infer<typeof previewIn>, 'from' | 'to' | 'events' | 'sample' | 'fresh'>
