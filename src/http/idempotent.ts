// Answers a request once: under an Idempotency-Key the answer is kept as it was sent, and sent again for the same body.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { canonicalJson, sha256 } from '../core/canonical.ts'
import type { Json } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { idUnder, type Answered, type Idempotency } from '../engine/idempotency.ts'
import { callerOf } from './auth.ts'
import { PROBLEM_HEADER, problemOf } from './errors.ts'

/** Whose key, on which route, for which content. */
type Slot = Parameters<Idempotency['run']>[0]

/** What became of the key, for answers that show it; undefined without a key. */
export type KeyState = 'spent' | 'freed' | undefined

/**
 * What the work came to. `refusedByState`: part of it may succeed when it is sent again, so no key may stand for this answer. `show`
 * makes the document once it is known what becomes of the key.
 */
type Outcome = {
  readonly status: number
  readonly refusedByState: boolean
  readonly show: (key: KeyState) => { readonly [name: string]: unknown }
}

/**
 * Sends what `work` comes to. With an Idempotency-Key: the kept answer, or what it comes to now, kept unless it was refused by state.
 * `slot` is that of the key, null without one.
 */
export async function answerOnce(
  idempotency: Idempotency,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (slot: Slot | null) => Promise<Outcome>,
): Promise<FastifyReply> {
  const idempotencyKey = request.headers['idempotency-key']
  if (idempotencyKey === undefined) {
    const { status, show } = await work(null)
    return await reply.code(status).send(show(undefined))
  }
  const slot = {
    key: callerOf(request).grant.key,
    route: `${request.method} ${request.routeOptions.url}`,
    idempotencyKey: String(idempotencyKey),
    fingerprint: sha256(request.body === undefined ? '' : canonicalJson(request.body as Json)),
  }
  const { answer, replayed } = await idempotency.run(slot, async (): Promise<Answered> => {
    try {
      const { status, refusedByState, show } = await work(slot)
      const body = reply.serializeInput(show(refusedByState ? 'freed' : 'spent'), String(status)) as string
      return { answer: { status, body }, spent: !refusedByState }
    } catch (error) {
      if (!(error instanceof Refusal) || error.causedBy === 'state') throw error
      return { answer: { status: error.status, body: JSON.stringify(problemOf(error, { request: request.id, idempotency: 'spent' })) }, spent: true }
    }
  })
  if (replayed) reply.header('idempotency-replayed', 'true')
  const type = answer.status < 400 ? 'application/json; charset=utf-8' : PROBLEM_HEADER
  return await reply.code(answer.status).type(type).send(answer.body)
}

/**
 * The same for work that is done whole or refused. `id` is for what the work makes: whoever does it again under the key, because nobody knows
 * that it was done, finds it made. Null without a key.
 */
export async function answerWhole(
  idempotency: Idempotency,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (id: string | null) => Promise<object>,
): Promise<FastifyReply> {
  return await answerOnce(idempotency, request, reply, async (slot) => {
    const document = await work(slot === null ? null : idUnder(slot))
    return { status: 200, refusedByState: false, show: () => ({ ...document }) }
  })
}
