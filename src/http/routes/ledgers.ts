// The key's ledger, and its wallets.

import { ledgerDetailDocument, ledgerDocument } from '../../engine/documents.ts'
import { wallets } from '../../engine/read-ledger.ts'
import { callerOf } from '../auth.ts'
import { ledgerDetailSchema, ledgerListSchema, ledgerParams, walletListSchema } from '../contract.ts'
import type { App, Parts } from './parts.ts'

const tags = ['ledgers']

export function ledgerRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers',
    { config: { right: 'read' }, schema: { summary: 'The ledgers of the key', operationId: 'listLedgers', tags, response: { 200: ledgerListSchema } } },
    async (request) => ({ items: [ledgerDocument(callerOf(request).ledger.row)] }),
  )

  app.get(
    '/ledgers/:ledger',
    { config: { right: 'read' }, schema: { summary: 'One ledger', operationId: 'getLedger', tags, params: ledgerParams, response: { 200: ledgerDetailSchema } } },
    async (request) => ledgerDetailDocument(callerOf(request).ledger, desk.now()),
  )

  app.get(
    '/ledgers/:ledger/wallets',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Wallets, with what the ledger says they hold',
        operationId: 'listWallets',
        tags,
        params: ledgerParams,
        response: { 200: walletListSchema },
      },
    },
    async (request) => ({ items: await wallets(desk, callerOf(request).ledger) }),
  )
}
