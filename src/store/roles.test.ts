// The two roles on a real server: made, found again, given, and refused with what an administrator has to do.

import { readFileSync, writeFileSync } from 'node:fs'
import { escapeIdentifier } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { until } from '../../test/effects.ts'
import { addressOf, onServer } from '../../test/template.ts'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import type { RefusalCode } from '../core/refusal.ts'
import { migrate } from './migrate.ts'
import { createPool } from './pool.ts'
import { applyGrants, ensureRoles } from './roles.ts'

let database: TestDatabase
let id: string
const server = inject('databaseUrl')
const roles: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  id = database.name.slice(-8)
})

afterAll(async () => {
  await database.drop()
  await onServer(server, async (client) => {
    for (const role of roles) await client.query(`drop role if exists ${escapeIdentifier(role)}`)
  })
})

/** A login role of this test, dropped at the end; its password is its name. */
async function makeRole(name: string, attributes = ''): Promise<string> {
  const role = `${name}_${id}`
  roles.push(role)
  await onServer(server, (client) => client.query(`create role ${role} login password '${role}' ${attributes}`))
  return role
}

async function withDatabase<T>(name: string, owner: string, work: (url: string) => Promise<T>): Promise<T> {
  await onServer(server, (client) => client.query(`create database ${escapeIdentifier(name)} owner ${owner}`))
  try {
    return await work(addressOf(server, { database: encodeURIComponent(name), role: owner }))
  } finally {
    await onServer(server, (client) => client.query(`drop database ${escapeIdentifier(name)}`))
  }
}

async function whoIs(url: string): Promise<unknown> {
  return onServer(url, async (client) => (await client.query<{ name: string }>('select current_user::text as name')).rows[0])
}

function refusal(code: RefusalCode, ...parts: readonly string[]): unknown {
  return expect.toSatisfy((error: { code: string; message: string }) => {
    return error.code === code && parts.every((part) => error.message.includes(part))
  }, `${code} that says ${parts.join(' and ')}`)
}

describe('roles of the owner’s making', () => {
  it('are the same for every server that starts, also when several start at once', async () => {
    const owner = await makeRole('maker', 'createrole')
    const name = `Odd "näme" of ${id}`
    await withDatabase(name, owner, async (url) => {
      const found = await Promise.all(Array.from({ length: 5 }, () => ensureRoles(url)))
      const first = found[0]!
      roles.push(first.app, first.signer)
      expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(1)
      expect(first).toMatchObject({ app: `apportion_${name}_app`, signer: `apportion_${name}_signer` })
      expect(await whoIs(first.appUrl)).toEqual({ name: first.app })
      expect(await whoIs(first.signerUrl)).toEqual({ name: first.signer })
    })
  })

  it('get another password when the owner’s changes', async () => {
    const owner = await makeRole('changer', 'createrole')
    await withDatabase(`changing_${id}`, owner, async (url) => {
      const before = await ensureRoles(url)
      roles.push(before.app, before.signer)
      await onServer(server, (client) => client.query(`alter role ${owner} password 'other'`))
      const after = await ensureRoles(url.replace(`:${owner}@`, ':other@'))
      expect(after.appUrl).not.toBe(before.appUrl)
      expect(await whoIs(after.appUrl)).toEqual({ name: before.app })
      await expect(whoIs(before.appUrl)).rejects.toThrow(/password authentication failed/)
    })
  })

  it('keep their names apart and within 63 bytes however long the database’s name is', async () => {
    const owner = await makeRole('long', 'createrole')
    const names = ['ö', 'ä'].map((last) => `${'long'.repeat(13)}${id}${last}`)
    const made: string[] = []
    for (const name of names) {
      await withDatabase(name, owner, async (url) => {
        const { app, signer, appUrl } = await ensureRoles(url)
        made.push(app, signer)
        expect(await whoIs(appUrl)).toEqual({ name: app })
      })
    }
    roles.push(...made)
    expect(new Set(made).size).toBe(4)
    expect(Math.max(...made.map((role) => Buffer.byteLength(role)))).toBeLessThanOrEqual(63)
  })

  it('own nothing and may do only what the grants say', async () => {
    const owner = await makeRole('granter', 'createrole')
    await withDatabase(`granted_${id}`, owner, async (url) => {
      const { appUrl, signerUrl, app, signer } = await ensureRoles(url)
      roles.push(app, signer)
      const pool = createPool({ url, max: 1, applicationName: 'test' })
      await migrate(pool)
      await applyGrants(pool, { app, signer })
      await applyGrants(pool, { app, signer })
      await pool.end()
      const attempt = (address: string, sql: string) => onServer(address, (client) => client.query(sql))
      await expect(attempt(appUrl, 'select count(*) from apportion.transfer')).resolves.toBeDefined()
      await expect(attempt(appUrl, 'delete from apportion.transfer')).rejects.toThrow(/permission denied/)
      await expect(attempt(appUrl, 'select 1 from apportion.wallet_key')).rejects.toThrow(/permission denied/)
      await expect(attempt(signerUrl, 'select 1 from apportion.wallet_key')).resolves.toBeDefined()
      await expect(attempt(signerUrl, 'insert into apportion.transfer default values')).rejects.toThrow(/permission denied/)
      await expect(attempt(appUrl, 'create table apportion.mine ()')).rejects.toThrow(/permission denied/)
      // Roles with grants can only be dropped after these.
      await attempt(url, `drop schema apportion cascade`)
    })
  })
})

