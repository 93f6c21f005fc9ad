// What a payout is made of, for people: the shares that it draws on, by event and role. Of a ledger with a payout a share nothing is read.

import { present } from '../core/assert.ts'
import { roleOfPart } from '../core/part.ts'
import { parsePlan } from '../core/plan.ts'
import { drawnShares, joinedPayoutsOf } from '../store/drawn-shares.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { payoutsOfEvents, type PayoutRow } from '../store/payout.ts'
import type { Queryable } from '../store/statement.ts'
import { amountDocument, type DrawnDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'

/** Shares of a payout that are named; `shares` says how many there are. */
const MAX_NAMED = 100

export function drawsOnOne({ part, role, units, asset }: PayoutRow, reference: string): DrawnDocument {
  return { shares: 1, draws_on: [{ reference, part, role, ...amountDocument(units, asset) }] }
}

/** By payout, of those of a lane that may draw on several; empty where none does. */
export async function drawnBy(on: Queryable, ledger: Ledger, lane: bigint, payouts: readonly PayoutRow[]): Promise<ReadonlyMap<string, DrawnDocument>> {
  if (ledger.program.payoutPolicy !== 'per_destination' || payouts.length === 0) return new Map()
  const assets = new Map(payouts.map(({ payout, asset }) => [payout, asset]))
  const found = await drawnShares(on, { lane, payouts: [...assets.keys()], limit: MAX_NAMED })
  const roleIn = await rolesOf(on, ledger, found)
  const entries = [...Map.groupBy(found, ({ payout }) => payout)].map(([payout, shares]): [string, DrawnDocument] => {
    const asset = present(assets.get(payout), 'asset')
    const named = shares.map(({ reference, plan, part, units }) => ({ reference, part, role: roleIn(plan, part), ...amountDocument(units, asset) }))
    return [payout, { shares: Number(present(shares[0], 'share').shares), draws_on: named }]
  })
  return new Map(entries)
}

/** Names the role of a part by its plan version; one that this process has not met yet is read. */
async function rolesOf(on: Queryable, ledger: Ledger, shares: readonly { readonly plan: number }[]): Promise<(plan: number, part: number) => string> {
  const known = new Map(ledger.plans.map((version) => [version.version, version]))
  const isMissing = shares.some(({ plan }) => !known.has(plan))
  const read = isMissing ? (await planVersionsOf(on, ledger.id)).map(({ version, effective_from: effectiveFrom, content }) => ({ version, effectiveFrom, ...parsePlan(content) })) : []
  for (const version of read) known.set(version.version, version)
  return (plan, part) => present(roleOfPart(present(known.get(plan), `plan version ${plan}`), part), `role of part ${part}`)
}

/** The payouts of events as their shares have them: one that draws on several stands under each, with that share's event, part and role. */
export async function payoutsByShare(on: Queryable, ledger: Ledger, lane: bigint, events: readonly bigint[]): Promise<readonly PayoutRow[]> {
  const own = await payoutsOfEvents(on, lane, events)
  if (ledger.program.payoutPolicy !== 'per_destination') return own
  const joined = await joinedPayoutsOf(on, lane, events)
  const roleIn = await rolesOf(on, ledger, joined)
  return [...own, ...joined.map(({ plan, ...row }) => ({ ...row, role: roleIn(plan, row.part) }))].toSorted((a, b) => (a.event === b.event ? a.part - b.part : a.event < b.event ? -1 : 1))
}
