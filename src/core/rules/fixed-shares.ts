// The rule `fixed-shares`: each recipient's weight stands in the plan. Any weights, not only percentages.

import { z } from 'zod'
import { compareRatios, commonWeights, formatRatio, ratio, ratioOfDecimal, sumOfDecimals } from '../ratio.ts'
import { DECIMAL, whole } from './rate.ts'
import type { Outline, PartExplanation, Rule, RuleContext, SplitInput } from './rule.ts'
import { accountOf, fundsOf, identifier, recipientOf, target, type Target } from './target.ts'
import { divide, explainLines, linesOf, POLICIES_BY_WEIGHT, recipientsOf, roundingKeys, type Entry } from './weighted.ts'

/** Most shares of one plan step: a plan is written by people. Larger sets are divided by facts, not by a plan. */
const MAX_SHARES = 1000

const share = z.strictObject({
  role: identifier,
  to: target,
  weight: z.string().refine((text) => DECIMAL.test(bare(text)), 'a weight is a decimal such as 80 or 33.3, or a percentage such as 33.3%'),
})

const parameters = z
  .strictObject({ shares: z.array(share).min(1).max(MAX_SHARES) })
  .refine(({ shares }) => shares.some(({ weight }) => /[1-9]/.test(weight)), 'all weights are zero: nobody would get the money')
  .refine(({ shares }) => new Set(shares.map(({ role }) => role)).size === shares.length, 'two shares have the same role')
  .superRefine(({ shares }, context) => {
    const problem = percentProblem(shares.map(({ weight }) => weight))
    if (problem !== null) context.addIssue({ code: 'custom', path: ['shares'], message: problem })
  })

type FixedShares = z.infer<typeof parameters>

/**
 * Divides the pool by weights that the plan lists, under any policy. Weights are parts of their sum; written as percentages they must
 * make 100 %.
 *
 * Worked: 33 units by 80, 15, 3, 2 and `largest-remainder` → quotas 26.4, 4.95, 0.99, 0.66 → 26, 5, 1, 1.
 * 3 units by 75, 25: `largest-remainder` 2, 1 (a tie, to the earlier) · `first` 3, 0 · `cumulative` 2, 0 and a unit kept.
 */
export const fixedShares: Rule<FixedShares> = {
  kind: 'fixed-shares',
  parameters,
  outline: ({ shares }): Outline => ({
    divides: 'account',
    roundings: POLICIES_BY_WEIGHT,
    residuals: shares.filter(({ weight }) => /[1-9]/.test(weight)).flatMap(({ role, to }) => [role, ...recipientOf(to)]),
    parts: shares.map(({ role, to }) => ({ role, to })),
    role: 'share',
    others: 'share',
    gives: fundsOf(shares.map(({ to }) => to)),
    draws: [],
    facts: [],
    carries: false,
    takesNothing: false,
  }),
  recipients: (context, { shares }) => recipientsOf(shares.map((each) => accountOf(each.to, { ...context, role: each.role }))),
  keys: (context, given) => roundingKeys(context.rounding, () => entriesOf(context, given).map(({ key }) => key)),
  split: (input, given) => {
    const entries = entriesOf(input, given)
    const divided = divide(input, entries)
    return { lines: linesOf(input, entries, divided), state: divided.state }
  },
  quotas: ({ pool }, { shares }) => {
    const weights = weightsOf(shares)
    const total = sum(weights)
    return weights.map((weight) => ratio(pool * weight, total))
  },
  explain: (input, given) => explainShares(input, given),
}

function bare(weight: string): string {
  return weight.replace(/ ?%$/, '')
}

/** Percentages are of the whole pool, so they must make it up; and no plan mixes them with parts. */
function percentProblem(weights: readonly string[]): string | null {
  const percentages = weights.filter((weight) => weight.endsWith('%'))
  if (percentages.length === 0 || !weights.every((weight) => DECIMAL.test(bare(weight)))) return null
  if (percentages.length < weights.length) return 'some weights are percentages and some are not: write all of them one way'
  const total = sumOfDecimals(weights.map(bare))
  const compared = compareRatios(ratioOfDecimal(total), whole(100n))
  if (compared === 0) return null
  return compared > 0 ? `the shares come to ${total}%: over 100%, more than there is` : `the shares come to ${total}%: the rest of the money would go to nobody`
}

function entriesOf({ parties }: Pick<RuleContext, 'parties'>, { shares }: FixedShares): readonly Entry[] {
  const weights = weightsOf(shares)
  return shares.map(({ role, to }: { role: string; to: Target }, place): Entry => {
    const account = accountOf(to, { role, parties })
    return { key: `${role}/${account}`, place, role, to: account, weight: weights[place] ?? 0n }
  })
}

/** Weights per list of shares: plans are immutable, so the integers are worked out once for each. */
const weightsByShares = new WeakMap<FixedShares['shares'], readonly bigint[]>()

function weightsOf(shares: FixedShares['shares']): readonly bigint[] {
  return weightsByShares.getOrInsertComputed(shares, () => commonWeights(shares.map(({ weight }) => ratioOfDecimal(bare(weight)))))
}

function explainShares(input: SplitInput, given: FixedShares): readonly PartExplanation[] {
  const entries = entriesOf(input, given)
  const total = sum(weightsOf(given.shares))
  // As the plan writes them: 33.3 and 66.7 are parts of 100.
  const written = given.shares.map(({ weight }) => weight)
  const weights = sumOfDecimals(written.map(bare))
  return explainLines(input, entries, divide(input, entries), {
    say: ({ weight }, place) => ({
      grounds: `${bare(written[place] ?? '')} of ${weights} parts`,
      inputs: { pool: input.pool.toString(), weight: bare(written[place] ?? ''), weights, of: formatRatio(ratio(weight, total)) },
    }),
  })
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, value) => all + value, 0n)
}
