// What a run kills: PostgreSQL, the rail's network, and two servers with their signers, each a process of its own on one machine. Whatever
// ends here ends by SIGKILL and comes back from its disk, at the address that it had.

import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Effects } from '../../src/core/effects.ts'
import { startSandbox, type Sandbox } from '../../src/rails/solana/sandbox/start.ts'
import type { KnobSettings } from '../../src/rails/solana/sandbox/knobs.ts'
import { endServer } from '../../src/store/embedded/postmaster.ts'
import { startEmbedded, type EmbeddedServer } from '../../src/store/embedded/start.ts'
import { killAll } from '../../test/database.ts'
import { pause, spawnProgram, type Program, type Settings } from '../process.ts'
import { ordering, readTold, type Orders, type Told } from './preload.ts'

export type Database = {
  /** As the owner of the tables. */
  readonly url: () => string
  /** Killed, with all its sessions or alone, and started again. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startDatabase(directory: string, effects: Effects): Promise<Database> {
  const open = async (): Promise<EmbeddedServer> => await startEmbedded({ dataDirectory: join(directory, 'postgres'), effects })
  let server = await open()
  let restarts = 0
  return {
    url: () => server.url,
    restart: inTurn(async () => {
      restarts += 1
      // Of a server that is killed alone, sessions live on for some milliseconds, answer, and may even commit.
      if (restarts % 2 === 0) await endServer(server.pid, 'SIGKILL', effects)
      else await killAll(server.url, server.pid)
      server = await open()
    }),
    stop: async () => await endServer(server.pid, 'SIGINT', effects),
  }
}

export type Network = {
  readonly url: string
  /** Killed, and started again at its old port: servers know it by its address. */
  readonly restart: (knobs: KnobSettings) => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startNetwork(directory: string, knobs: KnobSettings): Promise<Network> {
  const books = join(directory, 'network')
  mkdirSync(books, { recursive: true })
  let sandbox: Sandbox = await startSandbox({ directory: books, knobs })
  const { url, port } = sandbox
  return {
    url,
    restart: inTurn(async (settings: KnobSettings) => {
      await sandbox.kill()
      sandbox = await startSandbox({ directory: books, port, knobs: settings })
    }),
    stop: async () => void (await sandbox.stop()),
  }
}

/** One call after the other, in the order in which they came. */
function inTurn<Given extends readonly unknown[]>(work: (...given: Given) => Promise<void>): (...given: Given) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return async (...given) => {
    const own = last.then(async () => await work(...given))
    last = own.catch(() => {})
    await own
  }
}

export type ServerPart = {
  readonly name: string
  /** The process that runs, or ran last; null before the first. */
  readonly program: () => Program | null
  /** Where its API was last; null until it was there once. */
  readonly url: () => string | null
  /** Starts a process with these points to end at. Resolves at once: `program().ready` says when it serves. */
  readonly start: (at: Orders['at']) => void
  /** What its processes have told since it was asked last. */
  readonly told: () => readonly Told[]
  /** What they have logged, those that ended and the one that runs. */
  readonly logs: () => readonly string[]
}

export function makeServer(name: string, { directory, settings }: { readonly directory: string; readonly settings: () => Settings }): ServerPart {
  const dataDirectory = join(directory, name)
  mkdirSync(dataDirectory, { recursive: true })
  const tell = join(dataDirectory, 'told')
  let program: Program | null = null
  let url: string | null = null
  const logs: string[] = []
  return {
    name,
    program: () => program,
    url: () => url,
    start: (at) => {
      if (program !== null) logs.push(program.output())
      const { execArgv, env } = ordering({ process: 'server', at, tell })
      program = spawnProgram(dataDirectory, { execArgv, settings: { ...settings(), ...env } })
      program.ready.then((found) => (url = found), () => {})
    },
    told: followTold(tell),
    logs: () => [...logs, program?.output() ?? ''],
  }
}

/** What was told in a file since it was asked last. */
export function followTold(file: string): () => readonly Told[] {
  appendFileSync(file, '')
  let read = 0
  return () => {
    // A line that is being written is read the next time.
    const text = readFileSync(file, 'utf8')
    const whole = text.slice(read, text.lastIndexOf('\n') + 1)
    read += whole.length
    return whole.split('\n').filter((line) => line !== '').map(readTold)
  }
}

/** Until the server serves, however often it must be started; false when `over` first. Told of each process that ended before it served. */
export async function untilServing(server: ServerPart, at: () => Orders['at'], over: () => boolean, ended: (pid: number) => void = () => {}): Promise<boolean> {
  while (!over()) {
    const program = server.program()
    const serves = await program?.ready.then(() => true, () => false)
    if (serves === true) return true
    if (program !== null) ended(program.pid)
    // A start needs the database, which may have been killed under it.
    await pause(50)
    if (!over()) server.start(at())
  }
  return false
}
