// The document that explains an event: a stable JSON form (docs/reference/explain-format.md), for programs and pages. Money is text.

import { z } from 'zod'
import type { NamedTransfer } from '../store/explain.ts'
import { amountDocument } from './documents.ts'

const digits = z.string().regex(/^[0-9]+$/)
const hex = z.string().regex(/^[0-9a-f]{64}$/)
const instant = z.string()

const amount = { asset: z.string(), units: digits, amount: z.string() }

const transferSchema = z.strictObject({ number: digits, kind: z.string(), debit: z.string(), credit: z.string(), ...amount })

const blockSchema = z.strictObject({ number: digits, hash: hex, recorded_at: instant })

/** Where a share's money is now. */
const standingSchema = z.discriminatedUnion('state', [
  /** The share has no units: there is nothing to pay. */
  z.strictObject({ state: z.literal('zero') }),
  /** The ledger does not hold it, though the plan gives it. */
  z.strictObject({ state: z.literal('missing') }),
  /** It stands in the recipient's account; its payout is made next. */
  z.strictObject({ state: z.literal('payable') }),
  /** It is posted, and counts when the distribution in chunks that it belongs to is complete. */
  z.strictObject({ state: z.literal('running') }),
  /** It stands in an account from which nothing is paid: a fund, what is carried, or a rounding's rest. */
  z.strictObject({ state: z.literal('kept'), account: z.string() }),
  /** A later step changed it; what became of it stands there. */
  z.strictObject({ state: z.literal('changed'), by: z.string() }),
  z.strictObject({ state: z.literal('queued'), since: instant, due_at: instant.nullable(), locked_until: instant.nullable() }),
  z.strictObject({ state: z.literal('awaiting_approval'), since: instant }),
  z.strictObject({ state: z.literal('held'), reason: z.string(), detail: z.string().nullable(), since: instant, retry_at: instant.nullable() }),
  /** All of it was reversed before it was paid, or kept back for what the recipient owed. */
  z.strictObject({ state: z.literal('cancelled'), since: instant }),
  z.strictObject({ state: z.literal('in_flight'), attempt: z.string(), identity: z.string(), attempt_state: z.string(), since: instant }),
  z.strictObject({ state: z.literal('paid'), attempt: z.string(), identity: z.string(), proof: z.json(), settled_at: instant }),
])

const attemptSchema = z.strictObject({
  attempt: z.string(),
  state: z.string(),
  /** What the network knows it by, fixed before it was sent. */
  identity: z.string(),
  submits: z.int(),
  /** How many payouts it carries, this one among them. */
  payouts: z.int(),
  reason: z.string().nullable(),
  proof: z.json(),
  prepared_at: instant,
  ended_at: instant.nullable(),
  /** What the network took for it. No share bears them: they stand in the account `network`. */
  costs: z.array(transferSchema),
})

const payoutSchema = z.strictObject({
  payout: z.string(),
  /** Its shares, less what reversals and recoupments took from them before it was paid. */
  ...amount,
  /** How many shares it draws on, and the first hundred of them. */
  shares: z.int(),
  draws_on: z.array(z.strictObject({ reference: z.string(), part: z.int(), role: z.string(), ...amount })).readonly(),
  destination: z.string().nullable(),
  tries: z.int(),
  created_at: instant,
  attempts: z.array(attemptSchema),
  /** Its movements in the ledger: reserved, released, settled. */
  moves: z.array(z.strictObject({ ...transferSchema.shape, block: blockSchema })),
})

const shareSchema = z.strictObject({
  part: z.int(),
  /** The step that gives it, and the rounding of that step. */
  step: z.string(),
  rounding: z.string(),
  role: z.string(),
  /** Null for what goes to an account of the plan's own. */
  recipient: z.string().nullable(),
  /** The account it comes from, and the one it goes to. */
  from: z.string(),
  account: z.string(),
  /** Why it is what it is, in words, and the numbers of the formula by name. */
  grounds: z.string(),
  formula: z.string(),
  inputs: z.record(z.string(), z.string()),
  /** The exact result of the formula, its whole part, what that cut off, and the unit rounding gave back. */
  quota: z.string(),
  floor: digits,
  remainder: z.string(),
  extra: digits,
  note: z.string(),
  ...amount,
  /** Of these, units taken back by reversals or kept back for what the recipient owes, before they were paid. */
  deducted: digits,
  /** The later step that changed it, so that this one was never posted; null when it was. */
  changed_by: z.string().nullable(),
  /** Units that came with the event for this role; null when none did. */
  claimed: digits.nullable(),
  /** Where the ledger holds it; null for a share of zero units, or when the ledger has lost it. */
  transfer: transferSchema.nullable(),
  now: standingSchema,
  payout: payoutSchema.nullable(),
})

export const explanationSchema = z.strictObject({
  format: z.literal(2),
  ledger: z.string(),
  /** What was asked for, and the parts of the plan that the question is about. */
  asked: z.strictObject({ kind: z.enum(['event', 'share', 'payout', 'reversal']), subject: z.string(), parts: z.array(z.int()) }),
  event: z.strictObject({
    reference: z.string(),
    /** Position of its lane in the ledger, from 0, and its number there. */
    lane: z.int(),
    number: digits,
    ...amount,
    event_at: instant,
    recorded_at: instant,
    parties: z.record(z.string(), z.string()),
    /** Facts that came with it, and facts that the ledger kept for its instant; by name and subject. */
    facts: z.record(z.string(), z.record(z.string(), z.string())),
    standing: z.record(z.string(), z.record(z.string(), z.string())),
    door: z.string(),
    backdated: z.boolean(),
    details: z.json(),
    digest: z.string(),
    fingerprint: hex,
  }),
  /** The block that holds event and shares. */
  block: blockSchema,
  received: transferSchema.nullable(),
  plan: z.strictObject({ version: z.int(), hash: hex, effective_from: instant.nullable() }),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      rule: z.string(),
      rounding: z.string(),
      /** What it divides: an account, or the shares of an earlier step (`shares:<step>`). */
      from: z.string(),
      pool: digits,
    }),
  ),
  /** What the plan's rules remembered before this event, by key. */
  remembered: z.record(z.string(), z.json()),
  shares: z.array(shareSchema),
  /** Refunds and chargebacks of the event, in order, with what each took back from where. */
  reversals: z.array(
    z.strictObject({
      reference: z.string(),
      number: digits,
      ...amount,
      block: blockSchema,
      transfers: z.array(z.strictObject({ part: z.int().nullable(), ...transferSchema.shape })),
    }),
  ),
  /** Whether the ledger holds what was worked out anew here. */
  agrees: z.boolean(),
  differences: z.array(z.strictObject({ what: z.string(), expected: z.string(), found: z.string() })),
})

export type Explanation = z.infer<typeof explanationSchema>
export type ExplainedShare = z.infer<typeof shareSchema>
export type ExplainedPayout = z.infer<typeof payoutSchema>
export type ExplainedTransfer = z.infer<typeof transferSchema>
export type Standing = z.infer<typeof standingSchema>

export function transferDocument({ number, kind, debit, credit, asset, units }: NamedTransfer): ExplainedTransfer {
  return { number: number.toString(), kind, debit, credit, ...amountDocument(units, asset) }
}
