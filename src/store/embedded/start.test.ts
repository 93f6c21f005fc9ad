// The launcher on real processes: cold, warm, adopted, killed, and several at once.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { copyServer } from '../../../test/copy-server.ts'
import { machine, until } from '../../../test/effects.ts'
import { onServer } from '../../../test/template.ts'
import { findBinaries } from './binaries.ts'
import { beside } from './folder.ts'
import { chooseIdentity } from './identity.ts'
import { endServer, isServing, readPostmaster, startServer } from './postmaster.ts'
import { bufferSettings, sharedMemorySettings } from './shared-memory.ts'
import { startEmbedded, type EmbeddedServer } from './start.ts'

let folder: string
let dataDirectory: string
const children: ChildProcess[] = []

/** Two thirds of a cold start are initdb; where that is not the subject, tests share one folder, a copy of the run's own where there is one. */
let made: string

beforeAll(async () => {
  made = join(mkdtempSync(join(tmpdir(), 'apportion-launcher-')), 'made')
  const ready = inject('madeServer')
  if (ready !== null && copyServer(ready, made)) return
  const server = await startEmbedded({ dataDirectory: join(made, 'database'), effects: machine })
  await server.stop()
})

afterAll(() => remove(dirname(made)))

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  const running = readPostmaster(dataDirectory)
  if (running !== undefined && isServing(running.pid, dataDirectory)) await endServer(running.pid, 'SIGQUIT', machine)
  if (folder !== made) remove(folder)
})

function onNewFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'apportion-launcher-'))
    dataDirectory = join(folder, 'database')
  })
}

