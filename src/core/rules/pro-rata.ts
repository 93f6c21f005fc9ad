// The rule `pro-rata`: each subject of a set of facts gets its part of the pool: scores, holdings, usage.

import { z } from 'zod'
import { PASSAGE_PLACE, PASSAGE_ROLE } from '../part.ts'
import { formatRatio, ratio, sumOfDecimals } from '../ratio.ts'
import { snapshotOf, type SnapshotFact } from '../snapshot.ts'
import { checkDecimal, factSet, factsOf, needOf, scaled, subjectsOf } from './facts.ts'
import type { Line, Outline, Rule, RuleContext, RoundingKind, SplitInput } from './rule.ts'
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
 * Facts may come as a snapshot: then the pool passes into `distributing` whole, and its shares are posted from there in chunks.
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
    ...(by.source === 'standing' ? {} : { bySnapshot: { fact: by.fact, roundings: BY_SNAPSHOT } }),
    carries: false,
    takesNothing: false,
  }),
  recipients: (context, { by, whenAllZero }) => [
    ...(isBySnapshot(context, by) ? [] : subjectsOf(context, by).map(([subject]) => subject)),
    ...recipientsOf([accountOf(whenAllZero, { ...context, role: UNSHARED })]),
  ],
  keys: (context, { by }) => roundingKeys(context.rounding, () => subjectsOf(context, by).map(([subject]) => subject)),
  split: (input, given) => {
    const snapshot = snapshotBy(input, given.by)
    if (snapshot !== null) return { lines: [snapshot.weights === '0' ? { ...unshared(input, given), from: null, units: input.pool } : passage(input)], state: new Map() }
    const entries = entriesOf(input, given)
    if (isAllZero(entries)) return { lines: [{ ...unshared(input, given), from: null, units: input.pool }], state: new Map() }
    const divided = divide({ ...input, sorted: true }, entries)
    return { lines: linesOf(input, entries, divided), state: divided.state }
  },
  quotas: null,
  explain: (input, given) => explainProRata(input, given),
}

const UNSHARED = 'unshared'

/** Those that need no more of the entries before than a sum: others remember something of each recipient, or ask for one by name. */
const BY_SNAPSHOT: readonly RoundingKind[] = ['largest-remainder', 'prefix']

function snapshotBy(context: Pick<RuleContext, 'facts' | 'step'>, by: ProRata['by']): SnapshotFact | null {
  return by.source === 'standing' ? null : snapshotOf(factsOf(context, by))
}

function isBySnapshot(context: RuleContext, by: ProRata['by']): boolean {
  return by.source !== 'standing' && Object.hasOwn(context.facts, by.fact) && snapshotBy(context, by) !== null
}

function passage({ pool }: SplitInput): Line {
  return { place: PASSAGE_PLACE, zone: 'rounding', role: PASSAGE_ROLE, from: null, to: accountName('distributing'), units: pool }
}

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
  const pool = input.pool.toString()
  const snapshot = snapshotBy(input, by)
  if (snapshot !== null) return [explainSnapshot(input, given, snapshot)]
  const entries = entriesOf(input, given)
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

function explainSnapshot(input: SplitInput, given: ProRata, { hash, recipients, weights }: SnapshotFact): ReturnType<Rule<ProRata>['explain']>[number] {
  const { to: _, from: _from, units, ...line } = weights === '0' ? { ...unshared(input, given), from: null, units: input.pool } : passage(input)
  const inputs = { pool: units.toString(), fact: given.by.fact, snapshot: hash, recipients: recipients.toString(), weights }
  const grounds = weights === '0' ? `everything, because nobody has a ${given.by.fact} above zero in the snapshot` : `all of it goes by ${given.by.fact} to the ${recipients} recipients of a snapshot, in chunks`
  return exactly({ ...line, grounds, formula: units.toString(), inputs, units })
}
