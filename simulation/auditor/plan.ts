// Carries out a plan on an event, step by step, by the model's own rules: what must move from which account to which.

import { createMemory, type Memory } from './memory.ts'
import { bonus, type Bonus } from './rules/bonus.ts'
import { fixedShares, proRata, type FixedShares, type ProRata } from './rules/by-weight.ts'
import { cap, minimum, recoup, type Cap, type Minimum, type Recoup } from './rules/limits.ts'
import { profitShare, type ProfitShare } from './rules/profit-share.ts'
import { tieredFee, type TieredFee } from './rules/tiered-fee.ts'
import { waterfall, type Waterfall } from './rules/waterfall.ts'
import type { Divisible, Given, Line, Work } from './rules/work.ts'
import type { Rounding } from './rounding.ts'

type Lock = { readonly days: number } | { readonly until: string }

export type Step = {
  readonly name: string
  readonly from: string
  readonly rule: string
  readonly rounding?: Rounding
  readonly parameters: unknown
  readonly lock?: Lock
}

export type Plan = { readonly steps: readonly Step[] }

/** Memories by lane's own key of step and asset. */
export type Memories = Map<string, Memory>

/** A movement with the step that made it and the instant from which it may be paid; null: at once. */
export type Moved = Line & { readonly step: number; readonly payableFrom: Temporal.Instant | null }

type Known = (work: Work, parameters: unknown) => readonly Line[]

const RULES: Readonly<Record<string, Known>> = {
  'fixed-shares': (work, given) => fixedShares(work, given as FixedShares),
  'pro-rata': (work, given) => proRata(work, given as ProRata),
  'tiered-fee': (work, given) => tieredFee(work, given as TieredFee),
  bonus: (work, given) => bonus(work, given as Bonus),
  cap: (work, given) => cap(work, given as Cap),
  minimum: (work, given) => minimum(work, given as Minimum),
  recoup: (work, given) => recoup(work, given as Recoup),
  'profit-share': (work, given) => profitShare(work, given as ProfitShare),
  waterfall: (work, given) => waterfall(work, given as Waterfall),
}

/** Whether the model works out each share of the plan; of others it checks laws alone. */
export function isKnown({ steps }: Plan): boolean {
  return steps.every(({ rule }) => Object.hasOwn(RULES, rule))
}

type Done = { readonly step: Step; lines: readonly Moved[]; readonly until: Temporal.Instant | null }

/** What a plan moves for an event, in order, without what moves nothing. The memories are changed. */
export function carryOut(plan: Plan, event: Divisible, memories: Memories): readonly Moved[] {
  const pools = new Map([['received', event.units]])
  const done: Done[] = []
  for (const [index, step] of plan.steps.entries()) {
    const earlier = step.from.startsWith('shares:') ? done.find((each) => step.from === `shares:${each.step.name}`) : undefined
    const taken = (earlier?.lines ?? []).filter(({ to }) => to.startsWith('payable:'))
    const given = taken.map(({ role, from, to, units }): Given => ({ role, recipient: to.slice('payable:'.length), units, from }))
    const memory = memories.getOrInsertComputed(`${step.name}/${event.asset}`, createMemory)
    const work: Work = { step: step.name, from: step.from, pool: pools.get(step.from) ?? 0n, given, rounding: step.rounding ?? 'largest-remainder', memory, event }
    const until = later(earlier?.until ?? null, step.lock === undefined ? null : endOf(step.lock, event.at))
    const made = RULES[step.rule]?.(work, step.parameters) ?? []
    const lines = made.map((line): Moved => ({ ...line, step: index, payableFrom: until }))
    if (earlier === undefined) pools.delete(step.from)
    else earlier.lines = earlier.lines.filter((line) => !taken.includes(line))
    for (const { to, units } of lines) if (to.startsWith('fund:')) pools.set(to, (pools.get(to) ?? 0n) + units)
    done.push({ step, lines, until })
  }
  return done.flatMap(({ lines }) => lines).filter(({ units }) => units > 0n)
}

const HOURS_OF_A_DAY = 24

function endOf(lock: Lock, at: Temporal.Instant): Temporal.Instant {
  return 'until' in lock ? Temporal.Instant.from(lock.until) : at.add({ hours: lock.days * HOURS_OF_A_DAY })
}

function later(one: Temporal.Instant | null, other: Temporal.Instant | null): Temporal.Instant | null {
  if (one === null || other === null) return one ?? other
  return Temporal.Instant.compare(one, other) < 0 ? other : one
}
