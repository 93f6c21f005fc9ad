// Starts the sandbox network in a child process and tells when it listens and when it dies. Restarting is the caller's
// decision.
import { fork, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KnobSettings } from './knobs.ts'
import type { Listening, ProcessOptions } from './process.ts'

export type SandboxOptions = {
  /** Where the chain lives; made when missing. One process at a time holds it; a second one waits up to ten seconds. */
  readonly directory: string
  /** Milliseconds of a slot, 20 by default; 0: slots are made by `sandbox_advance` alone. */
  readonly slotMs?: number
  /** 0 or absent: a free port. Give a restarted sandbox its old port, and its clients find it again. */
  readonly port?: number
  /** Names a new network and seeds its faults. */
  readonly seed?: string
  readonly knobs?: KnobSettings
}

export type SandboxExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type Sandbox = {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it in order: what is processed becomes final, the books are closed. Resolves when the process is gone. */
  readonly stop: () => Promise<SandboxExit>
  /** SIGKILL. Resolves when the process is gone. */
  readonly kill: () => Promise<SandboxExit>
  /** Resolves when the process is gone, however it ended. */
  readonly exited: Promise<SandboxExit>
  /** Calls back once when the process is gone. */
  readonly onExit: (listener: (exit: SandboxExit) => void) => void
}

// How much of its complaints is kept for the error of a start that failed.
const STDERR_KEPT = 4_000

/** Resolves when the network answers on its URL. Rejects, with what the process said, when it ends before that. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const settings: ProcessOptions = options
  const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [JSON.stringify(settings)], {
    // The parent's flags (inspector, coverage, loaders) are not the child's.
    execArgv: [],
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { complaints = (complaints + text).slice(-STDERR_KEPT) })
  const exited = endOf(child)
  const listening = await Promise.race([nextMessage(child), exited])
  if (!('kind' in listening)) {
    throw new Error(`the sandbox network did not start: ${complaints.trim() || JSON.stringify(listening)}`)
  }
  const stop = async (): Promise<SandboxExit> => {
    // The child takes the end of the channel as the end of its parent: the same on every system, which signals are not.
    if (child.connected) child.disconnect()
    return exited
  }
  const kill = async (): Promise<SandboxExit> => {
    child.kill('SIGKILL')
    return exited
  }
  return {
    url: listening.url,
    port: listening.port,
    pid: child.pid ?? 0,
    stop,
    kill,
    exited,
    onExit: (listener) => {
      // A listener that throws is a fault of its own, not of this promise: let it end the program.
      exited.then(listener).catch((error: unknown) => { queueMicrotask(() => { throw error }) })
    },
  }
}

// Resolves when the process is gone and its last words are read. (Node's own 'close' event does not come after
// `disconnect()`.)
async function endOf(child: ChildProcess): Promise<SandboxExit> {
  const { stderr } = child
  const silent = stderr === null ? Promise.resolve() : new Promise<void>((resolve) => { stderr.once('close', resolve) })
  const exit = await new Promise<SandboxExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  await silent
  return exit
}

// The parent's environment holds secrets that the sandbox has no use for: only what a process needs to run goes down.
function childEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'NODE_COMPILE_CACHE']
  const kept = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]))
  return { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...Object.fromEntries(kept) }
}

function nextMessage(child: ChildProcess): Promise<Listening> {
  return new Promise((resolve) => { child.once('message', (message) => resolve(message as Listening)) })
}
