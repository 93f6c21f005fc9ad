// A plan's step, ready to be carried out.

import type { Lock } from './lock.ts'
import type { BoundRule, StepRounding } from './rules/rule.ts'

/** A step whose parameters have passed their rule's schema. */
export type Step = {
  readonly name: string
  /** `received`, `fund:<name>`, or `shares:<step>`: the shares that an earlier step gave to recipients. */
  readonly from: string
  readonly rule: BoundRule
  readonly rounding: StepRounding
  readonly lock: Lock | null
}
