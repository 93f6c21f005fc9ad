// What the ledger asks for before money moves otherwise than before, and its standing facts.

import { approveSettings, changeSettings, withdrawSettings } from '../../engine/change-settings.ts'
import { personOf } from '../../engine/person.ts'
import { facts, setFact } from '../../engine/set-fact.ts'
import { settings } from '../../engine/settings.ts'
import { callerOf } from '../auth.ts'
import { idempotencyHeaders, ledgerParams } from '../contract.ts'
import { approvalIn, changeParams, factIn, factPageSchema, factQuery, factSchema, instantOf, reasonIn, settingsAnswerSchema, settingsIn } from '../contract-approvals.ts'
import { answerWhole } from '../idempotent.ts'
import type { App, Parts } from './parts.ts'

const tags = ['settings']
const headers = idempotencyHeaders

export function settingsRoutes(app: App, { desk, idempotency }: Parts): void {
  app.get(
    '/ledgers/:ledger/settings',
    { config: { right: 'read' }, schema: { summary: 'What is in force, and what waits', operationId: 'getSettings', tags, params: ledgerParams, response: { 200: settingsAnswerSchema } } },
    async (request) => await settings(desk, callerOf(request).ledger),
  )

  app.post(
    '/ledgers/:ledger/settings',
    {
      config: { right: 'administer' },
      schema: { summary: 'Change some; what asks for more counts at once, the rest once approved', operationId: 'changeSettings', tags, params: ledgerParams, body: settingsIn, headers, response: { 200: settingsAnswerSchema } },
    },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async (id) => {
        const { ledger, grant } = callerOf(request)
        return await changeSettings(desk, ledger, personOf(grant), { ...request.body, id })
      }),
  )

  app.post(
    '/ledgers/:ledger/settings/:change/approve',
    { config: { right: 'approve' }, schema: { summary: 'Approve a change that waits', operationId: 'approveSettings', tags, params: changeParams, body: approvalIn, headers, response: { 200: settingsAnswerSchema } } },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { hash, approved_at: at, signature } = request.body
        const approval = { hash, preview: null, at: instantOf(at) ?? desk.now(), signature: Uint8Array.fromBase64(signature) }
        return await approveSettings(desk, ledger, personOf(grant), { change: request.params.change, approval })
      }),
  )

  app.post(
    '/ledgers/:ledger/settings/:change/withdraw',
    // Who proposed it or who might approve it: the verb decides.
    { config: { right: 'read' }, schema: { summary: 'Take back a change that waits', operationId: 'withdrawSettings', tags, params: changeParams, body: reasonIn, headers, response: { 200: settingsAnswerSchema } } },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        return await withdrawSettings(desk, ledger, personOf(grant), { change: request.params.change, reason: request.body.reason ?? null })
      }),
  )
}

export function factRoutes(app: App, { desk, idempotency }: Parts): void {
  app.get(
    '/ledgers/:ledger/facts',
    {
      config: { right: 'read' },
      schema: { summary: 'Announcements of standing facts, the newest of each first', operationId: 'listFacts', tags: ['facts'], params: ledgerParams, querystring: factQuery, response: { 200: factPageSchema } },
    },
    async (request) => {
      const { name = null, subject = null, cursor = null, limit } = request.query
      return await facts(desk, callerOf(request).ledger, { name, subject, cursor, limit })
    },
  )

  app.post(
    '/ledgers/:ledger/facts',
    { config: { right: 'record' }, schema: { summary: 'Announce a standing fact', operationId: 'setFact', tags: ['facts'], params: ledgerParams, body: factIn, headers, response: { 200: factSchema } } },
    async (request, reply) =>
      await answerWhole(idempotency, request, reply, async () => {
        const { ledger, grant } = callerOf(request)
        const { effective_from: from, ...fact } = request.body
        return await setFact(desk, ledger, personOf(grant), { ...fact, effectiveFrom: instantOf(from) })
      }),
  )
}
