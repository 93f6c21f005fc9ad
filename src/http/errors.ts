// Errors as callers see them: problem details (RFC 9457), one for each refusal code. What is not a refusal is logged and never shown.

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Log } from '../core/effects.ts'
import { clip, quote } from '../core/money.ts'
import { REFUSALS, Refusal, type RefusalCode } from '../core/refusal.ts'
import { isDatabaseLost } from '../engine/database.ts'
import type { problemSchema } from './contract.ts'

export type Problem = z.infer<typeof problemSchema>

export const PROBLEM_TYPE = 'application/problem+json'
export const PROBLEM_HEADER = `${PROBLEM_TYPE}; charset=utf-8`

type Kind = { readonly type: string; readonly title: string; readonly status: number; readonly retryAfterSeconds: number | null }

/** The pause after which a refused request is worth sending again, where that is a matter of moments. */
const RETRY_AFTER_SECONDS: Readonly<Partial<Record<RefusalCode, number>>> = {
  database_unavailable: 1,
  queue_exceeded: 1,
  rail_unavailable: 5,
  reference_locked: 1,
}

/** Every code there is: a refusal without an entry cannot be written down. */
const PROBLEMS = Object.fromEntries(
  (Object.keys(REFUSALS) as RefusalCode[]).map((code): [RefusalCode, Kind] => {
    const words = code.replaceAll('_', ' ')
    const title = `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
    return [code, { type: `urn:apportion:problem:${code}`, title, status: REFUSALS[code].status, retryAfterSeconds: RETRY_AFTER_SECONDS[code] ?? null }]
  }),
) as Readonly<Record<RefusalCode, Kind>>

/** A refusal as a document. `idempotency` says what became of the request's key, when it had one. */
export function problemOf(
  { code, message, details }: Refusal,
  { request, idempotency }: { readonly request: string; readonly idempotency?: 'spent' | 'freed' },
): Problem {
  const { type, title, status } = PROBLEMS[code]
  return { type, title, status, detail: message, code, details, instance: `urn:uuid:${request}`, ...(idempotency !== undefined && { idempotency }) }
}

/** The refusal for content that does not fit its schema, naming the field. */
export function malformed({ issues }: Pick<z.ZodError, 'issues'>): Refusal {
  const problems = issues.map((issue) => {
    const path = issue.path.map(String).join('.')
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    const field = unknown === undefined ? path : path === '' ? unknown : `${path}.${unknown}`
    return { field: clip(field), problem: unknown === undefined ? problemWith(issue.message) : 'is not a field of this request' }
  })
  const { field = '', problem = 'is malformed' } = problems[0] ?? {}
  const others = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  return new Refusal('field_malformed', `${field === '' ? 'the body' : field}: ${problem}${others}`, {
    field,
    problem,
    fields: problems.slice(0, 10).map((found) => found.field),
  })
}

// The schema library's words for a field that is not there.
function problemWith(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : clip(message, 200)
}

/** Sends every error as a problem, and logs what is nobody's refusal. */
export function handleErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler(async (error, request, reply) => await sendProblem(reply, refusalOf(error, request, log)))
}

/** Sends a refusal as a problem with its headers. */
export async function sendProblem(reply: FastifyReply, refusal: Refusal): Promise<FastifyReply> {
  const { status, retryAfterSeconds } = PROBLEMS[refusal.code]
  const { request } = reply
  const hadKey = request.headers['idempotency-key'] !== undefined && request.method === 'POST'
  // What was answered under the key itself is sent from there; here it was not used, unless it stands for another request.
  const idempotency = refusal.code === 'idempotency_key_conflict' ? ('spent' as const) : ('freed' as const)
  const problem = problemOf(refusal, { request: request.id, ...(hadKey && { idempotency }) })
  const after = refusal.details['retry_after_seconds'] ?? retryAfterSeconds
  if (typeof after === 'number') reply.header('retry-after', String(after))
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="apportion"')
  return await reply.code(status).header('request-id', request.id).type(PROBLEM_HEADER).serializer(JSON.stringify).send(problem)
}

function refusalOf(error: unknown, request: FastifyRequest, log: Log): Refusal {
  if (error instanceof Refusal) return error
  if (hasZodFastifySchemaValidationErrors(error)) return malformedRequest(error)
  const refusal = frameworkRefusal(error, request)
  if (refusal !== null) return refusal
  const fields = { request: request.id, route: `${request.method} ${request.routeOptions.url ?? ''}` }
  if (isDatabaseLost(error)) {
    log('warn', 'the database did not answer a request', { ...fields, reason: reasonOf(error) })
    return new Refusal('database_unavailable', 'the database did not answer: send the same request again in a moment')
  }
  log('error', 'a request failed', { ...fields, reason: reasonOf(error), stack: error instanceof Error ? (error.stack ?? '') : '' })
  return new Refusal('server_failed', 'the server failed to answer; the log has the reason under this request\'s id. Sending the same again is safe')
}

function malformedRequest({ validation, validationContext }: FastifyError): Refusal {
  const [issue] = validation ?? []
  const unknown = (issue?.params as { keys?: readonly string[] } | undefined)?.keys?.[0]
  const path = (issue?.instancePath ?? '').split('/').filter((part) => part !== '').join('.')
  const field = clip(unknown ?? path)
  const problem = unknown === undefined ? problemWith(issue?.message ?? 'is malformed') : `is not a parameter of this ${validationContext === 'querystring' ? 'list' : 'request'}`
  return new Refusal('field_malformed', `${field}: ${problem}`, { field, problem })
}

function frameworkRefusal(error: unknown, request: FastifyRequest): Refusal | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const limit = request.routeOptions.bodyLimit
      return new Refusal('body_exceeded', `the body is larger than ${limit} bytes: send fewer events in one request`, { limit })
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const given = request.headers['content-type']
      const what = given === undefined ? 'without a content type' : `of type ${quote(given)}`
      return new Refusal('content_type_unsupported', `the body came ${what}: send application/json`, { given: given === undefined ? null : clip(given) })
    }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'ECONNRESET':
      return request.raw.destroyed || code !== 'ECONNRESET' ? new Refusal('body_malformed', 'the body ended before its announced length') : null
    case 'FST_ERR_BAD_URL':
      return notFound(request.method, request.url)
    default:
      return null
  }
}

export function notFound(method: string, url: string): Refusal {
  // Without what follows the path: a key that was put there by mistake must not come back in an answer.
  const [path = ''] = url.split('?', 1)
  return new Refusal('route_not_found', `there is no ${clip(method)} ${quote(path)}: /openapi.json lists what there is`)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
