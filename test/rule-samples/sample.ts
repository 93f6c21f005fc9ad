// What a rule gives to the test of its laws: random cases, and how a case looks in another order or in other numbers.

import fc from 'fast-check'
import type { FactSets } from '../../src/core/rules/rule.ts'

/** A step with an event, without amounts. */
export type Case = {
  readonly parameters: unknown
  readonly parties: Readonly<Record<string, string>>
  readonly facts: FactSets
  /** Owners of the given shares, in order, for a rule that changes shares; empty for one that divides an account. */
  readonly given: readonly { readonly role: string; readonly recipient: string }[]
  /** As the page of counter-examples says it. */
  readonly text: string
}

export type Sample = {
  /** The rule's kind, and where it has several forms, which. */
  readonly kind: string
  readonly form: string | null
  readonly cases: fc.Arbitrary<Case>
  /** Parameters of an ordinary case, from which the outline is read. */
  readonly parameters: unknown
  /** Names that `residual-to` gives what is left over, in turn; none for rules that do not have it. */
  readonly residuals: readonly string[]
  /**
   * The case with everything whose order should not matter turned round; null where order is what the rule is about. Given shares
   * are turned round besides.
   */
  readonly turned: ((given: Case) => Case) | null
  /** False where the facts of an event would have to be divided with it: the law of splitting says nothing of the rule. */
  readonly splits?: false
  /** The same proportions in numbers `k` times as large (`amounts` false), or the same case with all amounts `k` times as large. */
  readonly scaled: { readonly by: (given: Case, k: bigint) => Case; readonly amounts: boolean } | null
}

export const IDS = ['ana', 'bo', 'cy', 'di', 'ed', 'flo'] as const

/** Mostly so small that equal ones are frequent. */
const weight = fc.oneof(fc.bigInt({ min: 0n, max: 12n }), fc.bigInt({ min: 0n, max: 3n }))

/** Weights small enough to read, with zeros and equal ones, at least one of them above zero. */
export const weights = (length: fc.ArrayConstraints): fc.Arbitrary<readonly bigint[]> =>
  fc.array(weight, length).filter((list) => list.some((weight) => weight > 0n))

export const list = (values: readonly (bigint | string)[]): string => values.join(', ')

export const NOTHING = { parties: {}, facts: {}, given: [] } as const

export const turnedFacts = (given: Case): Case => ({
  ...given,
  facts: Object.fromEntries(Object.entries(given.facts).map(([name, set]) => [name, Object.fromEntries(Object.entries(set).toReversed())])),
})

export const factTimes = (given: Case, name: string, k: bigint): Case => ({
  ...given,
  facts: { ...given.facts, [name]: Object.fromEntries(Object.entries(given.facts[name] ?? {}).map(([id, value]) => [id, (BigInt(value) * k).toString()])) },
})

export const scores = fc.oneof({ arbitrary: fc.array(weight, { maxLength: 2 }), weight: 1 }, { arbitrary: fc.array(weight, { minLength: 3, maxLength: 5 }), weight: 3 })
export const factsOf = (given: readonly bigint[]): Readonly<Record<string, string>> => Object.fromEntries(given.map((value, place) => [IDS[place] ?? '', value.toString()]))
