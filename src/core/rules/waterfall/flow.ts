// One event through a waterfall: contributions counted, returns accrued, and the pool poured into the tranches in order.

import { z } from 'zod'
import { present } from '../../assert.ts'
import { canonicalJson } from '../../canonical.ts'
import type { Json } from '../../effects.ts'
import { Refusal } from '../../refusal.ts'
import { dayOf, isBefore, readDay, type Day } from '../calendar.ts'
import { checkStrangers, malformed, optionalFact } from '../facts.ts'
import { atLeastZero } from '../give-back.ts'
import { percentOf } from '../grain.ts'
import type { RuleState, SplitInput, StepRounding } from '../rule.ts'
import { accountOf } from '../target.ts'
import { divide, roundingKeys, type Entry, type Weighted, type WeightedInput } from '../weighted.ts'
import { holdingOn, payReturn, readHolding, returnDue, writeHolding, type Holding, type ReturnTerms } from './contributor.ts'
import { membersOf, type Member, type Parameters, type Tranche } from './terms.ts'

/** The fact of an event: units contributed, by the contributor's id. */
export const CONTRIBUTED = 'contributed'

export const PAID = 'paid'

/** How one tranche was filled. */
export type Filled = {
  readonly tranche: Tranche
  readonly members: readonly Member[]
  /** The division of what it took, as the shared pieces for divisions by weight take and give it. */
  readonly input: WeightedInput
  readonly entries: readonly Entry[]
  readonly divided: Weighted
  /** Units that reached it, that it could still take (null: all), and that it took. */
  readonly reached: bigint
  readonly room: bigint | null
  readonly amount: bigint
  /** Units that it and that all tranches had taken before. */
  readonly taken: bigint
  readonly takenByAll: bigint
  /** What the contributors had when it was filled. */
  readonly holdings: readonly Holding[]
}

export type Flow = { readonly filled: readonly Filled[]; readonly state: RuleState }

export function keysOf({ contributors = [], tranches }: Parameters, rounding: StepRounding): readonly string[] {
  const roundings = tranches.flatMap(({ name }) => roundingKeys(rounding, () => []).map((key) => `${roundingPrefix(name)}${key}`))
  return [PAID, ...contributors.map(({ recipient }) => keyOf(recipient)), ...roundings]
}

/** Each tranche rounds for itself, and remembers its turn under its own name. */
function roundingPrefix(tranche: string): string {
  return `tranche/${tranche}/`
}

export function keyOf(recipient: string): string {
  return `contributor/${recipient}`
}

/**
 * Refuses `event_order_conflict` for an event of an earlier day than the newest one before it, `fact_malformed`, and `fact_mismatch` for
 * a contribution of somebody who is no contributor.
 */
export function pour(input: SplitInput, given: Parameters): Flow {
  const paid = readPaid(input.state.get(PAID))
  const day = dayOf(input.at, 'UTC')
  checkOrder(input, day, paid.day)
  const before = holdingsOf(input, given, day)
  let holdings = before
  let left = input.pool
  const taken = new Map(paid.units)
  const roundings = new Map<string, Json>()
  let place = 0
  const filled = given.tranches.map((tranche, index): Filled => {
    const members = present(membersOf(given)[index], 'members')
    const weights = weightsOf(tranche, members, holdings)
    const takenByAll = sum([...taken.values()])
    const room = roomOf(tranche, { weights, given, taken, takenByAll })
    const amount = room === null || left < room ? left : room
    const entries = members.map(({ role, to }, at): Entry => {
      return { key: role, place: place + at, role, to: accountOf(to, { role, parties: input.parties }), weight: present(weights[at], 'weight') }
    })
    place += members.length
    const weighted: WeightedInput = { step: input.step, pool: amount, rounding: input.rounding, state: roundingState(input.state, tranche) }
    const divided = divide(weighted, entries)
    for (const [key, value] of divided.state) roundings.set(`${roundingPrefix(tranche.name)}${key}`, value)
    const filling = { tranche, members, input: weighted, entries, divided, reached: left, room, amount, taken: taken.get(tranche.name) ?? 0n, takenByAll, holdings }
    holdings = afterPaying(tranche, holdings, divided.units)
    taken.set(tranche.name, filling.taken + amount)
    left -= amount
    return filling
  })
  return { filled, state: new Map([...roundings, ...changesOf(input.state, given, { day, taken, holdings })]) }
}

function roundingState(state: RuleState, { name }: Tranche): RuleState {
  const prefix = roundingPrefix(name)
  return new Map([...state].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [])))
}

