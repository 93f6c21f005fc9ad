// What a plan says of a waterfall: who contributed, which tranches there are in which order, and what makes a list of them one that ends.

import { z } from 'zod'
import { commonWeights, ratioOfDecimal } from '../../ratio.ts'
import { isRate, percentOf } from '../grain.ts'
import { identifier, target, type Target } from '../target.ts'

/** Most contributors, tranches and shares of one tranche: people write and read them, and each event is divided among all. */
const MAX_CONTRIBUTORS = 1000
const MAX_TRANCHES = 20
const MAX_SHARES = 1000

/** Longest name of a part: `<tranche>.<role>`, as any role in a plan. */
const MAX_ROLE = 100

/** All of something, and the most a yearly rate may be, in ten-thousandths of a per cent. */
export const WHOLE_PERCENT = 100n * 10n ** 4n
const MAX_RATE = 10n * WHOLE_PERCENT

const percentBetween = (least: bigint, most: bigint, problem: string) =>
  z.string().refine((text) => isRate(text) && percentOf(text) >= least && percentOf(text) <= most, problem)
const units = z.string().regex(/^[1-9][0-9]{0,38}$/, 'an amount is whole units above zero, such as 1000')
const weight = z.string().regex(/^(0|[1-9][0-9]{0,37})(\.[0-9]{1,18})?$/, 'a weight is a decimal such as 80 or 33.3')
const day = z.string().refine(isDay, 'a day is a date such as 2026-01-31')

const share = z.strictObject({ role: identifier, to: target, weight })
const shares = z
  .array(share)
  .min(1)
  .max(MAX_SHARES)
  .refine((list) => list.some((each) => /[1-9]/.test(each.weight)), 'all weights are zero: nobody would get the money')

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a tranche has a name of 1 to 40 small letters, digits or dashes')

const tranche = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('capital'), name }),
  z.strictObject({
    kind: z.literal('preferred'),
    name,
    /** A year. */
    rate: percentBetween(1n, MAX_RATE, 'a yearly rate is a percentage above 0%, at most 1000%, with at most four decimals, such as 8%'),
    /** When unpaid preferred return joins what it is reckoned on: never, or at the end of each month, quarter or year. */
    compounding: z.enum(['none', 'month', 'quarter', 'year']),
  }),
  z.strictObject({
    kind: z.literal('catch-up'),
    name,
    /** The part of the tranche for `shares`; the others go to `rest`. */
    rate: percentBetween(1n, WHOLE_PERCENT, 'a rate of catch-up is a percentage above 0%, at most 100%, with at most four decimals'),
    /** The part of all profit that `shares` catch up to: of the preferred return and this tranche together. */
    target: percentBetween(1n, WHOLE_PERCENT - 1n, 'a target of catch-up is a percentage above 0% and below 100%, with at most four decimals'),
    shares,
    rest: shares.optional(),
  }),
  z.strictObject({ kind: z.literal('split'), name, until: units.optional(), shares }),
])

const contributor = z.strictObject({
  role: identifier,
  recipient: identifier,
  /** What was contributed on a day, from the plan itself; further contributions come as facts. */
  contributed: z.strictObject({ units, on: day }).optional(),
})

export const parameters = z
  .strictObject({
    contributors: z.array(contributor).max(MAX_CONTRIBUTORS).optional(),
    tranches: z.array(tranche).min(1).max(MAX_TRANCHES),
  })
  .superRefine((given, context) => {
    for (const problem of problemsOf(given)) context.addIssue({ code: 'custom', path: ['tranches'], message: problem })
  })

export type Tranche = z.infer<typeof tranche>

export type Contributor = z.infer<typeof contributor>

export type Parameters = z.infer<typeof parameters>

type Given = { readonly contributors?: readonly Contributor[] | undefined; readonly tranches: readonly Tranche[] }

function problemsOf(given: Given): readonly string[] {
  return [...flowProblems(given), ...contributorProblems(given), ...catchUpProblems(given), ...nameProblems(given)]
}

/** Money must find an end, and no tranche may stand where none arrives. */
function* flowProblems({ tranches }: Given): Generator<string> {
  let reached = 0n
  let where = ''
  for (const [index, { name: own, ...each }] of tranches.entries()) {
    const isLast = index === tranches.length - 1
    if (each.kind !== 'split' || each.until !== undefined) {
      if (isLast) yield `the last tranche, ${own}, has an end: what comes after it would go to nobody; let it be a split without until`
    } else if (!isLast) yield `the tranche ${own} takes all that reaches it, so ${tranches.length - 1 - index} after it would never get anything: give it an until`
    if (each.kind !== 'split' || each.until === undefined) continue
    const until = BigInt(each.until)
    if (until <= reached) yield `the tranche ${own} ends at ${until}, which is not above ${reached}, where ${where} ends: thresholds must rise`
    reached = until
    where = own
  }
}

