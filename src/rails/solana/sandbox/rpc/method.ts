// What a JSON-RPC method is given, and how its parameters are read. A wrong parameter is refused with -32602 and a
// sentence.
import { z } from 'zod'
import type { Effects } from '../../../../core/effects.ts'
import { ADDRESS_BYTES, SIGNATURE_BYTES, parseKey, type Key } from '../bytes.ts'
import type { Commitment, View } from '../history.ts'
import type { Value } from '../json.ts'
import type { Network } from '../state.ts'
import { failure } from './failure.ts'

export type Host = {
  readonly now: Effects['now']
  /** Told of errors that are the sandbox's own fault; the caller sees only "Internal error". */
  readonly report: (error: unknown) => void
  /** Set by a method that must end the node. */
  dying: boolean
}

export type Call = { readonly network: Network; readonly view: View; readonly host: Host; readonly params: readonly unknown[] }

export type Method = (call: Call) => Value

export const commitmentConfig = z.object({
  commitment: z.enum(['processed', 'confirmed', 'finalized']).default('finalized'),
  minContextSlot: z.int().min(0).optional(),
})

/** The parameter at `index`, by a schema; a missing object is an empty one. */
export function configAt<Schema extends z.ZodType>(call: Call, index: number, schema: Schema): z.output<Schema> {
  return parse(schema, call.params[index] ?? {})
}

export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw failure('invalid_params', `Invalid params: ${where}${issue?.message ?? ''}`)
}

export function addressAt(call: Call, index: number): Key {
  return asKey(call.params[index], ADDRESS_BYTES)
}

export function signatureAt(call: Call, index: number): Key {
  return asKey(call.params[index], SIGNATURE_BYTES)
}

export function asKey(value: unknown, length: number): Key {
  const key = typeof value === 'string' ? parseKey(value, length) : null
  if (key === null) throw failure('invalid_params', 'Invalid param: Invalid')
  return key
}

/** A whole number that may be larger than a double holds. */
export function unitsAt(call: Call, index: number): bigint {
  return asUnits(call.params[index])
}

const MAX_UNITS = 2n ** 64n - 1n

export function asUnits(value: unknown): bigint {
  const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) || isDigits(value)
  const units = whole ? BigInt(value as bigint | number | string) : -1n
  if (units < 0n || units > MAX_UNITS) throw failure('invalid_params', 'Invalid params: expected u64')
  return units
}

function isDigits(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,20}$/.test(value)
}

type Context = { readonly commitment: Commitment; readonly minContextSlot?: number | undefined }

/** The slot a call is answered from, refusing a node that has not reached the caller's minimum. */
export function contextSlot(call: Call, config: Context): number {
  const slot = call.view[config.commitment]
  if (config.minContextSlot !== undefined && slot < config.minContextSlot) {
    throw failure('context_slot_not_reached', 'Minimum context slot has not been reached', { contextSlot: slot })
  }
  return slot
}

/** The envelope of answers that depend on state. */
export function withContext(slot: number, value: Value): Value {
  return { context: { apiVersion: API_VERSION, slot }, value }
}

export const API_VERSION = '3.1.0'
