// The rule `tiered-fee`: a fee by the size of the pool, less discounts, within bounds; borne by the pool or on top of it.

import { z } from 'zod'
import { accountName } from '../account.ts'
import { formatRatio, type Ratio } from '../ratio.ts'
import { conditionSchema, conditionSets, holds, subjectOf } from './condition.ts'
import { checkStrangers, needsOf } from './facts.ts'
import { largest, least, minus, NOUGHT, ONE, plus, rate, ratioOfRate, times, units, whole } from './rate.ts'
import type { Line, Outline, PartExplanation, Rule, RuleContext, SplitInput } from './rule.ts'
import { accountOf, fundsOf, identifier, recipientOf, target } from './target.ts'
import { divide, explainLines, linesOf, POLICIES_BY_WEIGHT, recipientsOf, roundingKeys, zoneOf, type Entry, type Weighted } from './weighted.ts'

/** Tiers and discounts that people can still read. */
const MAX_TIERS = 100
const MAX_DISCOUNTS = 20

/** A part of the pool, or so many units. */
const bound = z.union([rate, z.strictObject({ units })], { error: 'a bound is a rate such as 0.5%, or {"units": a whole number}' })

const destination = z.strictObject({ role: identifier, to: target })

const parameters = z
  .strictObject({
    fee: destination,
    rest: destination,
    /** Rates for pools from so many units on; the first from 0. */
    tiers: z.array(z.strictObject({ from: units, rate })).min(1).max(MAX_TIERS),
    /** `whole`: one rate for all of the pool. `bands`: each tier's rate for the part of the pool inside it (a graduated fee). */
    applies: z.enum(['whole', 'bands']),
    discounts: z.array(z.strictObject({ name: identifier, off: rate, when: conditionSchema })).max(MAX_DISCOUNTS).optional(),
    /** How several discounts go together: each off what the ones before left, all off the fee, or the best alone. */
    combine: z.enum(['multiply', 'add', 'best-of']).optional(),
    floor: bound.optional(),
    ceiling: bound.optional(),
    /** `deducted` from the pool, or on top of it, out of a fund. */
    bearer: z.union([z.literal('deducted'), z.strictObject({ onTop: z.strictObject({ fund: identifier }) })]),
  })
  .refine(({ fee, rest }) => fee.role !== rest.role, 'the fee and the rest have the same role')
  .refine(({ tiers: [first] }) => first?.from === '0', 'the first tier must be from 0 units: smaller pools would have no rate')
  .superRefine(({ tiers }, context) => {
    const late = tiers.findIndex(({ from }, place) => place > 0 && BigInt(from) <= BigInt(tiers[place - 1]?.from ?? '0'))
    if (late > 0) context.addIssue({ code: 'custom', path: ['tiers', late], message: `thresholds must rise: ${tiers[late]?.from} does not come after ${tiers[late - 1]?.from}` })
  })
  .refine(({ discounts = [], combine }) => discounts.length < 2 || combine !== undefined, 'several discounts need combine: multiply, add or best-of')
  .refine(({ discounts = [] }) => new Set(discounts.map(({ name }) => name)).size === discounts.length, 'two discounts have the same name')
  .refine(({ floor, ceiling }) => !isAbove(floor, ceiling), 'the floor is above the ceiling')
  .refine(({ bearer, fee }) => bearer === 'deducted' || !('fund' in fee.to) || fee.to.fund !== bearer.onTop.fund, 'the fee goes back to the fund that it comes out of')

type TieredFee = z.infer<typeof parameters>
type Bound = z.infer<typeof bound>

/**
 * Takes a fee of the pool and gives the rest. The exact fee is rounded by the step's policy between fee and rest: with
 * `{"residual-to": <role of the rest>}` the fee rounds down for the payer, with the fee's role it rounds up; `largest-remainder`, the
 * choice when none is named, gives a tie to the rest. A fee is never more than the pool, not even by its floor.
 *
 * Worked: 1 % of 100,000 with 50 % and 25 % off, `multiply`, floor 0.5 %: 0.375 %, raised to 0.5 % → 500 and 99,500.
 * With `add`: 0.25 %, raised to 0.5 %; with `best-of`: 0.5 %.
 */
