// Reads a JSON body before anything looks into it: what could change a meaning on the way (bytes that are no text, a key
// given twice, a prototype) is refused.

import { isUtf8 } from 'node:buffer'
import { isDeeperThan } from '../core/canonical.ts'
import { doubledKey } from '../core/doubled-key.ts'
import { clip } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'

/** Largest body of a request: an event is a few hundred bytes, its metadata at most ten thousand characters. */
export const BODY_LIMIT = 1024 * 1024

/** Largest body of a batch: a thousand events of five kilobytes. */
export const BATCH_BODY_LIMIT = 5 * 1024 * 1024

/** Levels of objects and lists in a body; whatever walks it must not run out of stack. */
const MAX_DEPTH = 32

/** Reads a JSON body. Refuses `body_malformed`, saying where it broke. */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new Refusal('body_malformed', 'the body is empty: send a JSON object')
  // Decoding would replace what is not UTF-8, and two different references could become one.
  if (!isUtf8(bytes)) throw new Refusal('body_malformed', 'the body is not UTF-8')
  const text = bytes.toString('utf8')
  const value = parse(text)
  const doubled = doubledKey(text)
  if (doubled !== null) {
    const field = clip(doubled, 60)
    throw new Refusal('body_malformed', `the body has the field ${JSON.stringify(field)} twice in one object: which one is meant is not known`, { field })
  }
  if (isDeeperThan(MAX_DEPTH, value)) throw new Refusal('body_malformed', `the body has more than ${MAX_DEPTH} levels of objects and lists`, { levels: MAX_DEPTH })
  // Only an escape can hide a name.
  if ((text.includes('__proto__') || text.includes('\\')) && namesPrototype(value)) throw new Refusal('body_malformed', 'the body has a field named __proto__, which is never read', { field: '__proto__' })
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const message = error instanceof SyntaxError ? clip(error.message, 200) : 'it cannot be read'
    throw new Refusal('body_malformed', `the body is not valid JSON: ${message}`)
  }
}

function namesPrototype(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(namesPrototype)
}
