// Facts that a ledger keeps, as they count for an event: read when the event is recorded, and kept with it from then on.

import type { EventInput } from '../core/event.ts'
import { versionInForce } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { MAX_SUBJECTS } from '../core/rules/facts.ts'
import type { FactSets } from '../core/rules/rule.ts'
import { standingNeedsOf } from '../core/standing.ts'
import { allFactsInForce, factsInForce } from '../store/fact.ts'
import type { Ledger } from './ledger.ts'
import type { Offer } from './record-event.ts'
import type { Desk } from './world.ts'

/** For each offer the standing facts that its plan asks for, or why it cannot have them. Nothing is asked of the database where no plan asks for any. */
export async function standingFactsOf(desk: Pick<Desk, 'store'>, ledger: Ledger, offers: readonly Offer[], now: Temporal.Instant): Promise<readonly (FactSets | Refusal)[]> {
  const asked = offers.map(({ input }) => askedOf(ledger, input, now))
  if (asked.every((each) => each === null || each instanceof Refusal)) return asked.map((each) => each ?? NONE)
  return await Promise.all(asked.map(async (each) => (each === null || each instanceof Refusal ? (each ?? NONE) : await readFacts(desk, ledger, each))))
}

/** Null for an event whose plan asks for none. */
function askedOf(ledger: Ledger, input: EventInput, now: Temporal.Instant): Asked | Refusal | null {
  const event = { ...input, eventAt: input.eventAt ?? now }
  const plan = versionInForce(ledger.plans, ledger.program.versionInstant(event))
  try {
    const needs = standingNeedsOf(input, plan)
    return needs.length === 0 ? null : { needs, at: event.eventAt, knownAt: now }
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

const NONE: FactSets = {}

type Asked = { readonly needs: ReturnType<typeof standingNeedsOf>; readonly at: Temporal.Instant; readonly knownAt: Temporal.Instant }

async function readFacts({ store: { pool } }: Pick<Desk, 'store'>, { id: ledger }: Ledger, { needs, at, knownAt }: Asked): Promise<FactSets> {
  const sets: Record<string, Readonly<Record<string, string>>> = {}
  for (const { name, subjects } of needs) {
    const found = subjects === null
      ? await allFactsInForce(pool, { ledger, name, at, knownAt, limit: MAX_SUBJECTS + 1 })
      : await factsInForce(pool, { ledger, name, subjects, at, knownAt })
    // A fact that nobody has is missing, which the plan's rules refuse or not.
    if (found.size > 0) sets[name] = Object.fromEntries(found)
  }
  return sets
}
