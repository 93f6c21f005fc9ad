// Plans: immutable, numbered versions of the rules by which a ledger's events are divided, each in force from an instant.

import { z } from 'zod'
import { residualOf } from './allocate/rounding.ts'
import { assert, present } from './assert.ts'
import { canonicalJson, isDeeperThan, sha256 } from './canonical.ts'
import { valueAt } from './json-document.ts'
import { lockSchema, readLock } from './lock.ts'
import { clip, quote } from './money.ts'
import { changesOf, MAX_CHANGES } from './part.ts'
import { Refusal } from './refusal.ts'
import { rules } from './rules/index.ts'
import { roundingKindOf, stepRoundingSchema, type BoundRule, type RoundingKind, type StepRounding } from './rules/rule.ts'
import type { Step } from './step.ts'

const STEP_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/

/** What every step has, whatever its rule. */
export const stepFields = {
  name: z.string().regex(STEP_NAME),
  from: z.string().regex(/^(received|fund:[A-Za-z0-9][A-Za-z0-9._-]{0,99}|shares:[a-z0-9][a-z0-9-]{0,39})$/, 'a step divides received, fund:<name> or shares:<earlier step>'),
  /** Left out: the rule's own choice. */
  rounding: stepRoundingSchema.optional(),
  lock: lockSchema.optional(),
}

const step = z.strictObject({ ...stepFields, rule: z.string(), parameters: z.json() })

/** Most steps of a plan: people write and read it, and a transfer's part holds its step in six bits. */
export const MAX_STEPS = 64

const planSchema = z.strictObject({ steps: z.array(step).min(1, 'a plan has at least one step').max(MAX_STEPS, `a plan has at most ${MAX_STEPS} steps`) })

/** A plan inside a larger file. It is read by `parsePlan`, which says more of what is wrong than a schema can. */
export const writtenPlan = z.json().meta({ id: 'WrittenPlan', description: 'A plan: {"steps": […]}, as docs/reference/rules.md describes it' })

/** Levels of objects and lists in a plan: fixed shares take seven, and the rules to come will not take four times as many. */
const MAX_DEPTH = 32

/** Longest place or problem repeated in a refusal, in characters. */
const MAX_PROBLEM = 200

type WrittenStep = z.infer<typeof step>

/** A plan as data, as it is stored and hashed: with each step's rounding, which may be left out in writing. */
export type PlanData = { readonly steps: readonly (Omit<WrittenStep, 'rounding' | 'lock'> & { readonly rounding: StepRounding; readonly lock?: NonNullable<WrittenStep['lock']> })[] }

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
  checkCount(data)
  const parsed = planSchema.safeParse(data)
  if (!parsed.success) throw planRefusal(parsed.error, { step: null, given: data })
  const steps = parsed.data.steps.map(bindStep)
  checkFlow(steps)
  const complete = { steps: parsed.data.steps.map((written, index) => completed(written, present(steps[index], 'step'))) }
  return { data: complete, steps, hash: planHash(complete) }
}

function completed({ lock, ...written }: WrittenStep, { rounding }: Step): PlanData['steps'][number] {
  return { ...written, rounding, ...(lock === undefined ? {} : { lock }) }
}

/** Before a million steps are read one by one. */
function checkCount(data: unknown): void {
  const steps: unknown = typeof data === 'object' && data !== null && 'steps' in data ? data.steps : null
  if (!Array.isArray(steps) || steps.length <= MAX_STEPS) return
  const problem = `a plan has at most ${MAX_STEPS} steps, not ${steps.length}`
  throw new Refusal('plan_invalid', `plan, steps: ${problem}`, { field: 'steps', problem })
}

function bindStep({ name, from, rule: kind, parameters, rounding, lock }: WrittenStep): Step {
  const entry = rules.get(kind)
  if (entry === undefined) {
    const known = [...rules.keys()].join(', ')
    throw new Refusal('plan_invalid', `step ${name} asks for the rule ${quote(kind)}; there are: ${known}`, { step: name, field: 'rule', rule: clip(kind) })
  }
  try {
    const rule = entry.bind(parameters)
    return { name, from, rule, rounding: rounding ?? ownRounding(rule), lock: lock === undefined ? null : readLock(lock) }
  } catch (error) {
    throw error instanceof z.ZodError ? planRefusal(error, { step: name, given: parameters }) : error
  }
}

/** A rule's first choice is a plain name. */
function ownRounding({ kind, outline }: BoundRule): StepRounding {
  const [own] = outline.roundings
  assert(own !== undefined && own !== 'residual-to', `${kind} names no rounding of its own`)
  return own
}

/** What the steps before one have made. */
type Flow = { readonly names: Set<string>; readonly funds: Set<string>; readonly divided: Set<string> }

