// The source reference: an event's identity, unique for ever within its ledger. It decides the lane and guards against twice.

import { sha256, sha256Hex } from './canonical.ts'
import { clip } from './money.ts'
import { Refusal } from './refusal.ts'

/** Longest reference, in characters. Transaction hashes, invoice numbers and URLs fit; a document does not. */
export const MAX_REFERENCE = 256

// Invisible in lists, or changing what one sees: with them two references that look alike would be two events. A lone surrogate has no
// UTF-8 form to hash.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
const INVISIBLE = /\p{Cf}/u

/** Checks a source reference as given at a door. Refuses `reference_malformed`; the text itself is never changed. */
export function checkReference(reference: string, field: string): string {
  const problem =
    reference.length === 0
      ? 'is empty'
      : reference.length > MAX_REFERENCE
        ? `has ${reference.length} characters, the longest is ${MAX_REFERENCE}`
        : reference.trim() !== reference
          ? 'begins or ends with white space'
          : CONTROL.test(reference)
            ? 'holds a control character'
            : INVISIBLE.test(reference)
              ? 'holds an invisible character'
              : reference.isWellFormed()
                ? null
                : 'is not well-formed Unicode'
  if (problem === null) return reference
  throw new Refusal('reference_malformed', `${field} ${problem}: send the source's own identifier of this event`, {
    field,
    value: clip(reference),
    length: reference.length,
  })
}

/** The first 16 bytes of SHA-256 over the reference in UTF-8, written as a UUID so that it fits a dense key. */
export function referenceDigest(reference: string): string {
  const hex = sha256Hex(reference)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** Which of a ledger's lanes the reference belongs to: its part before the first `/`, so that related references share one. */
export function lanePosition(reference: string, lanes: number): number {
  if (lanes === 1) return 0
  const head = reference.split('/', 1)[0] as string
  return Number(new DataView(sha256(head).buffer).getBigUint64(0) % BigInt(lanes))
}
