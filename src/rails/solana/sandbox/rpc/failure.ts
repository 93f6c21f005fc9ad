// The failures that Solana's JSON-RPC answers, with its codes (agave rpc-client-api, custom_error.rs). They travel as
// an Error's cause.
import type { Value } from '../json.ts'

export const RPC_CODES = {
  parse_error: -32700,
  invalid_request: -32600,
  method_not_found: -32601,
  invalid_params: -32602,
  internal_error: -32603,
  block_cleaned_up: -32001,
  preflight_failed: -32002,
  signature_invalid: -32003,
  block_not_available: -32004,
  slot_skipped: -32007,
  version_unsupported: -32015,
  context_slot_not_reached: -32016,
} as const

export type RpcFailure = { readonly code: number; readonly message: string; readonly data?: Value }

/** An Error to throw out of a method. */
export function failure(name: keyof typeof RPC_CODES, message: string, data?: Value): Error {
  const rpc: RpcFailure = { code: RPC_CODES[name], message, ...(data === undefined ? {} : { data }) }
  return new Error(message, { cause: { rpc } })
}

/** The failure that an Error carries, or null for an error that no method meant. */
export function failureOf(error: unknown): RpcFailure | null {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'rpc' in cause ? (cause.rpc as RpcFailure) : null
}
