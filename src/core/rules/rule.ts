// The interface of a rule: one way of dividing money. Rules are pure; whoever calls them asserts that they give out what they got.

import { z } from 'zod'
import { formatRounding, roundingSchema, type PolicyName } from '../allocate/rounding.ts'
import type { Json } from '../effects.ts'
import type { Ratio } from '../ratio.ts'
import type { GivingBack } from './give-back.ts'
import type { Target } from './target.ts'

/** Who gets the units that do not divide, as a plan has it; `none` for steps that leave none over. */
export const stepRoundingSchema = z.union([roundingSchema, z.literal('none')], {
  error: 'a rounding is the name of one policy, or {"residual-to": <role or recipient>} with one name',
}).meta({ id: 'WrittenRounding' })

export type StepRounding = z.infer<typeof stepRoundingSchema>

/** The kinds of rounding: the name alone of one that also names a recipient. */
export type RoundingKind = PolicyName | 'none'

export function roundingKindOf(rounding: StepRounding): RoundingKind {
  return typeof rounding === 'string' ? rounding : 'residual-to'
}

export function formatStepRounding(rounding: StepRounding): string {
  return rounding === 'none' ? rounding : formatRounding(rounding)
}

/** Facts by name, then by subject (mostly a recipient's id): decimals or ids as text, as they were given and are stored. */
export type FactSets = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What a rule remembers between the events of one lane, by its own keys. */
export type RuleState = ReadonlyMap<string, Json>

/** What a rule knows of an event before it is given money. */
export type RuleContext = {
  /** The step's name. */
  readonly step: string
  readonly parties: Readonly<Record<string, string>>
  readonly facts: FactSets
  /** The event's instant. */
  readonly at: Temporal.Instant
}

/** A recipient's share by an earlier step, before it is posted. */
export type GivenShare = { readonly role: string; readonly recipient: string; readonly units: bigint }

export type SplitInput = RuleContext & {
  /** Units of the step's account, or the sum of the given shares. */
  readonly pool: bigint
  readonly rounding: StepRounding
  /** For a rule that changes shares: those of the earlier step, in its order. Empty for one that divides an account. */
  readonly given: readonly GivenShare[]
  readonly state: RuleState
}

/**
 * What a line is: one of the `shares`, one of the `others` (an excess, a bonus, what is carried or left), or what passes into the step's
 * `rounding` account. Together with its place it names the line within its step for ever (src/core/part.ts makes one number of them).
 */
export type Zone = 'shares' | 'others' | 'rounding'

/**
 * One movement of a division. `place` is its number within its zone, the same for the same share of every event where the plan lists its
 * shares; for a step that changes shares, a place among `shares` is the index of the given share.
 * `to` is an account by name (`payable:R`, `fund:x`, `carried:R`, `rounding:<step>`).
 * `from` null: the step's account. A number: the given share of that index. A text: another account by name, one that the outline names
 * as drawn on, the recipient's `carried:R`, or the step's own `rounding:<step>`.
 */
export type Line = {
  readonly place: number
  /** Left out: `shares`. */
  readonly zone?: Zone
  readonly role: string
  readonly from: null | number | string
  readonly to: string
  readonly units: bigint
}

/** Lines from the step's account add up to the pool; lines from a given share add up to that share. `state` holds changed keys alone. */
export type Split = { readonly lines: readonly Line[]; readonly state: RuleState }

/** How one line came to be. All figures are text: exact integers, or ratios such as `132/5`. */
export type PartExplanation = {
  readonly place: number
  readonly zone?: Zone
  readonly role: string
  /** In words, for "the plan gives <role> …": `80 of 100 parts`. */
  readonly grounds: string
  readonly formula: string
  /** The numbers in it, by name. */
  readonly inputs: Readonly<Record<string, string>>
  /** The exact result of the formula, its whole units, what that cut off, and what rounding gave back. */
  readonly quota: string
  readonly floor: string
  readonly remainder: string
  readonly extra: string
  readonly units: string
  readonly note: string
}

/** A share that the plan lists. */
export type PlanPart = { readonly role: string; readonly to: Target }

/**
 * A fact that the rule asks for. `standing` ones are kept by the ledger per subject, `event` ones come with the event. Without an
 * `optional` one the event is still divided: the rule says what its absence means. Of `standing` ones a rule gets those of the event's
 * parties, or those of `all` subjects there are.
 */
