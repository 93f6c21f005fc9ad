// The part of the HTTP API's words that only reads the books: balances, histories, blocks, recipients. Like the contract, it knows
// nothing of the engine or the server.

import { z } from 'zod'
import { amount, amountSchema, instant, ledger, listOf, page, pageOf, units } from './contract.ts'

const lane = z.number().int().meta({ description: "The lane's position within the ledger" })
const number = z.string().regex(/^[0-9]{1,19}$/)

const balanceSchema = z.strictObject({ account: z.string(), ...amount, debits: units, credits: units }).meta({ id: 'Balance' })

const entrySchema = z
  .strictObject({
    transfer: number.meta({ description: 'Its number in its lane' }),
    lane,
    recorded_at: instant,
    kind: z.string(),
    side: z.enum(['debit', 'credit']).meta({ description: 'The side of the account on which it stands' }),
    other: z.string().meta({ description: 'The account on the other side' }),
    ...amount,
    event: number.nullable(),
    reference: z.string().nullable(),
    event_at: instant.nullable(),
    subject: z.string().nullable().meta({ description: 'The payout, attempt or movement that it belongs to' }),
    balance: amountSchema.meta({ description: 'Of the account in this asset after the entry, over all lanes' }),
  })
  .meta({ id: 'Entry' })

const blockSchema = z
  .strictObject({
    lane,
    block: number,
    recorded_at: instant,
    first_transfer: number,
    last_transfer: number,
    events: number.meta({ description: 'How many' }),
    hash: z.string().regex(/^[0-9a-f]{64}$/).meta({ description: 'SHA-256 over the hash before and the lines of the block, in hex' }),
  })
  .meta({ id: 'Block' })

const recipientSchema = z
  .strictObject({ recipient: z.string(), label: z.string().nullable(), destination: z.string().nullable(), effective_from: instant.nullable() })
  .meta({ id: 'Recipient' })

export const balancePageSchema = pageOf(balanceSchema)
export const entryPageSchema = pageOf(entrySchema)
export const blockPageSchema = pageOf(blockSchema)
export const recipientPageSchema = pageOf(recipientSchema)

export const accountParams = z.strictObject({ ledger, account: z.string().meta({ description: 'Its name, percent-encoded: payable%3Aai' }) })

export const at = z.string().optional().meta({ format: 'date-time', description: 'What was recorded at or before this instant; now when it is left out' })

export const balanceQuery = z.strictObject({
  ...page,
  at,
  role: z.string().optional().meta({ description: 'Accounts of this role alone: payable, wallet, …' }),
  account: z.string().optional().meta({ description: 'This account alone' }),
})
export const historyQuery = z.strictObject({ ...page, order: z.enum(['newest', 'oldest']).default('newest').meta({ description: 'Which comes first' }) })

const state = z.string().meta({ description: "payable: no payout has been made yet; carried: below a minimum; owed: by the recipient; else the payout's state" })
const count = z.string().regex(/^[0-9]{1,19}$/)

export const standingSchema = z
  .strictObject({
    ...recipientSchema.shape,
    standing: z
      .array(z.strictObject({ state, reason: z.string().nullable(), payouts: count, ...amount, since: instant, age_seconds: z.number().int() }).meta({ id: 'Standing' }))
      .readonly()
      .meta({ description: 'What has become of every share, and what is carried and owed, with since when and for how long' }),
  })
  .meta({ id: 'RecipientStanding' })

const by = z.enum(['recorded_at', 'event_at']).default('recorded_at').meta({
  description: "recorded_at: what was recorded in the span. event_at: events that happened in it, which reads all of the recipient's history, and which later events may still change",
})
const span = {
  from: z.string().optional().meta({ format: 'date-time', description: 'From this instant on; from the beginning when it is left out' }),
  to: z.string().optional().meta({ format: 'date-time', description: 'Before this instant; all that is recorded so far when it is left out' }),
}

