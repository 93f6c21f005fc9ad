// Distributions as people ask for them: an event with its shares, and what has become of each share's payout. Reads only.

import { roleNameOf } from '../core/account.ts'
import { payoutsOfEvents, type PayoutRow } from '../store/payout.ts'
import type { EventDocument, ShareDocument } from './documents.ts'
import { laneOf, type Ledger } from './ledger.ts'
import type { Page } from './page.ts'
import { event, events } from './read-ledger.ts'
import type { Desk } from './world.ts'

/**
 * A share's state is its payout's; `zero` when there is nothing to pay, `payable` while no payout has been made of it yet, `kept` when it
 * went to an account from which nothing is paid.
 * `reason` says why a payout is held.
 */
export type DistributedShareDocument = ShareDocument & {
  readonly state: 'zero' | 'payable' | 'kept' | PayoutRow['state']
  readonly reason: string | null
  readonly payout: string | null
}

/** `settled` when every share above zero is; `held` when one waits for something; else `open`. */
export type DistributionDocument = Omit<EventDocument, 'shares'> & {
  readonly state: 'settled' | 'held' | 'open'
  readonly shares: readonly DistributedShareDocument[]
}

type Reader = Pick<Desk, 'store' | 'rails'>

/** Distributions, newest first, by the cursor of `events`. Refuses `cursor_malformed`. */
export async function distributions(
  reader: Reader,
  ledger: Ledger,
  page: { cursor: string | null; limit: number },
): Promise<Page<DistributionDocument>> {
  const { items, next } = await events(reader, ledger, page)
  return { items: await withPayouts(reader, ledger, items), next }
}

/** One distribution by its event's source reference. Refuses `event_not_found`. */
export async function distribution(reader: Reader, ledger: Ledger, reference: string): Promise<DistributionDocument> {
  const found = await event(reader, ledger, reference)
  return (await withPayouts(reader, ledger, [found]))[0] as DistributionDocument
}

async function withPayouts({ store }: Reader, ledger: Ledger, found: readonly EventDocument[]): Promise<readonly DistributionDocument[]> {
  const byLane = Map.groupBy(found, ({ reference }) => laneOf(ledger, reference))
  const rows = await Promise.all(
    [...byLane].map(async ([lane, members]) => await payoutsOfEvents(store.pool, lane, members.map(({ event: number }) => BigInt(number)))),
  )
  // Events of different lanes may have the same number, so payouts are found by both.
  const payouts = new Map(rows.flat().map((row) => [`${row.lane} ${row.event} ${row.role}`, row]))
  return found.map((document) => {
    const lane = laneOf(ledger, document.reference)
    const shares = document.shares.map((share) => distributedShare(share, payouts.get(`${lane} ${document.event} ${share.role}`)))
    return { ...document, shares, state: stateOf(shares) }
  })
}

function distributedShare(share: ShareDocument, payout: PayoutRow | undefined): DistributedShareDocument {
  if (payout !== undefined) return { ...share, state: payout.state, reason: payout.reason, payout: payout.payout }
  const state = share.units === '0' ? 'zero' : roleNameOf(share.account) === 'payable' ? 'payable' : 'kept'
  return { ...share, state, reason: null, payout: null }
}

function stateOf(shares: readonly DistributedShareDocument[]): DistributionDocument['state'] {
  const states = new Set(shares.map(({ state }) => state).filter((state) => state !== 'zero' && state !== 'kept'))
  if (states.has('held') || states.has('awaiting_approval')) return 'held'
  return [...states].every((state) => state === 'settled') ? 'settled' : 'open'
}