export const tieredFee: Rule<TieredFee> = {
  kind: 'tiered-fee',
  parameters,
  outline: ({ fee, rest, discounts = [], bearer }): Outline => ({
    divides: 'account',
    // On top, nothing of the pool is kept that a fund could be drawn on for later.
    roundings: bearer === 'deducted' ? POLICIES_BY_WEIGHT : POLICIES_BY_WEIGHT.filter((kind) => kind !== 'cumulative'),
    residuals: [fee.role, rest.role, ...[fee, rest].flatMap(({ to }) => recipientOf(to))],
    parts: [rest, fee],
    role: 'share',
    others: 'share',
    gives: fundsOf([fee.to, rest.to]),
    draws: bearer === 'deducted' ? [] : [bearer.onTop.fund],
    facts: needsOf(discounts.flatMap(({ when }) => conditionSets(when))),
    carries: false,
    takesNothing: false,
  }),
  recipients: (context, { fee, rest }) => recipientsOf([rest, fee].map(({ role, to }) => accountOf(to, { ...context, role }))),
  keys: (context, given) => roundingKeys(context.rounding, () => entriesOf({ ...context, pool: 0n }, given, NOUGHT).map(({ key }) => key)),
  split: (input, given) => {
    const { entries, divided } = work(input, given)
    return { lines: feeLines(input, given, { entries, divided }), state: divided.state }
  },
  quotas: null,
  explain: (input, given) => explainFee(input, given),
}

function isAbove(floor: Bound | undefined, ceiling: Bound | undefined): boolean {
  if (floor === undefined || ceiling === undefined || typeof floor !== typeof ceiling) return false
  const [low, high] = [floor, ceiling].map((each) => (typeof each === 'string' ? ratioOfRate(each) : whole(BigInt(each.units))))
  return low !== undefined && high !== undefined && minus(high, low).numerator < 0n
}

/** The exact fee and how it came to be. */
type Fee = { readonly exact: Ratio; readonly gross: string; readonly off: Ratio; readonly names: readonly string[]; readonly bounded: 'floor' | 'ceiling' | 'pool' | null }

function feeOf(input: RuleContext & { readonly pool: bigint }, { tiers, applies, discounts = [], combine = 'multiply', floor, ceiling }: TieredFee): Fee {
  for (const set of discounts.flatMap(({ when }) => conditionSets(when))) checkStrangers(input, set, subjectsAsked(input, discounts, set.fact))
  const on = discounts.filter(({ when }) => holds(input, when))
  const offs = on.map(({ off }) => ratioOfRate(off))
  const off = combine === 'add' ? least(offs.reduce(plus, NOUGHT), ONE) : combine === 'best-of' ? offs.reduce(largest, NOUGHT) : minus(ONE, offs.reduce((left, each) => times(left, minus(ONE, each)), ONE))
  const { amount, formula } = applies === 'whole' ? wholeFee(input.pool, tiers) : bandedFee(input.pool, tiers)
  const fee = times(amount, minus(ONE, off))
  const atLeast = floor === undefined ? fee : largest(fee, boundOf(floor, input.pool))
  const atMost = ceiling === undefined ? atLeast : least(atLeast, boundOf(ceiling, input.pool))
  const exact = least(atMost, whole(input.pool))
  const bounded = exact !== atMost ? 'pool' : atMost !== atLeast ? 'ceiling' : atLeast !== fee ? 'floor' : null
  return { exact, gross: formula, off, names: on.map(({ name, off: each }) => `${each} (${name})`), bounded }
}

function subjectsAsked(input: RuleContext, discounts: NonNullable<TieredFee['discounts']>, fact: string): ReadonlySet<string> {
  return new Set(discounts.flatMap(({ when }) => ('fact' in when && when.fact === fact ? [subjectOf(input, when)] : [])))
}

type Tiers = TieredFee['tiers']

/** The whole pool at the rate of the tier that it reaches. */
function wholeFee(pool: bigint, tiers: Tiers): { amount: Ratio; formula: string } {
  const tier = tiers.findLast(({ from }) => BigInt(from) <= pool)
  return { amount: times(whole(pool), ratioOfRate(tier?.rate ?? '0')), formula: `${pool} × ${tier?.rate ?? '0'}` }
}

