// The two login roles beside the owner: one for the server, one for the signer. What each may do is SQL (grants.sql).

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { escapeIdentifier, type Pool } from 'pg'
import { asOwner } from './owner-lock.ts'

export type RoleNames = {
  /** Role of the server. */
  readonly app: string
  /** Role of the signer. */
  readonly signer: string
}

const GRANTS = join(import.meta.dirname, 'grants.sql')

/** Applies grants.sql, and further files of its kind, in which `:app` and `:signer` stand for the two roles. */
export async function applyGrants(ownerPool: Pool, roles: RoleNames, files: readonly string[] = []): Promise<void> {
  const texts = await Promise.all([GRANTS, ...files].map((file) => readFile(file, 'utf8')))
  await asOwner(ownerPool, async (client) => {
    for (const text of texts) await client.query(withRoles(text, roles))
  })
}

// A cast (`::app`) is no placeholder.
function withRoles(text: string, roles: RoleNames): string {
  return text.replaceAll(/(?<!:):(app|signer)\b/g, (_, role: keyof RoleNames) => escapeIdentifier(roles[role]))
}
