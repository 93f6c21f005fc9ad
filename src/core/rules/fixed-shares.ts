// The rule `fixed-shares`: each recipient's weight stands in the plan. Any weights, not only percentages.

import { z } from 'zod'
import { largestRemainder } from '../allocate.ts'
import { assert, present } from '../assert.ts'
import { commonWeights, formatRatio, ratio, ratioOfDecimal } from '../ratio.ts'
import type { PlanPart, Rule, SplitInput } from './rule.ts'

/** Most shares of one plan step: a plan is written by people. Larger sets are divided by facts, not by a plan. */
const MAX_SHARES = 1000

const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)

const share = z.strictObject({
  role: identifier,
  to: z.union([z.strictObject({ recipient: identifier }), z.strictObject({ party: identifier })]),
  weight: z.string().regex(/^(0|[1-9][0-9]{0,37})(\.[0-9]{1,18})?$/, 'a weight is a decimal such as 80 or 33.3'),
})

const parameters = z
  .strictObject({ shares: z.array(share).min(1).max(MAX_SHARES) })
  .refine(({ shares }) => shares.some(({ weight }) => /[1-9]/.test(weight)), 'all weights are zero: nobody would get the money')
  .refine(({ shares }) => new Set(shares.map(({ role }) => role)).size === shares.length, 'two shares have the same role')

type FixedShares = z.infer<typeof parameters>

export const fixedShares: Rule<FixedShares> = {
  kind: 'fixed-shares',
  parameters,
  parts: ({ shares }): readonly PlanPart[] => shares.map(({ role, to }) => ({ role, to })),

  split: ({ pool, parameters: { shares }, rounding }) => {
    assert(rounding === 'largest-remainder', `fixed-shares does not round by ${rounding}`)
    return { parts: largestRemainder(pool, weightsOf(shares)).map(({ units }, part) => ({ part, units })) }
  },

  quotas: ({ pool, parameters: { shares } }) => {
    const weights = weightsOf(shares)
    const total = sum(weights)
    return weights.map((weight) => ratio(pool * weight, total))
  },

  explain: (input) => explainShares(input),
}

/** Weights per list of shares: plans are immutable, so the integers are worked out once for each. */
const weightsByShares = new WeakMap<FixedShares['shares'], readonly bigint[]>()

function weightsOf(shares: FixedShares['shares']): readonly bigint[] {
  return weightsByShares.getOrInsertComputed(shares, () => commonWeights(shares.map(({ weight }) => ratioOfDecimal(weight))))
}

function explainShares({ pool, parameters: { shares }, rounding }: SplitInput<FixedShares>) {
  const weights = weightsOf(shares)
  const total = sum(weights)
  return largestRemainder(pool, weights).map((part, index) => {
    const { role, weight } = present(shares[index], 'share')
    const exact = ratio(pool * part.weight, total)
    return {
      role,
      weight,
      of: formatRatio(ratio(part.weight, total)),
      formula: `${pool} × ${part.weight} ÷ ${total}`,
      quota: formatRatio(exact),
      floor: part.floor.toString(),
      remainder: `${part.remainder}/${total}`,
      extra: part.extra.toString(),
      units: part.units.toString(),
      rounding,
      note: roundingNote(part.remainder, part.extra),
    }
  })
}

function roundingNote(remainder: bigint, extra: bigint): string {
  if (remainder === 0n) return 'divides exactly'
  return extra === 1n
    ? 'rounded up by less than one unit: it has one of the largest remainders'
    : 'rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan'
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, value) => all + value, 0n)
}
