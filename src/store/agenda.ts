// What there is to do on a lane, asked of all kinds of work at once: an idle lane costs one statement a look, and each part of it is
// answered by an index that holds nothing but what is to be done.

import { oneRow, type Queryable } from './statement.ts'

/** Kinds of work on a lane. True where some may be due; what is false has nothing to do. */
export type Agenda = {
  /** Chunks of a large distribution to be posted. */
  readonly distributions: boolean
  /** A tree of a large distribution to be made. */
  readonly trees: boolean
  /** Shares beyond the cursor, or of a complete distribution; those that wait for a schedule's instant too. */
  readonly payouts: boolean
  /** Payouts to be tried again, or that wait for a wallet to be paid from or for an approval. */
  readonly held: boolean
  /** Payouts to be packed, signed and sent. */
  readonly send: boolean
  /** Attempts to be looked at. */
  readonly look: boolean
}

export async function agendaOf(on: Queryable, lane: bigint, now: Temporal.Instant): Promise<Agenda> {
  return await oneRow(on, {
    name: 'lane-agenda',
    text: `select exists (select from apportion.distribution where lane = $1 and state = 'running') as distributions,
      exists (select from apportion.distribution where lane = $1 and state = 'complete' and root is null) as trees,
      coalesce((select transfer from apportion.head where lane = $1), 0) > coalesce((select transfer from apportion.payout_cursor where lane = $1), 0)
        or exists (select from apportion.distribution where lane = $1 and state = 'complete' and payout_transfer < last_transfer) as payouts,
      exists (select from apportion.payout where lane = $1 and state = 'held' and due_at <= $2)
        or exists (select from apportion.payout where lane = $1 and state = 'awaiting_approval')
        or exists (select from apportion.payout where lane = $1 and wallet is null) as held,
      exists (
        select from apportion.lane
        join apportion.wallet on wallet.ledger = lane.ledger
        join apportion.asset on asset.ledger = lane.ledger
        where lane.lane = $1 and exists (
          select from apportion.payout
          where payout.lane = $1 and payout.wallet = wallet.wallet and payout.asset = asset.asset
            and payout.state = 'queued' and payout.due_at <= $2
            and (payout.locked_until is null or payout.locked_until <= $2)
        )
      ) as send,
      exists (select from apportion.attempt where lane = $1 and ended_at is null and look_at <= $2) as look`,
    values: [lane, now.toString()],
  })
}
