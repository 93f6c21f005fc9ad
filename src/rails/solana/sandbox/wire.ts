// Reads the wire bytes of a Solana transaction (legacy or version 0) strictly, so that what reaches the virtual machine
// is well formed: the machine aborts the whole process on some malformed messages. Never lets bytes through that
// another encoding could also mean.
import { ADDRESS_BYTES, SIGNATURE_BYTES, keyOf, type Key } from './bytes.ts'

/** Largest transaction that fits a packet (IPv6 minimum MTU 1280 less 48 bytes of headers). */
export const MAX_WIRE_BYTES = 1232
const VERSION_FLAG = 0x80

export type CompiledInstruction = {
  /** Index into `keys`. */
  readonly program: number
  readonly accounts: Uint8Array
  readonly data: Uint8Array
}

export type Wire = {
  readonly bytes: Uint8Array
  readonly version: 'legacy' | 0
  readonly signatures: readonly Key[]
  readonly requiredSignatures: number
  readonly readonlySigned: number
  readonly readonlyUnsigned: number
  readonly keys: readonly Key[]
  readonly blockhash: Key
  readonly instructions: readonly CompiledInstruction[]
}

// `problem` is set by the first reader that fails; later readers return zeros, and the caller looks once at the end.
type Cursor = { readonly bytes: Uint8Array; at: number; problem: string | null }

/**
 * The transaction in `bytes`, or why it is none. Beside the layout it checks what a validator calls sanitizing: counts
 * that fit each other, indices in range, a writable fee payer that is not a program.
 */
export function readWire(bytes: Uint8Array): Wire | { readonly problem: string } {
  if (bytes.length > MAX_WIRE_BYTES) return { problem: `transaction too large: ${bytes.length} bytes (max: ${MAX_WIRE_BYTES})` }
  const cursor: Cursor = { bytes, at: 0, problem: null }
  const signatures = times(cursor, compactCount(cursor), () => keyOf(take(cursor, SIGNATURE_BYTES)))
  const version = readVersion(cursor)
  const requiredSignatures = byte(cursor)
  const readonlySigned = byte(cursor)
  const readonlyUnsigned = byte(cursor)
  const keys = times(cursor, compactCount(cursor), () => keyOf(take(cursor, ADDRESS_BYTES)))
  const blockhash = keyOf(take(cursor, ADDRESS_BYTES))
  const instructions = times(cursor, compactCount(cursor), () => readInstruction(cursor))
  if (version === 0 && compactCount(cursor) > 0) fail(cursor, 'address lookup tables are not offered by this network')
  if (cursor.problem === null && cursor.at !== bytes.length) fail(cursor, `${bytes.length - cursor.at} bytes too many`)
  if (cursor.problem !== null) return { problem: cursor.problem }
  const wire = { bytes, version, signatures, requiredSignatures, readonlySigned, readonlyUnsigned, keys, blockhash, instructions }
  const problem = insane(wire)
  return problem === null ? wire : { problem }
}

/** Whether the account at `index` of the message may be changed by the transaction. */
export function isWritable(wire: Wire, index: number): boolean {
  return index < wire.requiredSignatures
    ? index < wire.requiredSignatures - wire.readonlySigned
    : index < wire.keys.length - wire.readonlyUnsigned
}

/** The transaction's identity: its first signature. */
export function identityOf(wire: Wire): Key {
  return wire.signatures[0] ?? ''
}

function insane(wire: Wire): string | null {
  const { signatures, requiredSignatures, readonlySigned, readonlyUnsigned, keys } = wire
  if (signatures.length !== requiredSignatures) return `${signatures.length} signatures where ${requiredSignatures} are required`
  if (requiredSignatures === 0 || readonlySigned >= requiredSignatures) return 'no writable fee payer'
  if (requiredSignatures + readonlyUnsigned > keys.length) return 'header counts more accounts than there are'
  for (const [index, instruction] of wire.instructions.entries()) {
    if (instruction.program === 0 || instruction.program >= keys.length) return `instruction ${index} names no program`
    if (instruction.accounts.some((account) => account >= keys.length)) return `instruction ${index} names an account that is not there`
  }
  return null
}

function readVersion(cursor: Cursor): 'legacy' | 0 {
  const first = cursor.bytes[cursor.at] ?? 0
  if (first < VERSION_FLAG) return 'legacy'
  cursor.at += 1
  if (first !== VERSION_FLAG) fail(cursor, `transaction version ${first - VERSION_FLAG} is not supported`)
  return 0
}

function readInstruction(cursor: Cursor): CompiledInstruction {
  const program = byte(cursor)
  const accounts = take(cursor, compactCount(cursor))
  const data = take(cursor, compactCount(cursor))
  return { program, accounts, data }
}

function times<T>(cursor: Cursor, count: number, read: () => T): readonly T[] {
  const items: T[] = []
  for (let n = 0; n < count && cursor.problem === null; n += 1) items.push(read())
  return items
}

function fail(cursor: Cursor, problem: string): void {
  cursor.problem ??= problem
}

function take(cursor: Cursor, count: number): Uint8Array {
  if (cursor.at + count > cursor.bytes.length) fail(cursor, `bytes end early, at ${cursor.bytes.length}`)
  if (cursor.problem !== null) return new Uint8Array(0)
  const taken = cursor.bytes.subarray(cursor.at, cursor.at + count)
  cursor.at += count
  return taken
}

function byte(cursor: Cursor): number {
  return take(cursor, 1)[0] ?? 0
}

// Solana's compact-u16: 7 bits a byte, at most 3 bytes. A last byte of zero would be a second spelling of a shorter
// number: refused.
function compactCount(cursor: Cursor): number {
  let value = 0
  for (let place = 0; place < 3; place += 1) {
    const next = byte(cursor)
    if (place > 0 && next === 0) fail(cursor, 'a length is spelled longer than it needs')
    value |= (next & 0x7f) << (7 * place)
    if (next < 0x80) return value
  }
  fail(cursor, 'a length is longer than three bytes')
  return 0
}
