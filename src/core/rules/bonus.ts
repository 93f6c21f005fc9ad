// The rule `bonus`: whoever referred a recipient gets a part of what the recipient gets, and the plan says out of whose money.

import { z } from 'zod'
import { changeShares, explainShares, keysOfShares } from './bonus-on-shares.ts'
import { dividePool, entriesOfPool, explainPool } from './bonus-in-pool.ts'
import { factSet, needsOf, subjectsOf } from './facts.ts'
import { minus, NOUGHT, ONE, plus, rate, ratioOfRate } from './rate.ts'
import { chainsOf, referrersProblem, referrersSchema, type Chains } from './referrals.ts'
import type { Outline, Rule, RuleContext } from './rule.ts'
import { accountOf, fundsOf, identifier, target } from './target.ts'
import { POLICIES_BY_WEIGHT, recipientsOf, roundingKeys } from './weighted.ts'

/** Levels of referrers that a plan may pay: more is no bonus any more. */
const MAX_LEVELS = 5

const parameters = z
  .strictObject({
    /** For the referrer; a second rate is for the referrer's referrer, and so on. One rate: nobody further up gets anything. */
    rates: z.array(rate).min(1).max(MAX_LEVELS),
    referrers: referrersSchema,
    funding: z.union(
      [
        z.literal('referred'),
        z.strictObject({ platform: z.strictObject({ fund: identifier }) }),
        z.strictObject({ pool: z.strictObject({ by: factSet, whenAllZero: target }) }),
      ],
      { error: 'a bonus is funded by "referred", {"platform": {"fund": …}} or {"pool": {"by": …, "whenAllZero": …}}' },
    ),
  })
  .superRefine(({ referrers }, context) => {
    const problem = referrersProblem(referrers)
    if (problem !== null) context.addIssue({ code: 'custom', path: ['referrers'], message: problem })
  })
  .refine(({ rates, funding }) => funding !== 'referred' || minus(ONE, rates.map(ratioOfRate).reduce(plus, NOUGHT)).numerator >= 0n, 'the rates come to over 100%: more than the referred member has')

type Bonus = z.infer<typeof parameters>

/**
 * Pays referrers a part of what those they referred get. Nobody refers themselves, and referrals make no loop (`fact_conflict`).
 *
 * - `referred`: it is taken out of the share that it is based on (an earlier step's: `from: "shares:<step>"`).
 * - `platform`: it is drawn on a fund, and the shares stay as they are.
 * - `pool`: one division of an account in which a referrer also weighs rate × the weight of whom they referred, so that each bonus is that
 *   rate of the share really paid, and shares + bonuses = pool.
 *
 * Worked: 45.92 SOL to seven equal members, each of them referred, at 5 %: `platform`: 6.56 each, and 0.328 each on top out of the fund,
 * 2.296 in all · `pool`: 6.247619048 each and 0.312380952 each, 45.92 in all · `referred`: 6.232 and 0.328 each, 45.92 in all.
 */
export const bonus: Rule<Bonus> = {
  kind: 'bonus',
  parameters,
  outline: (given): Outline => outlineOf(given),
  recipients: (context, given) => {
    const { funding } = given
    const members = membersOf(context, given, context.given)
    const chains = chainsIn(context, given, members)
    const all = new Set([...members, ...members.flatMap((member) => chains(member))])
    if (typeof funding === 'object' && 'pool' in funding) for (const id of recipientsOf([accountOf(funding.pool.whenAllZero, { ...context, role: 'unshared' })])) all.add(id)
    return [...all]
  },
  keys: (context, given) => {
    const { funding } = given
    const members = membersOf(context, given, context.given)
    const chains = chainsIn(context, given, members)
    if (typeof funding === 'object' && 'pool' in funding) {
      return roundingKeys(context.rounding, () => entriesOfPool(context, { ...funding.pool, rates: given.rates, chains }).map(({ key }) => key))
    }
    return keysOfShares(context.rounding, members, chains)
  },
  split: (input, given) => {
    const { funding, rates } = given
    const chains = chainsIn(input, given, membersOf(input, given, input.given.map(({ recipient }) => recipient)))
    if (typeof funding === 'object' && 'pool' in funding) return dividePool(input, { ...funding.pool, rates, chains })
    return changeShares(input, { rates, chains, fund: funding === 'referred' ? null : funding.platform.fund })
  },
  quotas: null,
  explain: (input, given) => {
    const { funding, rates } = given
    const chains = chainsIn(input, given, membersOf(input, given, input.given.map(({ recipient }) => recipient)))
    if (typeof funding === 'object' && 'pool' in funding) return explainPool(input, { ...funding.pool, rates, chains })
    return explainShares(input, { rates, chains, fund: funding === 'referred' ? null : funding.platform.fund })
  },
}

function outlineOf({ referrers, funding }: Bonus): Outline {
  const sets = Array.isArray(referrers) ? [] : [referrers]
  const common = { parts: null, role: 'share', others: 'bonus', carries: false, takesNothing: false } as const
  if (typeof funding === 'object' && 'pool' in funding) {
    const { by, whenAllZero } = funding.pool
    return { ...common, divides: 'account', roundings: POLICIES_BY_WEIGHT, residuals: null, gives: fundsOf([whenAllZero]), draws: [], facts: needsOf([by, ...sets]).map((need) => ({ ...need, all: true })) }
  }
  // Out of a fund, nothing of a pool is kept that the fund could be drawn on for later.
  const draws = funding === 'referred' ? [] : [funding.platform.fund]
  const roundings = funding === 'referred' ? POLICIES_BY_WEIGHT : POLICIES_BY_WEIGHT.filter((kind) => kind !== 'cumulative')
  return { ...common, divides: 'shares', roundings, residuals: ['referred', 'bonus'], gives: [], draws, facts: needsOf(sets).map((need) => ({ ...need, all: true })) }
}

function membersOf(context: RuleContext, { funding }: Bonus, given: readonly string[]): readonly string[] {
  return typeof funding === 'object' && 'pool' in funding ? subjectsOf(context, funding.pool.by).map(([subject]) => subject) : [...new Set(given)]
}

function chainsIn(context: RuleContext, { referrers, rates }: Bonus, members: readonly string[]): Chains {
  return chainsOf(context, { referrers, depth: rates.length, members })
}
