// Whole plans at random: of all rules there are, nested, with every rounding that each can do, and with locks. Only plans that the product
// takes come out; what it refuses is drawn anew.

import { ZodError } from 'zod'
import { present } from '../../src/core/assert.ts'
import type { Json, JsonObject } from '../../src/core/effects.ts'
import { parsePlan, type PlanVersion } from '../../src/core/plan.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { rules } from '../../src/core/rules/index.ts'
import type { BoundRule } from '../../src/core/rules/rule.ts'
import { randomOf, type Random } from '../random.ts'
import { CHANGING, DIVIDING, type Draft, type Needs } from './plan-steps.ts'

export type DrawnPlan = {
  readonly plan: { readonly steps: readonly JsonObject[] }
  readonly steps: PlanVersion['steps']
  readonly needs: Needs
}

export type PlanGiven = {
  readonly people: readonly string[]
  readonly start: Temporal.Instant
  readonly plain: bigint
  /** Most shares of a division. */
  readonly most: number
  /** Only plans that can divide by a snapshot. */
  readonly onlyBySnapshot: boolean
}

/** More than that a shape that can be filled never took. */
const MOST_TRIES = 60
/** Kinds that the first step of a plan has; later ones are mostly the simple ones. */
const KINDS = Object.keys(DIVIDING)
/** And those that give most shares. */
const MOSTLY = ['fixed-shares', 'pro-rata']
const NESTED = ['fixed-shares', 'fixed-shares', 'tiered-fee', 'recoup', 'pro-rata', 'bonus']

/** The plan of a shape with these figures. Null where nothing of this shape is a plan. */
export function planOf(shape: string, numbers: Random, given: PlanGiven): DrawnPlan | null {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const drawn = draw(randomOf(shape), numbers.fork(`${tried}`), given)
    try {
      return { ...drawn, steps: parsePlan(drawn.plan).steps }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
  }
  return null
}

function draw(shape: Random, numbers: Random, { people, start, plain, most, onlyBySnapshot }: PlanGiven): Pick<DrawnPlan, 'plan' | 'needs'> {
  const needs: Needs = { scored: [], referrers: false, flags: new Set(), contributors: [], results: false, advances: false, percent: false, unsure: false }
  const day = start.subtract({ hours: 24 }).toString().slice(0, 10)
  const draft: Draft = { shape, numbers, people, most, day, plain, needs, divided: [], kept: [] }
  if (onlyBySnapshot || shape.chance(HOLDERS)) return { plan: { steps: [holders(draft)] }, needs }
  const steps: JsonObject[] = [stepOf(draft, { from: 'received', kind: shape.pick(shape.chance(0.65) ? KINDS : MOSTLY), depth: 0, place: 0, start })]
  for (let next = 0; next < draft.divided.length; next += 1) {
    const { fund, depth } = present(draft.divided[next], 'fund')
    steps.push(stepOf(draft, { from: `fund:${fund}`, kind: shape.pick(NESTED), depth, place: steps.length, start }))
  }
  const changed = shape.chance(0.5) ? shape.shuffle(steps.map((_, place) => place)).slice(0, shape.between(1, 2)) : []
  for (const place of changed) {
    const kind = shape.pick(Object.keys(CHANGING))
    steps.push({ name: `s${steps.length}`, from: `shares:s${place}`, rule: kind, parameters: present(CHANGING[kind], kind)(draft, 0), ...roundingOfChange(draft, kind) })
  }
  return { plan: { steps }, needs }
}

/** Plans that may be divided by a snapshot, which others seldom can. */
const HOLDERS = 0.15

function holders(draft: Draft): JsonObject {
  const { numbers, needs, people } = draft
  needs.scored = people
  const parameters = { by: { fact: 'score' }, whenAllZero: { fund: 'later' } }
  return { name: 's0', from: 'received', rule: 'pro-rata', parameters, rounding: numbers.pick(['largest-remainder', 'prefix']) }
}

type Wanted = { readonly from: string; readonly kind: string; readonly depth: number; readonly place: number; readonly start: Temporal.Instant }

function stepOf(draft: Draft, { from, kind, depth, place, start }: Wanted): JsonObject {
  const { shape, numbers } = draft
  const parameters = present(DIVIDING[kind], kind)(draft, depth)
  const lock: JsonObject = !shape.chance(0.1)
    ? {}
    : { lock: numbers.chance(0.3) ? { days: numbers.between(1, 60) } : { until: start.add({ seconds: numbers.between(1, 300) }).round('second').toString() } }
  return { name: `s${place}`, from, rule: kind, parameters, ...roundingFor(draft, kind, parameters), ...lock }
}

/** Shares are changed by whole units, but for bonuses. */
function roundingOfChange({ numbers }: Draft, kind: string): JsonObject {
  return kind === 'bonus' ? { rounding: numbers.pick<Json>(['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate']) } : {}
}

/** One of those that the rule can do here. */
function roundingFor({ shape, numbers, people, needs }: Draft, kind: string, parameters: JsonObject): JsonObject {
  const mayBeNobody = shape.chance(0.2)
  const bound = boundOrNull(kind, parameters)
  // Parameters that are none: the plan is refused and drawn anew.
  if (bound === null) return {}
  const { roundings, residuals } = bound.outline
  // Where facts name the recipients, the one that is named for the rest may be none of them.
  const isOpen = residuals === null
  if (isOpen && mayBeNobody) needs.unsure = true
  const rounding = numbers.pick(isOpen && !mayBeNobody ? roundings.filter((each) => each !== 'residual-to') : roundings)
  return { rounding: rounding === 'residual-to' ? { 'residual-to': numbers.pick(residuals ?? people) } : rounding }
}

function boundOrNull(kind: string, parameters: JsonObject): BoundRule | null {
  try {
    return present(rules.get(kind), kind).bind(parameters)
  } catch (error) {
    if (error instanceof ZodError) return null
    throw error
  }
}

/** What no ledger takes for a plan. */
export function wrongPlan(random: Random): JsonObject {
  const good = { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares: [{ role: 'ai', to: { recipient: 'ai' }, weight: '1' }] } }
  return random.pick<JsonObject>([
    { steps: [] },
    { steps: [{ ...good, rule: 'no-rule' }] },
    { steps: [{ ...good, from: 'fund:nobody-fills' }] },
    { steps: [good, good] },
    { steps: [{ ...good, parameters: { shares: [{ role: 'ai', to: { recipient: 'ai' }, weight: '101%' }] } }] },
    { steps: [{ ...good, rounding: { 'residual-to': 'nobody' } }] },
  ])
}
