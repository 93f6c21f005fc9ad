// Recipients: who is paid where, what each has, and its statement.

import { recipients } from '../../engine/read-ledger.ts'
import { recipient } from '../../engine/read-recipient.ts'
import { statement, statementLines } from '../../engine/read-statement.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams, pageQuery } from '../contract.ts'
import {
  recipientPageSchema,
  recipientParams,
  standingSchema,
  statementLinePageSchema,
  statementLineQuery,
  statementQuery,
  statementSchema,
} from '../read-contract.ts'
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

  app.get(
    '/ledgers/:ledger/recipients/:recipient',
    {
      config: { right: 'read' },
      schema: {
        summary: 'One recipient, and what has become of its shares',
        operationId: 'getRecipient',
        tags,
        params: recipientParams,
        response: { 200: standingSchema },
      },
    },
    async (request) => await recipient(desk, callerOf(request).ledger, request.params.recipient),
  )

  app.get(
    '/ledgers/:ledger/recipients/:recipient/statement',
    {
      config: { right: 'read' },
      schema: {
        summary: 'The statement of a recipient over a span: opening + earned + adjusted − fees − paid = closing',
        operationId: 'getStatement',
        tags,
        params: recipientParams,
        querystring: statementQuery,
        response: { 200: statementSchema },
      },
    },
    async (request) => {
      const { from = null, to = null, by } = request.query
      return await statement(desk, callerOf(request).ledger, { recipient: request.params.recipient, from, to, by })
    },
  )

  app.get(
    '/ledgers/:ledger/recipients/:recipient/statement/lines',
    {
      config: { right: 'read' },
      schema: {
        summary: 'The lines of a statement, oldest first',
        operationId: 'listStatementLines',
        tags,
        params: recipientParams,
        querystring: statementLineQuery,
        response: { 200: statementLinePageSchema },
      },
    },
    async (request) => {
      const { from = null, to = null, by, cursor = null, limit } = request.query
      return await statementLines(desk, callerOf(request).ledger, { recipient: request.params.recipient, from, to, by, cursor, limit })
    },
  )
}
