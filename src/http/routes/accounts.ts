// The books: balances, histories of accounts, blocks.

import { accountHistory, balances } from '../../engine/read-accounts.ts'
import { blocks } from '../../engine/read-blocks.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams, pageQuery } from '../contract.ts'
import { accountParams, balancePageSchema, balanceQuery, blockPageSchema, entryPageSchema, historyQuery } from '../read-contract.ts'
import type { App, Parts } from './parts.ts'

const tags = ['books']

export function accountRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/balances',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Accounts by name, each with its balance on the side that carries it, now or at a past instant',
        operationId: 'listBalances',
        tags,
        params: ledgerParams,
        querystring: balanceQuery,
        response: { 200: balancePageSchema },
      },
    },
    async (request) => {
      const { at = null, role = null, account = null, cursor = null, limit } = request.query
      return await balances(desk, callerOf(request).ledger, { at, role, account, cursor, limit })
    },
  )

  app.get(
    '/ledgers/:ledger/accounts/:account/history',
    {
      config: { right: 'read' },
      schema: {
        summary: 'What moved in an account, with the balance after each entry',
        operationId: 'listEntries',
        tags,
        params: accountParams,
        querystring: historyQuery,
        response: { 200: entryPageSchema },
      },
    },
    async (request) => {
      const { order, cursor = null, limit } = request.query
      return await accountHistory(desk, callerOf(request).ledger, { account: request.params.account, order, cursor, limit })
    },
  )

  app.get(
    '/ledgers/:ledger/blocks',
    {
      config: { right: 'read' },
      schema: {
        summary: 'The blocks of the journal with their hashes, newest first',
        operationId: 'listBlocks',
        tags,
        params: ledgerParams,
        querystring: pageQuery,
        response: { 200: blockPageSchema },
      },
    },
    async (request) => await blocks(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )
}
