// What a driver writes, cut into batches that the server answers with one ReadyForQuery each: messages up to a Sync, one simple query,
// or a simple query with the COPY lines that follow it.

import { assert } from '../../src/core/assert.ts'
import { BODY, CODE, readText, splitMessages, type Message } from './messages.ts'

export type Batch = {
  readonly kind: 'batch'
  readonly messages: readonly Message[]
  /** What is carried out: names of prepared statements where they have one, else their texts. */
  readonly statements: readonly string[]
  /** Whether the driver was told already that it may send COPY lines. */
  readonly invited: boolean
}

/** `invite`: the driver waits to be told that it may send COPY lines. `leave`: it goes in good order. */
export type Framed = { readonly kind: 'startup'; readonly bytes: Buffer } | Batch | { readonly kind: 'invite' } | { readonly kind: 'leave' }

/** Takes bytes as they come and answers what is complete. One a connection. */
export function createFramer(): (chunk: Buffer) => readonly Framed[] {
  let rest: Buffer = Buffer.alloc(0)
  let isStarted = false
  let messages: Message[] = []
  let statements: string[] = []
  let unnamed = ''
  let invited = false
  const complete = (): Batch => {
    const batch: Batch = { kind: 'batch', messages, statements, invited }
    messages = []
    statements = []
    invited = false
    return batch
  }
  const take = (one: Message): Framed | null => {
    if (one.code === CODE.terminate) return { kind: 'leave' }
    assert(one.code !== CODE.flush, 'no statement of ours is read in parts')
    messages.push(one)
    if (one.code === CODE.parse) {
      const { text: name, next } = readText(one.bytes, BODY)
      if (name === '') unnamed = readText(one.bytes, next).text
    }
    if (one.code === CODE.bind) statements.push(boundName(one) || unnamed)
    if (one.code === CODE.sync) return complete()
    if (one.code === CODE.query) {
      const { text } = readText(one.bytes, BODY)
      statements.push(text)
      invited = COPY_FROM.test(text)
      return invited ? { kind: 'invite' } : complete()
    }
    return invited && (one.code === CODE.copyDone || one.code === CODE.copyFail) ? complete() : null
  }
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!isStarted) {
      assert(bytes.length >= 4 && bytes.readInt32BE(0) === bytes.length, 'a driver says in one piece who it is, and then waits')
      isStarted = true
      return [{ kind: 'startup', bytes }]
    }
    const split = splitMessages(bytes)
    rest = split.rest
    return split.messages.map(take).filter((framed) => framed !== null)
  }
}

const COPY_FROM = /^\s*copy\s[^;]*\sfrom\s+stdin\b/i

/** A Bind names its portal, then its statement. */
function boundName({ bytes }: Message): string {
  return readText(bytes, readText(bytes, BODY).next).text
}
