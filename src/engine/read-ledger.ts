// Questions about a ledger, answered as documents. They change nothing.

import { accountName, balanceOf } from '../core/account.ts'
import { referenceDigest } from '../core/reference.ts'
import { Refusal } from '../core/refusal.ts'
import { attemptsOfPayouts } from '../store/attempt.ts'
import { eventByDigest, eventsByNumber, listEvents, type StoredEvent } from '../store/event.ts'
import { sumsAt } from '../store/history.ts'
import { listLedgers } from '../store/ledger.ts'
import { countPayouts, findPayout, findPayouts, listPayouts, type PayoutRow } from '../store/payout.ts'
import { listInbox, type InboxPlace } from '../store/inbox.ts'
import { listRecipients, walletsOf } from '../store/wallet.ts'
import {
  amountDocument,
  eventDocument,
  ledgerDocument,
  payoutDocument,
  type AmountDocument,
  type EventDocument,
  type InboxDocument,
  type LedgerDocument,
  type PayoutDocument,
  type RecipientDocument,
  type WalletDocument,
} from './documents.ts'
import { drawnBy, drawsOnOne, payoutsByShare } from './drawn-shares.ts'
import { laneOf, refreshPlans, type Ledger } from './ledger.ts'
import { lanePlaceOf, lanePlaceText, malformedCursor, nextCursor, type Page } from './page.ts'
import { lastEdges } from './read-accounts.ts'
import { recordedFromStore, type RecordedEvent } from './recorder.ts'
import type { Desk } from './world.ts'

type Reader = Pick<Desk, 'store' | 'rails'>

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export async function ledgers({ store }: Reader): Promise<readonly LedgerDocument[]> {
  return (await listLedgers(store.pool)).map(ledgerDocument)
}

/** Events, newest first. The cursor is the number and the lane's position of the last event shown. Refuses `cursor_malformed`. */
export async function events(reader: Reader, ledger: Ledger, page: { cursor: string | null; limit: number }): Promise<Page<EventDocument>> {
  const { items, next } = await recordedEvents(reader, ledger, page)
  return { items: items.map(eventDocument), next }
}

/** The same with the parts of their shares. */
export async function recordedEvents(reader: Reader, ledger: Ledger, { cursor, limit }: { cursor: string | null; limit: number }): Promise<Page<RecordedEvent>> {
  const found = await listEvents(reader.store.pool, { lanes: ledger.lanes, after: cursor === null ? null : lanePlaceOf(ledger, cursor), limit })
  await knowPlans(reader, ledger, found)
  const next = nextCursor(found, limit, (place) => lanePlaceText(ledger, place))
  return { items: found.map((event) => recordedFromStore(ledger, event)), next }
}

/** One event by its source reference. Refuses `event_not_found`. */
export async function event(reader: Reader, ledger: Ledger, reference: string): Promise<EventDocument> {
  return eventDocument(recordedFromStore(ledger, await storedEvent(reader, ledger, reference)))
}

/** One event as it is stored. Refuses `event_not_found`. */
export async function storedEvent(reader: Reader, ledger: Ledger, reference: string): Promise<StoredEvent> {
  const found = await eventByDigest(reader.store.pool, laneOf(ledger, reference), referenceDigest(reference))
  if (found === null) {
    throw new Refusal('event_not_found', `the ledger ${ledger.name} has no event ${JSON.stringify(reference.slice(0, 80))}`, { reference: reference.slice(0, 80) })
  }
  await knowPlans(reader, ledger, [found])
  return found
}

/** Payouts, newest first, in one state or all. The cursor is the id of the last payout shown. Refuses `cursor_malformed`. */
export async function payouts(
  reader: Reader,
  ledger: Ledger,
  { state, cursor, limit }: { state: PayoutRow['state'] | null; cursor: string | null; limit: number },
): Promise<Page<PayoutDocument>> {
  if (cursor !== null && !UUID.test(cursor)) throw malformedCursor(cursor)
  const found = await listPayouts(reader.store.pool, { lanes: ledger.lanes, state, before: cursor, limit })
  return { items: await payoutDocuments(reader, ledger, found), next: nextCursor(found, limit, ({ payout }) => payout) }
}

/** One payout with its attempts. Refuses `payout_not_found`. */
export async function payout(reader: Reader, ledger: Ledger, id: string): Promise<PayoutDocument> {
  const found = UUID.test(id) ? await findPayout(reader.store.pool, ledger.lanes, id) : null
  const [document] = found === null ? [] : await payoutDocuments(reader, ledger, [found])
  if (document !== undefined) return document
  throw new Refusal('payout_not_found', `the ledger ${ledger.name} has no payout ${JSON.stringify(id.slice(0, 80))}`, { payout: id.slice(0, 80) })
}

