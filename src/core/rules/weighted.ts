// Division by weights as rules use it: names, weights, a policy and what it remembers become units, lines, state and an explanation.
// One piece for all rules that divide by weights, so that a policy is the same everywhere.

import { accountName, partyOf } from '../account.ts'
import { allocate } from '../allocate.ts'
import { explainAllocation, type PartNote } from '../allocate/explain.ts'
import { residualOf, type Rounding } from '../allocate/rounding.ts'
import type { CumulativeState, RoundingState } from '../allocate/state.ts'
import { assert, present } from '../assert.ts'
import type { Json } from '../effects.ts'
import { quote } from '../money.ts'
import { Refusal } from '../refusal.ts'
import type { Line, PartExplanation, RoundingKind, RuleState, StepRounding, Zone } from './rule.ts'

/** All policies, with the one that a plan means when it names none. */
export const POLICIES_BY_WEIGHT: readonly RoundingKind[] = ['largest-remainder', 'first', 'largest-ratio', 'cumulative', 'prefix', 'rotate', 'residual-to']

/** One who takes part. */
export type Entry = {
  /** Under which the policy remembers it; the same for the same recipient's same share of every event. */
  readonly key: string
  readonly place: number
  readonly zone?: Zone
  readonly role: string
  /** The account it goes to. */
  readonly to: string
  /** Integers of one scale. */
  readonly weight: bigint
  /** As `residual-to` may call it besides its role and its recipient. */
  readonly name?: string
}

export type WeightedInput = {
  readonly step: string
  readonly pool: bigint
  readonly rounding: StepRounding
  readonly state: RuleState
  /** Whether the entries stand in the order of their keys, so that a turn whose owner is gone goes to the next key. */
  readonly sorted?: boolean
  /** Which division it is, of a step that makes several. */
  readonly name?: string
}

export type Weighted = {
  readonly units: readonly bigint[]
  /** Units for the step's rounding account; below zero, out of it. Other than zero with `cumulative` alone. */
  readonly kept: bigint
  readonly state: RuleState
  /** Fractions of the running entitlements, in 10^-38 of a unit; none but with `cumulative`. */
  readonly before: readonly bigint[]
  readonly after: readonly bigint[]
}

const NO_STATE: RuleState = new Map()

/** The keys of what the policy remembers for a division. */
export function roundingKeys(rounding: StepRounding, keys: () => readonly string[], name?: string): readonly string[] {
  switch (rounding) {
    case 'rotate':
      return [ownKey('turn', name)]
    case 'cumulative':
      return [ownKey('standing', name), ...keys().map(fractionKey)]
    default:
      return []
  }
}

function ownKey(what: 'turn' | 'standing', name: string | undefined): string {
  return name === undefined ? what : `${what}/${name}`
}

function fractionKey(key: string): string {
  return `fraction/${key}`
}

/**
 * Divides a pool by the entries' weights, at least one of which is above zero (or the pool is zero).
 * Refuses `residual_not_found` when the one named for the rest takes no part.
 */
export function divide(input: WeightedInput, entries: readonly Entry[]): Weighted {
  const { pool, rounding } = input
  assert(rounding !== 'none', () => `step ${input.step} divides by weights and names no rounding`)
  if (rounding === 'cumulative') return divideKeeping(input, entries)
  const weights = entries.map(({ weight }) => weight)
  if (pool === 0n || hasOneOwner(weights)) return plainly(weights.map((weight) => (weight === 0n ? 0n : pool)))
  if (rounding === 'rotate') return divideByTurn(input, entries, weights)
  const residual = residualOf(rounding)
  if (residual === null) return plainly(allocate({ pool, weights, rounding }).units)
  const names = entries.map((_, place) => place.toString())
  return plainly(allocate({ pool, weights, names, rounding: { 'residual-to': residualPlace(input.step, residual, entries).toString() } }).units)
}

function plainly(units: readonly bigint[]): Weighted {
  return { units, kept: 0n, state: NO_STATE, before: [], after: [] }
}

/** Whether nothing can be left over, nor anybody be named who does not take part. */
function hasOneOwner(weights: readonly bigint[]): boolean {
  let owners = 0
  for (const weight of weights) if (weight > 0n) owners += 1
  return owners === 1
}

/** A role comes before the id of a recipient of the same name. */
function residualPlace(step: string, name: string, entries: readonly Entry[]): number {
  const role = entries.findIndex((entry) => (entry.name ?? entry.role) === name)
  const place = role >= 0 ? role : entries.findIndex(({ to }) => to === accountName('payable', name))
  if (place >= 0 && present(entries[place], 'entry').weight > 0n) return place
  throw new Refusal('residual_not_found', `step ${step} gives what is left over to ${quote(name)}, who ${place < 0 ? 'has no share' : 'has a weight of zero'}: nobody else may have it`, {
    step,
    residual: name,
  })
}

function divideByTurn({ pool, rounding, state, sorted = false, name }: WeightedInput, entries: readonly Entry[], weights: readonly bigint[]): Weighted {
  const key = ownKey('turn', name)
  const owner = state.get(key)
  const next = owner === undefined ? 0 : placeOfTurn(entries, textOf(owner, key), sorted)
  const divided = allocate({ pool, weights, rounding: rounding as Rounding, state: { next } })
  const after = present(divided.state !== null && 'next' in divided.state ? entries[divided.state.next] : null, 'turn')
  return { ...plainly(divided.units), state: after.key === owner ? NO_STATE : new Map([[key, after.key]]) }
}

