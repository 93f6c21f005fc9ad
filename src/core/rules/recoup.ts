// The rule `recoup`: advances are paid back out of a pool, one or several, before the rest goes on.

import { z } from 'zod'
import type { Json } from '../effects.ts'
import { partyIn } from './condition.ts'
import { checkDecimal, factOf, factSet, malformed, needsOf } from './facts.ts'
import { giveBackCounted } from './give-back.ts'
import { floorOf, rate, ratioOfRate, times, units, whole } from './rate.ts'
import type { Line, Outline, PartExplanation, Rule, RuleContext, RuleState, SplitInput } from './rule.ts'
import { accountOf, fundsOf, identifier, target } from './target.ts'
import { bigintOf, divide, exactly, explainLines, recipientsOf, roundingKeys, type Entry } from './weighted.ts'

/** Advances of one pool: more are divided by weights, not by a list. */
const MAX_ADVANCES = 100

const advance = z.strictObject({
  role: identifier,
  to: target,
  /** Units, or a fact of one of the event's parties: an advance for each of them. */
  advance: z.union([units, z.strictObject({ ...factSet.shape, of: identifier })], { error: 'an advance is a whole number of units, or {fact, of: <party>}' }),
})

const parameters = z
  .strictObject({
    advances: z.array(advance).min(1).max(MAX_ADVANCES),
    /** `order`: the first is paid back before the second gets anything. `pro-rata`: by what is left of each. */
    among: z.enum(['order', 'pro-rata']),
    /** The most of each pool that goes to advances, rounded down to whole units. Left out: all of it. */
    most: rate.optional(),
    rest: z.strictObject({ role: identifier, to: target }),
  })
  .refine(({ advances, rest }) => new Set([rest.role, ...advances.map(({ role }) => role)]).size === advances.length + 1, 'two shares have the same role')

type Recoup = z.infer<typeof parameters>

/**
 * Pays advances back until nothing is left of them. What was paid back is remembered, so that an advance that is raised has its
 * difference left. The part for advances rounds down, in favour of the rest; among several by `pro-rata` the step's policy decides.
 *
 * Worked: an advance of 1000, at most 50 % of a pool: pools 600, 600, 400, 900, 300 → 300, 300, 200, 200, 0 paid back; the rest
 * 300, 300, 200, 700, 300.
 */
export const recoup: Rule<Recoup> = {
  kind: 'recoup',
  parameters,
  outline: ({ advances, among, rest }): Outline => ({
    divides: 'account',
    // By pro rata no one may get more than is left of the advance: a residual could, and so could a running entitlement.
    roundings: among === 'order' ? ['none'] : ['largest-remainder', 'first', 'largest-ratio', 'prefix', 'rotate'],
    residuals: [],
    parts: [...advances, rest].map(({ role, to }) => ({ role, to })),
    role: 'share',
    others: 'share',
    gives: fundsOf([...advances, rest].map(({ to }) => to)),
    draws: [],
    facts: needsOf(advances.flatMap((each) => (typeof each.advance === 'string' ? [] : [each.advance]))),
    carries: false,
    takesNothing: false,
  }),
  giveBack: giveBackCounted('recouped/'),
  recipients: (context, { advances, rest }) => recipientsOf([...advances, rest].map(({ role, to }) => accountOf(to, { ...context, role }))),
  keys: (context, given) => [...roundingKeys(context.rounding, () => []), ...given.advances.map((each) => recoupedKey(context, each))],
  split: (input, given) => {
    const worked = work(input, given)
    const { advances, rest } = given
    const lines = [...advances, rest].map(({ role, to }, place): Line => {
      return { place, role, from: null, to: accountOf(to, { ...input, role }), units: worked.units[place] ?? worked.rest }
    })
    return { lines, state: stateOf(input, given, worked) }
  },
  quotas: null,
  explain: (input, given) => explainRecoup(input, given, work(input, given)),
}

type Advance = Recoup['advances'][number]

function recoupedKey(context: RuleContext, { role, advance: size }: Advance): string {
  return typeof size === 'string' ? `recouped/${role}` : `recouped/${role}/${partyIn(context, size.of)}`
}

