// Who acts: a person or program by a key, or whoever owns the machine and its database and needs none.

import { Refusal } from '../core/refusal.ts'
import { RIGHTS, type Right } from '../core/right.ts'
import type { Grant } from './api-key.ts'

/** `key` is null for the owner. */
export type Person = { readonly key: string | null; readonly name: string; readonly rights: ReadonlySet<Right> }

/** Whoever runs commands without a key. Approving is a person's, so the owner alone cannot. */
export const OWNER: Person = { key: null, name: 'owner', rights: new Set(RIGHTS.filter((right) => right !== 'approve')) }

export function personOf({ key, name, rights }: Grant): Person {
  return { key, name, rights }
}

/** Refuses `permission_missing`. */
export function requireRight({ key, name, rights }: Person, right: Right): void {
  if (rights.has(right)) return
  const may = [...rights]
  const how = key === null ? 'say who you are by a key: --key or APPORTION_KEY' : `${name} may ${may.join(', ')}`
  throw new Refusal('permission_missing', `this takes a key with the right to ${right}; ${how}`, { right, rights: may })
}
