// Whether a database is as this version left it, so that a start or a command need not migrate and grant anew. What was left is kept as a
// mark in the comment on schema apportion. Never says yes to a database that another version, or other roles, have been at since.

import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import type { RoleNames } from './roles.ts'
import { oneRow } from './statement.ts'

/** What this version would do: the texts of its migrations and grants, and the roles that they name. */
export type Wanted = { readonly texts: readonly string[]; readonly roles: RoleNames }

const SCHEMA_FOUND = { text: `select to_regclass('apportion.migration') is not null as found`, values: [] }

/** Whether the mark says that exactly this was done to this database. */
export async function isReady(owner: Pool, wanted: Wanted): Promise<boolean> {
  const { found } = await oneRow<{ found: boolean }>(owner, SCHEMA_FOUND)
  if (!found) return false
  const { mark, kept } = await readMark(owner, wanted)
  return mark === kept
}

/** Marks the database as done. */
export async function markReady(owner: Pool, wanted: Wanted): Promise<void> {
  const { mark } = await readMark(owner, wanted)
  // A comment takes no parameter; a mark is hexadecimal digits.
  await owner.query(`comment on schema apportion is 'apportion ${mark}'`)
}

type Found = { readonly kept: string | null; readonly state: string }

// A clone of a database has another oid, and a role that was dropped and made again too: neither has the grants any more.
async function readMark(owner: Pool, { texts, roles }: Wanted): Promise<{ mark: string; kept: string | null }> {
  const { kept, state } = await oneRow<Found>(owner, {
    text: `
      select substring(obj_description('apportion'::regnamespace, 'pg_namespace') from '^apportion ([0-9a-f]{64})$') as kept,
        jsonb_build_array(
          (select oid::text from pg_database where datname = current_database()),
          (select jsonb_agg(oid::text order by rolname) from pg_roles where rolname = any($1)),
          (select jsonb_agg(name || ' ' || sha256 order by name) from apportion.migration),
          -- Its tables are distributed once the extension is there.
          (select oid::text from pg_extension where extname = 'citus')
        )::text as state`,
    values: [[roles.app, roles.signer]],
  })
  return { mark: createHash('sha256').update(JSON.stringify([texts, roles.app, roles.signer, state])).digest('hex'), kept }
}
