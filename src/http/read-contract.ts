// The part of the HTTP API's words that only reads the books: balances, histories, blocks, recipients. Like the contract, it knows
// nothing of the engine or the server.

import { z } from 'zod'
import { amount, amountSchema, instant, ledger, page, pageOf, units } from './contract.ts'

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
