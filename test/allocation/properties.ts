// What every allocation must hold, as properties of a subject: the core itself, or a copy of it with a fault put in.

import fc from 'fast-check'
import type { allocate } from '../../src/core/allocate.ts'
import type { idOf, parseCase } from '../../src/core/allocate/case.ts'
import type { createDivision, DivisionOptions } from '../../src/core/allocate/division.ts'
import type { explainAllocation } from '../../src/core/allocate/explain.ts'
import type { POLICIES, Rounding } from '../../src/core/allocate/rounding.ts'
import type { formatFraction } from '../../src/core/allocate/state.ts'
import type { Integers, sumOf } from '../../src/core/allocate/words.ts'
import { byRunningTotals, floorOf, quotasOf, toOne, unitByUnit } from './reference.ts'

export type Subject = {
  readonly allocate: typeof allocate
  readonly createDivision: typeof createDivision
  readonly explainAllocation: typeof explainAllocation
  readonly parseCase: typeof parseCase
  readonly idOf: typeof idOf
  readonly formatFraction: typeof formatFraction
  readonly sumOf: typeof sumOf
  readonly POLICIES: typeof POLICIES
}

export type Property = { readonly name: string; readonly check: (subject: Subject, runs: number) => void }

export function must(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what())
}

export const show = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
export const same = (a: unknown, b: unknown, what: string): void => must(show(a) === show(b), () => `${what}: ${show(a).slice(0, 300)} where ${show(b).slice(0, 300)} was expected`)

export function throws(work: () => unknown, text: string): void {
  let message = 'nothing'
  try {
    work()
  } catch (error) {
    message = error instanceof Error ? error.message : String(error)
  }
  must(message.includes(text), () => `${text} was expected to be thrown, not ${message}`)
}

const around = (value: bigint) => fc.bigInt({ min: value - 3n, max: value + 3n })
export const pool = fc.oneof(fc.bigInt({ min: 0n, max: 60n }), fc.bigInt({ min: 0n, max: 10n ** 18n }), around(2n ** 52n), around(2n ** 64n), fc.bigInt({ min: 10n ** 37n, max: 10n ** 39n - 1n }))
const weight = fc.oneof(fc.bigInt({ min: 0n, max: 4n }), fc.bigInt({ min: 0n, max: 1000n }))
/** One scale for all weights of a case: totals on both sides of each border between arithmetics. */
const scale = fc.oneof(fc.constant(1n), fc.bigInt({ min: 2n ** 36n, max: 2n ** 50n }), fc.constant(2n ** 60n), fc.constant(10n ** 34n))
export const weights = fc
  .tuple(fc.array(weight, { minLength: 1, maxLength: 12 }), scale, fc.nat(3))
  .filter(([list]) => list.some((each) => each > 0n))
  .map(([list, by, more]) => list.map((each) => (each === 0n ? 0n : each * by + (by > 1n ? BigInt(more) : 0n))))

const PLAIN = ['largest-remainder', 'first', 'largest-ratio', 'rotate', 'prefix', 'residual-to'] as const
const policy = fc.constantFrom(...PLAIN)

export type Case = { readonly pool: bigint; readonly weights: readonly bigint[]; readonly policy: (typeof PLAIN)[number]; readonly place: number }

/** `place` is where turns begin, or (of the weights above zero) who gets the rest. */
export const cases = fc.record({ pool, weights, policy, place: fc.nat(14) })

const residualOf = ({ weights, place }: Case): number => {
  const free = weights.flatMap((each, index) => (each > 0n ? [index] : []))
  return free[place % free.length] as number
}

const roundingOf = (given: Case): Rounding => (given.policy === 'residual-to' ? { 'residual-to': `r${residualOf(given)}` } : given.policy)

const namesOf = (list: Integers): readonly string[] => Array.from(list, (_, place) => `r${place}`)

function expected(given: Case): { readonly units: readonly bigint[]; readonly next: number } {
  const { pool: total, weights: list, policy: name, place } = given
  if (name === 'residual-to') return { units: toOne(total, list, residualOf(given)), next: 0 }
  if (name === 'prefix') return { units: byRunningTotals(total, list), next: 0 }
  return unitByUnit(total, list, name, name === 'rotate' ? place : 0)
}

/** Divides in chunks of these sizes, as often as is asked for. */
export function inChunks(subject: Pick<Subject, 'createDivision'>, options: DivisionOptions, list: readonly bigint[], sizes: readonly number[], isTyped: boolean) {
  const chunks: Integers[] = []
  for (let start = 0, index = 0; start < list.length; index += 1) {
    const part = list.slice(start, start + (sizes[index % sizes.length] as number))
    chunks.push(isTyped && part.every((each) => each < 2n ** 64n) ? BigUint64Array.from(part) : part)
    start += part.length
  }
  const division = subject.createDivision(options)
  let passes = 0
  for (; division.needsPass(); passes += 1) {
    must(passes < 20, () => 'it never comes to an end')
    for (const chunk of chunks) division.read(chunk)
    division.endPass()
  }
  const units = chunks.flatMap((chunk) => Array.from(division.shares(chunk).units))
  return { units, passes, ...division.end() }
}

