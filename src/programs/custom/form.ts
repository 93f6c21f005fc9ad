// The form of the file that a ledger of this program is made from: what it holds, its plan, and how the source's own events are read.

import { z } from 'zod'
import { writtenPlan } from '../../core/plan.ts'
import { identifier } from '../../core/rules/target.ts'
import { scheduleSchema } from '../../core/schedule.ts'
import { pathSchema } from './path.ts'

/** Recipients and funds that a file lists, paths that a mapping has: written by people. */
const MAX_LISTED = 1000
const MAX_KEPT = 50

const label = z.string().min(1).max(200).meta({ description: 'What it is called, for people' })

const named = z.union([pathSchema, z.strictObject({ field: pathSchema, optional: z.literal(true) })], {
  error: 'must be a path into the event, or {"field": <path>, "optional": true}',
})

const factSource = z.union(
  [
    z.strictObject({ each: pathSchema.meta({ description: 'An object: its names are the subjects' }), optional: z.literal(true).optional() }),
    z.strictObject({ list: pathSchema.meta({ description: 'A list of objects' }), subject: pathSchema, value: pathSchema, optional: z.literal(true).optional() }),
    z.strictObject({ subjects: z.record(identifier, pathSchema).meta({ description: 'The value of each subject that is named here' }), optional: z.literal(true).optional() }),
    z.strictObject({ of: identifier.meta({ description: "The event's party whose fact it is" }), value: pathSchema, optional: z.literal(true).optional() }),
  ],
  { error: 'a fact is read from {"each"}, {"list", "subject", "value"}, {"subjects"} or {"of", "value"}' },
)

const eventMapping = z
  .strictObject({
    reference: pathSchema.meta({ description: "The event's identity, unique for ever" }),
    amount: z
      .union([pathSchema, z.strictObject({ field: pathSchema, in: z.enum(['asset', 'units']) })], { error: 'must be a path into the event, or {"field": <path>, "in": "asset" or "units"}' })
      .meta({ description: 'What is divided: a decimal of the asset as text, or whole smallest units' }),
    parties: z.record(identifier, named).optional().meta({ description: 'Ids of those whom the plan names by party' }),
    facts: z.record(identifier, factSource).optional().meta({ description: 'What the rules need besides the amount' }),
    claims: z.record(identifier, pathSchema).optional().meta({ description: 'Amounts that the source worked out itself, by role: checked against the plan' }),
    event_at: z
      .union([pathSchema, z.strictObject({ field: pathSchema, in: z.enum(['iso', 'seconds', 'milliseconds']).optional(), optional: z.literal(true).optional() })], {
        error: 'must be a path into the event, or {"field": <path>, "in": "iso", "seconds" or "milliseconds", "optional": true}',
      })
      .optional()
      .meta({ description: 'When it happened; the instant of recording when left out' }),
    keep: z.array(pathSchema).max(MAX_KEPT).optional().meta({ description: 'What is kept beside the event; it changes no share' }),
    requires: z
      .array(z.strictObject({ field: pathSchema, is: z.array(z.union([z.string(), z.boolean()])).min(1) }))
      .max(MAX_KEPT)
      .optional()
      .meta({ description: 'An event in which a field is anything else is refused: another currency, an order that is not paid' }),
    others: z.enum(['ignored', 'refused']).optional().meta({ description: 'Fields that nothing here names: ignored when left out' }),
  })
  .meta({ description: "How the source's own JSON becomes an event" })

export const programFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    summary: z.string().min(1).max(200).meta({ description: 'What it does, after "a program that": "shares each sale between seller and platform"' }),
    asset: z.string().meta({ description: 'CODE/scale: one unit is 10^-scale of the whole' }),
    rail: z.string().min(1).max(40).meta({ description: 'The network on which shares are paid' }),
    accounts: z.strictObject({
      recipients: z.array(z.strictObject({ recipient: identifier, label })).max(MAX_LISTED).meta({ description: 'Recipients that the plan names' }),
      funds: z.array(z.strictObject({ fund: identifier, label })).max(MAX_LISTED).optional().meta({ description: "Accounts of the plan's own" }),
    }),
    plan: writtenPlan,
    payouts: z
      .strictObject({
        approval_above: z
          .string()
          .regex(/^[0-9]{1,39}(\.[0-9]{1,30})?$/, 'must be an amount as text, such as "1000"')
          .optional()
          .meta({ description: 'A larger payout waits for a person' }),
        policy: z.enum(['per_share', 'per_destination']).optional().meta({ description: 'per_destination: shares of one recipient that go to one destination are one payout' }),
      })
      .optional()
      .meta({ description: 'How shares are paid' }),
    schedule: z.strictObject({ payouts: scheduleSchema }).optional().meta({ description: 'What the ledger does at its own times' }),
    event: eventMapping,
    sample: z
      .strictObject({
        event: z.record(z.string(), z.json()).meta({ description: 'An event as the source sends it, to try the ledger with' }),
        parties: z.array(z.strictObject({ recipient: identifier, label })).max(MAX_LISTED).optional().meta({ description: 'Who its parties are' }),
      })
      .meta({ description: 'An event to try it with' }),
  })
  .meta({ title: 'Program file', description: 'Business as data: what a ledger holds, how it divides, and how events are read. docs/reference/program-file.md describes it.' })

export type ProgramFile = z.infer<typeof programFileSchema>
export type EventMapping = ProgramFile['event']
export type FactSource = NonNullable<EventMapping['facts']>[string]