function placeOfTurn(entries: readonly Entry[], owner: string, sorted: boolean): number {
  const place = entries.findIndex(({ key }) => (sorted ? key >= owner : key === owner))
  return Math.max(place, 0)
}

function divideKeeping({ pool, state, name }: WeightedInput, entries: readonly Entry[]): Weighted {
  const before = entries.map(({ key }) => bigintOf(state, fractionKey(key)))
  if (pool === 0n) return { units: before.map(() => 0n), kept: 0n, state: NO_STATE, before, after: before }
  const written: CumulativeState = { fractions: before, standing: bigintOf(state, ownKey('standing', name)) }
  const { units, remainder, state: kept } = allocate({ pool, weights: entries.map(({ weight }) => weight), rounding: 'cumulative', state: written })
  assert(kept !== null && 'fractions' in kept, 'cumulative remembers fractions')
  const after = kept.fractions
  const changes = new Map<string, Json>()
  for (const [place, { key }] of entries.entries()) if (after[place] !== before[place]) changes.set(fractionKey(key), present(after[place], 'fraction').toString())
  if (remainder !== 0n) changes.set(ownKey('standing', name), kept.standing.toString())
  return { units, kept: remainder, state: changes, before, after }
}

/** A number that a rule remembers; zero before it remembers any. */
export function bigintOf(state: RuleState, key: string): bigint {
  const value = state.get(key)
  return value === undefined ? 0n : BigInt(textOf(value, key))
}

function textOf(value: Json, key: string): string {
  assert(typeof value === 'string', `what is remembered as ${key} is no text`)
  return value
}

/**
 * The lines of a division. With `cumulative` the pool passes through the step's rounding account, where what is not yet whole for anybody
 * stands: one line into it (`place` of the division among several), and the shares out of it.
 */
export function linesOf({ step, pool, rounding }: WeightedInput, entries: readonly Entry[], { units }: Weighted, { from = null, place = 0 }: { from?: Line['from']; place?: number } = {}): readonly Line[] {
  const keeps = rounding === 'cumulative'
  const through = accountName('rounding', step)
  const shares = entries.map((entry, index): Line => {
    return { place: entry.place, ...zoneOf(entry), role: entry.role, from: keeps ? through : from, to: entry.to, units: present(units[index], 'units') }
  })
  return keeps ? [{ place, zone: 'rounding', role: 'rounding', from, to: through, units: pool }, ...shares] : shares
}

/** Spread, because a share has no zone written down. */
export function zoneOf({ zone }: { readonly zone?: Zone }): { readonly zone?: Zone } {
  return zone === undefined ? {} : { zone }
}

/** What a rule says of an entry in its explanation. `formula` where it is not pool × weight ÷ total. */
export type Said = { readonly grounds: string; readonly inputs: Readonly<Record<string, string>>; readonly formula?: string }

/** The same lines with every figure, in the same order. */
export function explainLines(
  { pool, rounding, step }: WeightedInput,
  entries: readonly Entry[],
  { units, kept, before, after }: Weighted,
  { say, place = 0 }: { readonly say: (entry: Entry, index: number) => Said; readonly place?: number },
): readonly PartExplanation[] {
  assert(rounding !== 'none', `step ${step} divides by weights and names no rounding`)
  const keeps = rounding === 'cumulative'
  const state = (fractions: readonly bigint[]): RoundingState => (keeps ? { fractions, standing: 0n } : null)
  const weights = entries.map(({ weight }) => weight)
  const explained = weights.every((weight) => weight === 0n) ? [] : explainAllocation({ pool, weights, rounding, state: state(before) }, { units, remainder: kept, state: state(after) })
  const shares = entries.map((entry, index): PartExplanation => {
    const { grounds, inputs, formula } = say(entry, index)
    const { entitlement, of: _of, rounding: _rounding, ...figures } = explained[index] ?? NO_FIGURES
    const fractions = entitlement === undefined ? {} : { kept: entitlement.before, keeps: entitlement.after }
    return { place: entry.place, ...zoneOf(entry), role: entry.role, grounds, ...figures, formula: formula ?? figures.formula, inputs: { ...inputs, ...fractions } }
  })
  if (!keeps) return shares
  const grounds = 'all of it passes through the account for what is not yet whole'
  return [exactly({ place, zone: 'rounding', role: 'rounding', grounds, formula: `${pool}`, inputs: { pool: pool.toString(), account: accountName('rounding', step) }, units: pool }), ...shares]
}

/** Of a pool of nothing by weights of nothing. */
const NO_FIGURES: PartNote = { of: '0', formula: '0', quota: '0', floor: '0', remainder: '0/1', extra: '0', units: '0', rounding: '', note: 'there is nothing to divide' }

/** The explanation of a line that needs no rounding. */
export function exactly({ units, note = 'whole units: nothing is left over', ...said }: Omit<PartExplanation, 'quota' | 'floor' | 'remainder' | 'extra' | 'units' | 'note'> & { units: bigint; note?: string }): PartExplanation {
  const text = units.toString()
  return { ...said, quota: text, floor: text, remainder: '0/1', extra: '0', units: text, note }
}

/** Ids of the recipients among accounts. */
export function recipientsOf(accounts: readonly string[]): readonly string[] {
  return accounts.flatMap((account) => partyOf('payable', account) ?? [])
}
