// The running account of a history: a hash over every step, so that two runs of a seed can be compared, and the last steps in words.
// What differs from machine to machine (its clock, its process ids) must never be handed to it.

import { createHash } from 'node:crypto'

/** Steps kept in words: enough to read how a payout came to where it stands, little enough to keep for every history. */
const KEPT = 200

export type Steps = {
  /** `what` in words; `content`: what was said, by which two histories differ. */
  readonly note: (at: number, who: string, what: string, content?: string | Uint8Array) => void
  /** More of what was said in the step noted last. */
  readonly add: (content: string | Uint8Array) => void
  readonly hash: () => string
  /** Oldest first. */
  readonly last: () => readonly string[]
  readonly count: () => number
}

export function createSteps(begin: number): Steps {
  const hash = createHash('sha256')
  const kept: { readonly at: number; readonly who: string; readonly what: string }[] = []
  let count = 0
  return {
    note: (at, who, what, content) => {
      hash.update(`${at}\t${who}\t${what}\t${content?.length ?? 0}\n`)
      if (content !== undefined) hash.update(content)
      kept[count % KEPT] = { at, who, what }
      count += 1
    },
    add: (content) => void hash.update(content),
    hash: () => hash.copy().digest('hex'),
    last: () => {
      const from = count % KEPT
      const inOrder = count <= KEPT ? kept : [...kept.slice(from), ...kept.slice(0, from)]
      return inOrder.map(({ at, who, what }) => `${((at - begin) / 1_000_000).toFixed(6).padStart(12)} s  ${who.padEnd(14)} ${what}`)
    },
    count: () => count,
  }
}
