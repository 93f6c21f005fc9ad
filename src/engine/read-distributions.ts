// Distributions as people ask for them: an event with its shares, and what has become of each share's payout. Reads only.

import { roleNameOf } from '../core/account.ts'
import { present } from '../core/assert.ts'
import type { PayoutRow } from '../store/payout.ts'
import { distributionsOf, type DistributionRow } from '../store/distribution.ts'
import { amountDocument, eventDocument, type AmountDocument, type EventDocument, type ShareDocument } from './documents.ts'
import { payoutsByShare } from './drawn-shares.ts'
import type { Ledger } from './ledger.ts'
import type { Page } from './page.ts'
import { recordedEvents, storedEvent } from './read-ledger.ts'
import { recordedFromStore, type RecordedEvent } from './recorder.ts'
import type { Desk } from './world.ts'

/**
 * A share's state is its payout's; `zero` when there is nothing to pay, `payable` while no payout has been made of it yet, `kept` when it
 * went to an account from which nothing is paid.
 * `reason` says why a payout is held.
 */
export type DistributedShareDocument = ShareDocument & {
  readonly state: 'zero' | 'payable' | 'kept' | 'running' | 'complete' | PayoutRow['state']
  readonly reason: string | null
  readonly payout: string | null
}

/** How far a distribution by snapshot, or its reversal, is: `place` of `recipients` were given their `shares`, or these taken back from them, which counts when it is complete. */
export type ProgressDocument = AmountDocument & {
  readonly state: DistributionRow['state']
  readonly snapshot: string
  readonly recipients: string
  readonly place: string
  readonly shares: string
  readonly completed_at: string | null
  /** Merkle root over all shares; null until it is made, and for a reversal. */
  readonly root: string | null
}

/**
 * `settled` when every share above zero is, or was cancelled; `cancelled` when all were; `held` when one waits for something; else `open`. By snapshot it is `running`, then `complete`:
 * everything is payable, and its payouts are listed by themselves.
 */
export type DistributionDocument = Omit<EventDocument, 'shares'> & {
  readonly state: 'settled' | 'cancelled' | 'held' | 'open' | 'running' | 'complete'
  readonly shares: readonly DistributedShareDocument[]
  readonly progress: ProgressDocument | null
}

type Reader = Pick<Desk, 'store' | 'rails'>

/** Distributions, newest first, by the cursor of `events`. Refuses `cursor_malformed`. */
export async function distributions(
  reader: Reader,
  ledger: Ledger,
  page: { cursor: string | null; limit: number },
): Promise<Page<DistributionDocument>> {
  const { items, next } = await recordedEvents(reader, ledger, page)
  return { items: await withPayouts(reader, ledger, items), next }
}

/** One distribution by its event's source reference. Refuses `event_not_found`. */
export async function distribution(reader: Reader, ledger: Ledger, reference: string): Promise<DistributionDocument> {
  const found = recordedFromStore(ledger, await storedEvent(reader, ledger, reference))
  return (await withPayouts(reader, ledger, [found]))[0] as DistributionDocument
}

async function withPayouts({ store }: Reader, ledger: Ledger, found: readonly RecordedEvent[]): Promise<readonly DistributionDocument[]> {
  const byLane = Map.groupBy(found, ({ lane }) => lane)
  const rows = await Promise.all([...byLane].map(async ([lane, members]) => await payoutsByShare(store.pool, ledger, lane, members.map(({ number }) => number))))
  const large = await Promise.all([...byLane].map(async ([lane, members]) => await distributionsOf(store.pool, lane, members.filter(isLarge).map(({ number }) => number))))
  const progress = new Map(large.flat().map((row) => [`${row.lane} ${row.event}`, progressDocument(row)]))
  // By part, which names a share for ever: many shares of an event may have one role.
  const payouts = new Map(rows.flat().map((row) => [`${row.lane} ${row.event} ${row.part}`, row]))
  return found.map((event) => {
    const place = `${event.lane} ${event.number}`
    const own = progress.get(place) ?? null
    const document = eventDocument(event)
    const shares = document.shares.map((share, index): DistributedShareDocument => {
      if (own !== null && share.account === HOLDER) return { ...share, state: own.state, reason: null, payout: null }
      return distributedShare(share, payouts.get(`${place} ${present(event.shares[index], 'share').part}`))
    })
    return { ...document, shares, state: own?.state ?? stateOf(shares), progress: own }
  })
}

const HOLDER = 'distributing'

/** Of reversals only those of large distributions have a row. */
function isLarge({ shares, reverses }: Pick<RecordedEvent, 'shares' | 'reverses'>): boolean {
  return reverses !== null || shares.some(({ account }) => account === HOLDER)
}

export function progressDocument(row: DistributionRow): ProgressDocument {
  const { state, snapshot, recipients, next_place: place, shares, given, asset, completed_at: completedAt, root } = row
  const counts = { recipients: recipients.toString(), place: place.toString(), shares: shares.toString() }
  return { state, snapshot, ...counts, ...amountDocument(given, asset), completed_at: completedAt?.toString() ?? null, root }
}

function distributedShare(share: ShareDocument, payout: PayoutRow | undefined): DistributedShareDocument {
  if (payout !== undefined) return { ...share, state: payout.state, reason: payout.reason, payout: payout.payout }
  const state = share.units === '0' ? 'zero' : roleNameOf(share.account) === 'payable' ? 'payable' : 'kept'
  return { ...share, state, reason: null, payout: null }
}

function stateOf(shares: readonly DistributedShareDocument[]): DistributionDocument['state'] {
  const states = new Set(shares.map(({ state }) => state).filter((state) => state !== 'zero' && state !== 'kept'))
  if (states.has('held') || states.has('awaiting_approval')) return 'held'
  if (states.size === 1 && states.has('cancelled')) return 'cancelled'
  return [...states].every((state) => state === 'settled' || state === 'cancelled') ? 'settled' : 'open'
}
