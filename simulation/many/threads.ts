// Many histories at a time: as many threads as there are cores, each with a database of its own, and one source of seeds.

import { Worker } from 'node:worker_threads'
import type { Effects } from '../../src/core/effects.ts'
import type { Ran, Task } from './live.ts'
import type { ThreadOptions } from './thread.ts'

export type Many = {
  readonly threads: number
  readonly options: ThreadOptions
  /** The next history to live; null when there is none. */
  readonly next: () => Task | null
  readonly ran: (ran: Ran) => void
  readonly effects: Pick<Effects, 'sleep'>
}

/** A history takes a second or two. One that is at it for so long will not end, and its thread is ended instead. */
const HISTORY_LIMIT_MS = 300_000

/** Lives histories until there is no next one. A thread that dies is one failed history, and another thread goes on. */
export async function runMany(many: Many): Promise<void> {
  await Promise.all(Array.from({ length: many.threads }, async () => await keepAlive(many)))
}

async function keepAlive(many: Many): Promise<void> {
  for (let task = many.next(); task !== null; ) {
    const thread = startThread(many.options)
    try {
      await thread.answer()
      for (; task !== null; task = many.next()) {
        const answered: Ran | string = await limited(many, thread, task)
        many.ran(typeof answered === 'string' ? failed(task, answered) : answered)
        if (typeof answered === 'string') {
          task = many.next()
          break
        }
      }
    } finally {
      await thread.end()
    }
  }
}

function failed({ seed }: Task, error: string): Ran {
  return { seed, history: null, error, other: null, server: null, control: null, lived: 1, milliseconds: 0 }
}

async function limited({ effects }: Many, thread: Thread, task: Task): Promise<Ran | string> {
  const over = new AbortController()
  const late = effects.sleep(HISTORY_LIMIT_MS, over.signal).then(() => `it did not end within ${HISTORY_LIMIT_MS / 1000} s`)
  try {
    return await Promise.race([thread.ask(task), late])
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  } finally {
    over.abort()
  }
}

/** Nearly all that a history makes is gone with the step that made it: with so much room few of its objects outlive a collection. */
const YOUNG_MB = 192

type Thread = { readonly ask: (task: Task) => Promise<Ran>; readonly answer: () => Promise<unknown>; readonly end: () => Promise<void> }

function startThread(options: ThreadOptions): Thread {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: options, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } })
  let answer = Promise.withResolvers<unknown>()
  worker.on('message', (said: unknown) => answer.resolve(said))
  worker.on('error', (error) => answer.reject(error))
  worker.on('exit', (code) => answer.reject(new Error(`the thread ended with ${code}`)))
  const next = async (): Promise<unknown> => {
    const said = await answer.promise
    answer = Promise.withResolvers<unknown>()
    answer.promise.catch(() => {})
    return said
  }
  return {
    answer: next,
    ask: async (task) => {
      worker.postMessage(task)
      return (await next()) as Ran
    },
    end: async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      worker.once('exit', () => resolve())
      if (worker.threadId === -1) return
      worker.postMessage('end')
      const left = setTimeout(() => void worker.terminate(), END_LIMIT_MS)
      await promise
      clearTimeout(left)
    },
  }
}

/** A thread that still lives a history is ended in the middle of it. */
const END_LIMIT_MS = 5_000
