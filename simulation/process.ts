// The true program as a process of its own, in a data folder of its own: started as people start it, killed as machines kill it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const READY = 'What to do next:'
const URL_OF_API = /http:\/\/127\.0\.0\.1:[0-9]+(?=\/v1)/
const START_LIMIT_MS = 120_000
const KEPT_OUTPUT = 1_000_000

export type Program = {
  readonly pid: number
  /** Where its API is; rejects when it ends before it says so, or does not in time. */
  readonly ready: Promise<string>
  /** Resolves when the process is gone, however it ended. */
  readonly ended: Promise<void>
  readonly hasEnded: () => boolean
  /** The end of what it said. */
  readonly output: () => string
  /** SIGKILL to the process and its children at once. */
  readonly kill: () => Promise<void>
  /** SIGTERM, as `npm` and service managers send it. Resolves with the exit code. */
  readonly stop: () => Promise<number | null>
}

/** Settings by their names, over those of a program in a data folder of its own. */
export type Settings = Readonly<Record<string, string>>

export function environment(dataDirectory: string, settings: Settings = {}): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, APP_DATABASE_URL: __, SIGNER_DATABASE_URL: ___, PORT: ____, ...own } = process.env
  return { ...own, APPORTION_DATA: dataDirectory, ...settings }
}

/** A server that has said where its API is. */
export type Started = Program & { readonly url: string }

/** Starts the server and resolves when it has said what to do next; aborted before that, it is stopped and this rejects. */
export async function startProgram(
  dataDirectory: string,
  { asked, settings = {} }: { readonly asked?: AbortSignal; readonly settings?: Settings } = {},
): Promise<Started> {
  asked?.throwIfAborted()
  const program = spawnProgram(dataDirectory, { settings })
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(asked?.reason as Error)
  asked?.addEventListener('abort', end, { once: true })
  try {
    return { ...program, url: await Promise.race([program.ready, aborted]) }
  } catch (error) {
    await program.stop()
    throw error
  } finally {
    asked?.removeEventListener('abort', end)
  }
}

/** Starts the server, with settings over its own and arguments for its Node. */
export function spawnProgram(dataDirectory: string, { settings = {}, execArgv = [] }: { readonly settings?: Settings; readonly execArgv?: readonly string[] } = {}): Program {
  const child = spawn(process.execPath, [...execArgv, join(ROOT, 'scripts', 'run.js'), join(ROOT, 'src', 'main.ts')], {
    cwd: ROOT,
    env: environment(dataDirectory, settings),
    // A process group of its own, so that all of it can be killed at once.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  ready.catch(() => {})
  const listen = (text: string): void => {
    output = (output + text).slice(-KEPT_OUTPUT)
    const url = output.includes(READY) ? URL_OF_API.exec(output)?.[0] : undefined
    if (url !== undefined) resolve(url)
  }
  child.stdout.setEncoding('utf8').on('data', listen)
  child.stderr.setEncoding('utf8').on('data', listen)
  const limit = setTimeout(() => reject(new Error(`the server did not start in ${START_LIMIT_MS} ms:\n${output}`)), START_LIMIT_MS)
  const ended = new Promise<void>((done) => {
    child.once('exit', () => {
      clearTimeout(limit)
      reject(new Error(`the server ended instead of starting:\n${output}`))
      done()
    })
  })
  ready.then(() => clearTimeout(limit), () => {})
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
  }
}

/** Runs a command of the CLI and resolves with what it printed; rejects when it fails. */
export async function apportion(dataDirectory: string, words: readonly string[], settings: Settings = {}): Promise<string> {
  const { code, printed, complaints } = await tryApportion(dataDirectory, words, settings)
  if (code !== 0) throw new Error(`apportion ${words.join(' ')} ended with ${code}: ${complaints || printed}`)
  return printed
}

/** Runs a command of the CLI and resolves with how it ended. */
export async function tryApportion(
  dataDirectory: string,
  words: readonly string[],
  settings: Settings = {},
): Promise<{ readonly code: number | null; readonly printed: string; readonly complaints: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'apportion.js'), ...words], {
    cwd: ROOT,
    env: environment(dataDirectory, settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)))
  return { code, printed, complaints }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
