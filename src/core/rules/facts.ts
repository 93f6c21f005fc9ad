// Facts as rules read them: sets that a plan asks for by name, checked one by one, because they come from outside.

import { z } from 'zod'
import { checkParty } from '../account.ts'
import { clip, quote } from '../money.ts'
import { Refusal } from '../refusal.ts'
import { DECIMAL } from './rate.ts'
import type { FactNeed, RuleContext } from './rule.ts'
import { identifier } from './target.ts'

/** A set of facts by name: `event` ones (as it is when left out) come with the event, `standing` ones are kept by the ledger. */
export const factSet = z.strictObject({ fact: identifier, source: z.enum(['event', 'standing']).optional() })

export type FactSet = z.infer<typeof factSet>

/** Most subjects that one event's facts divide among here. Larger sets are divided in chunks, outside the event's own transaction. */
export const MAX_SUBJECTS = 10_000

export function needOf({ fact, source = 'event' }: FactSet): FactNeed {
  return { name: fact, source }
}

/** One need for each set, however often it is asked for. */
export function needsOf(sets: readonly FactSet[]): readonly FactNeed[] {
  return [...new Map(sets.map((set) => [`${set.fact} ${set.source ?? 'event'}`, needOf(set)])).values()]
}

type Asking = Pick<RuleContext, 'facts' | 'step'>

/** The facts of a set, by subject. Refuses `fact_not_found` when there is no such set, `fact_exceeded` when it is too large for one event. */
export function factsOf({ facts, step }: Asking, { fact, source = 'event' }: FactSet): Readonly<Record<string, string>> {
  const set = Object.hasOwn(facts, fact) ? facts[fact] : undefined
  if (set === undefined) {
    const remedy = source === 'event' ? 'send it with the event' : 'set it for the ledger'
    throw new Refusal('fact_not_found', `step ${step} needs the fact ${fact}, which there is not: ${remedy}`, { field: 'facts', fact, step, source })
  }
  return set
}

/** A set's subjects with their facts, by id in the order of their bytes. */
export function subjectsOf(asking: Asking, set: FactSet): readonly (readonly [subject: string, value: string])[] {
  const facts = factsOf(asking, set)
  return sortedSubjects.getOrInsertComputed(facts, () => {
    const entries = Object.entries(facts)
    if (entries.length > MAX_SUBJECTS) {
      throw new Refusal('fact_exceeded', `the fact ${set.fact} has ${entries.length} subjects; one event divides among at most ${MAX_SUBJECTS}: use a distribution by snapshot`, {
        ...{ field: 'facts', fact: set.fact, step: asking.step, subjects: entries.length, limit: MAX_SUBJECTS },
      })
    }
    for (const [subject] of entries) checkParty(subject, set.fact)
    // Ids are plain ASCII, where the order of code units is that of UTF-8 bytes.
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
  })
}

/** Events are never changed, and an event's facts are asked for several times: for its accounts, its keys and its shares. */
const sortedSubjects = new WeakMap<Readonly<Record<string, string>>, readonly (readonly [subject: string, value: string])[]>()

/** A fact of one subject. Refuses `fact_not_found`. */
export function factOf(asking: Asking, set: FactSet, subject: string): string {
  const facts = factsOf(asking, set)
  const value = Object.hasOwn(facts, subject) ? facts[subject] : undefined
  if (value === undefined) {
    throw new Refusal('fact_not_found', `step ${asking.step} needs the fact ${set.fact} of ${clip(subject)}, which there is not: add it`, {
      ...{ field: 'facts', fact: set.fact, step: asking.step, subject: clip(subject) },
    })
  }
  return value
}

/** A fact of one subject that need not be there. */
export function optionalFact({ facts }: Pick<RuleContext, 'facts'>, { fact }: FactSet, subject: string): string | undefined {
  const set = Object.hasOwn(facts, fact) ? facts[fact] : undefined
  return set !== undefined && Object.hasOwn(set, subject) ? set[subject] : undefined
}

/** Refuses `fact_malformed` for what is no decimal of at most 38 digits before the point and 18 behind it. */
export function checkDecimal({ step }: Pick<RuleContext, 'step'>, { fact }: FactSet, { subject, value }: { subject: string; value: string }): string {
  if (DECIMAL.test(value)) return value
  throw malformed({ step, fact, subject, value }, 'a decimal such as 39.5, not negative, with at most 38 digits before the point and 18 behind it')
}

export function malformed({ step, fact, subject, value }: { step: string; fact: string; subject: string; value: string }, form: string): Refusal {
  return new Refusal('fact_malformed', `the fact ${fact} of ${clip(subject)} is ${quote(value)}; step ${step} needs ${form}`, {
    ...{ field: 'facts', fact, step, subject: clip(subject), value: clip(value) },
  })
}

/** A fact that came with an event for somebody whom the event's division does not know is a slip that would go unnoticed. */
export function checkStrangers({ step, facts }: Asking, { fact, source = 'event' }: FactSet, known: ReadonlySet<string>): void {
  const set = Object.hasOwn(facts, fact) ? facts[fact] : undefined
  if (source === 'standing' || set === undefined) return
  const stranger = Object.keys(set).find((subject) => !known.has(subject))
  if (stranger === undefined) return
  throw new Refusal('fact_mismatch', `the fact ${fact} came with the event for ${clip(stranger)}, who has no part in step ${step}: leave it out or correct the id`, {
    ...{ field: 'facts', fact, step, subject: clip(stranger) },
  })
}

/** Plain decimals as integers of one scale. */
export function scaled(decimals: readonly string[]): readonly bigint[] {
  const places = decimals.reduce((most, text) => Math.max(most, text.split('.')[1]?.length ?? 0), 0)
  return decimals.map((text) => {
    const [whole = '0', fraction = ''] = text.split('.')
    return BigInt(whole + fraction.padEnd(places, '0'))
  })
}