/**
 * Whether money finds its way through the steps: each divides something that there is, everything that comes in is divided, and nothing
 * twice. What a step gives to a fund that no later step divides stays there.
 */
function checkFlow(steps: readonly Step[]): void {
  const flow: Flow = { names: new Set(), funds: new Set(), divided: new Set() }
  for (const [index, each] of steps.entries()) {
    const { name, from, rule } = each
    const problem =
      (flow.names.has(name) ? 'has the name of an earlier step' : null) ??
      (index === 0 && from !== 'received' ? `is the first and divides ${from}: everything that comes in stands in received` : null) ??
      (flow.divided.has(from) ? `divides ${from}, which an earlier step has divided already: nothing is left there` : null) ??
      sourceProblem(each, flow) ??
      givenProblem(rule, flow.divided) ??
      (changesOf(steps, each) > MAX_CHANGES ? `is number ${changesOf(steps, each)} to change the same shares; there may be ${MAX_CHANGES}` : null) ??
      roundingProblem(each)
    if (problem !== null) throw flowRefusal(each, problem)
    flow.names.add(name)
    flow.divided.add(from)
    for (const fund of rule.outline.gives) flow.funds.add(`fund:${fund}`)
  }
  for (const each of steps) {
    const problem = drawnProblem(each.rule, flow)
    if (problem !== null) throw flowRefusal(each, problem)
  }
}

function flowRefusal({ name, from }: Step, problem: string): Refusal {
  return new Refusal('plan_invalid', `step ${name} ${problem}`, { step: name, field: 'from', value: from })
}

function sourceProblem({ from, rule: { kind, outline } }: Step, { names, funds }: Flow): string | null {
  const earlier = from.startsWith('shares:') ? from.slice('shares:'.length) : null
  if ((earlier !== null) !== (outline.divides === 'shares')) {
    return earlier === null ? `divides ${from}, but ${kind} changes the shares of an earlier step: from shares:<step>` : `divides ${from}, but ${kind} divides an account`
  }
  if (earlier !== null) return names.has(earlier) ? null : `changes the shares of ${earlier}, and there is no earlier step of that name`
  return from === 'received' || funds.has(from) ? null : `divides ${from}, and no earlier step gives anything to it`
}

/** A fund that was divided already must not get more: it would stay there undirected. */
function givenProblem({ outline }: BoundRule, divided: ReadonlySet<string>): string | null {
  const late = outline.gives.find((fund) => divided.has(`fund:${fund}`))
  return late === undefined ? null : `gives to fund:${late}, which an earlier step has divided already: it would stay there`
}

/** A fund that is drawn on must hold something at times: some step gives to it, and none divides it whole. */
function drawnProblem({ outline }: BoundRule, { funds, divided }: Flow): string | null {
  const empty = outline.draws.find((fund) => !funds.has(`fund:${fund}`) || divided.has(`fund:${fund}`))
  if (empty === undefined) return null
  return divided.has(`fund:${empty}`) ? `draws on fund:${empty}, which another step divides: nothing is left there` : `draws on fund:${empty}, and no step gives anything to it`
}

function roundingProblem({ rule: { kind, outline }, rounding }: Step): string | null {
  const named: RoundingKind = roundingKindOf(rounding)
  const { roundings, residuals } = outline
  if (!roundings.includes(named)) return `cannot round by ${named}: with these parameters ${kind} rounds by ${roundings.join(', ')}`
  const residual = rounding === 'none' ? null : residualOf(rounding)
  if (residual === null || residuals === null || residuals.includes(residual)) return null
  return `gives what is left over to ${residual}, which gets no share of it: there are ${residuals.join(', ')}`
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
  assert(version !== undefined, () => `no plan version reaches back to ${instant.toString()}`)
  return version
}

/** `step`: whose parameters the path is of; null for the plan itself. `given`: those, or the plan, as they were given. */
function planRefusal(error: z.ZodError, { step, given }: { readonly step: string | null; readonly given: unknown }): Refusal {
  const [issue] = error.issues
  // Path and message name keys as they were given, of any length.
  const path = issue === undefined ? '' : clip(issue.path.map(String).join('.'), MAX_PROBLEM)
  const problem = clip(issue?.message ?? 'is not a plan', MAX_PROBLEM)
  const value = valueAt(given, issue?.path ?? [])
  const found = typeof value === 'string' || typeof value === 'number' ? quote(value.toString()) : null
  const where = step === null ? 'plan' : `step ${step}`
  const message = `${where}${path === '' ? '' : `, ${path}`}: ${problem}${found === null ? '' : `, and this is ${found}`}`
  return new Refusal('plan_invalid', message, { ...(step !== null && { step }), field: path, problem, ...(typeof value === 'string' && { value: clip(value) }) })
}