/** Each part of the pool at the rate of the tier in which it lies. */
function bandedFee(pool: bigint, tiers: Tiers): { amount: Ratio; formula: string } {
  const bands = tiers.flatMap(({ from, rate: each }, place) => {
    const start = BigInt(from)
    const end = BigInt(tiers[place + 1]?.from ?? pool)
    const inside = (end < pool ? end : pool) - start
    return inside > 0n ? [{ amount: times(whole(inside), ratioOfRate(each)), formula: `${inside} × ${each}` }] : []
  })
  return { amount: bands.reduce((all, { amount }) => plus(all, amount), NOUGHT), formula: bands.map(({ formula }) => formula).join(' + ') || '0' }
}

function boundOf(given: Bound, pool: bigint): Ratio {
  return typeof given === 'string' ? times(whole(pool), ratioOfRate(given)) : whole(BigInt(given.units))
}

/** The rest first: a tie is the payer's. */
function entriesOf({ parties, pool }: Pick<SplitInput, 'parties' | 'pool'>, { fee, rest }: TieredFee, exact: Ratio): readonly Entry[] {
  const weights = [pool * exact.denominator - exact.numerator, exact.numerator]
  return [rest, fee].map(({ role, to }, place): Entry => {
    const account = accountOf(to, { role, parties })
    return { key: `${role}/${account}`, place, role, to: account, weight: weights[place] ?? 0n }
  })
}

function work(input: SplitInput, given: TieredFee): { fee: Fee; entries: readonly Entry[]; divided: Weighted } {
  const fee = feeOf(input, given)
  const entries = entriesOf(input, given, fee.exact)
  return { fee, entries, divided: divide(input, entries) }
}

/** On top of the pool, the rest is all of it, and the fee comes out of its fund as it would have come out of the pool. */
function feeLines(input: SplitInput, { bearer }: TieredFee, { entries, divided }: { entries: readonly Entry[]; divided: Weighted }): readonly Line[] {
  if (bearer === 'deducted') return linesOf(input, entries, divided)
  const fund = accountName('fund', bearer.onTop.fund)
  return entries.map((entry, place): Line => {
    const own = place === 0 ? { from: null, units: input.pool } : { from: fund, units: divided.units[place] ?? 0n }
    return { place, ...zoneOf(entry), role: entry.role, to: entry.to, ...own }
  })
}

function explainFee(input: SplitInput, given: TieredFee): readonly PartExplanation[] {
  const { fee, entries, divided } = work(input, given)
  const { combine = 'multiply', floor, ceiling, bearer } = given
  const [rest, taken] = entries
  const less = fee.names.length === 0 ? '' : `, less ${fee.names.join(combine === 'best-of' ? ' or ' : ' and ')}`
  const bounds = { floor: `, raised to its floor of ${wordsOf(floor)}`, ceiling: `, lowered to its ceiling of ${wordsOf(ceiling)}`, pool: ', but no more than there is' }
  const exact = formatRatio(fee.exact)
  const inputs = {
    ...{ pool: input.pool.toString(), before: fee.gross, off: formatRatio(fee.off), fee: exact },
    ...(floor === undefined ? {} : { floor: wordsOf(floor) }),
    ...(ceiling === undefined ? {} : { ceiling: wordsOf(ceiling) }),
  }
  const explained = explainLines(input, entries, divided, {
    say: ({ role }) =>
      role === taken?.role
        ? { grounds: `a fee of ${fee.gross}${less}${fee.bounded === null ? '' : bounds[fee.bounded]}`, formula: fee.bounded === null ? `(${fee.gross}) × (1 − ${formatRatio(fee.off)})` : exact, inputs }
        : { grounds: `what the fee of ${exact} leaves`, formula: `${input.pool} − ${exact}`, inputs },
  })
  if (bearer === 'deducted') return explained
  const fund = accountName('fund', bearer.onTop.fund)
  const all = input.pool.toString()
  const restLine: PartExplanation = {
    ...{ place: 0, role: rest?.role ?? '', grounds: `all of it: the fee comes on top, out of ${fund}`, formula: all, inputs: { pool: all } },
    ...{ quota: all, floor: all, remainder: '0/1', extra: '0', units: all, note: 'whole units: nothing is left over' },
  }
  return [restLine, ...explained.filter(({ role }) => role === taken?.role)]
}

function wordsOf(given: Bound | undefined): string {
  if (given === undefined) return ''
  return typeof given === 'string' ? given : `${given.units} units`
}
