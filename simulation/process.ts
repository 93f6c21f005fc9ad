// The true program as a process of its own, in a data folder of its own: started as people start it, killed as machines kill it.

import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const READY = 'What to do next:'
const START_LIMIT_MS = 120_000

export type Program = {
  readonly url: string
  readonly output: () => string
  /** SIGKILL to the server, its signer and its network at once. PostgreSQL lives in a session of its own and goes on, unless it is killed too. */
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

/** Starts the server and resolves when it has said what to do next; aborted before that, it is stopped and this rejects. */
export async function startProgram(
  dataDirectory: string,
  { asked, settings }: { readonly asked?: AbortSignal; readonly settings?: Settings } = {},
): Promise<Program> {
  asked?.throwIfAborted()
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'run.js'), join(ROOT, 'src', 'main.ts')], {
    cwd: ROOT,
    env: environment(dataDirectory, settings),
    // A process group of its own, so that all of it can be killed at once.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const stop = async (): Promise<number | null> => {
    const ended = exitOf(child)
    child.kill('SIGTERM')
    return await ended
  }
  try {
    await waitFor(child, () => asked?.aborted === true || output.includes(READY), () => output)
    asked?.throwIfAborted()
  } catch (error) {
    await stop()
    throw error
  }
  const url = /http:\/\/127\.0\.0\.1:[0-9]+(?=\/v1)/.exec(output)?.[0]
  if (url === undefined) throw new Error(`the server did not say where its API is:\n${output}`)
  return {
    url,
    output: () => output,
    kill: async () => {
      const ended = exitOf(child)
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      await ended
    },
    stop,
  }
}

async function waitFor(child: ChildProcess, done: () => boolean, output: () => string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS
  while (!done()) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended instead of starting:\n${output()}`)
    if (Date.now() > deadline) throw new Error(`the server did not start in ${START_LIMIT_MS} ms:\n${output()}`)
    await pause(20)
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  return await new Promise((resolve) => child.once('exit', (code) => resolve(code)))
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
