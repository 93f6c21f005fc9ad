// Who runs a command: a person by a key, or the owner of this machine. What a person approves is sealed here, and the seal goes no further.

import { z } from 'zod'
import type { CommandDesk } from '../boot/desk.ts'
import { approvalStatement, type Approved } from '../core/approval.ts'
import { Refusal } from '../core/refusal.ts'
import type { Seal } from '../core/seal.ts'
import { createAuthenticator, invalidKey, splitKey } from '../engine/api-key.ts'
import type { GivenApproval } from '../engine/check-approval.ts'
import type { Ledger } from '../engine/ledger.ts'
import { OWNER, personOf, requireRight, type Person } from '../engine/person.ts'
import { maybeText, type Given } from './command.ts'

export type Actor = { readonly person: Person; readonly seal: Seal | null }

/** Whoever `--key` or APPORTION_KEY names. Refuses `key_invalid`. */
export async function actorOf(desk: CommandDesk, ledger: Ledger, options: Given['options']): Promise<Actor> {
  const given = maybeText(options['key']) ?? desk.key
  if (given === null) return { person: OWNER, seal: null }
  const { bearer, seal } = splitKey(given)
  const grant = await createAuthenticator(desk).authenticate(bearer)
  if (grant.ledger !== ledger.name) throw invalidKey(`is one of another ledger than ${ledger.name}`)
  return { person: personOf(grant), seal }
}

/** A person's approval of something. Refuses `permission_missing`, `key_invalid` for a key without its seal. */
export function sealed(desk: CommandDesk, { person, seal }: Actor, of: Approved, preview: string | null = null): GivenApproval {
  requireRight(person, 'approve')
  if (seal === null) throw invalidKey('is without its seal, which stands after the dot: approving takes the whole key')
  const at = desk.now()
  return { hash: of.hash, preview, at, signature: seal.sign(approvalStatement({ ...of, preview, at })) }
}

/** An instant as it was typed; null for none. Refuses `field_malformed`. */
export function instantOf(value: unknown): Temporal.Instant | null {
  const given = maybeText(value)
  if (given === null) return null
  try {
    return Temporal.Instant.from(given)
  } catch {
    throw new Refusal('field_malformed', `--from takes an instant such as 2027-01-01T00:00:00Z, not ${JSON.stringify(given.slice(0, 60))}`, { field: 'from' })
  }
}

/** The words of an option that may be given several times. */
export function wordsOf(value: unknown): readonly string[] {
  return z.array(z.string()).parse(value ?? [])
}
