// The rule `pro-rata`: each subject of a set of facts gets its part of the pool: scores, holdings, usage.

import { z } from 'zod'
import { formatRatio, ratio, sumOfDecimals } from '../ratio.ts'
import { checkDecimal, factSet, needOf, scaled, subjectsOf } from './facts.ts'
import type { Outline, Rule, RuleContext, SplitInput } from './rule.ts'
import { accountOf, fundsOf, target } from './target.ts'
import { divide, exactly, explainLines, linesOf, POLICIES_BY_WEIGHT, recipientsOf, roundingKeys, type Entry } from './weighted.ts'
import { accountName } from '../account.ts'

const parameters = z.strictObject({
  by: factSet,
  /** Who takes the pool when nobody has a fact above zero. */
  whenAllZero: target,
})

type ProRata = z.infer<typeof parameters>

/**
 * Divides the pool by facts, recipients by id in UTF-8 byte order, under any policy. A fact is a decimal of up to 38 digits before the
 * point and 18 behind it; zero gets nothing. Refuses `fact_not_found`, `fact_malformed`, `fact_exceeded`, `recipient_malformed`.
 *
 * Worked: 1000 units by scores ana 39.5, bo 12, cy 0 and `largest-remainder` → 766.99…, 233.00…, 0 → ana 767, bo 233, cy 0.
 */
export const proRata: Rule<ProRata> = {
  kind: 'pro-rata',
  parameters,
  outline: ({ by, whenAllZero }): Outline => ({
    divides: 'account',
    roundings: POLICIES_BY_WEIGHT,
    residuals: null,
    parts: null,
    role: 'share',
    others: UNSHARED,
    gives: fundsOf([whenAllZero]),
    draws: [],
    facts: [{ ...needOf(by), all: true }],
    carries: false,
    takesNothing: false,
  }),
  recipients: (context, { by, whenAllZero }) => [
    ...subjectsOf(context, by).map(([subject]) => subject),
    ...recipientsOf([accountOf(whenAllZero, { ...context, role: UNSHARED })]),
  ],
  keys: (context, { by }) => roundingKeys(context.rounding, () => subjectsOf(context, by).map(([subject]) => subject)),
  split: (input, given) => {
    const entries = entriesOf(input, given)
    if (isAllZero(entries)) return { lines: [{ ...unshared(input, given), from: null, units: input.pool }], state: new Map() }
    const divided = divide({ ...input, sorted: true }, entries)
    return { lines: linesOf(input, entries, divided), state: divided.state }
  },
  quotas: null,
  explain: (input, given) => explainProRata(input, given),
}

const UNSHARED = 'unshared'

function unshared({ parties }: SplitInput, { whenAllZero }: ProRata): { place: number; zone: 'others'; role: string; to: string } {
  return { place: 0, zone: 'others', role: UNSHARED, to: accountOf(whenAllZero, { parties, role: UNSHARED }) }
}

function isAllZero(entries: readonly Entry[]): boolean {
  return entries.every(({ weight }) => weight === 0n)
}

function entriesOf(context: RuleContext, { by }: ProRata): readonly Entry[] {
  const subjects = subjectsOf(context, by)
  const weights = scaled(subjects.map(([subject, value]) => checkDecimal(context, by, { subject, value })))
  return subjects.map(([subject], place): Entry => ({ key: subject, place, role: 'share', to: accountName('payable', subject), weight: weights[place] ?? 0n }))
}

function explainProRata(input: SplitInput, given: ProRata): ReturnType<Rule<ProRata>['explain']> {
  const { by } = given
  const entries = entriesOf(input, given)
  const pool = input.pool.toString()
  if (isAllZero(entries)) {
    const { to: _, ...line } = unshared(input, given)
    return [exactly({ ...line, grounds: `everything, because nobody has a ${by.fact} above zero`, formula: pool, inputs: { pool, fact: by.fact, subjects: entries.length.toString() }, units: input.pool })]
  }
  const written = subjectsOf(input, by)
  const weights = sumOfDecimals(written.map(([, value]) => value))
  const total = entries.reduce((all, { weight }) => all + weight, 0n)
  return explainLines(input, entries, divide({ ...input, sorted: true }, entries), {
    say: ({ key, weight }, place) => ({
      grounds: `${written[place]?.[1] ?? ''} of ${weights} by ${by.fact}`,
      inputs: { pool, fact: by.fact, subject: key, weight: written[place]?.[1] ?? '', weights, of: formatRatio(ratio(weight, total)) },
    }),
  })
}
