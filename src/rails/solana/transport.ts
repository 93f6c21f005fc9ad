// JSON-RPC over the fetch it is given: one request, one answer, within a time and a size. What does not come back whole is lost, which
// says nothing about what the node did. Never retries, and never puts the address of the node (it may hold a key) into an error.

import type { Effects } from '../../core/effects.ts'
import { assert } from '../../core/assert.ts'

// Above the slowest honest answer (a search through archived history); a payout is not held up longer by a node that hangs.
const REQUEST_TIMEOUT_MS = 15_000

const ANSWERED = 'answered'

// A thousand signatures are 300 kB, a large foreign transaction 1 MB.
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024

/** A JSON-RPC request as kit makes it. */
export type Payload = { readonly jsonrpc: string; readonly method: string; readonly params: unknown }

/** Sends requests in one HTTP request; the answers come in the order of the requests. Throws what makes them lost. */
export type Post = (payloads: readonly Payload[]) => Promise<readonly unknown[]>

export function createPost(effects: Effects, url: string): Post {
  // Ids of its own instead of kit's, which are counted over the whole process: the same history sends the same bytes.
  let requests = 0
  return async (payloads) => {
    const first = requests
    requests += payloads.length
    const numbered = payloads.map((payload, index) => ({ ...payload, id: first + index }))
    const text = await within(effects, (signal) => exchange(effects, url, { body: encode(numbered), signal }))
    return inOrder(decode(text), { first, count: payloads.length })
  }
}

// A node answers a lone request as an object, several as an array in any order.
function inOrder(answer: unknown, { first, count }: { readonly first: number; readonly count: number }): readonly unknown[] {
  if (count === 1) return [answer]
  if (!Array.isArray(answer)) throw new Error('the node answers no batches of requests')
  const byId = new Map(answer.map((part: { readonly id?: unknown } | null) => [String(part?.id), part]))
  return Array.from({ length: count }, (_, index) => {
    const part = byId.get(String(first + index))
    if (part === undefined) throw new Error('the node left a request of the batch unanswered')
    return part
  })
}

async function within<T>(effects: Effects, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const done = new AbortController()
  const timeout = effects.sleep(REQUEST_TIMEOUT_MS, done.signal).then((): never => {
    late.abort()
    throw new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)
  })
  try {
    return await Promise.race([work(late.signal), timeout])
  } finally {
    // Ends the sleep; its rejection is the loser of the race and belongs to nobody.
    timeout.catch(() => {})
    // A reason of its own, since the usual one costs more than the request's bookkeeping.
    done.abort(ANSWERED)
  }
}

async function exchange(effects: Effects, url: string, { body, signal }: { body: string; signal: AbortSignal }): Promise<string> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const response = await effects.fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' }).catch(connectionFailed)
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`the node answered HTTP ${response.status}`)
  }
  return readText(response)
}

// Fetch's own words may repeat the address; the code of the cause (ECONNREFUSED) says enough.
function connectionFailed(error: unknown): never {
  const cause = error instanceof Error ? error.cause : null
  const code = typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ''
  throw new Error(`the connection failed${code}`)
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_RESPONSE_BYTES) throw new Error(`the answer is longer than ${MAX_RESPONSE_BYTES} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function encode(payloads: readonly unknown[]): string {
  return JSON.stringify(payloads.length === 1 ? payloads[0] : payloads, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value
    assert(value <= BigInt(Number.MAX_SAFE_INTEGER), `a request asks for ${value}`)
    return Number(value)
  })
}

// Only then can a number be above 2^53: most answers hold none and take the fast way.
const MAY_BE_LARGE = /\d{16}/
const WHOLE = /^-?\d+$/

/** Parses JSON without rounding: whole numbers that no double holds become bigint (kit makes bigints of the others). */
function decode(text: string): unknown {
  return MAY_BE_LARGE.test(text) ? JSON.parse(text, withBigInts as (key: string, value: unknown) => unknown) : JSON.parse(text)
}

// The third argument is newer than the compiler's library: the text that the value was read from.
function withBigInts(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source) ? BigInt(source) : value
}