export function checkRuns<Values extends [unknown, ...unknown[]]>(property: fc.IProperty<Values>, runs: number): void {
  fc.assert(property, { numRuns: runs, seed: 20_261_121 })
}

const divide = (subject: Subject, given: Case, list: Integers = given.weights) =>
  subject.allocate({ pool: given.pool, weights: list, rounding: roundingOf(given), names: namesOf(list), state: given.policy === 'rotate' ? { next: given.place } : null })

/** What is told of each part must add up to it, and say in words what the figures say. */
function checkNotes(subject: Subject, given: Case, units: readonly bigint[]): void {
  const rounding = roundingOf(given)
  const input = { pool: given.pool, weights: given.weights, rounding }
  const notes = subject.explainAllocation(input, { units, remainder: 0n, state: null })
  const total = given.weights.reduce((all, each) => all + each, 0n)
  const { notes: words } = subject.POLICIES[given.policy]
  for (const [place, quota] of quotasOf(given.pool, given.weights).entries()) {
    const share = units[place] as bigint
    const weight = given.weights[place] as bigint
    const [floor, extra] = [floorOf(quota), share - floorOf(quota)]
    const isWhole = quota.bottom === 1n
    same(
      { ...notes[place], of: null },
      {
        of: null,
        formula: `${given.pool} × ${weight} ÷ ${total}`,
        quota: isWhole ? `${quota.top}` : `${quota.top}/${quota.bottom}`,
        floor: `${floor}`,
        remainder: `${(quota.top - floor * quota.bottom) * (total / quota.bottom)}/${total}`,
        extra: `${extra}`,
        units: `${share}`,
        rounding: typeof rounding === 'string' ? rounding : `residual-to:${rounding['residual-to']}`,
        note: extra > 0n ? words.up : isWhole ? words.exact : words.down,
      },
      show(given),
    )
  }
  const [only] = subject.explainAllocation(input, { units, remainder: 0n, state: null }, [units.length - 1])
  same(only, notes.at(-1), show(given))
}

const longer = fc
  .tuple(fc.array(weight, { minLength: 60, maxLength: 150, size: 'max' }), scale)
  .filter(([list]) => list.some((each) => each > 0n))
  .map(([list, by]) => list.map((each) => each * by))

export const PROPERTIES: readonly Property[] = [
  {
    name: 'every policy gives what plain fractions give, a unit at a time',
    check: (subject, runs) =>
      checkRuns(
        fc.property(cases, (given) => {
          const { units, remainder, state } = divide(subject, given)
          const reckoned = expected(given)
          same(units, reckoned.units, show(given))
          same([remainder, state], [0n, given.policy === 'rotate' ? { next: reckoned.next } : null], show(given))
          if (given.weights.every((each) => each < 2n ** 64n)) same(Array.from(divide(subject, given, BigUint64Array.from(given.weights)).units), units, show(given))
          checkNotes(subject, given, reckoned.units)
        }),
        runs * 4,
      ),
  },
  {
    name: 'among more, in lists and typed arrays, it is the same',
    check: (subject, runs) =>
      checkRuns(
        fc.property(cases, longer, (one, list) => {
          const given = { ...one, weights: list }
          const reckoned = expected(given)
          const { units, state } = divide(subject, given)
          must(Array.isArray(units), () => 'a list was expected for a list')
          same([units, state], [reckoned.units, given.policy === 'rotate' ? { next: reckoned.next } : null], show(given))
          if (list.some((each) => each >= 2n ** 64n)) return
          const typed = divide(subject, given, BigUint64Array.from(list)).units
          must(typed instanceof BigUint64Array === given.pool < 2n ** 64n, () => 'a typed array was expected where the pool fits')
          same(Array.from(typed), reckoned.units, show(given))
        }),
        Math.ceil(runs / 2),
      ),
  },
  {
    name: 'in chunks of any size it is the same',
    check: (subject, runs) =>
      checkRuns(
        fc.property(cases, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), fc.boolean(), (given, sizes, isTyped) => {
          const { pool: total, weights: list, policy: name, place } = given
          const options = { pool: total, rounding: roundingOf(given), residual: name === 'residual-to' ? residualOf(given) : null, next: name === 'rotate' ? place : 0 }
          const { units, remainder, next, passes } = inChunks(subject, options, list, sizes, isTyped)
          const reckoned = expected(given)
          same([units, remainder], [reckoned.units, 0n], show(given))
          if (name === 'rotate') same(next, reckoned.next, show(given))
          must(name === 'prefix' ? passes === 1 : passes === 2 || (name.startsWith('largest') && passes === 3), () => `${passes} passes by ${name}`)
        }),
        runs * 4,
      ),
  },
]