function sizeOf(context: RuleContext, { advance: size }: Advance): bigint {
  if (typeof size === 'string') return BigInt(size)
  const subject = partyIn(context, size.of)
  const value = checkDecimal(context, size, { subject, value: factOf(context, size, subject) })
  if (!value.includes('.')) return BigInt(value)
  throw malformed({ step: context.step, fact: size.fact, subject, value }, 'a whole number of units')
}

/** `units`: what goes to each advance; `left` and `recouped`: of each before the event. */
type Worked = {
  readonly sizes: readonly bigint[]
  readonly recouped: readonly bigint[]
  readonly left: readonly bigint[]
  readonly available: bigint
  readonly units: readonly bigint[]
  readonly rest: bigint
  readonly turn: RuleState
}

function work(input: SplitInput, { advances, among, most = '100%' }: Recoup): Worked {
  const sizes = advances.map((each) => sizeOf(input, each))
  const recouped = advances.map((each) => bigintOf(input.state, recoupedKey(input, each)))
  const left = sizes.map((size, place) => atLeastZero(size - (recouped[place] ?? 0n)))
  const open = left.reduce((all, each) => all + each, 0n)
  const available = floorOf(times(whole(input.pool), ratioOfRate(most)))
  const paid = available < open ? available : open
  const divided = among === 'order' || paid === 0n ? null : divide({ ...input, pool: paid }, entriesOf(input, advances, left))
  const units = divided?.units ?? inOrder(paid, left)
  return { sizes, recouped, left, available, units, rest: input.pool - paid, turn: divided?.state ?? new Map() }
}

function atLeastZero(value: bigint): bigint {
  return value > 0n ? value : 0n
}

function inOrder(pool: bigint, left: readonly bigint[]): readonly bigint[] {
  let rest = pool
  return left.map((open) => {
    const units = open < rest ? open : rest
    rest -= units
    return units
  })
}

function entriesOf({ parties }: Pick<RuleContext, 'parties'>, advances: readonly Advance[], left: readonly bigint[]): readonly Entry[] {
  return advances.map(({ role, to }, place): Entry => ({ key: role, place, role, to: accountOf(to, { role, parties }), weight: left[place] ?? 0n }))
}

function stateOf(context: RuleContext, { advances }: Recoup, { recouped, units: paid, turn }: Worked): RuleState {
  const changes = new Map<string, Json>(turn)
  for (const [place, each] of advances.entries()) {
    const units = paid[place] ?? 0n
    if (units > 0n) changes.set(recoupedKey(context, each), ((recouped[place] ?? 0n) + units).toString())
  }
  return changes
}

function explainRecoup(input: SplitInput, { advances, among, most = '100%', rest }: Recoup, worked: Worked): readonly PartExplanation[] {
  const { sizes, recouped, left, available, units } = worked
  const paid = input.pool - worked.rest
  const said = (place: number): { grounds: string; inputs: Record<string, string> } => ({
    grounds: `an advance of ${sizes[place]} units, of which ${recouped[place]} had been paid back and ${left[place]} were left`,
    inputs: {
      ...{ pool: input.pool.toString(), most, available: available.toString(), advance: `${sizes[place]}` },
      ...{ recouped: `${recouped[place]}`, left: `${left[place]}`, leaves: ((left[place] ?? 0n) - (units[place] ?? 0n)).toString() },
    },
  })
  const entries = entriesOf(input, advances, left)
  const ordered = among === 'order' || paid === 0n
  let before = 0n
  const back = ordered
    ? entries.map(({ place, role }) => {
        const own = units[place] ?? 0n
        const line = exactly({ place, role, ...said(place), formula: `min(${available - before}, ${left[place]})`, units: own })
        before += own
        return line
      })
    : explainLines({ ...input, pool: paid }, entries, { units, kept: 0n, state: worked.turn, before: [], after: [] }, { say: (_, place) => said(place) })
  const restLine = exactly({
    ...{ place: advances.length, role: rest.role, grounds: 'what advances leave of the pool', formula: `${input.pool} − ${paid}` },
    ...{ inputs: { pool: input.pool.toString(), most, available: available.toString(), recouped: paid.toString() }, units: worked.rest },
  })
  return [...back, restLine]
}
