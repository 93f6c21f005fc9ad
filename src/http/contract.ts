// The HTTP API's words: every shape that crosses it, as schemas. Units are text, never numbers. It knows nothing of the engine or the server.

import { z } from 'zod'
import { scheduleSchema } from '../core/schedule.ts'

/** Of this contract, not of the program: it rises with what clients can see. */
export const API_VERSION = '1.0.0'

/** Longest page of a list: 200 distributions with their payouts are about half a megabyte. */
export const MAX_PAGE = 200
const DEFAULT_PAGE = 50

/** Events in one call: as many as one posting takes. */
export const MAX_BATCH = 1000

export const units = z.string().regex(/^-?[0-9]{1,39}$/).meta({ description: 'An exact integer of the smallest unit, as text' })
export const instant = z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC' })
export const uuid = z.string().meta({ format: 'uuid' })
export const asset = z.string().meta({ description: 'CODE/scale: one unit is 10^-scale of the whole', examples: ['SOL/9'] })

export const amount = {
  asset,
  units,
  amount: z.string().meta({ description: 'The same as a decimal of the asset, with all its digits', examples: ['1.500000000'] }),
}

export const amountSchema = z.strictObject(amount).meta({ id: 'Amount' })

/** A page of a list: `next` is the cursor of the next page, null on the last. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item).readonly(), next: z.string().nullable() })
}

/** A list that is always whole. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item).readonly() })
}

const ledgerShape = {
  name: z.string(),
  program: z.string(),
  network: z.enum(['sandbox', 'production']),
  rail: z.string(),
  schema: z.string().nullable().meta({ description: "The SQL schema of the ledger's own tables" }),
  created_at: instant,
}

const ledgerSchema = z.strictObject(ledgerShape).meta({ id: 'Ledger' })

export const ledgerDetailSchema = z
  .strictObject({
    ...ledgerShape,
    program_file: z.string().nullable().meta({ description: 'The text of the file that its terms come from, as it was given; null where its program takes none' }),
    schedule: z
      .strictObject({ payouts: scheduleSchema, last_run_at: instant, next_run_at: instant })
      .nullable()
      .meta({ description: 'When payouts are made, of the shares that were recorded before; null: at once' }),
  })
  .meta({ id: 'LedgerDetail' })

const share = {
  role: z.string(),
  recipient: z.string().nullable().meta({ description: "Null for what goes to an account of the plan's own" }),
  account: z.string().meta({ description: 'The account that it goes to' }),
  ...amount,
}

export const shareSchema = z.strictObject(share).meta({ id: 'Share' })

const event = {
  reference: z.string().meta({ description: "The source's own identity of the event, unique within the ledger" }),
  event: z.string().meta({ description: "The event's number in its lane" }),
  event_at: instant,
  recorded_at: instant,
  parties: z.record(z.string(), z.string()),
  ...amount,
  plan_version: z.number().int(),
  backdated: z.boolean(),
  reverses: z.string().nullable().meta({ description: 'The number of the event that it reverses, in its lane; null for all others' }),
}

export const eventSchema = z.strictObject({ ...event, shares: z.array(shareSchema).readonly() }).meta({ id: 'Event' })

const reference = z.string().max(1000)

/** A refund or chargeback. `units` left out reverses all that is left; `amount` is the same as a decimal of the asset. */
export const reversalIn = z
  .strictObject({
    reference: reference.meta({ description: "The reversal's own source reference" }),
    units: z.string().regex(/^[1-9][0-9]{0,38}$/).optional(),
    amount: z.string().max(100).optional(),
    details: z.record(z.string(), z.json()).optional(),
  })
  .refine(({ units, amount }) => units === undefined || amount === undefined, 'give units or amount, not both')
  .meta({ id: 'ReversalInput' })

export const payoutState = z.enum(['queued', 'awaiting_approval', 'held', 'reserved', 'settled', 'cancelled'])
const holdReason = z.string().nullable().meta({ description: 'Why it is held, while it is' })

const progressSchema = z
  .strictObject({
    state: z.enum(['running', 'complete']),
    snapshot: z.string().meta({ description: 'Its hash' }),
    recipients: z.string(),
    place: z.string().meta({ description: 'How many recipients were given their share, by id; shares count when all were' }),
    shares: z.string().meta({ description: 'How many of those are above zero' }),
    ...amount,
    completed_at: instant.nullable(),
    root: z.string().nullable().meta({ description: 'Merkle root over all shares; null until it is made' }),
  })
  .meta({ id: 'DistributionProgress' })

export const proofSchema = z
  .strictObject({
    reference: z.string(),
    recipient: z.string(),
    ...amount,
    leaf: z.string().meta({ description: 'Recipient, tab, units, line feed: the bytes of the leaf' }),
    place: z.number().int().meta({ description: 'Its place among the leaves, from 0' }),
    leaves: z.number().int(),
    path: z.array(z.string()).readonly().meta({ description: 'Hashes of the siblings, from the leaf up' }),
    root: z.string(),
    snapshot: z.string(),
  })
  .meta({ id: 'ShareProof' })

export const distributionSchema = z
  .strictObject({
    ...event,
    shares: z
      .array(
        z
          .strictObject({ ...share, state: z.enum(['zero', 'payable', 'kept', 'running', 'complete', ...payoutState.options]), reason: holdReason, payout: uuid.nullable() })
          .meta({ id: 'DistributedShare' }),
      )
      .readonly(),
    state: z.enum(['settled', 'cancelled', 'held', 'open', 'running', 'complete']).meta({
      description:
        'settled: every share above zero is, or was cancelled; cancelled: all were; held: one waits for something, if only for a person; open: on its way; by snapshot: running, then complete, and its payouts are listed by themselves',
    }),
    progress: progressSchema.nullable().meta({ description: 'How far a distribution by snapshot is; null for others' }),
  })
  .meta({ id: 'Distribution' })

