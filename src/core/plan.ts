// Plans: immutable, numbered versions of the rules by which a ledger's events are divided, each in force from an instant.

import { z } from 'zod'
import { assert } from './assert.ts'
import { canonicalJson, isDeeperThan, sha256 } from './canonical.ts'
import { clip, quote } from './money.ts'
import { Refusal } from './refusal.ts'
import { rules } from './rules/index.ts'
import { ROUNDINGS, type BoundRule, type Rounding } from './rules/rule.ts'

const STEP_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/

const step = z.strictObject({
  name: z.string().regex(STEP_NAME),
  from: z.string().regex(/^(received|fund:[A-Za-z0-9][A-Za-z0-9._-]{0,99}|shares:[a-z0-9][a-z0-9-]{0,39})$/, 'a step divides received, fund:<name> or shares:<earlier step>'),
  rule: z.string(),
  parameters: z.json(),
  rounding: z.enum(ROUNDINGS),
})

/** Most steps of a plan: people write and read it, and a transfer's part holds its step in seven bits. */
export const MAX_STEPS = 100

const planSchema = z.strictObject({ steps: z.array(step).min(1, 'a plan has at least one step').max(MAX_STEPS, `a plan has at most ${MAX_STEPS} steps`) })

/** Levels of objects and lists in a plan: fixed shares take seven, and the rules to come will not take four times as many. */
const MAX_DEPTH = 32

/** Longest place or problem repeated in a refusal, in characters. */
const MAX_PROBLEM = 200

/** A plan as data, as it is written, stored and hashed. */
export type PlanData = z.infer<typeof planSchema>

/** A step whose parameters have passed their rule's schema. */
export type Step = {
  readonly name: string
  /** `received`, `fund:<name>`, or `shares:<step>`: the shares that an earlier step gave to recipients. */
  readonly from: string
  readonly rule: BoundRule
  readonly rounding: Rounding
}

export type PlanVersion = {
  readonly version: number
  /** Null reaches back for ever: only the first version. */
  readonly effectiveFrom: Temporal.Instant | null
  readonly hash: string
  readonly steps: readonly Step[]
  readonly data: PlanData
}

/** Reads a plan from data. Refuses `plan_invalid`, naming the step and what is wrong with it. */
export function parsePlan(data: unknown): { readonly data: PlanData; readonly steps: readonly Step[]; readonly hash: string } {
  if (isDeeperThan(MAX_DEPTH, data)) {
    throw new Refusal('plan_invalid', `a plan has at most ${MAX_DEPTH} levels of objects and lists`, { levels: MAX_DEPTH })
  }
  const parsed = planSchema.safeParse(data)
  if (!parsed.success) throw planRefusal(parsed.error, 'plan')
  const steps = parsed.data.steps.map(bindStep)
  checkFlow(steps)
  return { data: parsed.data, steps, hash: planHash(parsed.data) }
}

function bindStep({ name, from, rule: kind, parameters, rounding }: PlanData['steps'][number]): Step {
  const entry = rules.get(kind)
  if (entry === undefined) {
    const known = [...rules.keys()].join(', ')
    throw new Refusal('plan_invalid', `step ${name} asks for the rule ${quote(kind)}; there are: ${known}`, { step: name, rule: clip(kind) })
  }
  try {
    return { name, from, rule: entry.bind(parameters), rounding }
  } catch (error) {
    throw error instanceof z.ZodError ? planRefusal(error, `step ${name}`) : error
  }
}

/**
 * Whether money finds its way through the steps: each divides something that there is, everything that comes in is divided, and nothing
 * twice. What a step gives to a fund that no later step divides stays there.
 */
function checkFlow(steps: readonly Step[]): void {
  const names = new Set<string>()
  const funds = new Set<string>()
  const divided = new Set<string>()
  for (const [index, { name, from, rule, rounding }] of steps.entries()) {
    const problem =
      (names.has(name) ? 'has the name of an earlier step' : null) ??
      (index === 0 && from !== 'received' ? `is the first and divides ${from}: everything that comes in stands in received` : null) ??
      (divided.has(from) ? `divides ${from}, which an earlier step has divided already: nothing is left there` : null) ??
      sourceProblem(from, { rule, names, funds }) ??
      givenProblem(rule, divided) ??
      (rule.roundings.includes(rounding) ? null : `cannot round by ${rounding}: ${rule.kind} rounds by ${rule.roundings.join(', ')}`)
    if (problem !== null) throw new Refusal('plan_invalid', `step ${name} ${problem}`, { step: name, field: 'from', value: from })
    names.add(name)
    divided.add(from)
    for (const fund of rule.outline.gives) funds.add(`fund:${fund}`)
  }
}

function sourceProblem(from: string, { rule, names, funds }: { rule: BoundRule; names: ReadonlySet<string>; funds: ReadonlySet<string> }): string | null {
  const earlier = from.startsWith('shares:') ? from.slice('shares:'.length) : null
  if ((earlier !== null) !== (rule.divides === 'shares')) {
    return earlier === null ? `divides ${from}, but ${rule.kind} changes the shares of an earlier step: from shares:<step>` : `divides ${from}, but ${rule.kind} divides an account`
  }
  if (earlier !== null) return names.has(earlier) ? null : `changes the shares of ${earlier}, and there is no earlier step of that name`
  return from === 'received' || funds.has(from) ? null : `divides ${from}, and no earlier step gives anything to it`
}

/** A fund that was divided already must not get more: it would stay there undirected. */
function givenProblem({ outline }: BoundRule, divided: ReadonlySet<string>): string | null {
  const late = outline.gives.find((fund) => divided.has(`fund:${fund}`))
  return late === undefined ? null : `gives to fund:${late}, which an earlier step has divided already: it would stay there`
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
