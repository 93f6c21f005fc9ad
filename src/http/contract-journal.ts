// The API's words for the journal as a whole: what a verification and an export are asked for, and what an import answers.

import { z } from 'zod'

const block = z.string().regex(/^[1-9][0-9]{0,17}$/, 'must be the number of a block')

export const verificationIn = z
  .strictObject({
    incremental: z.boolean().optional().meta({ description: 'From where the last such verification ended, and remember where this one does' }),
    from_block: block.optional().meta({ description: 'The journal from this block on' }),
  })
  .meta({ id: 'VerificationInput' })

export type VerificationIn = z.infer<typeof verificationIn>

export const journalQuery = z.strictObject({
  records: z.enum(['true', 'false']).optional().meta({ description: 'false: digests alone of what was recorded with the events' }),
  lane: z.string().regex(/^[0-9]{1,9}$/, 'must be the position of a lane').optional().meta({ description: 'Which lane the blocks are of, from 0' }),
  from_block: block.optional(),
  to_block: block.optional(),
})

export const importedSchema = z
  .strictObject({
    ledger: z.string(),
    from: z.string().meta({ description: 'The ledger that was exported' }),
    lanes: z.array(z.strictObject({ position: z.int(), blocks: z.string(), transfers: z.string(), head: z.string() })).readonly(),
  })
  .meta({ id: 'ImportedJournal' })