const attemptSchema = z
  .strictObject({
    attempt: uuid,
    state: z.enum(['prepared', 'submitted', 'unknown', 'settled', 'failed', 'never']),
    identity: z.string().meta({ description: 'Its identity on the network, fixed before anything is sent (a signature)' }),
    submits: z.number().int(),
    reason: z.string().nullable(),
    proof: z.unknown().meta({ description: 'What the network stated when the attempt ended; null before' }),
    prepared_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({ id: 'Attempt' })

const drawnShape = {
  shares: z.number().int().meta({ description: 'How many shares it draws on' }),
  draws_on: z
    .array(z.strictObject({ reference: event.reference, part: z.number().int(), role: z.string(), ...amount }).meta({ id: 'DrawnShare' }))
    .readonly()
    .meta({ description: 'The first hundred of them, each less what was taken from it before it was paid; it stands under the first' }),
}

export const payoutSchema = z
  .strictObject({
    payout: uuid,
    reference: event.reference,
    role: z.string(),
    recipient: z.string(),
    ...amount,
    destination: z.string().nullable(),
    state: payoutState,
    reason: holdReason,
    detail: z.string().nullable(),
    due_at: instant.nullable(),
    locked_until: instant.nullable().meta({ description: 'Its plan lets it be paid only from then on' }),
    tries: z.number().int(),
    created_at: instant,
    changed_at: instant,
    attempts: z.array(attemptSchema).readonly(),
    ...drawnShape,
  })
  .meta({ id: 'Payout' })

const payoutCountSchema = z
  .strictObject({ state: payoutState, reason: holdReason, payouts: z.string().meta({ description: 'How many' }), ...amount })
  .meta({ id: 'PayoutCount' })

const walletSchema = z
  .strictObject({
    wallet: uuid,
    label: z.string(),
    rail: z.string(),
    address: z.string(),
    ledger_balances: z.array(amountSchema).readonly(),
  })
  .meta({ id: 'Wallet' })

const idempotency = z.enum(['spent', 'freed']).meta({
  description: 'What became of the Idempotency-Key, when one was sent: spent, it stands for this request; freed, it can be used again',
})

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ format: 'uri', examples: ['urn:apportion:problem:amount_not_positive'] }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What was wrong, with the figures, and what to do' }),
    code: z.string().meta({ description: 'Stable: decide by it' }),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string()).readonly()])),
    instance: z.string().meta({ format: 'uri', description: "The request's id, as in the header Request-Id" }),
    idempotency: idempotency.optional(),
  })
  .meta({ id: 'Problem' })

export const batchSchema = z
  .strictObject({
    recorded: z.number().int(),
    duplicates: z.number().int(),
    refused: z.number().int(),
    results: z
      .array(
        z.discriminatedUnion('state', [
          z.strictObject({ state: z.enum(['recorded', 'duplicate']), event: eventSchema }).meta({ id: 'Recorded' }),
          z.strictObject({ state: z.literal('refused'), problem: problemSchema }).meta({ id: 'Refused' }),
        ]),
      )
      .readonly()
      .meta({ description: 'One for each event, in the order given' }),
    idempotency: idempotency.optional(),
  })
  .meta({ id: 'BatchAnswer' })

export const healthSchema = z.strictObject({ status: z.literal('alive') }).meta({ id: 'Health' })

export const readinessSchema = z
  .strictObject({
    status: z.enum(['ready', 'degraded', 'unavailable']).meta({
      description: 'ready; degraded: requests are served, but tasks of the worker are failing and tried again; unavailable: no database',
    }),
    database: z.boolean(),
    failing_tasks: z.number().int(),
  })
  .meta({ id: 'Readiness' })

export const ledgerListSchema = listOf(ledgerSchema)
export const eventPageSchema = pageOf(eventSchema)
export const distributionPageSchema = pageOf(distributionSchema)
export const payoutPageSchema = pageOf(payoutSchema)
export const payoutListSchema = listOf(payoutSchema)
export const payoutCountListSchema = listOf(payoutCountSchema)
export const walletListSchema = listOf(walletSchema)

export const ledger = z.string().meta({ description: "The ledger's name" })

export const ledgerParams = z.strictObject({ ledger })
export const referenceParams = z.strictObject({
  ledger,
  reference: z.string().meta({ description: "The event's source reference, percent-encoded (a slash is %2F)" }),
})
export const subjectParams = z.strictObject({ ledger, subject: z.string() })
export const proofParams = z.strictObject({ ...referenceParams.shape, recipient: z.string() })
export const payoutParams = z.strictObject({ ledger, payout: z.string() })

export const page = {
  cursor: z.string().optional().meta({ description: 'From `next` of the page before' }),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/, `must be an integer from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().max(MAX_PAGE, `must be an integer from 1 to ${MAX_PAGE}`))
    .default(DEFAULT_PAGE)
    .meta({ type: 'integer', minimum: 1, maximum: MAX_PAGE, description: `${DEFAULT_PAGE} when it is left out` }),
}

export const pageQuery = z.strictObject(page)
export const payoutQuery = z.strictObject({ ...page, state: payoutState.optional() })

export const idempotencyHeaders = z.object({
  'idempotency-key': z.string().optional().meta({ description: 'Makes the answer repeatable for seven days: docs/reference/http-api.md' }),
})
