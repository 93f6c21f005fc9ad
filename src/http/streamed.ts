// Answers without end: what is written goes out as it is written, and the writer waits while the reader does not take it.

import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Effects } from '../core/effects.ts'

/** A reader that takes nothing for so long is cut off: what is read for it keeps a snapshot of the database. */
const STALL_LIMIT_MS = 60_000

export type Write = (text: string) => Promise<void>

/**
 * Answers with what `work` writes. What it rejects with before its first word is answered as any refusal; later the answer is cut off, which
 * its reader sees. Resolves when the answer has begun; `done` is called when the work has ended in any way.
 */
export async function streamed(
  reply: FastifyReply,
  { sleep }: Pick<Effects, 'sleep'>,
  { type, work, done }: { readonly type: string; readonly work: (write: Write) => Promise<void>; readonly done: () => void },
): Promise<FastifyReply> {
  const out = new PassThrough()
  // Heard by whoever reads it; without one there is nobody to tell.
  out.on('error', () => {})
  const begun = Promise.withResolvers<void>()
  const write: Write = async (text) => {
    begun.resolve()
    if (out.destroyed) throw new Error('the reader of an answer has gone away')
    if (out.write(text)) return
    const waiting = new AbortController()
    const stalled = sleep(STALL_LIMIT_MS, waiting.signal).then(() => void (waiting.signal.aborted || out.destroy(new Error('the reader of an answer takes nothing'))))
    await Promise.race([once(out, 'drain', { signal: waiting.signal }), once(out, 'close', { signal: waiting.signal }), stalled]).catch(() => {})
    waiting.abort()
    if (out.destroyed) throw new Error('the reader of an answer has gone away')
  }
  const worked = work(write).then(
    () => void out.end(),
    (error: unknown) => {
      out.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    },
  ).finally(done)
  await Promise.race([begun.promise, worked])
  worked.catch(() => {})
  return await reply.type(type).send(out)
}
