// Reports over all recipients of a ledger, answered by the database in one moment: totals by role, who earned, is owed or was paid most, and
// how old what waits is. Reads only.

import { balanceOf, RECIPIENT_ROLES, TRANSFER_KINDS, type StatementLine } from '../core/account.ts'
import { Refusal } from '../core/refusal.ts'
import { edgesAt, type Edge } from '../store/history.ts'
import { openOnly, openTotals, type OpenTotal } from '../store/open-shares.ts'
import { ageNewShares, ageOpenPayouts, ageUnpaidDistributions, inReport, roleTotals, topByBalance, topByFlow, type Aged, type RoleTotal } from '../store/report.ts'
import type { Queryable } from '../store/statement.ts'
import { amountDocument, type AmountDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { edgesBefore, lastEdges } from './read-accounts.ts'
import { pastInstant, pastSpan } from './span.ts'
import type { Desk } from './world.ts'

type Reader = Pick<Desk, 'store' | 'now'>

export type TotalDocument = AmountDocument & {
  readonly role: string
  /** How many accounts of the role hold anything; those of each lane count for themselves. */
  readonly accounts: string
  readonly debits: string
  readonly credits: string
}

/** What stands in all accounts of each role, now or as it was recorded by an instant. Refuses `field_malformed`, `instant_exceeded`. */
export async function totals({ store, now }: Reader, ledger: Ledger, { at }: { at: string | null }): Promise<readonly TotalDocument[]> {
  const instant = at === null ? null : pastInstant(at, 'at', now())
  const found = await inReport(store.pool, async (client) => {
    const edges = instant === null ? lastEdges(ledger) : await edgesAt(client, ledger.lanes.map((lane) => ({ lane, at: instant })))
    return await countedTotals(client, edges, await roleTotals(client, edges))
  })
  return found.map(({ role, asset, accounts, debits, credits }) => {
    const units = balanceOf(role, { debits, credits })
    return { role, accounts: accounts.toString(), ...amountDocument(units, asset), debits: debits.toString(), credits: credits.toString() }
  })
}

/** Totals without what large distributions that are not complete have given and taken back: it stands where it was taken from. */
async function countedTotals(client: Queryable, edges: readonly Edge[], found: readonly RoleTotal[]): Promise<readonly RoleTotal[]> {
  const open = await openTotals(client, edges)
  if (open.length === 0) return found
  const only = await openOnly(client, edges)
  return found.map((row) => {
    const { role, asset, debits, credits } = row
    const own = open.filter((one) => one.asset === asset)
    const sum = (of: (one: OpenTotal) => bigint): bigint => own.reduce((all, one) => all + of(one), 0n)
    const accounts = row.accounts - (only.find((one) => one.role === role && one.asset === asset)?.accounts ?? 0n)
    if (role === 'payable') return { ...row, accounts, credits: credits - sum(({ gives, units }) => (gives ? units : 0n)), debits: debits - sum(({ gives, units, owed }) => (gives ? 0n : units - owed)) }
    if (role === 'owed_by') return { ...row, accounts, debits: debits - sum(({ owed }) => owed) }
    const held = (way: boolean): bigint => sum(({ holder, gives, units }) => (holder === role && gives === way ? units : 0n))
    const [out, back] = [held(true), held(false)]
    return out + back === 0n ? row : { ...row, accounts: debits === credits ? accounts + 1n : accounts, debits: debits - out, credits: credits - back }
  })
}

/** `earned` and `paid` between two instants; `payable` stands at an instant: what is owed and on no way to the recipient yet. */
export const TOP_FIGURES = ['earned', 'payable', 'paid'] as const
export type TopFigure = (typeof TOP_FIGURES)[number]

export type TopDocument = AmountDocument & { readonly rank: string; readonly recipient: string }

export type TopRequest = { readonly by: TopFigure; readonly from: string | null; readonly to: string | null; readonly limit: number }

/** The first recipients of each asset by a figure, as it was recorded in a span. Refuses `field_malformed`, `instant_exceeded`. */
export async function top({ store, now }: Reader, ledger: Ledger, { by, from, to, limit }: TopRequest): Promise<readonly TopDocument[]> {
  if (by === 'payable' && from !== null) throw new Refusal('field_malformed', 'payable stands at an instant, which is `to`: leave `from` out', { field: 'from' })
  const span = pastSpan({ from, to }, now())
  const found = await inReport(store.pool, async (client) => {
    const high = await edgesBefore(client, ledger, span.to)
    if (by === 'payable') return await topByBalance(client, { edges: high, role: 'payable', limit })
    const low = await edgesBefore(client, ledger, span.from)
    return await topByFlow(client, { low, high, kinds: kindsOf(by), sign: by === 'paid' ? -1 : 1, roles: RECIPIENT_ROLES, limit })
  })
  return found.map(({ rank, recipient, asset, units }) => ({ rank: rank.toString(), recipient, ...amountDocument(units, asset) }))
}

/** The kinds of transfers that have this name on a statement. */
export function kindsOf(line: StatementLine): readonly string[] {
  return Object.entries(TRANSFER_KINDS).flatMap(([kind, { statement }]) => (statement === line ? [kind] : []))
}

/** Ages in days, youngest first; the last has no end. */
const AGES = [
  { from_days: 0, to_days: 1 },
  { from_days: 1, to_days: 7 },
  { from_days: 7, to_days: 30 },
  { from_days: 30, to_days: null },
] as const

export type AgeingDocument = {
  /** `payable` where no payout has been made yet; `locked` where its plan does not let it be paid yet; else the payout's state. */
  readonly state: string
  readonly reason: string | null
  readonly asset: string
  /** When the oldest of them was made. */
  readonly since: string
  readonly ages: readonly (AmountDocument & { readonly from_days: number; readonly to_days: number | null; readonly payouts: string })[]
}

/** How old what waits and what is on its way is, by state and reason. */
export async function ageing({ store, now }: Reader, ledger: Ledger): Promise<readonly AgeingDocument[]> {
  const bounds = AGES.flatMap(({ to_days: days }) => (days === null ? [] : [now().subtract({ hours: 24 * days })])).toReversed()
  const found = await inReport(store.pool, async (client) => {
    const shares = await ageNewShares(client, { lanes: ledger.lanes, kinds: kindsOf('earned').filter((kind) => kind !== 'distributed'), bounds })
    return [...shares, ...(await ageUnpaidDistributions(client, { lanes: ledger.lanes, bounds })), ...(await ageOpenPayouts(client, { lanes: ledger.lanes, bounds, now: now() }))]
  })
  const groups = Map.groupBy(found, ({ state, reason, asset }) => JSON.stringify([state, reason, asset]))
  return [...groups.values()].flatMap((group) => (group[0] === undefined ? [] : [ageingDocument(group[0], group)]))
}

function ageingDocument({ state, reason, asset }: Aged, group: readonly Aged[]): AgeingDocument {
  const since = group.map((one) => one.since).reduce((oldest, one) => (Temporal.Instant.compare(one, oldest) < 0 ? one : oldest))
  const ages = AGES.map((age, index) => {
    // Bounds rise with time, ages against it.
    const one = group.find((each) => each.age === AGES.length - 1 - index)
    return { ...age, payouts: (one?.payouts ?? 0n).toString(), ...amountDocument(one?.units ?? 0n, asset) }
  })
  return { state, reason, asset, since: since.toString(), ages }
}