function onMadeFolder(): void {
  beforeEach(() => {
    folder = made
    dataDirectory = join(folder, 'database')
  })
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

const start = (): Promise<EmbeddedServer> => startEmbedded({ dataDirectory, effects: machine })

type Launcher = {
  readonly child: ChildProcess
  readonly server: Promise<Pick<EmbeddedServer, 'adopted' | 'pid' | 'url'>>
  /** Whether it stopped the server. */
  readonly leave: () => Promise<boolean>
}

/** A process of its own that starts the server and tells what it got. */
function launcher(): Launcher {
  const program = `
    const { machine } = await import(${JSON.stringify(join(import.meta.dirname, '../../../test/effects.ts'))})
    const { startEmbedded } = await import(${JSON.stringify(join(import.meta.dirname, 'start.ts'))})
    const server = await startEmbedded({ dataDirectory: ${JSON.stringify(dataDirectory)}, effects: machine })
    console.log(JSON.stringify(server))
    process.stdin.once('data', async () => { console.log(await server.stop()); process.exit(0) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    server: lines.next().then(({ value }) => JSON.parse(value as string) as EmbeddedServer),
    leave: async () => {
      child.stdin.write('leave\n')
      return (await lines.next()).value === 'true'
    },
  }
}

async function count(url: string): Promise<number> {
  return onServer(url, async (client) => {
    await client.query('create table if not exists seen (n int)')
    await client.query('insert into seen values (1)')
    return (await client.query('select from seen')).rowCount ?? 0
  })
}

const SERVED = `select current_user::text as role, current_database()::text as database, current_setting('timezone') as zone,
  current_setting('fsync') as fsync, current_setting('data_checksums') as checksums, 'Z' < 'a' as bytewise`

describe('on a new folder', () => {
  onNewFolder()

  it('makes a database, stops it, and finds it again', async () => {
    const cold = await start()
    expect(cold).toMatchObject({ adopted: false })
    expect(await count(cold.url)).toBe(1)
    expect((await onServer(cold.url, (client) => client.query(SERVED))).rows).toEqual([
      { role: 'apportion', database: 'apportion', zone: 'UTC', fsync: 'on', checksums: 'on', bytewise: true },
    ])
    expect(statSync(beside(dataDirectory, 'password')).mode & 0o777).toBe(0o600)
    expect(statSync(dataDirectory).mode & 0o777).toBe(0o700)
    expect(await cold.stop()).toBe(true)
    expect(isServing(cold.pid, dataDirectory)).toBe(false)
    const warm = await start()
    expect(warm).toMatchObject({ adopted: false })
    expect(await count(warm.url)).toBe(2)
    expect(await warm.stop()).toBe(true)
  })

  it('two processes share one server, whoever made it, and the last one stops it', async () => {
    const launchers = [launcher(), launcher()]
    const servers = await Promise.all(launchers.map(({ server }) => server))
    expect(servers.filter(({ adopted }) => adopted)).toHaveLength(1)
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1)
    const stopped = await Promise.all(launchers.map(({ leave }) => leave()))
    expect(stopped.filter(Boolean)).toHaveLength(1)
    expect(isServing(servers[0]!.pid, dataDirectory)).toBe(false)
  })

  it('whose making was killed half-way everything is made anew', async () => {
    const { child, server: never } = launcher()
    const unfinished = () => readdirSync(folder).find((name) => name.startsWith('database.new-'))
    await until('initdb to begin', () => existsSync(join(folder, unfinished() ?? '', 'base')) || undefined)
    child.kill('SIGKILL')
    await expect(never).rejects.toThrow()
    expect(existsSync(dataDirectory)).toBe(false)
    const server = await start()
    expect(server).toMatchObject({ adopted: false })
    expect(await server.stop()).toBe(true)
    // The killed launcher's initdb ends by itself; what it leaves, the next start removes.
    await until('no trace of it', async () => {
      if (unfinished() !== undefined) await (await start()).stop()
      return unfinished() === undefined || undefined
    })
  })

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)('root without user namespaces becomes nobody, or says why not', async () => {
    const path = process.env['PATH']
    chmodSync(folder, 0o755)
    // Here is no unshare to be found.
    process.env['PATH'] = folder
    try {
      const server = await start().catch((error: Error) => error)
      // A clone below a closed home: nobody cannot read the binaries.
      if (server instanceof Error) return expect(server.message).toMatch(/as user 65534 .*DATABASE_URL/s)
      expect(statSync(dataDirectory).uid).toBe(65_534)
      expect(await count(server.url)).toBe(1)
      expect(await server.stop()).toBe(true)
    } finally {
      process.env['PATH'] = path
    }
    const again = await start()
    expect(await count(again.url)).toBe(2)
    expect(await again.stop()).toBe(true)
  })

  it('that cannot be made is refused with the reason', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(startEmbedded({ dataDirectory: join(folder, 'file', 'database'), effects: machine })).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/EEXIST.*DATABASE_URL/) as string,
    })
  })

  it('that another version made, it refuses with the remedy', async () => {
    mkdirSync(dataDirectory)
    writeFileSync(join(dataDirectory, 'PG_VERSION'), '17\n')
    await expect(start()).rejects.toMatchObject({
      code: 'database_version_unsupported',
      message: expect.stringMatching(/PostgreSQL 17.*is 18.*DATABASE_URL/) as string,
    })
  })
})

it.runIf(process.platform === 'linux')('memory is shared through files where /dev/shm is missing or small', () => {
  expect(sharedMemorySettings(join(tmpdir(), 'not-there'))).toEqual({ dynamic_shared_memory_type: 'mmap' })
})

it.each([
  [0, '128MB'],
  [1, '128MB'],
  [1.5, '192MB'],
  [4, '512MB'],
  [16, '2048MB'],
  [1000, '2048MB'],
])('keeps pages of an eighth of the memory, within bounds: of %d GiB %s', (gibibytes, expected) => {
  expect(bufferSettings(gibibytes * 2 ** 30)).toEqual({ shared_buffers: expected })
})

describe('on a folder that is there', () => {
  onMadeFolder()

  it('one process that starts three times at once gets one server, which ends with the last to leave', async () => {
    const servers = await Promise.all([start(), start(), start()])
    expect(servers.filter(({ adopted }) => adopted)).toHaveLength(2)
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1)
    const stopped = await Promise.all(servers.map(({ stop }) => stop()))
    expect(stopped.filter(Boolean)).toHaveLength(1)
    expect(isServing(servers[0].pid, dataDirectory)).toBe(false)
  })

  it('a server to which somebody else is connected is left running', async () => {
    const server = await start()
    await onServer(server.url, async (client) => {
      expect(await server.stop()).toBe(false)
      await client.query('select 1')
    })
  })

  it('a server that is gone already is stopped without harm', async () => {
    const server = await start()
    await endServer(server.pid, 'SIGKILL', machine)
    expect(await server.stop()).toBe(true)
  })

  it('after kill -9 of its process the server is adopted, and its data is there', async () => {
    const { child, server } = launcher()
    const first = await server
    const before = await count(first.url)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const second = await start()
    expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url })
    expect(await count(second.url)).toBe(before + 1)
    expect(await second.stop()).toBe(true)
  })

  it('after kill -9 of the server every committed row is there again', async () => {
    const first = await start()
    const before = await count(first.url)
    await endServer(first.pid, 'SIGKILL', machine)
    const second = await start()
    expect(second).toMatchObject({ adopted: false })
    expect(await count(second.url)).toBe(before + 1)
    expect(await second.stop()).toBe(true)
  })

  it('a pid that now belongs to somebody else is no server', async () => {
    const lines = [process.pid, dataDirectory, 1, 65_000, '', '127.0.0.1', '', 'ready']
    writeFileSync(join(dataDirectory, 'postmaster.pid'), `${lines.join('\n')}\n`)
    const server = await start()
    expect(server).toMatchObject({ adopted: false })
    expect(await server.stop()).toBe(true)
  })

  it('a port that was taken meanwhile is given up for another', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    const free = createServer().listen(0, '127.0.0.1')
    await Promise.all([once(taken, 'listening'), once(free, 'listening')])
    const ports = [taken, free].map((listener) => (listener.address() as AddressInfo).port)
    free.close()
    const binaries = findBinaries(beside(dataDirectory, 'links'))
    const postmaster = await startServer(
      { dataDirectory, binaries, identity: chooseIdentity(dataDirectory, binaries) },
      { settings: {}, dieWithParent: false, findPort: () => Promise.resolve(ports.shift()!) },
      machine,
    )
    taken.close()
    expect(ports).toEqual([])
    await endServer(postmaster.pid, 'SIGINT', machine)
  })

  it('a server that does not start is refused with the end of its log', async () => {
    await expect(startEmbedded({ dataDirectory, effects: machine, settings: { max_connections: 'many' } })).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/invalid value for parameter "max_connections".*DATABASE_URL/s) as string,
    })
    expect(readFileSync(beside(dataDirectory, 'log'), 'utf8')).toContain('max_connections')
  })

  it('a folder without its password is refused, and the file named', async () => {
    const [password, elsewhere] = [beside(dataDirectory, 'password'), join(folder, 'elsewhere')]
    renameSync(password, elsewhere)
    await expect(start()).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('database.password') as string,
    })
    renameSync(elsewhere, password)
  })
})
