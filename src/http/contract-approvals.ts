// The API's words about plans, approvals, settings, keys and facts: what goes in and what comes out.

import { z } from 'zod'
import { settingsSchema } from '../core/settings.ts'
import { amount, instant, ledger, listOf, MAX_BATCH, page, pageOf, payoutState, problemSchema, uuid } from './contract.ts'

const isInstant = (text: string): boolean => {
  try {
    return Temporal.Instant.from(text).epochNanoseconds >= 0n
  } catch {
    return false
  }
}
const instantIn = z.string().refine(isInstant, 'must be an instant such as 2027-01-01T00:00:00Z').meta({ format: 'date-time', description: 'ISO 8601, with its offset' })
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
const reason = z.string().optional().meta({ description: 'Why, for those who read it later' })

/** The instant of a field that was checked to be one. */
export function instantOf(text: string | null | undefined): Temporal.Instant | null {
  return text === undefined || text === null ? null : Temporal.Instant.from(text).round({ smallestUnit: 'microsecond', roundingMode: 'trunc' })
}

const seal = {
  approved_at: instantIn.meta({ description: "When, by the person's clock: part of what is signed, with six digits of a second" }),
  signature: z.base64().max(88).meta({ description: "The person's Ed25519 signature of the statement" }),
}

export const approvalIn = z.strictObject({ hash, ...seal })
export const planApprovalIn = z.strictObject({
  hash: hash.meta({ description: 'Of what was looked at: the draft as it stood in its preview' }),
  preview: hash.nullable().optional().meta({ description: 'Of the preview itself; part of what is signed. It takes preview_document: a hash alone is refused' }),
  preview_document: z.unknown().optional().meta({ description: 'The preview or diff that was looked at, whole: it is made anew on the same events first, and must come out the same' }),
  preview_events: z.array(z.unknown()).min(1).max(MAX_BATCH).optional().meta({ description: 'Of a preview on given events: those events, on which it is made anew' }),
  approved_at: seal.approved_at.optional(),
  signature: seal.signature.optional(),
})
export const payoutApprovalsIn = z.strictObject({ approvals: z.array(z.strictObject({ payout: z.string(), ...approvalIn.shape })).min(1).max(500) })
export const payoutRejectionsIn = z.strictObject({ payouts: z.array(z.string()).min(1).max(500), reason: z.string() })
export const reasonIn = z.strictObject({ reason })
export const reasonRequiredIn = z.strictObject({ reason: z.string() })
export const planIn = z.strictObject({
  plan: z.unknown().meta({ description: 'The plan, as in a plan file' }),
  effective_from: instantIn.nullable().optional().meta({ description: 'Left out: as soon as the notice allows' }),
})
export const keyIn = z.strictObject({
  name: z.string(),
  role: z.string().optional().meta({ description: 'viewer, recorder or operator; approver and admin are made where the database is' }),
  rights: z.array(z.string()).optional().meta({ description: 'In place of a role' }),
})
export const factIn = z.strictObject({
  name: z.string(),
  subject: z.string(),
  value: z.string().meta({ description: 'A decimal, as text' }),
  effective_from: instantIn.nullable().optional().meta({ description: 'Left out: as soon as the notice allows' }),
})
export const settingsIn = z.strictObject({
  plan_approvals: z.number().int().optional(),
  plan_notice_seconds: z.number().int().optional(),
  recoup_percent: z.number().int().optional(),
  payout_approval_above: z.record(z.string(), z.string().nullable()).optional().meta({ description: 'Units by asset; null: no limit' }),
  fact_notice_seconds: z.record(z.string(), z.number().int().nullable()).optional().meta({ description: 'By name of a fact; null: none' }),
})

export const planParams = z.strictObject({ ledger, plan: z.string().meta({ description: "A version's number, or a draft's id" }) })
export const changeParams = z.strictObject({ ledger, change: z.string() })
export const keyParams = z.strictObject({ ledger, name: z.string() })
export const factQuery = z.strictObject({ ...page, name: z.string().optional(), subject: z.string().optional() })

const approvalSchema = z
  .strictObject({ by: z.string(), at: instant, hash: z.string(), preview: z.string().nullable(), counts: z.boolean() })
  .meta({ id: 'PlanApproval' })