export const statementSchema = z
  .strictObject({
    recipient: z.string(),
    from: instant.nullable(),
    to: instant.nullable(),
    by: z.enum(['recorded_at', 'event_at']),
    assets: z
      .array(
        z
          .strictObject({
            asset: z.string(),
            opening: amountSchema,
            earned: amountSchema,
            adjusted: amountSchema,
            fees: amountSchema,
            paid: amountSchema,
            closing: amountSchema.meta({ description: 'opening + earned + adjusted − fees − paid' }),
            standing: z.array(z.strictObject({ account: z.string(), ...amount })).readonly().meta({ description: 'Where the closing stands; empty by the instants of events' }),
          })
          .meta({ id: 'StatementAsset' }),
      )
      .readonly(),
    heads: z
      .array(z.strictObject({ lane, block: number, hash: z.string().nullable(), recorded_at: instant.nullable() }).meta({ id: 'Head' }))
      .readonly()
      .meta({ description: 'The newest block of each lane that was read' }),
  })
  .meta({ id: 'Statement' })

const statementLineSchema = z
  .strictObject({
    recorded_at: instant,
    event_at: instant.nullable(),
    line: z.enum(['earned', 'adjusted', 'fee', 'paid', 'moved']).meta({ description: "moved: from one of the recipient's accounts to another, which changes nothing that is owed" }),
    kind: z.string(),
    ...amount,
    change: amountSchema.meta({ description: 'By how much it changes what is owed to the recipient' }),
    balance: amountSchema.meta({ description: 'What is owed after it' }),
    reference: z.string().nullable(),
    plan_version: z.number().int().nullable(),
    part: z.number().int().nullable().meta({ description: 'The place of the share in the plan version' }),
    subject: z.string().nullable().meta({ description: 'The payout that it belongs to' }),
    payout: z.string().nullable().meta({ description: 'Of a share: the payout that draws on it, once there is one' }),
    lane,
    transfer: number,
  })
  .meta({ id: 'StatementLine' })

const totalSchema = z.strictObject({ role: z.string(), accounts: count.meta({ description: 'How many hold anything; those of each lane count for themselves' }), ...amount, debits: units, credits: units }).meta({ id: 'Total' })
const topSchema = z.strictObject({ rank: count, recipient: z.string(), ...amount }).meta({ id: 'RankedRecipient' })
const ageingSchema = z
  .strictObject({
    state,
    reason: z.string().nullable(),
    asset: z.string(),
    since: instant.meta({ description: 'When the oldest was made' }),
    ages: z.array(z.strictObject({ from_days: z.number().int(), to_days: z.number().int().nullable(), payouts: count, ...amount }).meta({ id: 'Age' })).readonly(),
  })
  .meta({ id: 'Ageing' })

export const statementLinePageSchema = pageOf(statementLineSchema)
export const totalListSchema = listOf(totalSchema)
export const topListSchema = listOf(topSchema)
export const ageingListSchema = listOf(ageingSchema)

export const recipientParams = z.strictObject({ ledger, recipient: z.string() })
export const statementQuery = z.strictObject({ ...span, by })
export const statementLineQuery = z.strictObject({ ...page, ...span, by })
export const totalQuery = z.strictObject({ at })
export const topQuery = z.strictObject({
  by: z.enum(['earned', 'payable', 'paid']).meta({ description: 'payable stands at an instant: `to`, and no `from`' }),
  ...span,
  limit: page.limit,
})

const snapshotFields = {
  name: z.string(),
  hash: z.string().meta({ description: 'What an event names it by' }),
  record_at: instant,
  recipients: count,
  weights: z.string().meta({ description: 'Their sum' }),
  source: z.string(),
  created_at: instant,
}
export const snapshotSchema = z.strictObject(snapshotFields).meta({ id: 'Snapshot' })
export const snapshotPageSchema = pageOf(snapshotSchema)
export const snapshotParams = z.strictObject({ ledger, snapshot: z.string() })
export const snapshotQuery = z.strictObject({ record_at: instant.optional().meta({ description: 'The instant of which it says what everybody held; now when left out' }) })
