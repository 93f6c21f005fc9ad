// Peak memory of each process of a run: this one and all that it started, however deep. Watched from a thread, so that looking costs the
// measured process nothing but memory.

import { Worker } from 'node:worker_threads'

/** MiB by process; null where the system does not tell. PostgreSQL's processes count together, what they share once. */
export type PeakMemory = Readonly<Record<string, number>> | null

export type MemoryWatch = { readonly stop: () => Promise<PeakMemory> }

/** Watches until it is stopped. */
export function watchMemory(): MemoryWatch {
  if (process.platform !== 'linux') return { stop: async () => null }
  const thread = new Worker(new URL('./memory-thread.ts', import.meta.url))
  // A run that fails or is interrupted never asks: nobody shall wait for it then.
  thread.unref()
  return {
    stop: async () => {
      const { promise, resolve, reject } = Promise.withResolvers<PeakMemory>()
      thread.ref()
      thread.once('message', resolve).once('error', reject)
      // A thread has no origin.
      thread.postMessage('stop', [])
      return await promise
    },
  }
}
