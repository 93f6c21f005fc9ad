// Reports over all recipients of a ledger.

import { ageing, top, totals } from '../../engine/read-reports.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams } from '../contract.ts'
import { ageingListSchema, topListSchema, topQuery, totalListSchema, totalQuery } from '../read-contract.ts'
import type { App, Parts } from './parts.ts'

const tags = ['reports']

export function reportRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/reports/totals',
    {
      config: { right: 'read' },
      schema: {
        summary: 'What stands in all accounts of each role, now or at a past instant',
        operationId: 'reportTotals',
        tags,
        params: ledgerParams,
        querystring: totalQuery,
        response: { 200: totalListSchema },
      },
    },
    async (request) => ({ items: await totals(desk, callerOf(request).ledger, { at: request.query.at ?? null }) }),
  )

  app.get(
    '/ledgers/:ledger/reports/top',
    {
      config: { right: 'read' },
      schema: {
        summary: 'The recipients who earned, are owed or were paid most, in each asset',
        operationId: 'reportTop',
        tags,
        params: ledgerParams,
        querystring: topQuery,
        response: { 200: topListSchema },
      },
    },
    async (request) => {
      const { by, from = null, to = null, limit } = request.query
      return { items: await top(desk, callerOf(request).ledger, { by, from, to, limit }) }
    },
  )

  app.get(
    '/ledgers/:ledger/reports/ageing',
    {
      config: { right: 'read' },
      schema: {
        summary: 'How old what waits and what is on its way is, by state and reason',
        operationId: 'reportAgeing',
        tags,
        params: ledgerParams,
        response: { 200: ageingListSchema },
      },
    },
    async (request) => ({ items: await ageing(desk, callerOf(request).ledger) }),
  )
}
