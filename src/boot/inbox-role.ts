// A database role for people and programs that put events in by SQL: it may insert into one ledger's inbox table, read it and its
// statuses, and nothing else. Making it takes the owner's role.

import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Effects } from '../core/effects.ts'
import { quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import type { Ledger } from '../engine/ledger.ts'
import { createPool } from '../store/pool.ts'
import { inTransaction } from '../store/statement.ts'

export type InboxRole = { readonly role: string; readonly url: string; readonly table: string }

const NAME = /^[a-z][a-z0-9_]{0,40}$/
const DUPLICATE = '42710'
const FORBIDDEN = '42501'

/** Makes the role; its address with the password is shown once. Refuses `field_malformed`, `database_role_forbidden`. */
export async function createInboxRole(
  { random }: Pick<Effects, 'random'>,
  { ownerUrl, ledger, role }: { ownerUrl: string; ledger: Ledger; role: string },
): Promise<InboxRole> {
  const { inbox } = ledger.program
  const schema = ledger.row.inbox_schema
  if (inbox === null || schema === null) throw new Refusal('field_malformed', `the ledger ${ledger.name} has no table for SQL inserts`, { field: 'ledger' })
  if (!NAME.test(role)) {
    throw new Refusal('field_malformed', `a role's name is 1 to 41 small letters, digits and underscores, not ${quote(role)}`, { field: 'role' })
  }
  const password = random(18).toBase64({ alphabet: 'base64url' })
  const [name, place] = [escapeIdentifier(role), escapeIdentifier(schema)]
  const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion inbox role' })
  try {
    await inTransaction(owner, async (client) => {
      await client.query(`create role ${name} login password ${escapeLiteral(password)}`)
      await client.query(`grant usage on schema ${place} to ${name}`)
      await client.query(`grant select, insert on ${place}.${escapeIdentifier(inbox.table)} to ${name}`)
      await client.query(`grant select on ${place}.${escapeIdentifier(`${inbox.table}_status`)} to ${name}`)
      await client.query(`alter role ${name} set search_path = ${place}`)
    })
  } catch (error) {
    throw refusalOf(error, role)
  } finally {
    await owner.end()
  }
  return { role, url: Object.assign(new URL(ownerUrl), { username: role, password }).href, table: `${schema}.${inbox.table}` }
}

function refusalOf(error: unknown, role: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error
  if (error.code === DUPLICATE) return new Refusal('field_malformed', `there is a role ${role} on this server already: choose another name`, { field: 'role', value: role })
  if (error.code !== FORBIDDEN) return error
  return new Refusal('database_role_forbidden', `the role of DATABASE_URL may not make roles: let an administrator make ${role} and grant it insert on the table`, { role })
}
