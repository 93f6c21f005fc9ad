// Accounts as people ask for them: balances now or at a past instant, and the history of one account. Reads only.

import { balanceOf, RECIPIENT_ROLES, roleNameOf } from '../core/account.ts'
import { clip } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { LATEST, listBalances, type BalanceRow, type NameRange } from '../store/balance.ts'
import { blockOfTransfer, edgesAt, entriesOf, sumsAt, type BlockEdge, type Edge, type Entry, type Range } from '../store/history.ts'
import { openEntries, openTotals } from '../store/open-shares.ts'
import { inSnapshot, type Queryable } from '../store/statement.ts'
import { amountDocument, type AmountDocument, type BalanceDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { lanePlaceOf, lanePlaceText, malformedCursor, nextCursor, type Page, type PageRequest } from './page.ts'
import { justBefore, pastInstant } from './span.ts'
import type { Desk } from './world.ts'

type Reader = Pick<Desk, 'store' | 'now'>

export type BalanceRequest = PageRequest & {
  /** An instant of the past: what was recorded at or before it. */
  readonly at: string | null
  readonly role: string | null
  readonly account: string | null
}

/**
 * Accounts by name, each with its balance on the side that carries it, summed over the ledger's lanes, now or at a past instant of
 * recording. Refuses `cursor_malformed`, `field_malformed`, `instant_exceeded`.
 */
export async function balances({ store, now }: Reader, ledger: Ledger, { at, role, account, cursor, limit }: BalanceRequest): Promise<Page<BalanceDocument>> {
  const after = cursor === null ? null : accountOf(cursor)
  const instant = at === null ? null : pastInstant(at, 'at', now())
  const { lanes } = ledger
  const found = await inSnapshot(store.pool, async (client) => {
    const upTo = instant === null ? lanes.map(() => LATEST) : (await edgesAt(client, lanes.map((lane) => ({ lane, at: instant })))).map(({ transfer }) => transfer)
    const rows = await listBalances(client, { lanes, upTo, names: namesOf({ role, account }), after, limit })
    return await countedBalances(client, lanes.map((lane, place) => ({ lane, transfer: upTo[place] ?? LATEST, end: upTo[place] ?? LATEST })), rows)
  })
  const items = found
    // Those that there were not yet.
    .filter(({ debits, credits }) => debits > 0n || credits > 0n)
    .map(({ name, asset, debits, credits }) => {
      const units = balanceOf(name, { debits, credits })
      return { account: name, ...amountDocument(units, asset), debits: debits.toString(), credits: credits.toString() }
    })
  return { items, next: nextCursor(found, limit, ({ name, asset }) => `${name}/${asset}`) }
}

/** Balances without the shares of large distributions that are not complete: these stand where they were taken from. */
async function countedBalances(client: Queryable, edges: readonly Edge[], found: readonly BalanceRow[]): Promise<readonly BalanceRow[]> {
  const names = new Set(found.map(({ name }) => name))
  const totals = await openTotals(client, edges)
  if (totals.length === 0) return found
  const open = await openEntries(client, edges, [...names].filter((name) => RECIPIENT_ROLES.includes(roleNameOf(name))))
  return found.map((row) => {
    const of = (entries: readonly { readonly asset: string; readonly units: bigint }[]): bigint => entries.reduce((all, { asset, units }) => (asset === row.asset ? all + units : all), 0n)
    const held = (gives: boolean): bigint => of(totals.filter((total) => total.holder === row.name && total.gives === gives))
    const own = (side: 'debit' | 'credit'): bigint => of(open.filter((entry) => entry[side] === row.name))
    return { ...row, debits: row.debits - held(true) - own('debit'), credits: row.credits - held(false) - own('credit') }
  })
}

function accountOf(cursor: string): { readonly name: string; readonly asset: string } {
  const [, name, asset] = /^([^/\0]{1,160})\/([^\0]{1,40})$/.exec(cursor) ?? []
  if (name === undefined || asset === undefined) throw malformedCursor(cursor)
  return { name, asset }
}

/** Roles are small letters and underscores, so between `payable` and `payable;` stand `payable` and every `payable:R`. */
function namesOf({ role, account }: Pick<BalanceRequest, 'role' | 'account'>): NameRange {
  const first = account ?? role
  if (first?.includes('\0') === true) throw new Refusal('field_malformed', 'the name of an account holds no zero byte', { field: account === null ? 'role' : 'account' })
  if (account !== null) return { first: account, end: `${account}\u0001` }
  return role === null ? { first: null, end: null } : { first: role, end: `${role};` }
}

export type EntryDocument = AmountDocument & {
  /** The transfer's number in its lane. */
  readonly transfer: string
  /** The lane's position within the ledger. */
  readonly lane: number
  readonly recorded_at: string
  readonly kind: string
  /** Which side of the account it stands on. */
  readonly side: 'debit' | 'credit'
  /** Where it came from or went to. */
  readonly other: string
  readonly event: string | null
  readonly reference: string | null
  readonly event_at: string | null
  readonly subject: string | null
  /** Of the account in this asset after the entry, over all lanes. */
  readonly balance: AmountDocument
}

export type HistoryRequest = PageRequest & { readonly account: string; readonly order: 'newest' | 'oldest' }

/**
 * What moved in an account as the journal has it, shares of distributions that are not complete included: newest or
 * oldest first, in the order of recording; at equal instants by lane. The cost of a page grows with neither the history nor the number of accounts. Refuses `account_not_found`, `cursor_malformed`.
 */
export async function accountHistory({ store }: Reader, ledger: Ledger, { account, order, cursor, limit }: HistoryRequest): Promise<Page<EntryDocument>> {
  const newestFirst = order === 'newest'
  if (account.includes('\0')) throw noAccount(ledger, account)
  return await inSnapshot(store.pool, async (client) => {
    const start = cursor === null ? null : await edgesAround(client, ledger, cursor, newestFirst)
    const edges = newestFirst ? (start ?? lastEdges(ledger)) : (start ?? firstEdges(ledger))
    const range: Range = newestFirst ? { low: firstEdges(ledger), high: edges } : { low: edges, high: lastEdges(ledger) }
    const [found, sums] = [await entriesOf(client, { range, accounts: [account], newestFirst, limit }), await sumsAt(client, edges, [account])]
    if (sums.length === 0) throw noAccount(ledger, account)
    const standing = new Map(sums.map(({ asset, debits, credits }) => [asset, balanceOf(account, { debits, credits })]))
    const items = found.map((entry) => {
      const side = entry.debit === account ? ('debit' as const) : ('credit' as const)
      const change = balanceOf(account, { debits: side === 'debit' ? entry.units : 0n, credits: side === 'credit' ? entry.units : 0n })
      const before = standing.get(entry.asset) ?? 0n
      standing.set(entry.asset, newestFirst ? before - change : before + change)
      return entryDocument(ledger, entry, { side, balance: newestFirst ? before : before + change })
    })
    return { items, next: nextCursor(found, limit, (entry) => entryPlace(ledger, entry)) }
  })
}

function entryDocument(ledger: Ledger, entry: Entry, { side, balance }: { side: 'debit' | 'credit'; balance: bigint }): EntryDocument {
  const { lane, transfer, recorded_at: recordedAt, kind, debit, credit, units, asset, event, reference, event_at: eventAt, subject } = entry
  return {
    transfer: transfer.toString(),
    lane: ledger.lanes.indexOf(lane),
    recorded_at: recordedAt.toString(),
    kind,
    side,
    other: side === 'debit' ? credit : debit,
    ...amountDocument(units, asset),
    event: event?.toString() ?? null,
    reference,
    event_at: eventAt?.toString() ?? null,
    subject,
    balance: amountDocument(balance, asset),
  }
}

function noAccount(ledger: Ledger, account: string): Refusal {
  return new Refusal('account_not_found', `the ledger ${ledger.name} has no account ${JSON.stringify(account.slice(0, 80))}`, { account: clip(account) })
}

export function lastEdges({ lanes }: Ledger): readonly Edge[] {
  return lanes.map((lane) => ({ lane, transfer: LATEST, end: LATEST }))
}

export function firstEdges({ lanes }: Ledger): readonly Edge[] {
  return lanes.map((lane) => ({ lane, transfer: 0n, end: 0n }))
}

/** What was recorded before an instant, in each lane. */
export async function edgesBefore(on: Queryable, { lanes }: Ledger, instant: Temporal.Instant): Promise<readonly BlockEdge[]> {
  const at = justBefore(instant)
  return await edgesAt(on, lanes.map((lane) => ({ lane, at })))
}

/** The cursor of an entry: its number and its lane's position. */
export function entryPlace(ledger: Ledger, { transfer, lane }: Entry): string {
  return lanePlaceText(ledger, { number: transfer, lane })
}

/**
 * The places in all lanes before which (`isBefore`), or up to which, everything stands in the order of recording when an entry's cursor
 * is given: of lanes before its own what was recorded at or before its instant, of those after it what was recorded earlier.
 * Refuses `cursor_malformed`.
 */
export async function edgesAround(on: Queryable, ledger: Ledger, cursor: string, isBefore: boolean): Promise<readonly Edge[]> {
  const { number, lane } = lanePlaceOf(ledger, cursor)
  const block = await blockOfTransfer(on, lane, number)
  if (block === null) throw malformedCursor(cursor)
  const own = ledger.lanes.indexOf(lane)
  const instants = ledger.lanes.map((each, position) => ({ lane: each, at: position < own ? block.recorded_at : justBefore(block.recorded_at) }))
  const edges = await edgesAt(on, instants)
  return edges.map((edge): Edge => {
    if (edge.lane !== lane) return edge
    // The block before may end right before the entry.
    const transfer = isBefore ? number - 1n : number
    return edge.transfer === transfer ? edge : { lane, transfer, end: block.last_transfer }
  })
}
