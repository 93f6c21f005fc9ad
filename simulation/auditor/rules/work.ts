// What a rule of the model is asked, and what it answers. Read from docs/reference/rules.md; no code of the engine.

import type { Memory } from '../memory.ts'
import { divide, type Division, type Rounding, type Taker } from '../rounding.ts'

/** What decides how an event is divided. Facts by name, then by subject: those that came with it and those that the ledger kept. */
export type Divisible = {
  readonly asset: string
  readonly units: bigint
  readonly parties: Readonly<Record<string, string>>
  readonly facts: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly at: Temporal.Instant
}

/** One movement: accounts by name. */
export type Line = { readonly role: string; readonly from: string; readonly to: string; readonly units: bigint }

/** A share that an earlier step gave, for a rule that changes shares. */
export type Given = { readonly role: string; readonly recipient: string; readonly units: bigint; readonly from: string }

export type Work = {
  readonly step: string
  /** The account that it divides; nothing where it changes shares. */
  readonly from: string
  readonly pool: bigint
  readonly given: readonly Given[]
  readonly rounding: Rounding
  readonly memory: Memory
  readonly event: Divisible
}

/** A rule: the parameters are those of the plan, which were checked when it was taken. */
export type Rule<Parameters> = (work: Work, parameters: Parameters) => readonly Line[]

export type Target = { readonly recipient: string } | { readonly party: string } | { readonly fund: string }

/** A set of facts as a plan asks for it. */
export type FactSet = { readonly fact: string }

export function accountOf(to: Target, { event }: Pick<Work, 'event'>): string {
  if ('fund' in to) return `fund:${to.fund}`
  return `payable:${'recipient' in to ? to.recipient : (event.parties[to.party] ?? '')}`
}

/** A set's subjects with their facts, by id. */
export function subjectsOf({ event }: Pick<Work, 'event'>, { fact }: FactSet): readonly (readonly [subject: string, value: string])[] {
  return Object.entries(event.facts[fact] ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

export function factOf({ event }: Pick<Work, 'event'>, { fact }: FactSet, subject: string): string | undefined {
  return event.facts[fact]?.[subject]
}

export function partyOf({ event }: Pick<Work, 'event'>, name: string): string {
  return event.parties[name] ?? ''
}

/** The lines of a division by weights. With `cumulative` all of it passes through the step's rounding account. */
export function linesOf(work: Work, takers: readonly Taker[], { pool = work.pool, from = work.from, ...how }: Partial<Division> & { readonly pool?: bigint; readonly from?: string } = {}): readonly Line[] {
  const { rounding, memory, step } = work
  const units = divide(pool, takers, { rounding, memory, ...how })
  const through = `rounding:${step}`
  const source = rounding === 'cumulative' ? through : from
  const shares = takers.map(({ role, to }, place): Line => ({ role, from: source, to, units: units[place] ?? 0n }))
  return rounding === 'cumulative' ? [{ role: 'rounding', from, to: through, units: pool }, ...shares] : shares
}
