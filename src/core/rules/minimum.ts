// The rule `minimum`: shares below a minimum are carried, and paid out together once they come to it.

import { z } from 'zod'
import { accountName } from '../account.ts'
import type { Json } from '../effects.ts'
import { units } from './rate.ts'
import type { GivenShare, Line, Outline, PartExplanation, Rule, RuleState, SplitInput } from './rule.ts'
import { identifier } from './target.ts'
import { bigintOf, exactly } from './weighted.ts'

const parameters = z.strictObject({
  /** Least units that a recipient is paid. */
  minimum: units,
  /** Shares of these roles alone; left out: all. */
  roles: z.array(identifier).min(1).max(1000).optional(),
})

type Minimum = z.infer<typeof parameters>

/**
 * Puts a recipient's shares into `carried:R` while they come to less than the minimum together with what is carried already, and pays
 * all of it when they do. Nothing is lost: carried + paid = shares.
 *
 * Worked: minimum 100: shares of 60 → carried 60 · 30 → carried 90 · 25 → 25 and the 90 paid, carried 0.
 */
export const minimum: Rule<Minimum> = {
  kind: 'minimum',
  parameters,
  outline: (): Outline => ({
    divides: 'shares',
    roundings: ['none'],
    residuals: [],
    parts: null,
    role: 'share',
    others: CARRIED,
    gives: [],
    draws: [],
    facts: [],
    carries: true,
    takesNothing: false,
  }),
  recipients: ({ given }) => given,
  keys: ({ given }) => [...new Set(given)].map(carriedKey),
  split: (input, given) => {
    const totals = totalsOf(input, given)
    return { lines: input.given.flatMap((share, place) => linesOf(share, { place, total: totals[place] ?? null })), state: stateOf(totals) }
  },
  quotas: null,
  explain: (input, given) => {
    const totals = totalsOf(input, given)
    return input.given.flatMap((share, place) => explanationsOf(share, { place, total: totals[place] ?? null, minimum: given.minimum }))
  },
}

const CARRIED = 'carried'

function carriedKey(recipient: string): string {
  return `carried/${recipient}`
}

/** What a recipient has together: carried before, and by this event. `first` is the place of their first share. */
type Total = { readonly recipient: string; readonly first: number; readonly before: bigint; readonly now: bigint; readonly pays: boolean }

/** The recipient's total for each share; null for those that have no minimum. */
function totalsOf({ given, state }: SplitInput, { minimum: least, roles }: Minimum): readonly (Total | null)[] {
  const isAsked = ({ role }: GivenShare): boolean => roles === undefined || roles.includes(role)
  const sums = new Map<string, { first: number; now: bigint }>()
  for (const [place, share] of given.entries()) {
    if (!isAsked(share)) continue
    const sum = sums.getOrInsertComputed(share.recipient, () => ({ first: place, now: 0n }))
    sum.now += share.units
  }
  const totals = new Map(
    [...sums].map(([recipient, { first, now }]) => {
      const before = bigintOf(state, carriedKey(recipient))
      return [recipient, { recipient, first, before, now, pays: before + now >= BigInt(least) }] as const
    }),
  )
  return given.map((share) => (isAsked(share) ? (totals.get(share.recipient) ?? null) : null))
}

/** A share of zero units stays where it was going: nothing is carried by it. */
function isCarried(share: GivenShare, total: Total | null): boolean {
  return total !== null && !total.pays && share.units > 0n
}

function isReleased(total: Total | null, place: number): total is Total {
  return total !== null && total.pays && total.first === place && total.before > 0n
}

function linesOf(share: GivenShare, { place, total }: { place: number; total: Total | null }): readonly Line[] {
  const { role, recipient, units: size } = share
  const payable = accountName('payable', recipient)
  const carried = accountName('carried', recipient)
  const line: Line = { place, role, from: place, to: isCarried(share, total) ? carried : payable, units: size }
  return isReleased(total, place) ? [line, { place, zone: 'others', role: CARRIED, from: carried, to: payable, units: total.before }] : [line]
}

function stateOf(totals: readonly (Total | null)[]): RuleState {
  const changes = new Map<string, Json>()
  for (const total of totals) {
    if (total === null) continue
    const after = total.pays ? 0n : total.before + total.now
    if (after !== total.before) changes.set(carriedKey(total.recipient), after.toString())
  }
  return changes
}

function explanationsOf(share: GivenShare, { place, total, minimum: least }: { place: number; total: Total | null; minimum: string }): readonly PartExplanation[] {
  const { role, units: size } = share
  if (total === null) return [exactly({ place, role, grounds: `${size} units, which have no minimum`, formula: `${size}`, inputs: { share: size.toString() }, units: size })]
  const together = total.before + total.now
  const inputs = { share: size.toString(), minimum: least, carried: total.before.toString(), shares: total.now.toString() }
  const compared = `${total.before} carried and ${total.now} new make ${together} units`
  const grounds = total.pays ? `${compared}, at least the minimum of ${least}` : `${compared}, below the minimum of ${least}`
  const note = isCarried(share, total) ? 'carried until there is enough' : 'whole units: nothing is left over'
  const line = exactly({ place, role, grounds, formula: `${size}`, inputs, units: size, note })
  if (!isReleased(total, place)) return [line]
  return [line, exactly({ place, zone: 'others', role: CARRIED, grounds: `${grounds}: what was carried is paid`, formula: `${total.before}`, inputs, units: total.before })]
}
