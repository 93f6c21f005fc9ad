// What there is to do on a lane, asked of all kinds of work at once: an idle lane costs one statement a look, and each part of it is
// answered by an index that holds nothing but what is to be done. The conditions are those of whoever does the work.

import { DUE_ATTEMPTS } from './attempt.ts'
import { ROOTLESS } from './distribution-root.ts'
import { RUNNING, UNPAID } from './distribution.ts'
import { HELD_DUE } from './held-payout.ts'
import { AWAITING, DUE_QUEUES, WALLETLESS } from './payout.ts'
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
    text: `select exists (select from apportion.distribution where ${RUNNING}) as distributions,
      exists (select from apportion.distribution where ${ROOTLESS}) as trees,
      coalesce((select transfer from apportion.head where lane = $1), 0) > coalesce((select transfer from apportion.payout_cursor where lane = $1), 0)
        or exists (select from apportion.distribution where ${UNPAID}) as payouts,
      exists (select from apportion.payout where ${HELD_DUE})
        or exists (select from apportion.payout where ${AWAITING})
        or exists (select from apportion.payout where ${WALLETLESS}) as held,
      exists (select ${DUE_QUEUES}) as send,
      exists (select from apportion.attempt where ${DUE_ATTEMPTS}) as look`,
    values: [lane, now.toString()],
  })
}
