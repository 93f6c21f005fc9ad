// Answers to requests: what each one asks for is done, a few at a time, and whatever goes wrong becomes a refusal that shows no secret.

import { assert } from '../core/assert.ts'
import type { Log } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { createKey, importKey } from './keys.ts'
import { idOf, parseRequest, refusedAnswer, type Answer, type Request } from './protocol.ts'
import { createSigning } from './sign.ts'
import type { SignerWorld } from './signer.ts'

/** Requests worked on at once, which share their statements. */
export const REQUESTS_AT_ONCE = 64

// A server that asks faster than this shall hear it rather than grow our memory.
const MAX_WAITING = 1_000

/** Does what requests ask. Throws a Refusal, or another error where a law is broken or the database fails. */
export function createPerformer(world: SignerWorld): (request: Request) => Promise<Answer> {
  const sign = createSigning(world)
  return async (request) => {
    const { id, type } = request
    if (type === 'sign') {
      const { identity, bytes } = await sign(request)
      return { type: 'signed', id, identity, bytes: bytes.toBase64() }
    }
    const { address } = await (type === 'create' ? createKey(world, request) : importKey(world, request))
    return { type: 'address', id, address }
  }
}

/** Answers any message, never throwing: requests beyond those at once wait in line, and beyond the line are refused. */
export function createDesk(world: SignerWorld, log: Log): (message: unknown) => Promise<Answer> {
  const perform = createPerformer(world)
  let working = 0
  const line: (() => void)[] = []
  const enter = async (): Promise<void> => {
    if (working < REQUESTS_AT_ONCE) {
      working += 1
      return
    }
    if (line.length >= MAX_WAITING) {
      throw new Refusal('queue_exceeded', `${line.length} requests wait for the signer already: ask again later`, { waiting: line.length })
    }
    await new Promise<void>((resolve) => line.push(resolve))
  }
  const leave = (): void => {
    const next = line.shift()
    // Whoever is next takes over the place.
    if (next === undefined) working -= 1
    else next()
    assert(working >= 0 && working <= REQUESTS_AT_ONCE, `${working} requests are worked on`)
  }
  const work = async (request: Request): Promise<Answer> => {
    await enter()
    try {
      return await perform(request)
    } finally {
      leave()
    }
  }
  return async (message) => {
    try {
      return await work(parseRequest(message))
    } catch (error) {
      return refusedAnswer(idOf(message), refusalFor(error, log))
    }
  }
}

/**
 * A refusal for whatever was thrown. Texts of unexpected errors may repeat what they were given, a key among it: neither the answer
 * nor the log has them, only where it happened.
 */
export function refusalFor(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error
  const about = describe(error)
  const known = databaseRefusal(error)
  if (known === null) {
    log('error', 'the signer failed', about)
    return new Refusal('server_failed', 'the signer failed; its log says where')
  }
  log('warn', known.message, about)
  return known
}

function describe(error: unknown): { name: string; code: string | null; at: readonly string[] } {
  if (!(error instanceof Error)) return { name: typeof error, code: null, at: [] }
  const code = codeOf(error)
  return { name: error.name, code: code === '' ? null : code, at: framesOf(error) }
}

const MAX_FRAMES = 12

/** The lines of the stack that name places; those before them are the error's text. */
function framesOf({ stack = '', message }: Error): readonly string[] {
  const start = stack.indexOf(message)
  return stack
    .slice(start === -1 ? 0 : start + message.length)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^at .+:\d+:\d+\)?$/.test(line))
    .slice(0, MAX_FRAMES)
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : ''
}

// Connection failures (08), resources (53), a server that stops or is not up yet (57P), a statement that waited too long (57014).
const GONE = /^(08...|53...|57P..|57014|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
// The driver's own errors have no code.
const GONE_TEXT = /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/
// Wrong role or password (28), no such database (3D000), a right or a table that is missing (42501, 3F000, 42P01, 42703).
const FORBIDDEN = /^(28...|3D000|42501|3F000|42P01|42703)$/

function databaseRefusal(error: unknown): Refusal | null {
  if (error instanceof AggregateError) return error.errors.map(databaseRefusal).find((found) => found !== null) ?? null
  if (!(error instanceof Error)) return null
  if (GONE.test(codeOf(error)) || GONE_TEXT.test(error.message)) {
    return new Refusal('database_unavailable', 'the signer cannot reach its database: it will try again at the next request')
  }
  if (!FORBIDDEN.test(codeOf(error))) return null
  return new Refusal('database_role_forbidden', `the database refuses the signer's role (${codeOf(error)}): check its address, password and rights`, {
    sqlstate: codeOf(error),
  })
}
