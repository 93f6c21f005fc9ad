// The distribution of one event: its shares by the plan version in force, and why each is what it is. Pure; nothing is stored here.

import { accountName, checkParty } from './account.ts'
import { assert, present } from './assert.ts'
import type { JsonObject } from './effects.ts'
import type { EventInput } from './event.ts'
import { formatUnits, parseAsset } from './money.ts'
import type { PlanVersion } from './plan.ts'
import { compareRatios, formatRatio, ratio, type Ratio } from './ratio.ts'
import { Refusal } from './refusal.ts'
import type { PlanPart } from './rules/rule.ts'

/** One recipient's part of one event. A share of zero units makes no transfer and no payout, but is shown. */
export type Share = { readonly part: number; readonly role: string; readonly recipient: string; readonly units: bigint }

/** What a program's doors call the amount of a role, for refusals. */
export type AmountFields = Readonly<Record<string, string>>

type Divisible = Pick<EventInput, 'asset' | 'units' | 'parties' | 'claimed'>

/**
 * Divides an event's units among the plan's recipients; the shares add up to the units.
 * Refuses `recipient_not_found` when the event names no party the plan asks for, and `event_share_mismatch` when an amount that
 * came with the event is one unit or more from its exact quota, or `event_amounts_mismatch` when they do not add up.
 */
export function distribute(event: Divisible, { step }: PlanVersion, amountFields: AmountFields = {}): readonly Share[] {
  const { parts } = step.rule.split(event.units, step.rounding)
  const shares = parts.map(({ part, units }) => {
    const { role, to } = present(step.rule.parts[part], 'part')
    return { part, role, recipient: recipientOf(event, { role, to }), units }
  })
  const total = shares.reduce((all, { units }) => all + units, 0n)
  assert(total === event.units, `shares of ${total} units were made of ${event.units}`)
  if (event.claimed !== null) {
    checkClaimed(event, event.claimed, { shares, quotas: step.rule.quotas(event.units, step.rounding), amountFields })
  }
  return shares
}

function recipientOf({ parties }: Divisible, { role, to }: PlanPart): string {
  if ('recipient' in to) return to.recipient
  // Own names only: an object has `constructor` without anybody having named it.
  const party = Object.hasOwn(parties, to.party) ? parties[to.party] : undefined
  if (party === undefined) {
    throw new Refusal('recipient_not_found', `the plan gives the share ${role} to the event's ${to.party}, which the event does not name`, {
      field: to.party,
      role,
    })
  }
  return checkParty(party, to.party)
}

const NOTHING = { units: 0n, quota: ratio(0n, 1n) }

/**
 * Amounts given with the event: each less than one unit from its exact quota (for a role without a share that leaves zero), and
 * all of them together the pool.
 */
function checkClaimed(
  { units, asset }: Divisible,
  claimed: Readonly<Record<string, bigint>>,
  { shares, quotas, amountFields }: { shares: readonly Share[]; quotas: readonly Ratio[]; amountFields: AmountFields },
): void {
  const { scale } = parseAsset(asset)
  const planned = new Map(shares.map((share) => [share.role, { units: share.units, quota: present(quotas[share.part], 'quota') }]))
  for (const [role, amount] of Object.entries(claimed)) {
    const { units: share, quota } = planned.get(role) ?? NOTHING
    const difference = ratio(amount * quota.denominator - quota.numerator, quota.denominator)
    const distance = difference.numerator < 0n ? ratio(-difference.numerator, difference.denominator) : difference
    if (compareRatios(distance, ratio(1n, 1n)) >= 0) {
      const expected = formatUnits(share, scale)
      const field = amountFields[role] ?? role
      throw new Refusal(
        'event_share_mismatch',
        `the amount for ${field} is ${formatUnits(amount, scale)}, but the plan gives ${expected} (exactly ${formatRatio(quota)} units): correct it or leave it out`,
        { field, given: formatUnits(amount, scale), expected, asset },
      )
    }
  }
  const whole = shares.every(({ role }) => Object.hasOwn(claimed, role))
  const sum = Object.values(claimed).reduce((all, amount) => all + amount, 0n)
  if (sum > units || (whole && sum !== units)) throw amountsMismatch({ sum, units, asset })
}

/** The refusal for amounts that do not add up to their event's. */
export function amountsMismatch({ sum, units, asset }: { sum: bigint; units: bigint; asset: string }): Refusal {
  const { scale } = parseAsset(asset)
  return new Refusal(
    'event_amounts_mismatch',
    `the amounts given add up to ${formatUnits(sum, scale)}, but the event has ${formatUnits(units, scale)}: correct them or leave them out`,
    { given: formatUnits(sum, scale), expected: formatUnits(units, scale), asset },
  )
}

export type DistributionExplanation = {
  readonly format: 1
  readonly plan: { readonly version: number; readonly hash: string; readonly effectiveFrom: string | null }
  readonly step: { readonly name: string; readonly rule: string; readonly rounding: string; readonly from: string; readonly pool: string }
  readonly shares: readonly ({ readonly recipient: string; readonly account: string } & JsonObject)[]
}

/**
 * Works the distribution out anew from the event and the plan version alone, with every figure. It reads no stored result, so that
 * comparing it with the ledger proves something.
 */
export function explainDistribution(event: Divisible, version: PlanVersion): DistributionExplanation {
  const { step } = version
  const parts = step.rule.explain(event.units, step.rounding)
  return {
    format: 1,
    plan: { version: version.version, hash: version.hash, effectiveFrom: version.effectiveFrom?.toString() ?? null },
    step: { name: step.name, rule: step.rule.kind, rounding: step.rounding, from: step.from, pool: event.units.toString() },
    shares: parts.map((part, index) => {
      const recipient = recipientOf(event, present(step.rule.parts[index], 'part'))
      return { recipient, account: accountName('payable', recipient), ...part }
    }),
  }
}
