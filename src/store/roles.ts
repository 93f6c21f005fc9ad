// The two login roles beside the owner: one for the server, one for the signer. What each may do is SQL (grants.sql).
// Their passwords follow from the owner's, so that all servers on one database agree without a file; none is ever shown.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, escapeIdentifier, escapeLiteral, type Pool, type PoolClient, type QueryResultRow } from 'pg'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { asOwner } from './owner-lock.ts'
import { createPool } from './pool.ts'

export type RoleNames = {
  /** Role of the server. */
  readonly app: string
  /** Role of the signer. */
  readonly signer: string
}

export type RoleUrls = { readonly appUrl: string; readonly signerUrl: string }

export type Roles = RoleUrls & RoleNames

const OLDEST_SUPPORTED = 15

const LOGIN_LIMIT_MS = 10_000

/**
 * Gives both roles' addresses: those passed in, checked, or roles that the owner makes, `apportion_<database>_app` and `_signer`.
 * @throws Refusal database_version_unsupported for a server older than 15; database_role_forbidden when the owner may not do what
 * it must, or the given roles are not two others; database_unavailable when it cannot be reached; configuration_invalid.
 */
export async function ensureRoles(ownerUrl: string, given: Partial<RoleUrls> = {}): Promise<Roles> {
  if (!URL.canParse(ownerUrl)) {
    const form = 'postgresql://user:password@host:port/database, with special characters percent-encoded'
    throw new Refusal('configuration_invalid', `DATABASE_URL is not an address of the form ${form}.`)
  }
  const owner = await readOwner(ownerUrl)
  refuseOldServer(owner)
  refuseForeignDatabase(owner)
  return given.appUrl === undefined && given.signerUrl === undefined ? makeRoles(owner, ownerUrl) : checkRoles(owner, given)
}

/** The file of the two roles' grants. */
export const GRANTS = join(import.meta.dirname, 'grants.sql')

/** Applies grants.sql, in which `:app` and `:signer` stand for the two roles and `:database` for the database. */
export async function applyGrants(ownerPool: Pool, { app, signer }: RoleNames): Promise<void> {
  const text = await readFile(GRANTS, 'utf8')
  await asOwner(ownerPool, async (client) => {
    const { rows } = await client.query<{ database: string }>('select current_database() as database')
    const { database } = present(rows[0], 'a row')
    const names = { app: escapeIdentifier(app), signer: escapeIdentifier(signer), database: escapeIdentifier(database) }
    // A cast (`::app`) is no placeholder.
    await client.query(text.replaceAll(/(?<!:):(app|signer|database)\b/g, (_, name: keyof typeof names) => names[name]))
  })
}

type Owner = {
  readonly role: string
  readonly database: string
  readonly major: number
  readonly mayMakeRoles: boolean
  readonly mayMakeSchemas: boolean
}

async function readOwner(url: string): Promise<Owner> {
  try {
    return await ask<Owner>(url, `
      select current_user::text as role, current_database()::text as database,
        current_setting('server_version_num')::int / 10000 as major,
        (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as "mayMakeRoles",
        has_database_privilege(current_database(), 'create') as "mayMakeSchemas"`)
  } catch (cause) {
    throw unreachable('the database of DATABASE_URL', cause)
  }
}

function unreachable(what: string, cause: unknown): Refusal {
  // A server with several addresses gives one error for each, and none of its own.
  const causes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause]
  const message = causes.map((error) => (error instanceof Error ? error.message : String(error))).join('; ')
  return Object.assign(new Refusal('database_unavailable', `Cannot connect to ${what}: ${message}`), { cause })
}

function refuseOldServer({ major }: Owner): void {
  if (major >= OLDEST_SUPPORTED) return
  throw new Refusal(
    'database_version_unsupported',
    `The database server is PostgreSQL ${major}; ${OLDEST_SUPPORTED} or newer is needed.`,
    { found: major, expected: OLDEST_SUPPORTED },
  )
}

function refuseForeignDatabase({ role, database, mayMakeSchemas }: Owner): void {
  if (mayMakeSchemas) return
  throw new Refusal(
    'database_role_forbidden',
    `The role ${role} of DATABASE_URL may not create a schema in the database ${database}. An administrator can allow it:\n\n` +
      `  grant create on database ${escapeIdentifier(database)} to ${escapeIdentifier(role)};\n`,
    { role, database },
  )
}

async function makeRoles(owner: Owner, ownerUrl: string): Promise<Roles> {
  const names = { app: roleName(owner.database, 'app'), signer: roleName(owner.database, 'signer') }
  const secret = readSecret(ownerUrl)
  if (secret === '') throw mustBeGiven(owner, names, 'DATABASE_URL has no password from which those of its two roles could follow')
  const urls = {
    appUrl: withLogin(ownerUrl, names.app, passwordFor(names.app, secret)),
    signerUrl: withLogin(ownerUrl, names.signer, passwordFor(names.signer, secret)),
  }
  const pool = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion roles' })
  try {
    await asOwner(pool, async (client) => {
      await makeRole(client, { name: names.app, url: urls.appUrl, secret, owner, names })
      await makeRole(client, { name: names.signer, url: urls.signerUrl, secret, owner, names })
    })
  } finally {
    await pool.end()
  }
  return { ...urls, ...names }
}

type MakeRole = { readonly name: string; readonly url: string; readonly secret: string; readonly owner: Owner; readonly names: RoleNames }

