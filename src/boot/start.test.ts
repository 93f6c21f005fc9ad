// How a process starts and ends as people see it: a signal in mid-start leaves nothing, and what cannot be used is refused in words.

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { machine, until } from '../../test/effects.ts'
import { addressOf, onServer, ROLES } from '../../test/template.ts'
import { firstProgram, programMigrations, programs } from '../programs/index.ts'
import { rails } from '../rails/index.ts'
import { migrate } from '../store/migrate.ts'
import { createLedgerAsOwner } from './create-ledger.ts'
import { firstLedger } from './first-sale.ts'
import { endAll, processesOf, run } from './fixture.ts'
import { startServer } from './server.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apportion-start-'))
})
afterEach(async () => {
  await endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

const databaseBegun = async (): Promise<true> =>
  await until('the database to begin', async () => (existsSync(join(folder, 'postgres', 'postmaster.pid')) ? true : undefined))

describe('a signal during the start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the server in order and leaves no process', async (signal) => {
    const server = run('src/main.ts', [], { APPORTION_DATA: folder })
    await databaseBegun()
    server.child.kill(signal)
    expect([await server.ended, server.err()]).toEqual([0, ''])
    expect(server.out()).toContain('stopped; nothing is left running')
    expect(server.out()).not.toContain('What to do next')
    expect(processesOf(folder)).toEqual([])
  })

  it('ends a command with the code of the signal and leaves no process', async () => {
    const command = run('src/cli/main.ts', ['ledger', 'list'], { APPORTION_DATA: folder })
    await databaseBegun()
    command.child.kill('SIGINT')
    expect([await command.ended, command.err()]).toEqual([130, ''])
    expect(processesOf(folder)).toEqual([])
  })
})

describe('what cannot be used is refused in words', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(async () => await database.drop())
  const settings = () => {
    const urls = { databaseUrl: database.url, appDatabaseUrl: database.appUrl, signerDatabaseUrl: database.signerUrl }
    return { ...urls, dataDirectory: folder, host: '127.0.0.1', logLevel: 'error' } as const
  }

  it('a data folder that is a file', async () => {
    const dataDirectory = join(folder, 'file')
    writeFileSync(dataDirectory, '')
    const refusal = { code: 'configuration_invalid', message: expect.stringMatching(/^the data folder .* cannot be used .*: set APPORTION_DATA to a folder/) }
    await expect(startServer(machine, { ...settings(), dataDirectory })).rejects.toMatchObject(refusal)
    await expect(startServer(machine, { ...settings(), dataDirectory: join(dataDirectory, 'below') })).rejects.toMatchObject(refusal)
  })

  it.runIf(process.getuid?.() !== 0)('a data folder that may only be read', async () => {
    chmodSync(folder, 0o500)
    await expect(startServer(machine, settings())).rejects.toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining('cannot be used') })
    chmodSync(folder, 0o700)
  })

  it('a host that is no address of this machine', async () => {
    // RFC 5737 keeps this address for documents.
    await expect(startServer(machine, { ...settings(), host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringContaining('HOST 192.0.2.1 is no address of this machine'),
    })
    expect(processesOf(folder)).toEqual([])
  })

  it("a second server's data folder that lacks the first one's master key", async () => {
    const first = await startServer(machine, settings())
    try {
      const program = firstProgram
      await first.networks.startSandbox(program.rail)
      await firstLedger(first, program)
      const dataDirectory = join(folder, 'second')
      const advice = `copy its master.key to ${join(dataDirectory, 'master.key')}`
      await expect(startServer(machine, { ...settings(), dataDirectory })).rejects.toMatchObject({ message: expect.stringContaining(advice) })
    } finally {
      await first.stop()
    }
  })

  it('an owner who may not make tables where the first ledger has its own: the server does not run on without it', async () => {
    const server = inject('databaseUrl')
    const name = `denied_${crypto.randomUUID().replaceAll('-', '')}`
    await onServer(server, async (client) => {
      await client.query(`create role ${name} login password '${name}'`)
      await client.query(`create database ${name}`)
      await client.query(`grant create on database ${name} to ${name}`)
    })
    const address = (role: string) => addressOf(server, { database: name, role })
    const urls = { DATABASE_URL: address(name), APP_DATABASE_URL: address(ROLES.app), SIGNER_DATABASE_URL: address(ROLES.signer) }
    const started = run('src/main.ts', [], { APPORTION_DATA: folder, ...urls })
    expect(await started.ended).toBe(1)
    expect(started.err()).toMatch(new RegExp(`^apportion: The role ${name} of DATABASE_URL may not make .*\\n\\n  grant usage, create on schema "?public"? to "?${name}"?;\\n`))
    expect(started.err()).not.toContain(' at ')
    expect(processesOf(folder)).toEqual([])
    await onServer(server, async (client) => {
      await client.query(`drop database ${name}`)
      await client.query(`drop role ${name}`)
    })
  })
})

it('a server whose only ledger names a sandbox elsewhere starts without one of its own', async () => {
  const database = await testDatabase()
  try {
    const roles = { app: ROLES.app, ownerUrl: database.url }
    await migrate(database.pool, { programs: programMigrations })
    await createLedgerAsOwner({ ...machine, programs, rails }, roles, {
      ...{ name: 'elsewhere', program: firstProgram.name, sandbox: true, railUrl: 'http://127.0.0.1:1', inboxSchema: 'elsewhere', tokens: {}, lanes: 1 },
    })
    const urls = { DATABASE_URL: database.url, APP_DATABASE_URL: database.appUrl, SIGNER_DATABASE_URL: database.signerUrl }
    const server = run('src/main.ts', [], { APPORTION_DATA: folder, LOG_LEVEL: 'error', ...urls })
    await until('the server to say what to do next', () => (server.out().includes('What to do next') || server.err() !== '' ? true : undefined))
    expect(server.out()).not.toContain('  network ')
    server.child.kill('SIGTERM')
    expect([await server.ended, server.err()]).toEqual([0, ''])
  } finally {
    await endAll()
    await database.drop()
  }
})
