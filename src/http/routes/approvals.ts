// What waits for a person, what persons agreed to, and their decisions about payouts.

import { present } from '../../core/assert.ts'
import { approvePayouts, rejectPayouts, type Decided } from '../../engine/approve-payouts.ts'
import { personOf } from '../../engine/person.ts'
import { approvalsGiven, waitingApprovals } from '../../engine/read-approvals.ts'
import { payout } from '../../engine/read-ledger.ts'
import { callerOf } from '../auth.ts'
import { idempotencyHeaders, ledgerParams, payoutParams, payoutSchema } from '../contract.ts'
import {
  approvalIn, approvalListSchema, approvalParams, approvalQuery, decidedSchema, instantOf, payoutApprovalsIn, payoutRejectionsIn, reasonRequiredIn, waitingPageSchema,
} from '../contract-approvals.ts'
import { problemOf } from '../errors.ts'
import { answerOnce, answerWhole } from '../idempotent.ts'
import type { App, Parts } from './parts.ts'

const headers = idempotencyHeaders

export function approvalRoutes(app: App, parts: Parts): void {
  readRoutes(app, parts)
  oneRoutes(app, parts)
  severalRoutes(app, parts)
}

function readRoutes(app: App, { desk }: Parts): void {
  const tags = ['approvals']
  app.get(
    '/ledgers/:ledger/approvals',
    {
      config: { right: 'read' },
      schema: { summary: 'What waits for a person, the longest first', operationId: 'listWaitingApprovals', tags, params: ledgerParams, querystring: approvalQuery, response: { 200: waitingPageSchema } },
    },
    async (request) => await waitingApprovals(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )

  app.get(
    '/ledgers/:ledger/approvals/:subject',
    {
      config: { right: 'read' },
      schema: { summary: 'The approvals ever given for a draft, payout or change of settings', operationId: 'listApprovals', tags, params: approvalParams, response: { 200: approvalListSchema } },
    },
    async (request) => ({ items: await approvalsGiven(desk, callerOf(request).ledger, request.params.subject) }),
  )
}

function oneRoutes(app: App, { desk, idempotency }: Parts): void {
  const tags = ['payouts']
  app.post(
    '/ledgers/:ledger/payouts/:payout/approve',
    { config: { right: 'approve' }, schema: { summary: 'Let a payout go', operationId: 'approvePayout', tags, params: payoutParams, body: approvalIn, headers, response: { 200: payoutSchema } } },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { payout: id } = request.params
        const [decided] = await approvePayouts(desk, ledger, personOf(grant), [{ payout: id, approval: givenOf(request.body) }])
        return await payoutOrRefusal(present(decided, 'decision'), async () => await payout(desk, ledger, id))
      }),
  )

  app.post(
    '/ledgers/:ledger/payouts/:payout/reject',
    {
      config: { right: 'approve' },
      schema: { summary: 'Turn a payout away: it is held, owed as before', operationId: 'rejectPayout', tags, params: payoutParams, body: reasonRequiredIn, headers, response: { 200: payoutSchema } },
    },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { payout: id } = request.params
        const [decided] = await rejectPayouts(desk, ledger, personOf(grant), { payouts: [id], reason: request.body.reason })
        return await payoutOrRefusal(present(decided, 'decision'), async () => await payout(desk, ledger, id))
      }),
  )
}

function severalRoutes(app: App, { desk, idempotency }: Parts): void {
  const tags = ['payouts']
  app.post(
    '/ledgers/:ledger/payouts/approve',
    {
      config: { right: 'approve' },
      schema: { summary: 'Let 1 to 500 payouts go, each answered by itself', operationId: 'approvePayouts', tags, params: ledgerParams, body: payoutApprovalsIn, headers, response: { 200: decidedSchema } },
    },
    async (request, reply) =>
      await answerOnce(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const given = request.body.approvals.map(({ payout: id, ...approval }) => ({ payout: id, approval: givenOf(approval) }))
        return outcomeOf(await approvePayouts(desk, ledger, personOf(grant), given), { request: request.id, state: 'queued' })
      }),
  )

  app.post(
    '/ledgers/:ledger/payouts/reject',
    {
      config: { right: 'approve' },
      schema: { summary: 'Turn 1 to 500 payouts away, each answered by itself', operationId: 'rejectPayouts', tags, params: ledgerParams, body: payoutRejectionsIn, headers, response: { 200: decidedSchema } },
    },
    async (request, reply) =>
      await answerOnce(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        return outcomeOf(await rejectPayouts(desk, ledger, personOf(grant), request.body), { request: request.id, state: 'held' })
      }),
  )
}

function givenOf({ hash, approved_at: at, signature }: { readonly hash: string; readonly approved_at: string; readonly signature: string }) {
  return { hash, preview: null, at: present(instantOf(at), 'instant'), signature: Uint8Array.fromBase64(signature) }
}

async function payoutOrRefusal<T extends object>({ refusal }: Decided, read: () => Promise<T>): Promise<T> {
  if (refusal !== null) throw refusal
  return await read()
}

function outcomeOf(decided: readonly Decided[], { request, state }: { readonly request: string; readonly state: 'queued' | 'held' }) {
  const results = decided.map(({ payout: id, refusal }) => {
    return refusal === null ? { payout: id, state, problem: null } : { payout: id, state: null, problem: problemOf(refusal, { request }) }
  })
  const refused = results.filter(({ problem }) => problem !== null).length
  const document = { decided: results.length - refused, refused, results }
  return { status: 200, refusedByState: decided.some(({ refusal }) => refusal?.causedBy === 'state'), show: () => document }
}
