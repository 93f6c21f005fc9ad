// What an outsider says is broken, gathered while it looks. A finding is told once, however often it is seen.

import type { Finding } from '../history.ts'

export type Findings = {
  /** Says so when it does not hold. */
  readonly expect: (invariant: Finding['invariant'], holds: boolean, what: () => string) => void
  readonly all: () => readonly Finding[]
}

/** More of one kind say nothing new, and a broken history would fill the memory with them. */
const MOST_OF_A_KIND = 20

export function createFindings(): Findings {
  const found = new Map<string, Finding>()
  const counts = new Map<string, number>()
  return {
    expect: (invariant, holds, what) => {
      if (holds) return
      const count = counts.get(invariant) ?? 0
      if (count >= MOST_OF_A_KIND) return
      const said = what()
      if (found.has(`${invariant} ${said}`)) return
      counts.set(invariant, count + 1)
      found.set(`${invariant} ${said}`, { invariant, what: said })
    },
    all: () => [...found.values()],
  }
}
