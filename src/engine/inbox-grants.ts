// What the server's role may do with the ledgers' own tables: given when a ledger is made, and anew at each start, because the role may
// be another one than it was.

import { DatabaseError, escapeIdentifier, escapeLiteral, type Pool, type PoolClient } from 'pg'
import { isFileProgram, type Program, type Programs } from '../core/program.ts'
import { listLedgers } from '../store/ledger.ts'
import { asOwner } from '../store/owner-lock.ts'

/** What a program's SQL is about, unquoted. */
export type InboxNames = { readonly schema: string; readonly ledger: string; readonly app: string }

/** A program's SQL with names in place of `:schema`, `:ledger` and `:app`; a cast (`::name`) is no placeholder. */
export function withNames(text: string, { schema, ledger, app }: InboxNames): string {
  const quoted = { schema: escapeIdentifier(schema), ledger: escapeLiteral(ledger), app: escapeIdentifier(app) }
  return text.replace(/(?<!:):(schema|ledger|app)\b/g, (_, name: keyof InboxNames) => quoted[name])
}

const UNDEFINED_TABLE = '42P01'
const UNDEFINED_SCHEMA = '3F000'

/** Does something for every ledger that has tables of its own; one whose tables somebody dropped is left as it was. */
export async function forEachInbox(
  client: PoolClient,
  programs: Programs,
  work: (found: { readonly program: Program; readonly schema: string; readonly ledger: string }) => Promise<void>,
): Promise<void> {
  for (const { ledger, program: name, inbox_schema: schema } of await listLedgers(client)) {
    const program = programs.get(name)
    if (schema === null || program === undefined || isFileProgram(program)) continue
    await client.query('savepoint inbox')
    try {
      await work({ program, schema, ledger })
    } catch (error) {
      if (!(error instanceof DatabaseError) || (error.code !== UNDEFINED_TABLE && error.code !== UNDEFINED_SCHEMA)) throw error
      await client.query('rollback to savepoint inbox')
    }
    await client.query('release savepoint inbox')
  }
}

/** Lets the server's role use the tables of every ledger. */
export async function applyInboxGrants(
  owner: Pool,
  { app, programs }: { readonly app: string; readonly programs: Programs },
): Promise<void> {
  await asOwner(owner, async (client) => {
    await forEachInbox(client, programs, async ({ program: { grants }, schema, ledger }) => {
      if (grants !== null) await client.query(withNames(grants, { schema, ledger, app }))
    })
  })
}
