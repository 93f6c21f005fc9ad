// What a load is given and what it answers.

import type { Effects } from '../src/core/effects.ts'

export type Loading = { readonly effects: Effects; readonly seconds: number; readonly nowMs: () => number; readonly say: (text: string) => void }

export type Loaded = {
  readonly figures: readonly (readonly [name: string, figure: string])[]
  /** Any of them fails the load. */
  readonly faults: readonly string[]
}
