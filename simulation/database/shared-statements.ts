// Prepared statements of all sessions on one backend: each text is parsed once a role, and whoever prepares it again is told so without
// asking. Sessions keep names of their own, the unnamed statement among them; nobody sees another's.

import { present } from '../../src/core/assert.ts'
import { BODY, CODE, message, readText, splitMessages, textBytes, type Message } from './messages.ts'

export type SharedStatements = {
  readonly session: (role: string) => {
    /** The same messages with the backend's names. */
    readonly rename: (messages: readonly Message[]) => Renamed
  }
  /** Those that are known now; the answer forgets all that were made since. */
  readonly keep: () => () => void
  /** All that are prepared, by role: the texts of Parse messages behind their names. */
  readonly learned: () => readonly Learned[]
  /** Those of them that are not known now. */
  readonly unknown: (statements: readonly Learned[]) => readonly Learned[]
  /** A name that the backend never heard. */
  readonly freshName: () => string
  readonly know: (statement: Learned, name: string) => void
}

export type Renamed = {
  readonly bytes: Buffer
  /** What the backend answered, with what was answered in its place. */
  readonly complete: (answer: Uint8Array) => Uint8Array
}

export type Learned = { readonly role: string; readonly content: Buffer }

type Registry = { known: Map<string, string>; count: number }

export function createSharedStatements(): SharedStatements {
  const registry: Registry = { known: new Map(), count: 0 }
  return {
    session: (role) => {
      const own = new Map<string, string>()
      return { rename: (messages) => rename(registry, { role, own }, messages) }
    },
    learned: () =>
      [...registry.known.keys()].map((key) => {
        const end = key.indexOf('\0')
        return { role: key.slice(0, end), content: Buffer.from(key.slice(end + 1), 'latin1') }
      }),
    unknown: (statements) => statements.filter(({ role, content }) => !registry.known.has(keyOf(role, content))),
    freshName: () => `s${(registry.count += 1)}`,
    know: ({ role, content }, name) => void registry.known.set(keyOf(role, content), name),
    keep: () => {
      const known = new Map(registry.known)
      return () => {
        registry.known = new Map(known)
      }
    },
  }
}

type Own = { readonly role: string; readonly own: Map<string, string> }

type Fresh = { readonly key: string; readonly name: string }

function rename(registry: Registry, { role, own }: Own, messages: readonly Message[]): Renamed {
  const parts: Buffer[] = []
  const said: Buffer[] = []
  const fresh: Fresh[] = []
  for (const one of messages) {
    if (one.code === CODE.parse) {
      const { text: name, next } = readText(one.bytes, BODY)
      const content = one.bytes.subarray(next)
      const key = keyOf(role, content)
      const known = registry.known.get(key) ?? fresh.find((other) => other.key === key)?.name
      const backendName = known ?? `s${(registry.count += 1)}`
      own.set(name, backendName)
      if (known === undefined) {
        parts.push(message(CODE.parse, textBytes(backendName), content))
        fresh.push({ key, name: backendName })
      } else said.push(PARSED)
    } else if (one.code === CODE.bind) parts.push(renameBind(one, own))
    else if (one.code === CODE.describe && isStatement(one)) {
      const { text: name } = readText(one.bytes, BODY + 1)
      parts.push(message(CODE.describe, STATEMENT, textBytes(own.get(name) ?? name)))
    } else if (one.code === CODE.close && isStatement(one)) {
      own.delete(readText(one.bytes, BODY + 1).text)
      said.push(CLOSED)
    } else parts.push(one.bytes)
  }
  const complete = (answer: Uint8Array): Uint8Array => {
    if (fresh.length > 0) learn(registry, fresh, answer)
    return said.length === 0 ? answer : Buffer.concat([...said, answer])
  }
  return { bytes: Buffer.concat(parts), complete }
}

function keyOf(role: string, content: Buffer): string {
  return `${role}\0${content.toString('latin1')}`
}

const PARSED = message(CODE.parsed)
const CLOSED = message(0x33)
const STATEMENT = Buffer.from('S')

function isStatement({ bytes }: Message): boolean {
  return bytes[BODY] === STATEMENT[0]
}

function renameBind({ bytes }: Message, own: ReadonlyMap<string, string>): Buffer {
  const portal = readText(bytes, BODY)
  const statement = readText(bytes, portal.next)
  const name = own.get(statement.text)
  // What was never prepared is the backend's to refuse.
  if (name === undefined) return bytes
  return message(CODE.bind, bytes.subarray(BODY, portal.next), textBytes(name), bytes.subarray(statement.next))
}

/** Those that were parsed are known from now on: a failure stops at the first that was not. */
function learn(registry: Registry, fresh: readonly Fresh[], answer: Uint8Array): void {
  const parsed = splitMessages(Buffer.from(answer.buffer, answer.byteOffset, answer.length)).messages.filter(({ code }) => code === CODE.parsed).length
  for (let index = 0; index < parsed; index += 1) {
    const { key, name } = present(fresh[index], 'statement that was parsed')
    registry.known.set(key, name)
  }
}
