// The interface of a rule: one way of dividing a pool. Rules are pure; their caller asserts that they give out what they got.

import type { z } from 'zod'
import type { JsonObject } from '../effects.ts'
import type { Ratio } from '../ratio.ts'

export const ROUNDINGS = ['largest-remainder'] as const

/** Who gets the units that do not divide. */
export type Rounding = (typeof ROUNDINGS)[number]

export type SplitInput<Parameters> = { readonly pool: bigint; readonly parameters: Parameters; readonly rounding: Rounding }

/** `part` is the share's place among the rule's own parts: the plan's order. */
export type Split = { readonly parts: readonly { readonly part: number; readonly units: bigint }[] }

/** How one part came to be, all figures as text. */
export type PartExplanation = JsonObject

export type Rule<Parameters> = {
  readonly kind: string
  readonly parameters: z.ZodType<Parameters>
  /** The parts in plan order: which role each has and who receives it. */
  readonly parts: (parameters: Parameters) => readonly PlanPart[]
  readonly split: (input: SplitInput<Parameters>) => Split
  /** The exact quota of each part in units, before rounding: what amounts given by others are checked against. */
  readonly quotas: (input: SplitInput<Parameters>) => readonly Ratio[]
  /** The same division with its numbers, in words and as data. It shares no stored result with `split`. */
  readonly explain: (input: SplitInput<Parameters>) => readonly PartExplanation[]
}

/** A recipient named by the plan, or by the event (`party` is the name of one of the event's parties). */
export type PlanRecipient = { readonly recipient: string } | { readonly party: string }

export type PlanPart = { readonly role: string; readonly to: PlanRecipient }

/** A rule with a plan's parameters in it, checked: what a plan step holds. */
export type BoundRule = {
  readonly kind: string
  readonly parts: readonly PlanPart[]
  readonly split: (pool: bigint, rounding: Rounding) => Split
  readonly quotas: (pool: bigint, rounding: Rounding) => readonly Ratio[]
  readonly explain: (pool: bigint, rounding: Rounding) => readonly PartExplanation[]
}

/** A rule as the registry holds it: its parameters' type is its own affair. */
export type RuleEntry = {
  readonly kind: string
  /** Checks the parameters. Throws the schema's ZodError. */
  readonly bind: (parameters: unknown) => BoundRule
}

/** Closes a rule over its parameters' type, so that rules of different parameters can stand in one registry. */
export function ruleEntry<Parameters>(rule: Rule<Parameters>): RuleEntry {
  return {
    kind: rule.kind,
    bind: (given) => {
      const parameters = rule.parameters.parse(given)
      return {
        kind: rule.kind,
        parts: rule.parts(parameters),
        split: (pool, rounding) => rule.split({ pool, parameters, rounding }),
        quotas: (pool, rounding) => rule.quotas({ pool, parameters, rounding }),
        explain: (pool, rounding) => rule.explain({ pool, parameters, rounding }),
      }
    },
  }
}
