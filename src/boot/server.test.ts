// One server of real parts on a database of its own: everything or nothing starts, and nothing is left when it stops.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { machine, until } from '../../test/effects.ts'
import type { Config } from '../config.ts'
import { present } from '../core/assert.ts'
import { verify } from '../engine/verify.ts'
import { firstProgram } from '../programs/index.ts'
import { processesOf } from './fixture.ts'
import { firstLedger, showFirstSale } from './first-sale.ts'
import { masterKeyOf } from './master-key.ts'
import { startServer, type Server } from './server.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
let folder = ''
const running: Server[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apportion-server-'))
})
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})
afterAll(async () => await database.drop())

function config(own: Partial<Config> = {}): Config {
  const urls = { databaseUrl: database.url, appDatabaseUrl: database.appUrl, signerDatabaseUrl: database.signerUrl }
  return { ...urls, dataDirectory: folder, host: '127.0.0.1', logLevel: 'error', ...own }
}

async function start(own: Partial<Config> = {}): Promise<Server> {
  const server = await startServer(machine, config(own))
  running.push(server)
  return server
}

/** The connections of the server and of its signer. */
const sessions = async (): Promise<number> =>
  (await database.pool.query(`select from pg_stat_activity where datname = $1 and application_name like 'apportion%'`, [database.name])).rowCount ?? 0

describe('a server', () => {
  it('answers, keeps its folder to itself, and leaves nothing when it stops', async () => {
    const server = await start()
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    await expect(startServer(machine, config())).rejects.toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining(`at ${server.url}`) })
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    await server.stop()
    await expect(fetch(`${server.url}/health`)).rejects.toThrow()
    expect(processesOf(folder)).toEqual([])
    await until('the sessions to end', async () => ((await sessions()) === 0 ? true : undefined))
    await server.stop()
    // The next one is found where the last one was.
    expect((await start()).url).toBe(server.url)
  })

  it('that cannot have its port ends what had begun', async () => {
    const taker = createServer()
    taker.listen(0, '127.0.0.1')
    await once(taker, 'listening')
    const { port } = taker.address() as AddressInfo
    await expect(startServer(machine, config({ port }))).rejects.toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining(`port ${port} is taken`) })
    expect(processesOf(folder)).toEqual([])
    await until('the sessions to end', async () => ((await sessions()) === 0 ? true : undefined))
    taker.close()
    await once(taker, 'close')
    expect((await start({ port })).url).toBe(`http://127.0.0.1:${port}`)
  })

  it('shows a first sale, each leg settled, and the balances that the network says', async () => {
    const server = await start()
    const program = firstProgram
    const networkUrl = await server.networks.startSandbox(program.rail)
    const ledger = present(await firstLedger(server, program), 'ledger')
    const lines: string[] = []
    await showFirstSale({ ...server, networkUrl }, ledger, (line) => void lines.push(line.trim().replaceAll(/ +/g, ' ')))
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^101 SOL of sandbox money arrived/),
        ...['ai 80 SOL to AI', 'dao 15 SOL to System', 'lucky 3 SOL to Lucky', 'creator 2 SOL to the creator'].map((text) => expect.stringContaining(text)),
        ...['ai', 'dao', 'lucky', 'creator'].map((role) => expect.stringMatching(new RegExp(`^${role} settled [1-9A-HJ-NP-Za-km-z]{80,90}$`))),
        ...[/^ai 80 SOL [1-9A-Za-z]{32,44}$/, /^dao 15 SOL /, /^lucky 3 SOL /, /^creator 2 SOL [1-9A-Za-z]{32,44}$/, /^wallet 0\.99[0-9]+ SOL /].map((text) => expect.stringMatching(text)),
      ]),
    )
    expect((await verify(server.world, ledger)).breaks).toEqual([])
    expect(await firstLedger(server, program)).toBeNull()
  })

  it('that pays real money does not start without a master key of its owner', async () => {
    const [name, ledgerId] = ['real', crypto.randomUUID()]
    await database.pool.query(
      `insert into apportion.ledger (ledger, name, program, sandbox, rail, rail_url, created_at) values ($1, $2, 'sale-split', false, 'solana', 'http://127.0.0.1:1', now())`,
      [ledgerId, name],
    )
    await expect(startServer(machine, config())).rejects.toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining('APPORTION_MASTER_KEY') })
    expect(processesOf(folder)).toEqual([])
    await database.pool.query(`delete from apportion.ledger where ledger = $1`, [ledgerId])
  })
})

describe('the master key', () => {
  const sandbox = { sandbox: true, name: 'toy' }
  const real = { sandbox: false, name: 'real' }

  it.each([
    ['the given one', { masterKey: 'ab' }, [real], { masterKey: 'ab', sandbox: false }],
    ['that of the given file', { masterKeyFile: '/keys/one' }, [sandbox, real], { masterKeyFile: '/keys/one', sandbox: false }],
    ['the given one also for sandboxes', { masterKey: 'ab' }, [sandbox], { masterKey: 'ab', sandbox: true }],
  ] as const)('is %s', (_, own, ledgers, expected) => {
    expect(masterKeyOf(config(own), ledgers)).toEqual(expected)
  })

  it('is a file in the data folder while all ledgers are sandboxes, and never for real money', () => {
    expect(masterKeyOf(config(), [sandbox])).toEqual({ masterKeyFile: join(folder, 'master.key'), sandbox: true })
    expect(masterKeyOf(config(), [])).toEqual({ masterKeyFile: join(folder, 'master.key'), sandbox: true })
    expect(() => masterKeyOf(config(), [sandbox, real])).toThrow(/the ledger real pays real money/)
  })
})