/** The payouts of one event, in plan order, with their attempts. */
export async function payoutsOfEvent(reader: Reader, ledger: Ledger, reference: string): Promise<readonly PayoutDocument[]> {
  const { lane, number } = await storedEvent(reader, ledger, reference)
  const found = await payoutsByShare(reader.store.pool, ledger, lane, [number])
  return await payoutDocuments(reader, ledger, await findPayouts(reader.store.pool, [lane], found.map(({ payout: id }) => id)))
}

export async function wallets(reader: Reader, ledger: Ledger): Promise<readonly WalletDocument[]> {
  const found = await walletsOf(reader.store.pool, ledger.id)
  const balances = await sumsAt(reader.store.pool, lastEdges(ledger), found.map(({ wallet }) => accountName('wallet', wallet)))
  return found.map(({ wallet, label, rail, address }) => {
    const account = accountName('wallet', wallet)
    const held = balances.filter(({ name }) => name === account).map((balance) => amountDocument(balanceOf(account, balance), balance.asset))
    return { wallet, label, rail, address, ledger_balances: held }
  })
}

export type PayoutCount = AmountDocument & { readonly state: PayoutRow['state']; readonly reason: string | null; readonly payouts: string }

/** Recipients by id, with their newest destination. The cursor is the last id shown. */
export async function recipients(
  { store, rails }: Reader,
  ledger: Ledger,
  { cursor, limit }: { cursor: string | null; limit: number },
): Promise<Page<RecipientDocument>> {
  const rail = rails[ledger.row.rail]
  const found = await listRecipients(store.pool, { ledger: ledger.id, after: cursor, limit })
  const items = found.map(({ recipient, label, destination, effective_from: from }) => {
    const shown = destination === null || rail === undefined ? null : rail.describe(destination)
    return { recipient, label, destination: shown, effective_from: from?.toString() ?? null }
  })
  return { items, next: nextCursor(found, limit, ({ recipient }) => recipient) }
}

/** Rows of the inbox table that wait or were refused, oldest first. Refuses `cursor_malformed`. */
export async function inboxEntries(
  { store }: Reader,
  ledger: Ledger,
  { cursor, limit }: { cursor: string | null; limit: number },
): Promise<Page<InboxDocument>> {
  const found = await listInbox(store.pool, { ledger: ledger.id, after: cursor === null ? null : inboxPlaceOf(cursor), limit })
  const items = found.map(({ queued_at: queuedAt, ...entry }) => ({ ...entry, queued_at: queuedAt.toString() }))
  return { items, next: nextCursor(items, limit, ({ queued_at: at, reference }) => Buffer.from(`${at} ${reference}`).toString('base64url')) }
}

/** A reference may hold anything, so the cursor is written in a form that no shell or address changes. */
function inboxPlaceOf(cursor: string): InboxPlace {
  const [, at = '', reference = ''] = /^(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z) ([^\0]+)$/s.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []
  try {
    return { queued_at: Temporal.Instant.from(at), reference }
  } catch {
    throw malformedCursor(cursor)
  }
}

/** How many payouts stand in each state, and how much money. */
export async function payoutCounts({ store }: Reader, ledger: Ledger): Promise<readonly PayoutCount[]> {
  const found = await countPayouts(store.pool, ledger.lanes)
  return found.map(({ state, reason, asset, payouts: count, units }) => ({ state, reason, payouts: count.toString(), ...amountDocument(units, asset) }))
}

async function payoutDocuments(reader: Reader, ledger: Ledger, found: readonly PayoutRow[]): Promise<readonly PayoutDocument[]> {
  const rail = reader.rails[ledger.row.rail]
  const byLane = Map.groupBy(found, ({ lane }) => lane)
  const documents = await Promise.all(
    [...byLane].map(async ([lane, rows]) => {
      const [owners, attempts] = await Promise.all([
        eventsByNumber(reader.store.pool, lane, [...new Set(rows.map((row) => row.event))]),
        attemptsOfPayouts(reader.store.pool, lane, rows.map((row) => row.payout)),
      ])
      const drawn = await drawnBy(reader.store.pool, ledger, lane, rows)
      const references = new Map(owners.map(({ number, reference }) => [number, reference]))
      const byPayout = Map.groupBy(attempts, (attempt) => attempt.payout)
      return rows.map((row) => {
        const destination = row.destination === null || rail === undefined ? null : rail.describe(row.destination)
        return payoutDocument(row, { reference: references.get(row.event) ?? '', destination, attempts: byPayout.get(row.payout) ?? [], drawn: drawn.get(row.payout) ?? drawsOnOne(row, references.get(row.event) ?? '') })
      })
    }),
  )
  const byId = new Map(documents.flat().map((document) => [document.payout, document]))
  return found.flatMap((row) => byId.get(row.payout) ?? [])
}

async function knowPlans(reader: Reader, ledger: Ledger, found: readonly StoredEvent[]): Promise<void> {
  const known = new Set(ledger.plans.map(({ version }) => version))
  if (found.some(({ plan }) => !known.has(plan))) await refreshPlans(reader, ledger)
}
