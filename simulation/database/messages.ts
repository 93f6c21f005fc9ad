// PostgreSQL's wire protocol (version 3) as far as sessions are told apart by it: where messages begin and end, and the few that are
// made or changed here. What statements mean is never looked at.

import { assert } from '../../src/core/assert.ts'

export const CODE = {
  bind: 0x42, // B
  close: 0x43, // C
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  copyIn: 0x47, // G, the server's
  describe: 0x44, // D
  error: 0x45, // E, the server's
  flush: 0x48, // H
  parse: 0x50, // P
  parsed: 0x31, // 1, the server's
  query: 0x51, // Q
  ready: 0x5a, // Z, the server's
  sync: 0x53, // S
  terminate: 0x58, // X
} as const

const HEADER_BYTES = 5

/** A message with its code and length. */
export type Message = { readonly code: number; readonly bytes: Buffer }

/** Whole messages at the beginning of `bytes`, and what is left of the last one. */
export function splitMessages(bytes: Buffer): { readonly messages: readonly Message[]; readonly rest: Buffer } {
  const messages: Message[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push({ code: bytes.readUInt8(at), bytes: bytes.subarray(at, end) })
    at = end
  }
  return { messages, rest: bytes.subarray(at) }
}

/** The text up to the next zero byte, and where the one after it begins. */
export function readText(bytes: Buffer, from: number): { readonly text: string; readonly next: number } {
  const end = bytes.indexOf(0, from)
  assert(end >= 0, 'a text in a message ends with a zero byte')
  return { text: bytes.toString('utf8', from, end), next: end + 1 }
}

export function message(code: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = Buffer.allocUnsafe(HEADER_BYTES)
  head.writeUInt8(code, 0)
  head.writeInt32BE(length + HEADER_BYTES - 1, 1)
  return Buffer.concat([head, ...parts])
}

/** A text with the zero byte that ends it. */
export function textBytes(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8')
}

export function queryMessage(text: string): Buffer {
  return message(CODE.query, textBytes(text))
}

export const BODY = HEADER_BYTES

/** Whether a session is idle, in a transaction, or in one that failed. */
export type Status = 'I' | 'T' | 'E'

const READY_BYTES = 6

/** The status in the ReadyForQuery that ends an answer. */
export function statusOf(answer: Uint8Array): Status {
  const at = answer.length - READY_BYTES
  assert(at >= 0 && answer[at] === CODE.ready, 'an answer ends with ReadyForQuery')
  return String.fromCharCode(answer[at + READY_BYTES - 1] ?? 0) as Status
}

export function ready(status: Status): Buffer {
  return message(CODE.ready, Buffer.from(status))
}

/** What a server says to a session that may begin: authentication is done, this is its number, it is idle. */
export function welcome(number: number): Buffer {
  const ok = Buffer.alloc(4)
  const key = Buffer.alloc(8)
  key.writeInt32BE(number, 0)
  return Buffer.concat([message(0x52, ok), message(0x4b, key), ready('I')])
}

/** An error that ends the session, as a server says it that is being stopped. */
export function fatal(code: string, text: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', `C${code}`, `M${text}`].map(textBytes)
  return message(CODE.error, ...fields, Buffer.from([0]))
}

export const COPY_IN = message(CODE.copyIn, Buffer.from([0, 0, 0]))


/** What a session says first: parameters by name, among them `user` and `options`. */
export function readStartup(bytes: Buffer): ReadonlyMap<string, string> {
  const VERSION_END = 8
  const parameters = new Map<string, string>()
  let at = VERSION_END
  while (at < bytes.length && bytes[at] !== 0) {
    const name = readText(bytes, at)
    const value = readText(bytes, name.next)
    parameters.set(name.text, value.text)
    at = value.next
  }
  return parameters
}
export const SYNC = message(CODE.sync)
