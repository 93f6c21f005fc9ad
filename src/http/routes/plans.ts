// Plans: drafted, written anew, approved, ended; and the versions that they became.

import { addPlanVersion } from '../../engine/add-plan-version.ts'
import { approvePlan } from '../../engine/approve-plan.ts'
import { rejectPlan, withdrawPlan } from '../../engine/close-plan.ts'
import { draftPlan, editPlan, validatePlan } from '../../engine/draft-plan.ts'
import { personOf } from '../../engine/person.ts'
import { checkPreview } from '../../engine/preview/check.ts'
import { plan, plans } from '../../engine/read-plans.ts'
import { callerOf } from '../auth.ts'
import { BATCH_BODY_LIMIT } from '../body.ts'
import { idempotencyHeaders, ledgerParams } from '../contract.ts'
import { instantOf, planApprovalIn, planIn, planListSchema, planParams, planSchema, reasonIn, validPlanSchema } from '../contract-approvals.ts'
import { answerWhole } from '../idempotent.ts'
import { MAX_EVENTS } from '../passes.ts'
import type { App, Parts } from './parts.ts'
import { givenEvents, sampleOf } from './previews.ts'

const tags = ['plans']
const headers = idempotencyHeaders

export function planRoutes(app: App, parts: Parts): void {
  readRoutes(app, parts)
  writeRoutes(app, parts)
  decideRoutes(app, parts)
}

function readRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/plans',
    { config: { right: 'read' }, schema: { summary: 'All versions, then the drafts that are none', operationId: 'listPlans', tags, params: ledgerParams, response: { 200: planListSchema } } },
    async (request) => ({ items: await plans(desk, callerOf(request).ledger) }),
  )

  app.get(
    '/ledgers/:ledger/plans/:plan',
    { config: { right: 'read' }, schema: { summary: 'One version or draft', operationId: 'getPlan', tags, params: planParams, response: { 200: planSchema } } },
    async (request) => await plan(desk, callerOf(request).ledger, request.params.plan),
  )

  app.post(
    '/ledgers/:ledger/plans/validate',
    {
      config: { right: 'read' },
      schema: { summary: 'Read a plan as a draft would be read, and write nothing', operationId: 'validatePlan', tags, params: ledgerParams, body: planIn, response: { 200: validPlanSchema } },
    },
    async (request) => {
      const { plan: content, effective_from: from } = request.body
      return await validatePlan(desk, callerOf(request).ledger, { content, effectiveFrom: instantOf(from) })
    },
  )
}

function writeRoutes(app: App, { desk, idempotency }: Parts): void {
  app.post(
    '/ledgers/:ledger/plans',
    { config: { right: 'propose' }, schema: { summary: 'Draft a plan', operationId: 'draftPlan', tags, params: ledgerParams, body: planIn, headers, response: { 200: planSchema } } },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async (id) => {
        const { ledger, grant } = callerOf(request)
        const { plan: content, effective_from: from } = request.body
        const draft = await draftPlan(desk, ledger, personOf(grant), { id, content, effectiveFrom: instantOf(from) })
        return await plan(desk, ledger, draft)
      }),
  )

  app.post(
    '/ledgers/:ledger/plans/add',
    {
      config: { right: 'propose' },
      schema: { summary: 'Draft and adopt in one go, where no second person is asked', operationId: 'addPlan', tags, params: ledgerParams, body: planIn, headers, response: { 200: planSchema } },
    },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async (id) => {
        const { ledger, grant } = callerOf(request)
        const { plan: content, effective_from: from } = request.body
        const { version } = await addPlanVersion(desk, ledger, { id, content, effectiveFrom: instantOf(from), person: personOf(grant) })
        return await plan(desk, ledger, version.toString())
      }),
  )

  app.post(
    '/ledgers/:ledger/plans/:plan/edit',
    {
      config: { right: 'propose' },
      schema: { summary: 'Write a draft anew; approvals of what it said before no longer count', operationId: 'editPlan', tags, params: planParams, body: planIn, headers, response: { 200: planSchema } },
    },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { plan: content, effective_from: from } = request.body
        await editPlan(desk, ledger, personOf(grant), { draft: request.params.plan, content, effectiveFrom: instantOf(from) })
        return await plan(desk, ledger, request.params.plan)
      }),
  )
}

function decideRoutes(app: App, { desk, idempotency, passes }: Parts): void {
  app.post(
    '/ledgers/:ledger/plans/:plan/approve',
    {
      // Where no second person is asked, who may propose may also adopt: the verb decides.
      config: { right: 'read' },
      bodyLimit: BATCH_BODY_LIMIT,
      schema: { summary: 'Approve what a draft says now; the last approval makes it a version', operationId: 'approvePlan', tags, params: planParams, body: planApprovalIn, headers, response: { 200: planSchema } },
    },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { hash, preview: named = null, preview_document: document, preview_events: given, approved_at: at, signature } = request.body
        const draft = request.params.plan
        const events = given === undefined ? null : givenEvents(ledger, given)
        const preview =
          document === undefined
            ? null
            : await passes.run(reply, async (signal) => await checkPreview(desk, ledger, { draft, document, sample: sampleOf(ledger), events, limit: MAX_EVENTS, signal }))
        const sealed = { hash, preview: named ?? preview?.hash ?? null }
        const approval = at === undefined || signature === undefined ? null : { ...sealed, at: instantOf(at) ?? desk.now(), signature: Uint8Array.fromBase64(signature) }
        await approvePlan(desk, ledger, personOf(grant), { draft, hash, approval, preview })
        return await plan(desk, ledger, draft)
      }),
  )

  closeRoutes(app, { desk, idempotency })
}

function closeRoutes(app: App, { desk, idempotency }: Pick<Parts, 'desk' | 'idempotency'>): void {
  for (const { verb, right, close, summary, operationId } of [
    { verb: 'reject', right: 'approve', close: rejectPlan, summary: 'Turn a draft away', operationId: 'rejectPlan' },
    { verb: 'withdraw', right: 'propose', close: withdrawPlan, summary: 'Take a draft back', operationId: 'withdrawPlan' },
  ] as const) {
    app.post(
      `/ledgers/:ledger/plans/:plan/${verb}`,
      { config: { right }, schema: { summary, operationId, tags, params: planParams, body: reasonIn, headers, response: { 200: planSchema } } },
      async (request, reply) =>
        await answerWhole(idempotency, request, reply, async () => {
          const { ledger, grant } = callerOf(request)
          await close(desk, ledger, personOf(grant), { draft: request.params.plan, reason: request.body.reason ?? null })
          return await plan(desk, ledger, request.params.plan)
        }),
    )
  }
}
