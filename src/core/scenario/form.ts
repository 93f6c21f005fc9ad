// The form of scenario files: what is given, what comes in, what is expected. Amounts are decimals of the asset as text, never numbers.

import { z } from 'zod'
import type { Json } from '../effects.ts'
import { writtenPlan } from '../plan.ts'
import { scheduleSchema } from '../schedule.ts'

/** Scenarios of one file, and what happens in one of them: people write and read them. */
const MAX_SCENARIOS = 1000
const MAX_STEPS = 10_000

const amount = z.string().regex(/^[0-9]{1,40}(\.[0-9]{1,30})?$/, 'must be an amount as text, such as "1.5"').meta({ description: 'A decimal of the asset, as text' })

const instant = z.string().refine(isInstant, 'must be an instant in UTC, such as 2026-01-31T12:00:00Z').meta({ format: 'date-time' })

const name = z.string().min(1).max(200)

const amounts = z.record(name, amount)

const body = z.record(z.string(), z.json())

/** What there is before anything happens, whatever the plan. */
const start = {
  at: instant.optional().meta({ description: 'When it begins; the beginning of 2026 when left out' }),
  facts: z.record(name, z.record(name, z.string())).optional().meta({ description: 'Standing facts, by name and subject' }),
  funds: amounts.optional().meta({ description: 'What stands in funds already, by name' }),
}

export const startSchema = z.strictObject(start)

export type Start = z.infer<typeof startSchema>

const given = z
  .strictObject({
    program: name.optional().meta({ description: 'An installed program: its asset, its first plan, and its words for events' }),
    file: name.optional().meta({ description: "The program's file, where it takes one: its path from this file" }),
    asset: z.string().optional().meta({ description: 'CODE/scale, where no program is given' }),
    plan: writtenPlan.optional(),
    schedule: scheduleSchema.optional(),
    ...start,
    event: body.optional().meta({ description: 'Fields that each event has unless it says otherwise itself' }),
  })
  .meta({ description: 'What there is before anything happens' })

const refused = z.strictObject({
  refused: name.meta({ description: "The refusal's code" }),
  field: z.string().optional().meta({ description: 'The field that it names' }),
  says: z.array(z.string().min(1)).min(1).optional().meta({ description: 'What stands in its message' }),
})

const transfers = z
  .array(z.string().regex(/^\S+ (→|->) \S+ [0-9.]+$/, 'must be a transfer such as "received → payable:ana 1.5"'))
  .meta({ description: 'Every movement of the division, in order: "<from> → <to> <amount>"' })

const recorded = z
  .strictObject({
    shares: amounts.optional().meta({ description: 'All that roles get, by role; a role that is not named gets nothing' }),
    recipients: amounts.optional().meta({ description: 'All that is due to recipients by this event, by id' }),
    transfers: transfers.optional(),
    version: z.int().min(1).optional().meta({ description: "The plan version's number" }),
  })
  .refine((all) => Object.keys(all).length > 0, 'must say what is expected: shares, recipients, transfers or version')

const duplicate = z.strictObject({ duplicate: z.literal(true).meta({ description: 'The event was recorded before with the same content' }) })

const at = instant.optional().meta({ description: 'Time passes to this instant first' })

const eventStep = z.strictObject({
  at,
  event: body.meta({ description: "The event in its program's words; without a program: reference, amount, parties, facts, event_at" }),
  expect: z.union([refused, duplicate, recorded]).optional(),
})

const reverseStep = z.strictObject({
  at,
  reverse: z
    .strictObject({
      event: name.meta({ description: 'Reference of the event that is reversed' }),
      reference: name.meta({ description: "The reversal's own reference" }),
      amount: amount.optional().meta({ description: 'How much of it; all that is left when left out' }),
    })
    .meta({ description: 'An event is reversed, whole or in part; nothing was paid yet' }),
  expect: z.union([refused, duplicate, z.strictObject({ transfers })]).optional(),
})

const factStep = z.strictObject({ at, fact: z.strictObject({ name, subject: name, value: z.string() }), expect: refused.optional() })

const planStep = z.strictObject({ at, plan: writtenPlan, expect: refused.optional() })

const timeStep = z.strictObject({ at: instant })

const step = z.union([eventStep, reverseStep, factStep, planStep, timeStep])

const end = z
  .strictObject({
    payable: amounts.optional().meta({ description: 'All that is due to recipients, locked or not, by id' }),
    carried: amounts.optional().meta({ description: 'All that is carried, by recipient' }),
    locked: amounts.optional().meta({ description: 'What of it may not be paid yet, by recipient' }),
    scheduled: amounts.optional().meta({ description: 'What of it becomes payouts at the next scheduled instant, by recipient' }),
    balances: amounts.optional().meta({ description: 'What stands in the accounts named' }),
  })
  .refine((all) => Object.values(all).some((part) => part !== undefined), 'must say what is expected: payable, carried, locked, scheduled or balances')

const scenario = z
  .strictObject({
    it: z.string().min(1).max(500).meta({ description: 'What is shown, as a sentence' }),
    given: given.optional(),
    when: z.array(step).min(1).max(MAX_STEPS).meta({ description: 'What happens, in order' }),
    expect: end.optional().meta({ description: 'How everything stands at the end' }),
  })
  .refine(({ when, expect }) => expect !== undefined || when.some((each) => 'expect' in each && each.expect !== undefined), {
    path: ['when'],
    message: 'expects nothing: a scenario that cannot fail shows nothing',
  })

export const scenarioFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    given: given.optional().meta({ description: 'What is given in each scenario; a scenario may say otherwise itself' }),
    scenarios: z.array(scenario).min(1).max(MAX_SCENARIOS),
  })
  .meta({ title: 'Scenarios', description: 'What a plan does: given, when, expect. docs/reference/scenarios.md describes them.' })

export type ScenarioFile = z.infer<typeof scenarioFileSchema>
export type Scenario = ScenarioFile['scenarios'][number]
export type Given = z.infer<typeof given>
export type ScenarioStep = z.infer<typeof step>
export type EventStep = z.infer<typeof eventStep>
export type ReverseStep = z.infer<typeof reverseStep>
export type EventExpectation = NonNullable<EventStep['expect']>
export type RefusedExpectation = z.infer<typeof refused>
export type EndExpectation = z.infer<typeof end>

/** The plan of a scenario is data that was JSON. */
export type Body = Readonly<Record<string, Json>>

function isInstant(text: string): boolean {
  try {
    return text.endsWith('Z') && Temporal.Instant.from(text) !== null
  } catch {
    return false
  }
}
