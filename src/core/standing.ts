// Which standing facts an event's plan asks for: what must be read before it can be divided.

import type { EventInput } from './event.ts'
import type { PlanVersion } from './plan.ts'
import { Refusal } from './refusal.ts'
import type { FactNeed } from './rules/rule.ts'

/** Facts of these subjects; null asks for those of everybody who has one. */
export type StandingNeed = { readonly name: string; readonly subjects: readonly string[] | null }

/** Plans are immutable, and nearly all ask for none. */
const needsByPlan = new WeakMap<PlanVersion['steps'], readonly FactNeed[]>()

function needsOf({ steps }: Pick<PlanVersion, 'steps'>): readonly FactNeed[] {
  return needsByPlan.getOrInsertComputed(steps, () => steps.flatMap(({ rule }) => rule.outline.facts.filter(({ source }) => source === 'standing')))
}

/** Refuses `fact_mismatch` where the event itself comes with a fact that the ledger keeps: a source must not choose its own percentage. */
export function standingNeedsOf({ parties, facts }: Pick<EventInput, 'parties' | 'facts'>, version: Pick<PlanVersion, 'steps'>): readonly StandingNeed[] {
  const needs = needsOf(version)
  if (needs.length === 0) return []
  const given = needs.find(({ name }) => Object.hasOwn(facts, name))
  if (given !== undefined) {
    throw new Refusal('fact_mismatch', `the event comes with the fact ${given.name}, which the ledger keeps itself: leave it out`, { field: 'facts', fact: given.name })
  }
  const subjects = [...new Set(Object.values(parties))]
  const everybody = new Set(needs.filter(({ all }) => all === true).map(({ name }) => name))
  return [...new Set(needs.map(({ name }) => name))].map((name) => ({ name, subjects: everybody.has(name) ? null : subjects }))
}
