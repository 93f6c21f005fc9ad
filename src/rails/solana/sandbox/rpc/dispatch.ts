// JSON-RPC 2.0: reads a request or a batch, finds the method, writes the answer. Knows nothing of faults or sockets.
import type { View } from '../history.ts'
import { decodeJson, encodeJson, type Value } from '../json.ts'
import type { Network } from '../state.ts'
import { accountMethods } from './accounts.ts'
import { blockMethods } from './blocks.ts'
import { chainMethods } from './chain.ts'
import { RPC_CODES, failureOf, type RpcFailure } from './failure.ts'
import type { Host, Method } from './method.ts'
import { sandboxMethods } from './sandbox.ts'
import { signatureMethods } from './signatures.ts'
import { tokenMethods } from './tokens.ts'
import { transactionMethods } from './transactions.ts'

const METHODS: ReadonlyMap<string, Method> = new Map(Object.entries<Method>({
  ...accountMethods, ...blockMethods, ...chainMethods, ...sandboxMethods, ...signatureMethods, ...tokenMethods, ...transactionMethods,
}))

/** A request body, parsed: what it asks, one or many. Null when it is no JSON. */
export type Envelope = { readonly batch: boolean; readonly requests: readonly unknown[] }

export function readEnvelope(body: string): Envelope | null {
  try {
    const parsed = decodeJson(body)
    return Array.isArray(parsed) ? { batch: true, requests: parsed } : { batch: false, requests: [parsed] }
  } catch {
    return null
  }
}

/** Whether every request of the envelope is one of the sandbox's own, which faults spare. */
export function isOwn(envelope: Envelope): boolean {
  return envelope.requests.length > 0
    && envelope.requests.every((request) => isRecord(request) && String(request['method']).startsWith('sandbox_'))
}

/** The answer's body. All requests of a batch are answered by the same node. */
export function dispatch(network: Network, view: View, host: Host, envelope: Envelope | null): string {
  if (envelope === null) return encodeJson(refusal(null, { code: RPC_CODES.parse_error, message: 'Parse error' }))
  if (envelope.requests.length === 0) return encodeJson(INVALID_REQUEST)
  const answers = envelope.requests.map((request) => answerOne(network, view, host, request))
  return encodeJson(envelope.batch ? answers : (answers[0] ?? null))
}

function answerOne(network: Network, view: View, host: Host, request: unknown): Value {
  if (!isRecord(request) || request['jsonrpc'] !== '2.0' || typeof request['method'] !== 'string') {
    return INVALID_REQUEST
  }
  const id = idOf(request['id'])
  const method = METHODS.get(request['method'])
  if (method === undefined) return refusal(id, { code: RPC_CODES.method_not_found, message: 'Method not found' })
  const params = request['params'] ?? []
  if (!Array.isArray(params)) return refusal(id, { code: RPC_CODES.invalid_params, message: '`params` should be an array' })
  try {
    return { jsonrpc: '2.0', result: method({ network, view, host, params }), id }
  } catch (error) {
    const known = failureOf(error)
    if (known !== null) return refusal(id, known)
    host.report(error)
    return refusal(id, { code: RPC_CODES.internal_error, message: 'Internal error' })
  }
}

function refusal(id: Value, error: RpcFailure): Value {
  return { jsonrpc: '2.0', error, id }
}

const INVALID_REQUEST = refusal(null, { code: RPC_CODES.invalid_request, message: 'Invalid request' })

function idOf(id: unknown): Value {
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? id : null
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
