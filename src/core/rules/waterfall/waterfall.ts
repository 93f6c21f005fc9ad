// The rule `waterfall`: money fills one tranche after the other, each divided among its own: capital back, preferred return, catch-up, the rest.

import { ratio, type Ratio } from '../../ratio.ts'
import type { Outline, Rule } from '../rule.ts'
import { accountOf, fundsOf } from '../target.ts'
import { linesOf, recipientsOf } from '../weighted.ts'
import { explainFilled } from './explain.ts'
import { CONTRIBUTED, keysOf, pour, type Filled } from './flow.ts'
import { giveBack } from './give-back.ts'
import { membersOf, parameters, type Member, type Parameters } from './terms.ts'

/**
 * Pours the pool into tranches, in the plan's order, and remembers what each has taken.
 *
 * - `capital`: what contributors have contributed and not yet got back, in proportion to that
 * - `preferred`: their return at a yearly rate (actual/365, days of UTC) on capital that is out, in proportion to what is due
 * - `catch-up`: `rate` per cent to its shares until they have `target` per cent of preferred return and catch-up together
 * - `split`: to its shares by weight, all of it or `until` the whole waterfall has paid so many units
 *
 * Contributions stand in the plan (`contributed`) or come as the event's fact `contributed`: units by contributor. An event without
 * money may bring nothing else. Contributions count before the event's own money is poured.
 *
 * Worked: 1000 contributed by `a` (600) and `b` (400) on 2026-01-01, 8 % simple, then 80/20. On 2027-01-01 come 1500: capital 600 and 400,
 * preferred 48 and 32, of the 420 left 336 and 84. With a full catch-up to 20 % before the last tranche, the manager first gets
 * 20 % × 80 ÷ (100 % − 20 %) = 20, and of the 400 left 320 and 80: of 500 profit 400 and 100.
 */
export const waterfall: Rule<Parameters> = {
  kind: 'waterfall',
  parameters,
  outline: (given): Outline => ({
    divides: 'account',
    // Nobody may get more than is theirs: a residual could, and so could a running entitlement.
    roundings: ['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate'],
    residuals: [],
    parts: allMembers(given).map(({ role, to }) => ({ role, to })),
    role: 'share',
    others: 'share',
    gives: fundsOf(allMembers(given).map(({ to }) => to)),
    draws: [],
    facts: given.contributors === undefined ? [] : [{ name: CONTRIBUTED, source: 'event', optional: true }],
    carries: false,
    takesNothing: given.contributors !== undefined,
  }),
  recipients: ({ parties }, given) => [...new Set(recipientsOf(allMembers(given).map(({ role, to }) => accountOf(to, { role, parties }))))],
  giveBack,
  keys: ({ rounding }, given) => keysOf(given, rounding),
  split: (input, given) => {
    const { filled, state } = pour(input, given)
    return { lines: filled.flatMap((each) => linesOf(each.input, each.entries, each.divided)), state }
  },
  quotas: (input, given) => pour(input, given).filled.flatMap(quotasOf),
  explain: (input, given) => pour(input, given).filled.flatMap((filled) => explainFilled(filled, given, input.pool)),
}

function allMembers(given: Parameters): readonly Member[] {
  return membersOf(given).flat()
}

function quotasOf({ amount, entries }: Filled): readonly Ratio[] {
  const total = entries.reduce((all, { weight }) => all + weight, 0n)
  return entries.map(({ weight }) => (amount === 0n ? ratio(0n, 1n) : ratio(amount * weight, total)))
}