function checkOrder({ at, step }: SplitInput, day: Day, newest: Day | null): void {
  if (newest === null || !isBefore(day, newest)) return
  const details = { step, event_at: at.toString(), earliest: newest.toString() }
  throw new Refusal(
    'event_order_conflict',
    `the event happened at ${details.event_at}, but step ${step} has reckoned returns up to ${details.earliest}, on capital that it would have changed: record it on that day (UTC) or later`,
    details,
  )
}

function holdingsOf(input: SplitInput, { contributors = [], tranches }: Parameters, day: Day): readonly Holding[] {
  const ids = new Set(contributors.map(({ recipient }) => recipient))
  checkStrangers(input, { fact: CONTRIBUTED }, ids)
  const terms = returnTermsOf(tranches)
  return contributors.map(({ recipient, contributed: planned }) => {
    const holding = holdingOn(readHolding(input.state.get(keyOf(recipient))), day, { planned, terms })
    const added = optionalFact(input, { fact: CONTRIBUTED }, recipient)
    return added === undefined ? holding : { ...holding, capital: holding.capital + wholeUnits(input, recipient, added) }
  })
}

function wholeUnits({ step }: SplitInput, subject: string, value: string): bigint {
  if (/^(0|[1-9][0-9]{0,38})$/.test(value)) return BigInt(value)
  throw malformed({ step, fact: CONTRIBUTED, subject, value }, 'whole units with at most 39 digits, such as 1000')
}

export function returnTermsOf(tranches: readonly Tranche[]): ReturnTerms {
  const preferred = tranches.find((each) => each.kind === 'preferred')
  return preferred === undefined ? null : { rate: percentOf(preferred.rate), compounding: preferred.compounding }
}

function weightsOf({ kind }: Tranche, members: readonly Member[], holdings: readonly Holding[]): readonly bigint[] {
  if (kind === 'capital') return holdings.map(({ capital }) => capital)
  return kind === 'preferred' ? holdings.map(returnDue) : members.map(({ weight }) => weight)
}

type Taken = { readonly given: Parameters; readonly weights: readonly bigint[]; readonly taken: ReadonlyMap<string, bigint>; readonly takenByAll: bigint }

/** Units that a tranche can still take; null for all there are. */
function roomOf(tranche: Tranche, { given, weights, taken, takenByAll }: Taken): bigint | null {
  if (tranche.kind === 'capital' || tranche.kind === 'preferred') return sum(weights)
  if (tranche.kind === 'split') return tranche.until === undefined ? null : atLeastZero(BigInt(tranche.until) - takenByAll)
  const preferred = given.tranches.find(({ kind }) => kind === 'preferred')
  const profit = preferred === undefined ? 0n : (taken.get(preferred.name) ?? 0n)
  return atLeastZero(catchUpOf(tranche, profit) - (taken.get(tranche.name) ?? 0n))
}

/**
 * Whole units of a catch-up for so much preferred return. Its shares get rate × C of it and want target × (P + C), so
 * C = target × P ÷ (rate − target), rounded down.
 */
function catchUpOf({ rate, target }: Extract<Tranche, { kind: 'catch-up' }>, preferred: bigint): bigint {
  return (percentOf(target) * preferred) / (percentOf(rate) - percentOf(target))
}

function afterPaying({ kind }: Tranche, holdings: readonly Holding[], units: readonly bigint[]): readonly Holding[] {
  const paid = (index: number) => present(units[index], 'units')
  if (kind === 'capital') return holdings.map((holding, index) => ({ ...holding, capital: holding.capital - paid(index) }))
  return kind === 'preferred' ? holdings.map((holding, index) => payReturn(holding, paid(index))) : holdings
}

type After = { readonly day: Day; readonly taken: ReadonlyMap<string, bigint>; readonly holdings: readonly Holding[] }

function changesOf(state: RuleState, { contributors = [] }: Parameters, { day, taken, holdings }: After): RuleState {
  const written: (readonly [string, Json])[] = [
    [PAID, writePaid(day, taken)],
    ...contributors.map(({ recipient }, index): [string, Json] => [keyOf(recipient), writeHolding(present(holdings[index], 'holding'))]),
  ]
  return new Map(written.filter(([key, value]) => canonicalJson(state.get(key) ?? null) !== canonicalJson(value)))
}

const stored = z.strictObject({ day: z.string(), units: z.record(z.string(), z.string()) })

export function readPaid(value: Json | undefined): { readonly day: Day | null; readonly units: ReadonlyMap<string, bigint> } {
  if (value === undefined) return { day: null, units: new Map() }
  const { day, units } = stored.parse(value)
  return { day: readDay(day), units: new Map(Object.entries(units).map(([name, text]) => [name, BigInt(text)])) }
}

export function writePaid(day: Day, units: ReadonlyMap<string, bigint>): Json {
  return { day: day.toString(), units: Object.fromEntries([...units].map(([name, each]) => [name, each.toString()])) }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, value) => all + value, 0n)
}