describe('given roles', () => {
  it('are used as they are by an owner that may make none', async () => {
    const [owner, app, signer] = [await makeRole('plain'), await makeRole('server'), await makeRole('keys')]
    await withDatabase(`given_${id}`, owner, async (url) => {
      const given = {
        appUrl: addressOf(url, { database: `given_${id}`, role: app }),
        signerUrl: addressOf(url, { database: `given_${id}`, role: signer }),
      }
      await expect(ensureRoles(url, given)).resolves.toEqual({ ...given, app, signer })
      const { appUrl, signerUrl } = given
      const elsewhere = addressOf(url, { database: database.name, role: app })
      await expect(ensureRoles(url, { appUrl })).rejects.toEqual(refusal('database_role_forbidden', 'both or neither'))
      await expect(ensureRoles(url, { appUrl, signerUrl: appUrl })).rejects.toEqual(refusal('database_role_forbidden', app))
      await expect(ensureRoles(url, { appUrl: url, signerUrl })).rejects.toEqual(refusal('database_role_forbidden', owner))
      await expect(ensureRoles(url, { appUrl: elsewhere, signerUrl })).rejects.toEqual(
        refusal('database_role_forbidden', 'one database', database.name),
      )
      await expect(ensureRoles(url, { appUrl: appUrl.replace(`:${app}@`, ':wrong@'), signerUrl })).rejects.toEqual(
        refusal('database_unavailable', 'APP_DATABASE_URL', 'password'),
      )
    })
  })
})

describe('what cannot work is refused with the remedy', () => {
  it('an owner that may not make roles: the SQL to run, which then is enough', async () => {
    const owner = await makeRole('poor')
    const name = `it's ${id}`
    await withDatabase(name, owner, async (url) => {
      const error = await ensureRoles(url).catch((failure: Error & { code: string }) => failure)
      expect(error).toMatchObject({ code: 'database_role_forbidden' })
      const { message } = error as Error
      expect(message).toContain(`create role "apportion_it's ${id}_app" login password '<password of apportion_it's ${id}_app>'`)
      expect(message).toContain('APP_DATABASE_URL=postgresql://')
      expect(message).not.toContain(`:${owner}@`)
    })
  })

  it('the SQL in the message runs as it is', async () => {
    const owner = await makeRole('runs')
    const name = `runs_${id}`
    await withDatabase(name, owner, async (url) => {
      const { message } = (await ensureRoles(url).catch((failure: unknown) => failure)) as Error
      const sql: string[] = message.split('\n').filter((line) => /^ {2}(create|grant)/.test(line))
      expect(sql).toHaveLength(3)
      roles.push(`apportion_${name}_app`, `apportion_${name}_signer`)
      await onServer(addressOf(server, { database: name }), (client) => client.query(sql.join('\n')))
      const at = (role: string): string => {
        const address = new URL(addressOf(url, { database: name, role: `apportion_${name}_${role}` }))
        address.password = encodeURIComponent(`<password of apportion_${name}_${role}>`)
        return address.href
      }
      const given = { appUrl: at('app'), signerUrl: at('signer') }
      await expect(ensureRoles(url, given)).resolves.toMatchObject(given)
      await onServer(addressOf(server, { database: name }), (client) =>
        client.query(`revoke all on database ${name} from apportion_${name}_app, apportion_${name}_signer`),
      )
    })
  })

  it('a database in which the owner may not create a schema', async () => {
    const stranger = await makeRole('stranger', 'createrole')
    const url = addressOf(server, { database: database.name, role: stranger })
    await expect(ensureRoles(url)).rejects.toEqual(refusal('database_role_forbidden', 'grant create on database', stranger))
  })

  it('a server older than 15', async () => {
    // Its version is what current_setting says; in this database another function of that name comes first.
    const owner = await makeRole('old', 'createrole')
    await withDatabase(`old_${id}`, owner, async (url) => {
      await onServer(url, async (client) => {
        await client.query('create schema old')
        await client.query(`create function old.current_setting(text) returns text language sql as $$ select '140012' $$`)
        await client.query(`alter database old_${id} set search_path to old, pg_catalog`)
      })
      await expect(ensureRoles(url)).rejects.toEqual(refusal('database_version_unsupported', 'PostgreSQL 14', '15'))
    })
  })

  it.each([
    ['no password where one is asked for', { password: '' }, 'password'],
    ['a wrong password', { password: 'wrong' }, 'password authentication failed'],
    ['nobody there', { port: '1' }, 'ECONNREFUSED'],
  ])('%s', async (_, change, part) => {
    const url = Object.assign(new URL(database.url), change)
    await expect(ensureRoles(url.href)).rejects.toEqual(refusal('database_unavailable', part))
  })

  it('an owner that needs no password: none for the roles can follow from it', async () => {
    const owner = await makeRole('trusted', 'createrole')
    const { rows } = await database.pool.query<{ hba_file: string }>('show hba_file')
    const file = rows[0]!.hba_file
    const before = readFileSync(file, 'utf8')
    const reload = (text: string) => {
      writeFileSync(file, text)
      return database.pool.query('select pg_reload_conf()')
    }
    await reload(`host trusted_${id} ${owner} 127.0.0.1/32 trust\n${before}`)
    await withDatabase(`trusted_${id}`, owner, async (url) => {
      const open = Object.assign(new URL(url), { password: '' }).href
      // The server takes its new rules a moment after it was told.
      await until('the rule', () => onServer(open, () => Promise.resolve(true)).catch(() => undefined))
      await expect(ensureRoles(open)).rejects.toEqual(refusal('database_role_forbidden', 'no password', 'create role'))
    })
    await reload(before)
  })

  it('an address that is none, without printing it', async () => {
    const error = (await ensureRoles('postgresql://u:se/cret@').catch((failure: unknown) => failure)) as Error
    expect(error).toEqual(refusal('configuration_invalid', 'DATABASE_URL'))
    expect(error.message).not.toContain('cret')
  })
})