export const planSchema = z
  .strictObject({
    version: z.number().int().nullable(),
    draft: uuid.nullable(),
    state: z.enum(['draft', 'approved', 'in_force', 'superseded', 'rejected', 'withdrawn']),
    effective_from: instant.nullable(),
    plan_hash: z.string().meta({ description: 'Of the plan alone' }),
    hash: z.string().nullable().meta({ description: 'Of plan, instant and ledger: what an approval names' }),
    drafted_by: z.string(),
    drafted_at: instant.nullable(),
    approvals_needed: z.number().int(),
    approvals: z.array(approvalSchema).readonly(),
    closed_by: z.string().nullable(),
    closed_at: instant.nullable(),
    reason: z.string().nullable(),
    plan: z.unknown(),
  })
  .meta({ id: 'Plan' })
export const planListSchema = listOf(planSchema)

export const validPlanSchema = z
  .strictObject({
    ...{ plan_hash: z.string(), hash: z.string(), earliest_effect: instant },
    unmet: z.array(z.strictObject({ kind: z.enum(['recipient', 'fund']), name: z.string() })).meta({ description: 'Whom and what the plan names and nobody here has met: new ones, or a slip in a name' }),
  })
  .meta({ id: 'ValidPlan' })

const kind = z.enum(['plan', 'payout', 'settings'])

export const waitingPageSchema = pageOf(
  z
    .strictObject({
      kind,
      subject: uuid,
      hash: z.string(),
      statement: z.string().meta({ description: "The line to sign, without its end: tab, the preview's hash or -, tab, the instant" }),
      since: instant,
      age_seconds: z.number().int(),
      payout: z.strictObject({ recipient: z.string(), destination: z.string(), ...amount }).nullable(),
    })
    .meta({ id: 'WaitingApproval' }),
)

export const approvalListSchema = listOf(
  z
    .strictObject({
      kind,
      subject: uuid,
      hash: z.string(),
      preview: z.string().nullable(),
      by: z.string(),
      at: instant,
      signature: z.string(),
      public_key: z.string(),
      statement: z.string().meta({ description: 'What was signed, whole' }),
    })
    .meta({ id: 'Approval' }),
)

export const decidedSchema = z
  .strictObject({
    decided: z.number().int(),
    refused: z.number().int(),
    results: z.array(z.strictObject({ payout: z.string(), state: payoutState.nullable(), problem: problemSchema.nullable() }).meta({ id: 'Decided' })).readonly(),
  })
  .meta({ id: 'DecidedAnswer' })

const settings = settingsSchema.meta({ id: 'Settings' })
export const settingsAnswerSchema = z
  .strictObject({
    settings,
    number: z.number().int(),
    pending: z
      .strictObject({
        change: uuid,
        number: z.number().int(),
        settings,
        hash: z.string(),
        proposed_by: z.string(),
        proposed_at: instant,
        approvals_needed: z.number().int(),
        approved_by: z.array(z.string()).readonly(),
      })
      .nullable(),
  })
  .meta({ id: 'LedgerSettings' })

const key = {
  id: uuid,
  name: z.string(),
  role: z.string().nullable(),
  rights: z.array(z.string()).readonly(),
  created_at: instant,
  revoked_at: instant.nullable(),
}
export const keySchema = z.strictObject(key).meta({ id: 'Key' })
export const keyListSchema = listOf(keySchema)
export const newKeySchema = z.strictObject({ key: z.string().meta({ description: 'Shown once' }), ...key }).meta({ id: 'NewKey' })

export const factSchema = z
  .strictObject({
    name: z.string(),
    subject: z.string(),
    number: z.number().int(),
    value: z.string(),
    state: z.enum(['pending', 'in_force', 'superseded', 'dropped']),
    effective_from: instant,
    announced_by: z.string(),
    announced_at: instant,
    dropped_at: instant.nullable(),
  })
  .meta({ id: 'Fact' })
export const factPageSchema = pageOf(factSchema)

export const approvalParams = z.strictObject({ ledger, subject: uuid })
export const approvalQuery = z.strictObject(page)
