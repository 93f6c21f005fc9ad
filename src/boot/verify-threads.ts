// Ranges of a journal checked by several threads, each with a connection of its own to the snapshot of the one that asks.

import { fileURLToPath } from 'node:url'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { NOTHING_FOUND, type RangeChecker, type RangeJob } from '../engine/verify/checker.ts'
import type { RangeFound } from '../engine/verify/journal.ts'
import type { SentJob, ThreadAnswer, ThreadSettings } from './verify-thread.ts'

const PROGRAM = fileURLToPath(new URL('./verify-thread.ts', import.meta.url))

/** The database does a third of the work, so that more threads than cores only wait; beyond this they wait for its disk. */
const MAX_THREADS = 8

export type VerifyThreads = { readonly check: RangeChecker; readonly close: () => Promise<void> }

/** Threads are started as ranges come, and take one at a time in the order in which they were given. */
export function startVerifyThreads(settings: ThreadSettings, count: number = Math.min(MAX_THREADS, availableParallelism())): VerifyThreads {
  const idle: Worker[] = []
  const started: Worker[] = []
  const waiting: ((worker: Worker) => void)[] = []
  const take = async (): Promise<Worker> => {
    const worker = idle.pop()
    if (worker !== undefined) return worker
    if (started.length < count) {
      // The environment holds the addresses and keys of others; of it, only where compiled code is kept.
      const { NODE_COMPILE_CACHE } = process.env
      const fresh = new Worker(PROGRAM, { workerData: settings, env: NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE } })
      started.push(fresh)
      return fresh
    }
    return await new Promise((resolve) => void waiting.push(resolve))
  }
  const giveBack = (worker: Worker): void => {
    const next = waiting.shift()
    if (next === undefined) idle.push(worker)
    else next(worker)
  }
  return {
    check: async (job) => {
      const worker = await take()
      try {
        return job.isNeeded() ? await ask(worker, job) : NOTHING_FOUND
      } finally {
        giveBack(worker)
      }
    },
    close: async () => {
      await Promise.all(started.map(async (worker) => await worker.terminate()))
    },
  }
}

async function ask(worker: Worker, { ledger, snapshot, range, maxBreaks, onProgress }: RangeJob): Promise<RangeFound> {
  const { promise, resolve, reject } = Promise.withResolvers<RangeFound>()
  const hear = (answer: ThreadAnswer): void => {
    if ('transfer' in answer) onProgress(answer.transfer)
    else if ('found' in answer) resolve(answer.found)
    else reject(answer.failed)
  }
  const fail = (error: unknown): void => reject(error instanceof Error ? error : new Error(String(error)))
  const end = (code: number): void => reject(new Error(`a thread of verify ended with ${code}`))
  worker.on('message', hear).once('error', fail).once('exit', end)
  try {
    const job: SentJob = { ledger: ledger.name, snapshot, range, maxBreaks }
    worker.postMessage(job)
    return await promise
  } finally {
    worker.off('message', hear).off('error', fail).off('exit', end)
  }
}
