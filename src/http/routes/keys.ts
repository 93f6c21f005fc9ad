// Keys: the persons and programs of a ledger. Persons who may approve are made elsewhere, by the owner of the database.

import { Refusal } from '../../core/refusal.ts'
import { createKey, listKeys, revokeKey } from '../../engine/api-key.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams } from '../contract.ts'
import { keyIn, keyListSchema, keyParams, keySchema, newKeySchema } from '../contract-approvals.ts'
import type { App, Parts } from './parts.ts'

const tags = ['keys']

export function keyRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/keys',
    { config: { right: 'administer' }, schema: { summary: 'The keys, without their secrets', operationId: 'listKeys', tags, params: ledgerParams, response: { 200: keyListSchema } } },
    async (request) => ({ items: await listKeys(desk, callerOf(request).ledger) }),
  )

  // Never under an Idempotency-Key: the kept answer would hold the key.
  app.post(
    '/ledgers/:ledger/keys',
    { config: { right: 'administer' }, schema: { summary: 'Make a key, shown once', operationId: 'createKey', tags, params: ledgerParams, body: keyIn, response: { 200: newKeySchema } } },
    async (request) => {
      const { name, role, rights } = request.body
      if ((role === undefined) === (rights === undefined)) throw new Refusal('field_malformed', 'say either a role or rights', { field: 'role' })
      return await createKey(desk, callerOf(request).ledger, role === undefined ? { name, rights: rights ?? [] } : { name, role })
    },
  )

  app.post(
    '/ledgers/:ledger/keys/:name/revoke',
    { config: { right: 'administer' }, schema: { summary: 'End a key for good', operationId: 'revokeKey', tags, params: keyParams, response: { 200: keySchema } } },
    async (request) => await revokeKey(desk, callerOf(request).ledger, request.params.name),
  )
}
