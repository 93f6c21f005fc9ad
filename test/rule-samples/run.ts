// Carries out a step on a sample's cases, one event after the other, and adds up who got what.

import { present } from '../../src/core/assert.ts'
import type { Json } from '../../src/core/effects.ts'
import { rules } from '../../src/core/rules/index.ts'
import { roundingKindOf, type BoundRule, type Split, type SplitInput, type StepRounding } from '../../src/core/rules/rule.ts'
import type { Case, Sample } from './sample.ts'

export const AT = Temporal.Instant.from('2026-11-21T12:00:00Z')

/** Of one event: the pool alone, or the units of each given share. */
export type Amounts = readonly bigint[]

export function bind(kind: string, parameters: unknown): BoundRule {
  const rule = present(rules.get(kind), kind)
  // A case is carried out several times, and its parameters are checked once.
  return typeof parameters === 'object' && parameters !== null ? bound.getOrInsertComputed(parameters, () => rule.bind(parameters)) : rule.bind(parameters)
}

const bound = new WeakMap<object, BoundRule>()

/** Every rounding that the sample's rule does, with a name for the rest where it takes one. */
export function roundingsOf({ kind, parameters, residuals }: Sample): readonly StepRounding[] {
  return bind(kind, parameters).outline.roundings.map((each): StepRounding => (each === 'residual-to' ? { 'residual-to': residuals[0] ?? '' } : each))
}

export function inputOf({ parties, facts, given }: Case, { amounts, rounding, state }: { amounts: Amounts; rounding: StepRounding; state: ReadonlyMap<string, Json> }): SplitInput {
  return {
    ...{ step: 'step', parties, facts, at: AT, rounding, state },
    pool: amounts.reduce((sum, units) => sum + units, 0n),
    given: given.map((share, place) => ({ ...share, units: amounts[place] ?? 0n })),
  }
}

export type Happened = { readonly input: SplitInput; readonly split: Split }

/** The divisions of events, each on what the ones before left to remember (as it comes back from the database, as JSON). */
export function happen(rule: BoundRule, given: Case, { events, rounding }: { events: readonly Amounts[]; rounding: StepRounding }): readonly Happened[] {
  let state = new Map<string, Json>()
  return events.map((amounts) => {
    const input = inputOf(given, { amounts, rounding, state })
    const split = rule.split(input)
    state = new Map(JSON.parse(JSON.stringify([...state, ...split.state])) as [string, Json][])
    return { input, split }
  })
}

/** What was paid to each account; not what is carried, nor what rounding keeps. */
export function paidOf(happened: readonly Happened[]): ReadonlyMap<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const { to, units } of happened.flatMap(({ split }) => split.lines)) {
    if (!to.startsWith('rounding:') && !to.startsWith('carried:')) totals.set(to, (totals.get(to) ?? 0n) + units)
  }
  return totals
}

export function roundingName(rounding: StepRounding): string {
  return roundingKindOf(rounding)
}