export type FactNeed = { readonly name: string; readonly source: 'event' | 'standing'; readonly optional?: true; readonly all?: true }

/** What can be said of a step before any event. */
export type Outline = {
  /** `account`: divides what stands in an account. `shares`: changes the shares that an earlier step gave. */
  readonly divides: 'account' | 'shares'
  /** The roundings it can do, its own choice first. */
  readonly roundings: readonly RoundingKind[]
  /** Names that `residual-to` may give; null where facts name them. */
  readonly residuals: readonly string[] | null
  /** Its shares in plan order; null where facts name the recipients. A line's place is its index here. */
  readonly parts: readonly PlanPart[] | null
  /** The role of shares that are not among `parts`, and that of its `others`. */
  readonly role: string
  readonly others: string
  /** Funds it may give to, and funds it may draw on besides its pool, by name. */
  readonly gives: readonly string[]
  readonly draws: readonly string[]
  readonly facts: readonly FactNeed[]
  /** The fact that may come as a snapshot, so that the pool is divided in chunks later, and the roundings with which that can be done. */
  readonly bySnapshot?: { readonly fact: string; readonly roundings: readonly RoundingKind[] }
  /** Whether it may put shares into `carried:R`. */
  readonly carries: boolean
  /** Whether an event without money is of use to it: it changes what the rule remembers. */
  readonly takesNothing: boolean
}

/** A rule for one type of parameters, as its file declares it. */
export type Rule<Parameters> = {
  readonly kind: string
  readonly parameters: z.ZodType<Parameters>
  readonly outline: (parameters: Parameters) => Outline
  /** What it remembers once a part of an event is reversed: keys of what the event changed. Left out where nothing it remembers counts what was given. */
  readonly giveBack?: (given: GivingBack, parameters: Parameters) => RuleState
  /** Ids of all recipients that `split` may give to, whatever the pool. `given` names those of the step whose shares it changes. */
  readonly recipients: (context: RuleContext & { readonly given: readonly string[] }, parameters: Parameters) => readonly string[]
  /** Keys of the state that `split` may ask for, whatever the pool. */
  readonly keys: (context: RuleContext & { readonly given: readonly string[]; readonly rounding: StepRounding }, parameters: Parameters) => readonly string[]
  readonly split: (input: SplitInput, parameters: Parameters) => Split
  /** The exact quota of each part before rounding, for checking amounts that come with an event; null: they must be met exactly. */
  readonly quotas: ((input: SplitInput, parameters: Parameters) => readonly Ratio[]) | null
  /** The same division with its numbers, line by line in the order of `split`. It reads no result of `split`. */
  readonly explain: (input: SplitInput, parameters: Parameters) => readonly PartExplanation[]
}

/** A rule with a plan's parameters in it, checked: what a plan step holds. */
export type BoundRule = {
  readonly kind: string
  readonly outline: Outline
  readonly giveBack: (given: GivingBack) => RuleState
  readonly recipients: (context: RuleContext & { readonly given: readonly string[] }) => readonly string[]
  readonly keys: (context: RuleContext & { readonly given: readonly string[]; readonly rounding: StepRounding }) => readonly string[]
  readonly split: (input: SplitInput) => Split
  readonly quotas: ((input: SplitInput) => readonly Ratio[]) | null
  readonly explain: (input: SplitInput) => readonly PartExplanation[]
}

/** A rule as the registry holds it: its parameters' type is its own affair. */
export type RuleEntry = {
  readonly kind: string
  readonly parameters: z.ZodType
  /** Checks the parameters. Throws the schema's ZodError. */
  readonly bind: (parameters: unknown) => BoundRule
}

/** Closes a rule over its parameters' type, so that rules of different parameters can stand in one registry. */
export function ruleEntry<Parameters>(rule: Rule<Parameters>): RuleEntry {
  const { kind } = rule
  return {
    kind,
    parameters: rule.parameters,
    bind: (given) => {
      const parameters = rule.parameters.parse(given)
      const { quotas } = rule
      return {
        kind,
        outline: rule.outline(parameters),
        giveBack: (back) => rule.giveBack?.(back, parameters) ?? new Map(),
        recipients: (context) => rule.recipients(context, parameters),
        keys: (context) => rule.keys(context, parameters),
        split: (input) => rule.split(input, parameters),
        quotas: quotas === null ? null : (input) => quotas(input, parameters),
        explain: (input) => rule.explain(input, parameters),
      }
    },
  }
}
