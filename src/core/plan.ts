// Plans: immutable, numbered versions of the rules by which a ledger's events are divided, each in force from an instant.

import { z } from 'zod'
import { assert, present } from './assert.ts'
import { canonicalJson, isDeeperThan, sha256 } from './canonical.ts'
import { clip, quote } from './money.ts'
import { Refusal } from './refusal.ts'
import { rules } from './rules/index.ts'
import { ROUNDINGS, type BoundRule, type Rounding } from './rules/rule.ts'

const step = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  from: z.literal('received'),
  rule: z.string(),
  parameters: z.json(),
  rounding: z.enum(ROUNDINGS),
})

const planSchema = z.strictObject({ steps: z.array(step).length(1, 'a plan has one step') })

/** Levels of objects and lists in a plan: fixed shares take seven, and the rules to come will not take four times as many. */
const MAX_DEPTH = 32

/** Longest place or problem repeated in a refusal, in characters. */
const MAX_PROBLEM = 200

/** A plan as data, as it is written, stored and hashed. */
export type PlanData = z.infer<typeof planSchema>

/** A step whose parameters have passed their rule's schema. */
export type Step = {
  readonly name: string
  readonly from: 'received'
  readonly rule: BoundRule
  readonly rounding: Rounding
}

export type PlanVersion = {
  readonly version: number
  /** Null reaches back for ever: only the first version. */
  readonly effectiveFrom: Temporal.Instant | null
  readonly hash: string
  readonly step: Step
  readonly data: PlanData
}

/** Reads a plan from data. Refuses `plan_invalid`, naming the place. */
export function parsePlan(data: unknown): { readonly data: PlanData; readonly step: Step; readonly hash: string } {
  if (isDeeperThan(MAX_DEPTH, data)) {
    throw new Refusal('plan_invalid', `a plan has at most ${MAX_DEPTH} levels of objects and lists`, { levels: MAX_DEPTH })
  }
  const parsed = planSchema.safeParse(data)
  if (!parsed.success) throw planRefusal(parsed.error, 'plan')
  const { name, from, rule: kind, parameters, rounding } = present(parsed.data.steps[0], 'step')
  const entry = rules.get(kind)
  if (entry === undefined) {
    const known = [...rules.keys()].join(', ')
    throw new Refusal('plan_invalid', `step ${name} asks for the rule ${quote(kind)}; there are: ${known}`, { step: name, rule: clip(kind) })
  }
  try {
    return { data: parsed.data, step: { name, from, rule: entry.bind(parameters), rounding }, hash: planHash(parsed.data) }
  } catch (error) {
    throw error instanceof z.ZodError ? planRefusal(error, `step ${name}`) : error
  }
}

/** SHA-256 over the plan's canonical JSON, in hex. */
function planHash(data: PlanData): string {
  return sha256(canonicalJson(data)).toHex()
}

/**
 * The version in force at an instant: the newest whose effective instant is not after it. Versions are given in order of number;
 * a later number wins at equal instants.
 */
export function versionInForce(versions: readonly PlanVersion[], instant: Temporal.Instant): PlanVersion {
  const version = versions.findLast(
    ({ effectiveFrom }) => effectiveFrom === null || Temporal.Instant.compare(effectiveFrom, instant) <= 0,
  )
  assert(version !== undefined, `no plan version reaches back to ${instant.toString()}`)
  return version
}

function planRefusal(error: z.ZodError, where: string): Refusal {
  const [issue] = error.issues
  // Path and message name keys as they were given, of any length.
  const path = issue === undefined ? '' : clip(issue.path.map(String).join('.'), MAX_PROBLEM)
  const message = clip(issue?.message ?? 'is not a plan', MAX_PROBLEM)
  return new Refusal('plan_invalid', `${where}${path === '' ? '' : `, ${path}`}: ${message}`, { field: path, problem: message })
}