// A role that is there and lets us in is left alone: it may be an administrator's, or in use by another server at this moment.
async function makeRole(client: PoolClient, { name, url, secret, owner, names }: MakeRole): Promise<void> {
  const { rows } = await client.query('select from pg_roles where rolname = $1', [name])
  if (rows.length > 0 && (await tryLogin(url)) === name) return
  if (!owner.mayMakeRoles) throw mustBeGiven(owner, names, `the role ${owner.role} of DATABASE_URL may not create roles`)
  const verb = rows.length > 0 ? 'alter' : 'create'
  try {
    await client.query(`${verb} role ${escapeIdentifier(name)} login password ${escapeLiteral(verifierFor(name, secret))}`)
  } catch (error) {
    throw Object.assign(mustBeGiven(owner, names, (error as Error).message), { cause: error })
  }
}

async function checkRoles(owner: Owner, { appUrl, signerUrl }: Partial<RoleUrls>): Promise<Roles> {
  if (appUrl === undefined || signerUrl === undefined) {
    throw forbidden('APP_DATABASE_URL and SIGNER_DATABASE_URL go together: give both or neither.')
  }
  const [app, signer] = await Promise.all([
    login(appUrl).catch((cause: unknown) => Promise.reject(unreachable('the database of APP_DATABASE_URL', cause))),
    login(signerUrl).catch((cause: unknown) => Promise.reject(unreachable('the database of SIGNER_DATABASE_URL', cause))),
  ])
  const named = { DATABASE_URL: owner, APP_DATABASE_URL: app, SIGNER_DATABASE_URL: signer }
  const told = Object.entries(named).map(([setting, { role, database }]) => `${setting} is ${role} on ${database}`)
  if (new Set(Object.values(named).map(({ role }) => role)).size < 3) {
    throw forbidden(`Owner, server and signer are three different roles, so that none can do another's work: ${told.join(', ')}.`)
  }
  if (new Set(Object.values(named).map(({ database }) => database)).size > 1) {
    throw forbidden(`Owner, server and signer work on one database: ${told.join(', ')}.`)
  }
  return { appUrl, signerUrl, app: app.role, signer: signer.role }
}

function forbidden(message: string): Refusal {
  return new Refusal('database_role_forbidden', message)
}

function mustBeGiven({ database }: Owner, { app, signer }: RoleNames, why: string): Refusal {
  const create = (role: string) => `  create role ${escapeIdentifier(role)} login password '<password of ${role}>';`
  return new Refusal(
    'database_role_forbidden',
    [
      `Apportion needs two login roles beside the owner, and ${why}. Let an administrator run`,
      '',
      create(app),
      create(signer),
      `  grant connect on database ${escapeIdentifier(database)} to ${escapeIdentifier(app)}, ${escapeIdentifier(signer)};`,
      '',
      'and set their addresses, which are DATABASE_URL with another user and password:',
      '',
      `  APP_DATABASE_URL=postgresql://${encodeURIComponent(app)}:<password>@<host>:<port>/${encodeURIComponent(database)}`,
      `  SIGNER_DATABASE_URL=postgresql://${encodeURIComponent(signer)}:<password>@<host>:<port>/${encodeURIComponent(database)}`,
      '',
    ].join('\n'),
    { app, signer, database },
  )
}

const NAME_LIMIT_BYTES = 63

// PostgreSQL would cut longer names, and two of them could become one: then a part of the database's hash stands in.
function roleName(database: string, suffix: 'app' | 'signer'): string {
  const name = `apportion_${database}_${suffix}`
  if (Buffer.byteLength(name) <= NAME_LIMIT_BYTES) return name
  return `apportion_${createHash('sha256').update(database).digest('hex').slice(0, 32)}_${suffix}`
}

function passwordFor(role: string, secret: string): string {
  return createHmac('sha256', secret).update(role).digest('hex')
}

const ITERATIONS = 4096

/** What PostgreSQL stores for a password (RFC 5802, RFC 7677), made here so that the password itself never stands in a server's log. */
function verifierFor(role: string, secret: string): string {
  const salt = createHmac('sha256', secret).update(`salt of ${role}`).digest().subarray(0, 16)
  const salted = pbkdf2Sync(passwordFor(role, secret), salt, ITERATIONS, 32, 'sha256')
  const key = (name: string) => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`
}

function readSecret(url: string): string {
  const { password, searchParams } = new URL(url)
  return searchParams.get('password') ?? decodeURIComponent(password)
}

// An address without a host (a socket's) has no place for a user; parameters count before it in any case.
function withLogin(url: string, role: string, password: string): string {
  const address = new URL(url)
  const asParameters = address.host === '' || address.searchParams.has('user') || address.searchParams.has('password')
  address.username = asParameters ? '' : encodeURIComponent(role)
  address.password = asParameters ? '' : password
  if (asParameters) {
    address.searchParams.set('user', role)
    address.searchParams.set('password', password)
  }
  return address.href
}

type Login = { readonly role: string; readonly database: string }

async function login(url: string): Promise<Login> {
  return ask<Login>(url, 'select current_user::text as role, current_database()::text as database')
}

async function tryLogin(url: string): Promise<string | undefined> {
  try {
    return (await login(url)).role
  } catch {
    return undefined
  }
}

// On a connection of its own, not a pool's: a pool leaves the socket of a failed login open until the server's time limit.
async function ask<Row extends QueryResultRow>(url: string, query: string): Promise<Row> {
  const client = new Client({ connectionString: url, application_name: 'apportion roles', connectionTimeoutMillis: LOGIN_LIMIT_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    return present((await client.query<Row>(query)).rows[0], 'a row')
  } finally {
    await client.end()
  }
}
