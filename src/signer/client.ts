// The server's side of the signer: starts its process, brings requests and answers, and starts it again when it ends by itself.
// A request that is lost with the process is harmless: nothing that was not answered was ever sent to a network.

import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Effects } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { answer as answerSchema, callsOver, refusalOf, type Answer, type SentRequest } from './protocol.ts'
import { environmentOf, type SignerSettings } from './settings.ts'
import type { Signer, SignerExit } from './signer.ts'

export type ForkedSigner = Signer & {
  /** The process that runs now; null between one that ended and the next. */
  readonly pid: () => number | null
}

type ClientEffects = Pick<Effects, 'sleep' | 'log'>

type Link = {
  readonly child: ChildProcess
  readonly call: (sent: SentRequest) => Promise<Answer>
  readonly ended: Promise<SignerExit>
}

const PROGRAM = fileURLToPath(new URL('./process.ts', import.meta.url))

// A cold start takes half a second; a database that does not answer refuses after 30.
const START_LIMIT_MS = 45_000
// The signer's own statements end after 20 s: beyond this the process itself hangs.
const CALL_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 5_000
const RESTART_FIRST_MS = 100
const RESTART_LIMIT_MS = 10_000

/**
 * Starts the signer's process and resolves when it is ready. Refuses what the process refuses: `configuration_invalid`,
 * `master_key_mismatch`, `database_unavailable`; `rail_unavailable` when it cannot be started at all. Later calls refuse
 * `rail_unavailable` while the process is away; it is started again until `stop`.
 */
export async function startSigner(effects: ClientEffects, settings: SignerSettings): Promise<ForkedSigner> {
  const listeners: ((end: SignerExit) => void)[] = []
  const stopping = new AbortController()
  let link: Link | null = await connect(effects, settings)
  const supervise = async (first: Link): Promise<void> => {
    for (let current: Link | null = first; current !== null; ) {
      const end = await current.ended
      link = null
      if (stopping.signal.aborted) return
      effects.log('warn', 'the signer ended by itself and is started again', end)
      for (const listener of listeners) listener(end)
      current = link = await reconnect(effects, settings, stopping.signal)
    }
  }
  const supervised = supervise(link)
  return {
    ...callsOver(async (sent) => {
      if (link === null) throw unavailable(stopping.signal.aborted ? 'was stopped' : 'is being started again')
      return await link.call(sent)
    }),
    pid: () => link?.child.pid ?? null,
    onExit: (listener) => void listeners.push(listener),
    stop: async () => {
      stopping.abort()
      if (link !== null) await end(effects, link)
      await supervised
    },
  }
}

/** Tries until a process is ready; null when stopped meanwhile. */
async function reconnect(effects: ClientEffects, settings: SignerSettings, stop: AbortSignal): Promise<Link | null> {
  for (let tries = 0; !stop.aborted; tries += 1) {
    await effects.sleep(Math.min(RESTART_LIMIT_MS, RESTART_FIRST_MS * 2 ** Math.min(tries, 20)), stop)
    if (stop.aborted) break
    try {
      const link = await connect(effects, settings)
      if (!stop.aborted) return link
      await end(effects, link)
    } catch (error) {
      const reason = error instanceof Refusal ? error.message : 'it ended before it was ready'
      effects.log('error', 'the signer could not be started again', { reason, tries: tries + 1 })
    }
  }
  return null
}

async function connect(effects: ClientEffects, settings: SignerSettings): Promise<Link> {
  const child = fork(PROGRAM, [], {
    env: environmentOf(settings, process.env),
    // Neither a debugger's port nor loaders of the server's.
    execArgv: [],
    serialization: 'json',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = endOf(child)
  const desk = createCalls(effects, child)
  const gone = ended.then((): Refusal => {
    desk.abandon()
    return unavailable('ended before it was ready')
  })
  const waited = new AbortController()
  const first = await Promise.race([
    desk.first,
    gone,
    effects.sleep(START_LIMIT_MS, waited.signal).then(() => unavailable(`was not ready within ${START_LIMIT_MS} ms`)),
  ])
  waited.abort()
  if (first === 'ready') return { child, call: desk.call, ended }
  child.kill('SIGKILL')
  throw first
}

/** Resolves when the process is gone and its last message was read. */
async function endOf(child: ChildProcess): Promise<SignerExit> {
  const closed = new Promise<void>((resolve) => child.once('disconnect', resolve))
  const exit = await new Promise<SignerExit | null>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    // Other errors are about single messages, whose senders hear of them.
    child.on('error', () => child.pid === undefined && resolve(null))
  })
  if (exit === null) return { code: null, signal: null }
  await closed
  return exit
}

type Calls = {
  readonly call: (sent: SentRequest) => Promise<Answer>
  /** Ready, or the refusal to start. */
  readonly first: Promise<'ready' | Refusal>
  readonly abandon: () => void
}

type Pending = { readonly resolve: (answer: Answer) => void; readonly reject: (refusal: Refusal) => void; readonly limit: AbortController }

function createCalls(effects: ClientEffects, child: ChildProcess): Calls {
  const pending = new Map<number, Pending>()
  const first = Promise.withResolvers<'ready' | Refusal>()
  let last = 0
  const settle = (id: number, how: (pending: Pending) => void): void => {
    const found = pending.get(id)
    if (found === undefined) return
    pending.delete(id)
    found.limit.abort()
    how(found)
  }
  child.on('message', (message) => {
    const parsed = answerSchema.safeParse(message)
    if (!parsed.success) return effects.log('error', 'the signer sent something that is no answer')
    const { data } = parsed
    if (data.type === 'ready') return first.resolve('ready')
    if (data.type === 'log') return effects.log(data.level, data.message, data.fields)
    if (data.type !== 'refused') return settle(data.id, ({ resolve }) => resolve(data))
    const refusal = refusalOf(data)
    if (data.id !== null) return settle(data.id, ({ reject }) => reject(refusal))
    effects.log('error', 'the signer refused to go on', { code: refusal.code, reason: refusal.message })
    first.resolve(refusal)
  })
  return {
    first: first.promise,
    abandon: () => {
      for (const id of pending.keys()) settle(id, ({ reject }) => reject(unavailable('ended before it answered')))
    },
    call: (sent) =>
      new Promise((resolve, reject) => {
        const id = (last += 1)
        const limit = new AbortController()
        pending.set(id, { resolve, reject, limit })
        const give = (what: string): void => settle(id, (lost) => lost.reject(unavailable(what)))
        after(effects, CALL_LIMIT_MS, limit.signal, () => give(`did not answer within ${CALL_LIMIT_MS} ms`))
        child.send({ ...sent, id }, undefined, undefined, (error) => error !== null && give('cannot be reached'))
      }),
  }
}

async function end(effects: ClientEffects, { child, ended }: Link): Promise<void> {
  const waited = new AbortController()
  if (child.connected) child.disconnect()
  after(effects, STOP_LIMIT_MS, waited.signal, () => child.kill('SIGKILL'))
  await ended
  waited.abort()
}

function after(effects: ClientEffects, ms: number, cancelled: AbortSignal, act: () => void): void {
  effects.sleep(ms, cancelled).then(
    () => (cancelled.aborted ? undefined : act()),
    () => effects.log('error', 'a time limit of the signer was lost', { ms }),
  )
}

function unavailable(what: string): Refusal {
  return new Refusal('rail_unavailable', `the signer ${what}; nothing was sent: ask again`)
}
