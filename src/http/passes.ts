// Passes over a ledger's past that callers ask for: few at once, each over so many events, and none for a caller that has gone away.

import type { FastifyReply } from 'fastify'
import { Refusal } from '../core/refusal.ts'

/** Events of a span that are answered at once: some seconds of one processor. The command takes any number. */
export const MAX_EVENTS = 100_000n

/** Passes at once: each takes a connection and as much of this process as it gets. */
export const MAX_PASSES = 2

export type Passes = { readonly run: <Document>(reply: FastifyReply, work: (signal: AbortSignal) => Promise<Document>) => Promise<Document> }

/** Refuses `queue_exceeded` beyond the limit. `noun`: what is made, for people. */
export function createPasses(noun: string, limit: number): Passes {
  let running = 0
  return {
    run: async (reply, work) => {
      if (running >= limit) {
        throw new Refusal('queue_exceeded', `${running} ${noun} are being made already, and ${limit} is the limit: send this again in a moment`, { waiting: running, limit })
      }
      const gone = new AbortController()
      const leave = (): void => gone.abort(new Refusal('queue_exceeded', 'the connection was closed before it was made'))
      reply.raw.once('close', leave)
      running += 1
      try {
        return await work(gone.signal)
      } finally {
        running -= 1
        reply.raw.off('close', leave)
      }
    },
  }
}
