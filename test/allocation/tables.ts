// The tables of docs/reference/rounding.md, worked out anew: the same amounts under all policies, what each promises, and the long run.

import { allocate, type Allocation } from '../../src/core/allocate.ts'
import { formatRounding, POLICIES, policyOf, type Rounding } from '../../src/core/allocate/rounding.ts'
import type { RoundingState } from '../../src/core/allocate/state.ts'
import { PROMISES, ROUNDINGS, sharesOf, smallCases } from './promises.ts'

type Cells = readonly string[]

const line = (cells: Cells): string => `| ${cells.join(' | ')} |`
const table = (head: Cells, rows: readonly Cells[]): string => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
const written = (rounding: Rounding): string => `\`${formatRounding(rounding)}\``

export function policyTable(): string {
  const state = { none: 'nothing', place: 'one place', fractions: 'a fraction a recipient' } as const
  return table(
    ['policy', 'who gets the units that do not divide', 'remembers'],
    Object.entries(POLICIES).map(([name, policy]) => [`\`${name}\``, policy.summary, state[policy.state]]),
  )
}

const AMOUNTS = [
  { pool: 3n, weights: [75n, 25n] },
  { pool: 100n, weights: [3n, 3n, 3n] },
  { pool: 2n, weights: [2n, 1n, 1n] },
  { pool: 5n, weights: [1n, 0n, 6n, 4n] },
  { pool: 11n, weights: [10n, 15n, 3n, 2n] },
] as const

export function amountsTable(): string {
  return table(
    ['policy', ...AMOUNTS.map(({ pool, weights }) => `${pool} by ${weights.join(':')}`)],
    ROUNDINGS.map((rounding) => [
      written(rounding),
      ...AMOUNTS.map((amount) => {
        const shares = sharesOf(amount, rounding)
        const kept = amount.pool - shares.reduce((sum, share) => sum + share, 0n)
        return `${shares.join(', ')}${kept === 0n ? '' : ` (${kept} kept)`}`
      }),
    ]),
  )
}

/** Promises of all policies, those that some make, and the first case in which each of the others does not hold. */
export function promiseTables(): { readonly kept: readonly string[]; readonly some: string; readonly broken: string; readonly cases: number } {
  const cases = [...smallCases()]
  const rows = PROMISES.map(({ name, isClaimed, broken }) => ({
    name,
    found: ROUNDINGS.map((rounding) => {
      let example: string | null = null
      for (const small of cases) if ((example = broken(small, rounding)) !== null) break
      if (isClaimed(policyOf(rounding)) !== (example === null)) throw new Error(`${formatRounding(rounding)}: ${name} is ${example === null ? 'kept' : `broken: ${example}`}, and the policy says otherwise`)
      return example
    }),
  }))
  return {
    cases: cases.length,
    kept: rows.filter(({ found }) => found.every((example) => example === null)).map(({ name }) => name),
    some: table(['promise', ...ROUNDINGS.map(written)], rows.filter(({ found }) => found.some((example) => example !== null)).map(({ name, found }) => [name, ...found.map((example) => (example === null ? 'yes' : 'no'))])),
    broken: table(
      ['policy', 'does not hold', 'example'],
      ROUNDINGS.flatMap((rounding, index) => rows.flatMap(({ name, found }) => (found[index] === null || found[index] === undefined ? [] : [[written(rounding), name, found[index]]]))),
    ),
  }
}

const EVENTS = 100_000
const PEOPLE = ['a', 'b', 'c', 'd', 'e'] as const
/** Every total of five weights of at most four divides it, so that entitlements are whole numbers of its parts. */
const PARTS = 232_792_560n

/** Pools of 1 to 20 units and weights of 0 to 4 that change with each event; nobody's weight is zero always. */
function* events(): Generator<{ readonly pool: bigint; readonly weights: readonly bigint[] }> {
  let seed = 20_261_121
  const next = (count: number): bigint => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return BigInt((seed >> 16) % count)
  }
  // The recipient of the rest always has a weight.
  for (let index = 0; index < EVENTS; index += 1) yield { pool: next(20) + 1n, weights: PEOPLE.map((_, place) => (place === 0 ? next(4) + 1n : next(5))) }
}

export type LongRun = {
  readonly rounding: Rounding
  /** Received less entitlement at the end, and the most it was off at any time, in parts of a unit, per recipient. */
  readonly end: readonly bigint[]
  readonly most: readonly bigint[]
  /** What stands in the rounding account at the end. */
  readonly standing: bigint
}

export function longRun(rounding: Rounding): LongRun {
  const off = PEOPLE.map(() => 0n)
  const most = PEOPLE.map(() => 0n)
  let state: RoundingState = null
  let standing = 0n
  for (const { pool, weights } of events()) {
    const allocation: Allocation = allocate({ pool, weights, rounding, names: PEOPLE, state })
    const part = (pool * PARTS) / weights.reduce((sum, weight) => sum + weight, 0n)
    for (const [place, weight] of weights.entries()) {
      const error = (off[place] as bigint) + (allocation.units[place] as bigint) * PARTS - weight * part
      off[place] = error
      const size = error < 0n ? -error : error
      if (size > (most[place] as bigint)) most[place] = size
    }
    state = allocation.state
    standing += allocation.remainder
  }
  return { rounding, end: off, most, standing }
}

const isBelowOne = (parts: bigint): boolean => parts < PARTS

export const staysBelowOne = ({ most }: LongRun): boolean => most.every(isBelowOne)

/** Parts of a unit as units with two decimals, towards zero. */
function decimal(parts: bigint): string {
  const hundredths = ((parts < 0n ? -parts : parts) * 100n) / PARTS
  const sign = parts < 0n && hundredths > 0n ? '−' : ''
  return `${sign}${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}

export function longRunTable(runs: readonly LongRun[]): string {
  return table(
    ['policy', ...PEOPLE, 'most at any time', 'standing at the end'],
    runs.map(({ rounding, end, most, standing }) => [written(rounding), ...end.map(decimal), decimal(most.reduce((a, b) => (a > b ? a : b))), standing.toString()]),
  )
}
