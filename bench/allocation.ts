// Allocation of a million exact shares, beside the sum of the same array and beside bigints with a sort; all by turns in one run.

import { allocate } from '../src/core/allocate.ts'
import { sumOf } from '../src/core/allocate/words.ts'
import { inTurns, type Frame, type Part } from './part.ts'
import { median } from './report.ts'

const RECIPIENTS = 1_000_000
const POOL = 3_000_000_000_000_007n
const POLICIES = ['largest-remainder', 'prefix'] as const
const NAMES = [...POLICIES, 'sum'] as const

/** Nanoseconds of CPU time a recipient: others' work on the machine is not in it. */
function cpuNs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / RECIPIENTS
}

/** Holdings up to a thousand million units, from a fixed sequence. */
function holdings(): BigUint64Array {
  const weights = new BigUint64Array(RECIPIENTS)
  let seed = 12_345
  for (let index = 0; index < RECIPIENTS; index += 1) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    weights[index] = BigInt((seed % 999_999_937) + 1)
  }
  return weights
}

/** Largest remainder as it is mostly written: a bigint a product, and a sort of all remainders. */
function withSort(pool: bigint, weights: readonly bigint[]): readonly bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  const parts = weights.map((weight, place) => ({ place, units: (pool * weight) / total, remainder: (pool * weight) % total }))
  let left = pool - parts.reduce((sum, { units }) => sum + units, 0n)
  const shares = parts.map(({ units }) => units)
  for (const { place } of parts.toSorted((a, b) => (a.remainder > b.remainder ? -1 : a.remainder < b.remainder ? 1 : a.place - b.place))) {
    if (left === 0n) break
    shares[place] = (shares[place] as bigint) + 1n
    left -= 1n
  }
  return shares
}

type Policy = (typeof POLICIES)[number]

const frames = (name: string, unit: string, target: Frame['target']): readonly (Frame & { readonly pattern: Policy })[] => POLICIES.map((pattern) => ({ name, pattern, callers: 1, unit, target }))

const BESIDE_SUM = frames('allocation of 1,000,000, of their sum', 'ns', { most: 50 })
const BESIDE_SORT = frames('allocation of 1,000,000, of bigints with a sort', 'shares/s', { least: 30 })

/** Measurements of one run, of which the median counts; before the first as many, until code runs at its full speed. */
const TURNS = 7

export const allocationPart: Part = {
  name: 'allocation',
  frames: [...BESIDE_SUM, ...BESIDE_SORT],
  measure: async ({ say, scale: { runs }, wants }, add) => {
    const weights = holdings()
    requireSame(weights)
    const works: Readonly<Record<Policy | 'sum', () => void>> = {
      'largest-remainder': () => void allocate({ pool: POOL, weights, rounding: 'largest-remainder' }),
      prefix: () => void allocate({ pool: POOL, weights, rounding: 'prefix' }),
      sum: () => void sumOf(weights),
    }
    for (let run = -1; run < runs; run += 1) {
      if (run >= 0) say(`allocation, run ${run + 1} of ${runs}`)
      const ns = measured(run, works)
      // Made and forgotten each time: a million bigints that live on make every collection of garbage dear.
      const list = Array.from(weights)
      const sorted = cpuNs(() => void withSort(POOL, list))
      // The first is for the machine to grow warm.
      if (run < 0) continue
      for (const frame of BESIDE_SUM) if (wants(frame)) add(frame, { value: ns[frame.pattern], limit: ns.sum })
      for (const frame of BESIDE_SORT) if (wants(frame)) add(frame, { value: 1e9 / ns[frame.pattern], limit: 1e9 / sorted })
    }
  },
}

/** A fast wrong one is no figure. */
function requireSame(weights: BigUint64Array): void {
  const expected = withSort(POOL, Array.from(weights))
  const { units } = allocate({ pool: POOL, weights, rounding: 'largest-remainder' })
  if (units.some((share, place) => share !== expected[place])) throw new Error('the shares differ from those by a sort')
}

function measured(run: number, works: Readonly<Record<Policy | 'sum', () => void>>): Readonly<Record<Policy | 'sum', number>> {
  const times: Record<Policy | 'sum', number[]> = { 'largest-remainder': [], prefix: [], sum: [] }
  for (let turn = 0; turn < TURNS; turn += 1) for (const name of inTurns(run + turn, NAMES)) times[name].push(cpuNs(works[name]))
  return { 'largest-remainder': median(times['largest-remainder']), prefix: median(times.prefix), sum: median(times.sum) }
}
