// The database that tests clone: migrated and granted once a run. Nobody may stay connected to it.

import { Client } from 'pg'
import { migrate } from '../src/store/migrate.ts'
import { createPool } from '../src/store/pool.ts'
import { applyGrants } from '../src/store/roles.ts'

export const TEMPLATE = 'template_app'

/** Login roles of the test server, with their passwords. */
export const ROLES = { app: 'test_app', signer: 'test_signer' } as const

/** The same server's address for another database or role. */
export function addressOf(url: string, { database, role }: { readonly database: string; readonly role?: string }): string {
  const address = new URL(url)
  address.pathname = `/${database}`
  if (role !== undefined) {
    address.username = role
    address.password = role
  }
  return address.href
}

/** Makes roles and template on a new server; `url` is its superuser's. */
export async function makeTemplate(url: string): Promise<void> {
  await onServer(url, async (client) => {
    for (const role of Object.values(ROLES)) await client.query(`create role ${role} login password '${role}'`)
    await client.query(`create database ${TEMPLATE}`)
  })
  const pool = createPool({ url: addressOf(url, { database: TEMPLATE }), max: 1, applicationName: 'test template' })
  await migrate(pool)
  await applyGrants(pool, ROLES)
  await pool.end()
}

/** Undoes makeTemplate, on a server that stays. */
export async function dropTemplate(url: string): Promise<void> {
  await onServer(url, async (client) => {
    await client.query(`drop database if exists ${TEMPLATE}`)
    for (const role of Object.values(ROLES)) await client.query(`drop role if exists ${role}`)
  })
}

/** Runs `work` on one connection, which is closed, on both sides, before this resolves. */
export async function onServer<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
