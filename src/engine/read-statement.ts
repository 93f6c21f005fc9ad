// A recipient's statement over a span: opening + earned + adjusted − fees − paid = closing, for each asset, with the heads of the journal
// that it was read from. It is checked before it is shown. Reads only.

import { accountsOfRecipient, balanceOf } from '../core/account.ts'
import { assert } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { closingOf, lineOf, sumLines, type StatementSums } from '../core/statement.ts'
import { payoutsDrawing } from '../store/drawn-shares.ts'
import { entriesByEvent, entriesOf, eventInstantOf, sumsAt, type BlockEdge, type Edge, type Entry, type EventPlace, type Flow, type Sums } from '../store/history.ts'
import { openEntries } from '../store/open-shares.ts'
import { inSnapshot, type Queryable } from '../store/statement.ts'
import { findRecipient } from '../store/wallet.ts'
import { countedFlows, countedLines, countedSums, isAmong, withoutOpen } from './counted.ts'
import { amountDocument, type AmountDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { lanePlaceOf, malformedCursor, nextCursor, type Page, type PageRequest } from './page.ts'
import { edgesAround, edgesBefore, entryPlace, firstEdges, lastEdges } from './read-accounts.ts'
import { END, pastSpan, type Span } from './span.ts'
import type { Desk } from './world.ts'

type Reader = Pick<Desk, 'store' | 'now'>

/**
 * `recorded_at`: what was recorded in the span; opening and closing are look-ups, and a page of lines costs the same however long the history.
 * `event_at`: events that happened in the span, whenever they were recorded; there is no index for it, so it reads all of the recipient's
 * history, and what is recorded later may still change it.
 */
export const STATEMENT_ORDERS = ['recorded_at', 'event_at'] as const
export type StatementOrder = (typeof STATEMENT_ORDERS)[number]

export type StatementRequest = {
  readonly recipient: string
  /** From this instant on; from the beginning when null. */
  readonly from: string | null
  /** Before this instant; all that is recorded so far when null. */
  readonly to: string | null
  readonly by: StatementOrder
}

export type StatementDocument = {
  readonly recipient: string
  readonly from: string | null
  readonly to: string | null
  readonly by: StatementOrder
  readonly assets: readonly {
    readonly asset: string
    readonly opening: AmountDocument
    readonly earned: AmountDocument
    readonly adjusted: AmountDocument
    readonly fees: AmountDocument
    readonly paid: AmountDocument
    readonly closing: AmountDocument
    /** Where the closing stands by role, each on the side that carries it; empty by the instants of events. */
    readonly standing: readonly (AmountDocument & { readonly account: string })[]
  }[]
  /** The newest block of each lane that was read: who has kept a head can tell later whether what was shown still stands. */
  readonly heads: readonly { readonly lane: number; readonly block: string; readonly hash: string | null; readonly recorded_at: string | null }[]
}

/** Refuses `recipient_not_found`, `field_malformed`, `instant_exceeded`. */
export async function statement({ store, now }: Reader, ledger: Ledger, { recipient, from, to, by }: StatementRequest): Promise<StatementDocument> {
  const span = pastSpan({ from, to }, now())
  return await inSnapshot(store.pool, async (client) => {
    const accounts = await requireAccounts(client, ledger, recipient)
    const heads = await edgesBefore(client, ledger, by === 'recorded_at' ? span.to : END)
    const figures = by === 'recorded_at' ? await recordedFigures(client, ledger, { accounts, span, heads }) : await eventFigures(client, ledger, { accounts, span, heads })
    return {
      recipient,
      from: from === null ? null : span.from.toString(),
      to: to === null ? null : span.to.toString(),
      by,
      assets: figures.map((one) => assetDocument(recipient, one)),
      heads: heads.map(({ lane, block, hash, recorded_at: at }) => {
        return { lane: ledger.lanes.indexOf(lane), block: block.toString(), hash, recorded_at: at?.toString() ?? null }
      }),
    }
  })
}

type Figures = { readonly asset: string; readonly opening: bigint; readonly sums: StatementSums; readonly closing: bigint; readonly standing: readonly Sums[] }

type Asked = { readonly accounts: readonly string[]; readonly span: Span; readonly heads: readonly BlockEdge[] }

/** The opening and the closing are read from balances, what lies between them from transfers: each holds the other. */
async function recordedFigures(client: Queryable, ledger: Ledger, { accounts, span, heads }: Asked): Promise<readonly Figures[]> {
  const low = await edgesBefore(client, ledger, span.from)
  const before = await countedSums(client, low, accounts)
  const after = await countedSums(client, heads, accounts)
  const flows = await countedFlows(client, { range: { low, high: heads }, accounts, span: null })
  return figuresOf(after, (asset) => ({ opening: owed(before, asset), within: flows.filter((flow) => flow.asset === asset), closing: owed(after, asset) }))
}

/** By the instants of events no balance is kept: the closing is what stands there now, less what happened after the span. */
async function eventFigures(client: Queryable, ledger: Ledger, { accounts, span, heads }: Asked): Promise<readonly Figures[]> {
  const flows = await countedFlows(client, { range: { low: firstEdges(ledger), high: heads }, accounts, span })
  const now = await countedSums(client, heads, accounts)
  const figures = figuresOf(now, (asset) => {
    const of = (period: Flow['period']): readonly Flow[] => flows.filter((flow) => flow.asset === asset && flow.period === period)
    return { opening: net(of('before')), within: of('within'), closing: owed(now, asset) - net(of('after')) }
  })
  // Where the closing stood at an instant of events was never so in the accounts.
  return figures.map((one) => ({ ...one, standing: [] }))
}

function figuresOf(
  after: readonly Sums[],
  of: (asset: string) => { readonly opening: bigint; readonly within: readonly Flow[]; readonly closing: bigint },
): readonly Figures[] {
  return [...Map.groupBy(after, ({ asset }) => asset)].map(([asset, standing]) => {
    const { opening, within, closing } = of(asset)
    const sums = sumLines(within.map(({ kind, into, out_of: outOf }) => ({ kind, into, outOf })))
    const reached = closingOf(opening, sums)
    assert(reached === closing, `the statement's lines lead from ${opening} to ${reached} units of ${asset}, and its accounts hold ${closing}: \`npx apportion verify\` says where`)
    return { asset, opening, sums, closing, standing }
  })
}

/** What is owed to the recipient: what stands on the credit side of its accounts. */
function owed(sums: readonly Sums[], asset: string): bigint {
  return sums.filter((sum) => sum.asset === asset).reduce((all, { debits, credits }) => all + credits - debits, 0n)
}

function net(flows: readonly Flow[]): bigint {
  return flows.reduce((all, { into, out_of: outOf }) => all + into - outOf, 0n)
}

function assetDocument(recipient: string, { asset, opening, sums, closing, standing }: Figures): StatementDocument['assets'][number] {
  const amount = (units: bigint): AmountDocument => amountDocument(units, asset)
  return {
    asset,
    opening: amount(opening),
    earned: amount(sums.earned),
    adjusted: amount(sums.adjusted),
    fees: amount(sums.fees),
    paid: amount(sums.paid),
    closing: amount(closing),
    standing: standing.map(({ name, ...sides }) => ({ account: name.slice(0, -recipient.length - 1), ...amount(balanceOf(name, sides)) })),
  }
}

export type StatementLineDocument = AmountDocument & {
  readonly recorded_at: string
  readonly event_at: string | null
  /** `moved` goes from one of the recipient's accounts to another and changes nothing that is owed. */
  readonly line: ReturnType<typeof lineOf>
  readonly kind: string
  /** By how much it changes what is owed to the recipient. */
  readonly change: AmountDocument
  /** What is owed after it. */
  readonly balance: AmountDocument
  readonly reference: string | null
  readonly plan_version: number | null
  readonly part: number | null
  /** The payout that it belongs to. */
  readonly subject: string | null
  /** Of a share: the payout that draws on it; null until there is one. */
  readonly payout: string | null
  readonly lane: number
  readonly transfer: string
}

/** The lines of a statement, oldest first. Refuses as `statement` does, and `cursor_malformed`. */
export async function statementLines(
  { store, now }: Reader,
  ledger: Ledger,
  { recipient, from, to, by, cursor, limit }: StatementRequest & PageRequest,
): Promise<Page<StatementLineDocument>> {
  const span = pastSpan({ from, to }, now())
  return await inSnapshot(store.pool, async (client) => {
    const accounts = await requireAccounts(client, ledger, recipient)
    const { lines, next } = by === 'recorded_at'
      ? await recordedLines(client, ledger, { accounts, span, cursor, limit })
      : await eventLines(client, ledger, { accounts, span, cursor, limit })
    const payouts = new Map((await payoutsDrawing(client, lines.map(({ entry }) => entry))).map(({ lane, transfer, payout }) => [`${lane} ${transfer}`, payout]))
    return { items: lines.map((line) => lineDocument(ledger, accounts, { ...line, payout: payouts.get(`${line.entry.lane} ${line.entry.transfer}`) ?? null })), next }
  })
}

type Line = { readonly entry: Entry; readonly change: bigint; readonly balance: bigint }
type LinePage = { readonly lines: readonly Line[]; readonly next: string | null }
type LinesAsked = PageRequest & { readonly accounts: readonly string[]; readonly span: Span }

async function recordedLines(client: Queryable, ledger: Ledger, { accounts, span, cursor, limit }: LinesAsked): Promise<LinePage> {
  const first = await edgesBefore(client, ledger, span.from)
  // A cursor of another span leads to no place before this one.
  const low = cursor === null ? first : latest(first, await edgesAround(client, ledger, cursor, false))
  const high = await edgesBefore(client, ledger, span.to)
  const found = await entriesOf(client, { range: { low, high }, accounts, newestFirst: false, limit })
  const { hidden, added, before: open } = await countedLines(client, { low: first, high }, accounts)
  // Shares that were posted before the span and count since are its first lines.
  const early = cursor === null ? added.map((entry) => ({ ...entry, recorded_at: entry.completed_at ?? entry.recorded_at })) : []
  const uncounted = cursor === null ? open : hidden.filter((entry) => low.some(({ lane, transfer }) => lane === entry.lane && entry.transfer <= transfer))
  const before = withoutOpen(await sumsAt(client, low, accounts), uncounted)
  const standing = new Map(Map.groupBy(before, ({ asset }) => asset).keys().map((asset) => [asset, owed(before, asset)]))
  const lines = [...early, ...found.filter((entry) => !isAmong(hidden, entry))].map((entry) => {
    const change = changeOf(accounts, entry)
    const balance = (standing.get(entry.asset) ?? 0n) + change
    standing.set(entry.asset, balance)
    return { entry, change, balance }
  })
  return { lines, next: nextCursor(found, limit, (entry) => entryPlace(ledger, entry)) }
}

function latest(first: readonly Edge[], given: readonly Edge[]): readonly Edge[] {
  return given.map((edge, position) => {
    const other = first[position]
    return other !== undefined && other.transfer > edge.transfer ? other : edge
  })
}

async function eventLines(client: Queryable, ledger: Ledger, { accounts, span, cursor, limit }: LinesAsked): Promise<LinePage> {
  const after = cursor === null ? null : await eventPlaceOf(client, ledger, cursor)
  const found = await entriesByEvent(client, { range: { low: firstEdges(ledger), high: lastEdges(ledger) }, accounts, span, after, limit })
  const hidden = (await openEntries(client, lastEdges(ledger), accounts)).map((entry) => ({ ...entry, ...eventPlace(ledger, entry) }))
  const lines = found.filter((entry) => !isAmong(hidden, entry)).map((entry) => {
    const uncounted = hidden.reduce((all, one) => (one.asset === entry.asset && compareEventPlaces(one, entry) < 0 ? all + changeOf(accounts, one) : all), 0n)
    return { entry, change: changeOf(accounts, entry), balance: entry.balance - uncounted }
  })
  return { lines, next: nextCursor(found, limit, (entry) => entryPlace(ledger, entry)) }
}

function eventPlace(ledger: Ledger, { event_at: at, recorded_at: recordedAt, lane, transfer }: Entry): EventPlace {
  return { at: at ?? recordedAt, place: BigInt(ledger.lanes.indexOf(lane) + 1), transfer }
}

function compareEventPlaces(one: EventPlace, other: EventPlace): number {
  const byInstant = Temporal.Instant.compare(one.at, other.at)
  if (byInstant !== 0) return byInstant
  return Number(one.place === other.place ? one.transfer - other.transfer : one.place - other.place)
}

async function eventPlaceOf(client: Queryable, ledger: Ledger, cursor: string): Promise<EventPlace> {
  const { number, lane } = lanePlaceOf(ledger, cursor)
  const at = await eventInstantOf(client, lane, number)
  if (at === null) throw malformedCursor(cursor)
  return { at, place: BigInt(ledger.lanes.indexOf(lane) + 1), transfer: number }
}

function changeOf(accounts: readonly string[], { debit, credit, units }: Entry): bigint {
  return (accounts.includes(credit) ? units : 0n) - (accounts.includes(debit) ? units : 0n)
}

function lineDocument(ledger: Ledger, accounts: readonly string[], { entry, change, balance, payout }: Line & { readonly payout: string | null }): StatementLineDocument {
  const { asset, units, kind, recorded_at: recordedAt, event_at: eventAt, reference, plan, part, subject, lane, transfer } = entry
  return {
    recorded_at: recordedAt.toString(),
    event_at: eventAt?.toString() ?? null,
    line: lineOf(kind, { leaves: accounts.includes(entry.debit), enters: accounts.includes(entry.credit) }),
    kind,
    ...amountDocument(units, asset),
    change: amountDocument(change, asset),
    balance: amountDocument(balance, asset),
    reference,
    plan_version: plan,
    part,
    subject,
    payout,
    lane: ledger.lanes.indexOf(lane),
    transfer: transfer.toString(),
  }
}

/** The accounts of a recipient that is known, or has had a share. Refuses `recipient_not_found`. */
export async function requireAccounts(client: Queryable, ledger: Ledger, recipient: string): Promise<readonly string[]> {
  const accounts = accountsOfRecipient(recipient)
  if (!recipient.includes('\0')) {
    if ((await sumsAt(client, firstEdges(ledger), accounts)).length > 0) return accounts
    if ((await findRecipient(client, ledger.id, recipient)) !== null) return accounts
  }
  throw new Refusal('recipient_not_found', `the ledger ${ledger.name} has no recipient ${JSON.stringify(recipient.slice(0, 80))}`, { recipient: recipient.slice(0, 80) })
}
