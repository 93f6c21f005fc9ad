// A bonus funded by the pool: one division in which a referrer also weighs a part of what those they referred weigh.

import { accountName } from '../account.ts'
import { present } from '../assert.ts'
import { commonDenominator, formatRatio, ratio } from '../ratio.ts'
import { checkDecimal, scaled, subjectsOf, type FactSet } from './facts.ts'
import { ratioOfRate } from './rate.ts'
import type { Chains } from './referrals.ts'
import type { PartExplanation, RuleContext, Split, SplitInput } from './rule.ts'
import { accountOf, type Target } from './target.ts'
import { divide, exactly, explainLines, linesOf, type Entry } from './weighted.ts'

type InPool = { readonly by: FactSet; readonly whenAllZero: Target; readonly rates: readonly string[]; readonly chains: Chains }

/** What an entry is for: a member's own share, or a bonus for whom they referred. */
type Stake = Entry & { readonly member: string; readonly written: string; readonly level: number }

/** Own shares first, by member; then the bonuses, by the member referred and from the nearest referrer on. */
export function entriesOfPool(context: RuleContext, { by, rates, chains }: InPool): readonly Stake[] {
  const subjects = subjectsOf(context, by)
  const weights = scaled(subjects.map(([subject, value]) => checkDecimal(context, by, { subject, value })))
  const parts = rates.map(ratioOfRate)
  const scale = present(commonDenominator(parts), 'common denominator')
  const own = subjects.map(([member, written], place): Stake => {
    return { key: member, place, role: 'share', to: accountName('payable', member), weight: (weights[place] ?? 0n) * scale, member, written, level: 0 }
  })
  const bonuses = subjects.flatMap(([member, written], place) =>
    chains(member).map((referrer, level) => {
      const { numerator, denominator } = parts[level] ?? ratio(0n, 1n)
      const weight = (weights[place] ?? 0n) * numerator * (scale / denominator)
      return { key: `${member}/${referrer}`, zone: 'others' as const, role: 'bonus', to: accountName('payable', referrer), weight, member, written, level: level + 1 }
    }),
  )
  return [...own, ...bonuses.map((each, place) => ({ ...each, place }))]
}

export function dividePool(input: SplitInput, given: InPool): Split {
  const entries = entriesOfPool(input, given)
  if (entries.every(({ weight }) => weight === 0n)) return { lines: [{ ...unshared(input, given), from: null, units: input.pool }], state: new Map() }
  const divided = divide(input, entries)
  return { lines: linesOf(input, entries, divided), state: divided.state }
}

function unshared({ parties }: SplitInput, { whenAllZero }: InPool): { place: number; role: string; to: string } {
  return { place: 0, role: 'share', to: accountOf(whenAllZero, { parties, role: 'unshared' }) }
}

export function explainPool(input: SplitInput, given: InPool): readonly PartExplanation[] {
  const { by, rates } = given
  const entries = entriesOfPool(input, given)
  const pool = input.pool.toString()
  if (entries.every(({ weight }) => weight === 0n)) {
    const { to: _, ...line } = unshared(input, given)
    return [exactly({ ...line, grounds: `everything, because nobody has a ${by.fact} above zero`, formula: pool, inputs: { pool, fact: by.fact }, units: input.pool })]
  }
  const total = entries.reduce((all, { weight }) => all + weight, 0n)
  return explainLines(input, entries, divide(input, entries), {
    say: ({ weight }, index) => {
      const { member, written, level } = entries[index] as Stake
      const inputs = { pool, fact: by.fact, weight: written, of: formatRatio(ratio(weight, total)) }
      if (level === 0) return { grounds: `${written} by ${by.fact}, beside which bonuses weigh too`, inputs: { ...inputs, subject: member } }
      const own = rates[level - 1] ?? ''
      return { grounds: `a bonus that weighs ${own} of the ${written} by ${by.fact} of ${member}, whom they referred`, inputs: { ...inputs, rate: own, referred: member, level: level.toString(), funding: 'pool' } }
    },
  })
}
