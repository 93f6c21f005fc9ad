// An event as a member of a posting batch: its plan version, its fingerprint, and its shares or what it takes to work them out. Pure; the
// recorder and offline ledgers make theirs by the same function, so that both divide alike.

import { accountsFor, distribute, stateKeysFor, type AmountFields, type Divisible, type Share } from './distribution.ts'
import { fingerprint } from './event.ts'
import type { PlanVersion } from './plan.ts'
import type { EventMember, Undivided } from './posting.ts'
import { referenceDigest } from './reference.ts'
import { Refusal } from './refusal.ts'
import type { FactSets } from './rules/rule.ts'

export type MemberOptions = {
  readonly door: string
  readonly backdated: boolean
  /** Facts that the ledger keeps and the plan asks for, or why it cannot have them. */
  readonly standing: FactSets | Refusal
  /** Why the event may not be recorded, whatever its plan says. It waits until the reference was looked up. */
  readonly refused: Refusal | null
  readonly amountFields: AmountFields
}

export function eventMemberOf(event: EventMember['input'], plan: PlanVersion, { door, backdated, standing, refused, amountFields }: MemberOptions): EventMember {
  return {
    type: 'event',
    input: event,
    digest: referenceDigest(event.reference),
    fingerprint: fingerprint(event),
    plan: plan.version,
    planHash: plan.hash,
    door,
    backdated,
    standing: standing instanceof Refusal ? {} : standing,
    shares: refused ?? (standing instanceof Refusal ? standing : dividedOrNot(withFacts(event, standing), plan, amountFields)),
  }
}

/** The event with the facts that the ledger keeps beside its own. Most have neither. */
function withFacts<Event extends { readonly facts: FactSets }>(event: Event, standing: FactSets): Event {
  return Object.keys(standing).length === 0 ? event : { ...event, facts: { ...event.facts, ...standing } }
}

/** The shares of an event whose plan remembers nothing; else what it takes to work them out under the lane's lock. */
function dividedOrNot(event: Divisible, plan: PlanVersion, amountFields: AmountFields): EventMember['shares'] {
  return orRefusal<readonly Share[] | Undivided>(() => {
    const keys = stateKeysFor(event, plan)
    if (keys.length === 0) return distribute(event, plan, { amountFields }).shares
    return { keys, accounts: accountsFor(event, plan), divide: (state) => orRefusal(() => distribute(event, plan, { state, amountFields })) }
  })
}

/** What the work gives, or what it refuses. */
export function orRefusal<T>(work: () => T): T | Refusal {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