function* contributorProblems({ contributors = [], tranches }: Given): Generator<string> {
  const needing = tranches.find(({ kind }) => kind === 'capital' || kind === 'preferred')
  if (needing !== undefined && contributors.length === 0) yield `the tranche ${needing.name} gives to contributors, and there are none`
  if (needing === undefined && contributors.length > 0) yield `there are ${contributors.length} contributors, and no tranche gives anything to them`
  for (const once of ['capital', 'preferred', 'catch-up'] as const) {
    const found = tranches.filter(({ kind }) => kind === once).map((each) => each.name)
    if (found.length > 1) yield `there are ${found.length} tranches of the kind ${once}, ${found.join(' and ')}: at most one`
  }
  const twice = repeated(contributors.map(({ recipient }) => recipient))
  if (twice !== undefined) yield `${twice} is a contributor twice: add the contributions up, or send them as facts`
}

function* catchUpProblems({ tranches }: Given): Generator<string> {
  const index = tranches.findIndex(({ kind }) => kind === 'catch-up')
  const found = tranches[index]
  if (found === undefined || found.kind !== 'catch-up') return
  const { name: own, rate, target: goal, rest } = found
  if (!tranches.slice(0, index).some(({ kind }) => kind === 'preferred')) yield `the tranche ${own} catches up with a preferred return, and none stands before it`
  if (percentOf(rate) <= percentOf(goal)) yield `the tranche ${own} catches up at ${rate}, which never reaches its target of ${goal}: the rate must be above it`
  const isWhole = percentOf(rate) === WHOLE_PERCENT
  if (isWhole && rest !== undefined) yield `the tranche ${own} gives everything to its shares, so its rest would never get anything`
  if (!isWhole && rest === undefined) yield `the tranche ${own} gives ${rate} to its shares, and nobody the rest: name them in rest`
}

function* nameProblems({ contributors = [], tranches }: Given): Generator<string> {
  const twice = repeated(tranches.map((each) => each.name))
  if (twice !== undefined) yield `two tranches have the name ${twice}`
  for (const each of tranches) {
    const roles = rolesOf(each, contributors)
    const double = repeated(roles)
    if (double !== undefined) yield `two shares have the role ${double}`
    const long = roles.find((role) => role.length > MAX_ROLE)
    if (long !== undefined) yield `the role ${long} has ${long.length} characters, at most ${MAX_ROLE}`
  }
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((each, index) => names.indexOf(each) < index)
}

/** One who gets something of a tranche. `contributor` is the index of the one whose capital or return it is. */
export type Member = { readonly role: string; readonly to: Target; readonly weight: bigint; readonly written: string; readonly contributor: number | null }

function rolesOf(given: Tranche, contributors: readonly Contributor[]): readonly string[] {
  const plain =
    given.kind === 'capital' || given.kind === 'preferred' ? contributors : given.kind === 'catch-up' ? [...given.shares, ...(given.rest ?? [])] : given.shares
  return plain.map(({ role }) => `${given.name}.${role}`)
}

/** Members per tranche's data and their places: plans are immutable. */
const membersByTranches = new WeakMap<readonly Tranche[], readonly (readonly Member[])[]>()

/** The members of each tranche in plan order; their parts are numbered through. Weights of contributors' tranches come from their state. */
export function membersOf({ tranches, contributors = [] }: Parameters): readonly (readonly Member[])[] {
  return membersByTranches.getOrInsertComputed(tranches, () => tranches.map((each) => membersIn(each, contributors)))
}

function membersIn(given: Tranche, contributors: readonly Contributor[]): readonly Member[] {
  const roles = rolesOf(given, contributors)
  const member = (index: number, to: Target, rest: Pick<Member, 'weight' | 'written' | 'contributor'>): Member => ({ role: roles[index] ?? '', to, ...rest })
  if (given.kind === 'capital' || given.kind === 'preferred') {
    return contributors.map(({ recipient }, index) => member(index, { recipient }, { weight: 0n, written: '', contributor: index }))
  }
  const listed = given.kind === 'catch-up' ? [...given.shares, ...(given.rest ?? [])] : given.shares
  const weights = given.kind === 'catch-up' ? catchUpWeights(given) : commonWeights(given.shares.map((each) => ratioOfDecimal(each.weight)))
  return listed.map(({ to, weight: written }, index) => member(index, to, { weight: weights[index] ?? 0n, written, contributor: null }))
}

/** `rate` per cent to the shares and the others to the rest, each by its own weights: w ÷ W × rate, brought to one scale. */
function catchUpWeights({ rate, shares: mine, rest = [] }: Extract<Tranche, { kind: 'catch-up' }>): readonly bigint[] {
  const [own, others] = [mine, rest].map((list) => commonWeights(list.map((each) => ratioOfDecimal(each.weight)))) as [readonly bigint[], readonly bigint[]]
  const [ownTotal, othersTotal] = [own, others].map((list) => list.reduce((all, each) => all + each, 0n)) as [bigint, bigint]
  if (rest.length === 0) return own
  const percent = percentOf(rate)
  return [...own.map((each) => each * othersTotal * percent), ...others.map((each) => each * ownTotal * (WHOLE_PERCENT - percent))]
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() === text
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
