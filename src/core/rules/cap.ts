// The rule `cap`: nobody gets more than a limit, in one event, in a period or ever; what is above it goes elsewhere.

import { z } from 'zod'
import { accountName } from '../account.ts'
import { present } from '../assert.ts'
import { giveBackCounted } from './give-back.ts'
import { units } from './rate.ts'
import type { GivenShare, Line, Outline, PartExplanation, Rule, RuleContext, RuleState, SplitInput } from './rule.ts'
import { accountOf, fundsOf, identifier, target } from './target.ts'
import { bigintOf, exactly, recipientsOf } from './weighted.ts'

const parameters = z.strictObject({
  /** Most units of a recipient. */
  limit: units,
  per: z.enum(['event', 'day', 'week', 'month', 'year', 'lifetime']),
  /** Where the rest goes. It is not capped there. */
  excess: target,
  /** Shares of these roles alone; left out: all. */
  roles: z.array(identifier).min(1).max(1000).optional(),
})

type Cap = z.infer<typeof parameters>

/**
 * Lets each recipient have up to `limit` units of the earlier step's shares, counted over all their shares in the order of that step.
 * Periods are UTC days, ISO weeks, months and years of the event's instant, so that a late event counts in its own period.
 *
 * Worked: limit 1000 a month: shares of 700 and, later that month, 600 → 700 · 300 and an excess of 300; next month 600 → 600.
 */
export const cap: Rule<Cap> = {
  kind: 'cap',
  parameters,
  outline: ({ excess }): Outline => ({
    divides: 'shares',
    roundings: ['none'],
    residuals: [],
    parts: null,
    role: 'share',
    others: EXCESS,
    gives: fundsOf([excess]),
    draws: [],
    facts: [],
    carries: false,
    takesNothing: false,
  }),
  giveBack: giveBackCounted('used/'),
  recipients: (context, { excess }) => [...context.given, ...recipientsOf([excessAccount(context, excess)])],
  keys: (context, given) => [...new Set(context.given)].flatMap((recipient) => usedKey(recipient, { at: context.at, per: given.per }) ?? []),
  split: (input, given) => {
    const worked = work(input, given)
    const excess = excessAccount(input, given.excess)
    return { lines: worked.flatMap((each, place) => linesOf(each, { place, excess })), state: stateOf(worked) }
  },
  quotas: null,
  explain: (input, given) => work(input, given).flatMap((each, place) => explanationsOf(each, { place, limit: given.limit, per: given.per })),
}

const EXCESS = 'excess'

function excessAccount({ parties }: Pick<RuleContext, 'parties'>, excess: Cap['excess']): string {
  return accountOf(excess, { role: EXCESS, parties })
}

/** Null where nothing is remembered from event to event. */
function usedKey(recipient: string, { at, per }: { at: Temporal.Instant; per: Cap['per'] }): string | null {
  if (per === 'event') return null
  return per === 'lifetime' ? `used/${recipient}` : `used/${periodOf(at, per)}/${recipient}`
}

function periodOf(at: Temporal.Instant, per: 'day' | 'week' | 'month' | 'year'): string {
  const date = at.toZonedDateTimeISO('UTC').toPlainDate()
  if (per === 'day') return date.toString()
  if (per === 'month') return date.toPlainYearMonth().toString()
  if (per === 'year') return date.year.toString()
  return `${present(date.yearOfWeek, 'year of the week')}-W${present(date.weekOfYear, 'week').toString().padStart(2, '0')}`
}

type Capped = { readonly share: GivenShare; readonly key: string | null; readonly isCapped: boolean; readonly used: bigint; readonly kept: bigint }

function work({ given, at, state }: SplitInput, { limit, per, roles }: Cap): readonly Capped[] {
  const used = new Map<string, bigint>()
  return given.map((share) => {
    const { recipient, units: size } = share
    const key = usedKey(recipient, { at, per })
    if (roles !== undefined && !roles.includes(share.role)) return { share, key, isCapped: false, used: 0n, kept: size }
    const before = used.get(recipient) ?? (key === null ? 0n : bigintOf(state, key))
    const room = BigInt(limit) > before ? BigInt(limit) - before : 0n
    const kept = size < room ? size : room
    used.set(recipient, before + kept)
    return { share, key, isCapped: true, used: before, kept }
  })
}

function linesOf({ share, kept }: Capped, { place, excess }: { place: number; excess: string }): readonly Line[] {
  const line: Line = { place, role: share.role, from: place, to: accountName('payable', share.recipient), units: kept }
  return kept === share.units ? [line] : [line, { place, zone: 'others', role: EXCESS, from: place, to: excess, units: share.units - kept }]
}

function stateOf(worked: readonly Capped[]): RuleState {
  return new Map(worked.flatMap(({ key, isCapped, used, kept }) => (key === null || !isCapped || kept === 0n ? [] : [[key, (used + kept).toString()] as const])))
}

function explanationsOf({ share, isCapped, used, kept }: Capped, { place, limit, per }: { place: number; limit: string; per: Cap['per'] }): readonly PartExplanation[] {
  const size = share.units.toString()
  const inputs = { share: size, limit, used: used.toString() }
  if (!isCapped) return [exactly({ place, role: share.role, grounds: `${size} units, which have no limit`, formula: size, inputs: { share: size }, units: kept })]
  const of = per === 'event' ? 'an event' : per === 'lifetime' ? 'ever' : `a ${per}`
  const formula = `min(${size}, max(${limit} − ${used}, 0))`
  const line = exactly({ place, role: share.role, grounds: `at most ${limit} units ${of}, of which ${used} had been used`, formula, inputs, units: kept })
  if (kept === share.units) return [line]
  return [line, exactly({ place, zone: 'others', role: EXCESS, grounds: `what is above the limit of ${limit} units ${of} for ${share.recipient}`, formula: `${size} − ${kept}`, inputs, units: share.units - kept })]
}
