// Recipients: who is paid where.

import { recipients } from '../../engine/read-ledger.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams, pageQuery } from '../contract.ts'
import { recipientPageSchema } from '../read-contract.ts'
import type { App, Parts } from './parts.ts'

const tags = ['recipients']

export function recipientRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/recipients',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Recipients by id, with their newest destination',
        operationId: 'listRecipients',
        tags,
        params: ledgerParams,
        querystring: pageQuery,
        response: { 200: recipientPageSchema },
      },
    },
    async (request) => await recipients(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )
}
