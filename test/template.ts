// The database that tests clone: migrated and granted once a run. Nobody may stay connected to it.

import { Client } from 'pg'
import { distributeTables } from '../src/store/citus.ts'
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

/** Makes roles and template on a new server; `url` is its superuser's. Where that is a database of Citus, the template is spread over its workers. */
export async function makeTemplate(url: string): Promise<void> {
  await onServer(url, async (client) => {
    // Citus makes a role on its workers too.
    for (const role of Object.values(ROLES)) await client.query(`create role ${role} login password '${role}'`)
  })
  await onAllServers(url, (client) => client.query(`create database ${TEMPLATE}`))
  const servers = await serversOf(url)
  if (servers.length > 1) await joinServers(servers)
  const pool = createPool({ url: addressOf(url, { database: TEMPLATE }), max: 1, applicationName: 'test template' })
  await migrate(pool)
  await distributeTables(pool)
  await applyGrants(pool, ROLES)
  await pool.end()
  // A database to which anybody is connected is not cloned, and Citus stays in it to look after it until it is sent away.
  if (servers.length > 1) await onAllServers(url, (client) => client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [TEMPLATE]))
}

/** The template as a database of Citus on all servers, of which the first knows the others. */
async function joinServers(servers: readonly string[]): Promise<void> {
  const template = servers.map((server) => addressOf(server, { database: TEMPLATE }))
  for (const address of template) await onServer(address, (client) => client.query('create extension citus'))
  const [first = '', ...workers] = template
  await onServer(first, async (client) => {
    const place = (address: string): readonly unknown[] => [new URL(address).hostname, Number(new URL(address).port)]
    await client.query('select citus_set_coordinator_host($1, $2)', [...place(first)])
    for (const worker of workers) await client.query('select citus_add_node($1, $2)', [...place(worker)])
  })
}

/** Undoes makeTemplate, on a server that stays. */
export async function dropTemplate(url: string): Promise<void> {
  await onAllServers(url, (client) => client.query(`drop database if exists ${TEMPLATE} with (force)`))
  await onServer(url, async (client) => {
    for (const role of Object.values(ROLES)) await client.query(`drop role if exists ${role}`)
  })
}

/** The server, and its workers where the database is one of Citus: their addresses are the server's but for host and port. */
export async function serversOf(url: string): Promise<readonly string[]> {
  return await onServer(url, async (client) => {
    const { rows: spread } = await client.query(`select from pg_extension where extname = 'citus'`)
    if (spread.length === 0) return [url]
    const { rows } = await client.query<{ host: string; port: number }>('select nodename as host, nodeport as port from pg_dist_node where groupid <> 0 order by nodeid')
    return [url, ...rows.map(({ host, port }) => Object.assign(new URL(url), { hostname: host, port }).href)]
  })
}

/** Runs `work` on the server, and on its workers where it is one of Citus: what Citus leaves to whoever runs the servers. */
export async function onAllServers(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  for (const server of await serversOf(url)) await onServer(server, work)
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
