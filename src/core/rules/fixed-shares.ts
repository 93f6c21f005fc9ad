// The rule `fixed-shares`: each recipient's weight stands in the plan. Any weights, not only percentages.

import { z } from 'zod'
import { partyOf } from '../account.ts'
import { largestRemainder } from '../allocate.ts'
import { assert, present } from '../assert.ts'
import { commonWeights, formatRatio, ratio, ratioOfDecimal, sumOfDecimals } from '../ratio.ts'
import type { Line, PartExplanation, Rule, RuleContext, RuleState, SplitInput } from './rule.ts'
import { accountOf, identifier, target } from './target.ts'

/** Most shares of one plan step: a plan is written by people. Larger sets are divided by facts, not by a plan. */
const MAX_SHARES = 1000

const share = z.strictObject({
  role: identifier,
  to: target,
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
  divides: 'account',
  roundings: ['largest-remainder'],
  outline: ({ shares }) => ({
    parts: shares.map(({ role, to }) => ({ role, to })),
    role: 'share',
    gives: shares.flatMap(({ to }) => ('fund' in to ? [to.fund] : [])),
    draws: [],
    facts: [],
    carries: false,
    takesNothing: false,
  }),
  recipients: (context, given) => accountsOf(context, given).flatMap((account) => partyOf('payable', account) ?? []),
  keys: () => [],
  split: (input, { shares }) => {
    assert(input.rounding === 'largest-remainder', `fixed-shares does not round by ${input.rounding}`)
    const accounts = accountsOf(input, { shares })
    const lines = largestRemainder(input.pool, weightsOf(shares)).map(({ units }, place): Line => {
      return { place, role: present(shares[place], 'share').role, from: null, to: present(accounts[place], 'account'), units }
    })
    return { lines, state: NO_STATE }
  },
  quotas: ({ pool }, { shares }) => {
    const weights = weightsOf(shares)
    const total = sum(weights)
    return weights.map((weight) => ratio(pool * weight, total))
  },
  explain: (input, given) => explainShares(input, given),
}

const NO_STATE: RuleState = new Map()

function accountsOf({ parties }: Pick<RuleContext, 'parties'>, { shares }: FixedShares): readonly string[] {
  return shares.map(({ role, to }) => accountOf(to, { role, parties }))
}

/** Weights per list of shares: plans are immutable, so the integers are worked out once for each. */
const weightsByShares = new WeakMap<FixedShares['shares'], readonly bigint[]>()

function weightsOf(shares: FixedShares['shares']): readonly bigint[] {
  return weightsByShares.getOrInsertComputed(shares, () => commonWeights(shares.map(({ weight }) => ratioOfDecimal(weight))))
}

function explainShares({ pool }: SplitInput, { shares }: FixedShares): readonly PartExplanation[] {
  const weights = weightsOf(shares)
  const total = sum(weights)
  // As the plan writes them: 33.3 and 66.7 are parts of 100.
  const written = sumOfDecimals(shares.map(({ weight }) => weight))
  return largestRemainder(pool, weights).map((part, place) => {
    const { role, weight } = present(shares[place], 'share')
    return {
      place,
      role,
      grounds: `${weight} of ${written} parts`,
      formula: `${pool} × ${part.weight} ÷ ${total}`,
      inputs: { pool: pool.toString(), weight, weights: written, of: formatRatio(ratio(part.weight, total)) },
      quota: formatRatio(ratio(pool * part.weight, total)),
      floor: part.floor.toString(),
      remainder: `${part.remainder}/${total}`,
      extra: part.extra.toString(),
      units: part.units.toString(),
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
