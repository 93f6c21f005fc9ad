// Conditions by which an event switches something on: a fact of one or zero, or who a party is.

import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import { factOf, factSet, malformed, type FactSet } from './facts.ts'
import type { RuleContext } from './rule.ts'
import { identifier } from './target.ts'

/**
 * `{party, is}`: the event's party has that id. `{fact, subject}`: the fact of a subject that the plan names is 1.
 * `{fact, of}`: the fact of the event's party is 1.
 */
export const conditionSchema = z.union(
  [
    z.strictObject({ party: identifier, is: identifier }),
    z.strictObject({ ...factSet.shape, subject: identifier }),
    z.strictObject({ ...factSet.shape, of: identifier }),
  ],
  { error: 'a condition is {party, is}, {fact, subject} or {fact, of}' },
)

export type Condition = z.infer<typeof conditionSchema>

/** The sets of facts that a condition asks. */
export function conditionSets(when: Condition): readonly FactSet[] {
  return 'fact' in when ? [when] : []
}

/** Refuses `recipient_not_found` for a party that the event does not name, `fact_not_found`, and `fact_malformed` for what is neither 0 nor 1. */
export function holds(context: RuleContext, when: Condition): boolean {
  if ('is' in when) return partyIn(context, when.party) === when.is
  const subject = subjectOf(context, when)
  const value = factOf(context, when, subject)
  if (value !== '0' && value !== '1') throw malformed({ step: context.step, fact: when.fact, subject, value }, '1 for yes or 0 for no')
  return value === '1'
}

/** Whose fact is asked for. */
export function subjectOf(context: RuleContext, when: Extract<Condition, { fact: string }>): string {
  return 'subject' in when ? when.subject : partyIn(context, when.of)
}

/** The id of one of the event's parties. Refuses `recipient_not_found`. */
export function partyIn({ parties, step }: RuleContext, name: string): string {
  // Own names only: an object has `constructor` without anybody having named it.
  const party = Object.hasOwn(parties, name) ? parties[name] : undefined
  if (party !== undefined) return party
  throw new Refusal('recipient_not_found', `step ${step} asks who the event's ${name} is, which the event does not name`, { field: name, step })
}
