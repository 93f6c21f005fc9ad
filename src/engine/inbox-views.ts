// The views of ledgers' own schemas: made with the ledger, dropped by migrations that change what they read, and made anew after them
// with everything that people were granted on them.

import type { Pool } from 'pg'
import type { Programs } from '../core/program.ts'
import { forgetViewGrants, viewGrants } from '../store/inbox.ts'
import { asOwner } from '../store/owner-lock.ts'
import { forEachInbox, withNames } from './inbox-grants.ts'

/** Makes the views of every ledger as this version has them. Those of a ledger whose tables somebody dropped are left out. */
export async function makeInboxViews(owner: Pool, { app, programs }: { readonly app: string; readonly programs: Programs }): Promise<void> {
  await asOwner(owner, async (client) => {
    await forEachInbox(client, programs, async ({ program: { views }, schema, ledger }) => {
      if (views === null) return
      await client.query(withNames(views, { schema, ledger, app }))
      for (const grant of await viewGrants(client, schema)) await client.query(grant)
    })
    await forgetViewGrants(client)
  })
}
