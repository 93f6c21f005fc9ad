// What a plan, as it is written, names: recipients, funds and parties, each with its place.

import type { Json } from './effects.ts'

export type Named = { readonly id: string; readonly path: readonly PropertyKey[] }

/** Every `{"recipient": id}` of a plan, or of another word. */
export function namedIn(value: Json, word: 'recipient' | 'fund' | 'party', path: readonly PropertyKey[] = []): readonly Named[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]: readonly [string, Json]) => {
    const here = [...path, key]
    // A condition asks who a party is, which is a party as well.
    return key === word && typeof inner === 'string' ? [{ id: inner, path: here }] : namedIn(inner, word, here)
  })
}
