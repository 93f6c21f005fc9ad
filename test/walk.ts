// All transfers of a ledger in the order of recording, read plainly from the tables: what histories, balances and statements are compared with.

import type { Home, House } from './house.ts'

export type Walked = {
  /** The lane's position. */
  readonly lane: number
  readonly transfer: string
  readonly at: Temporal.Instant
  /** When its event happened; when it was recorded where it belongs to none. */
  readonly event_at: Temporal.Instant
  readonly kind: string
  readonly debit: string
  readonly credit: string
  readonly units: bigint
}

export async function walkedTransfers({ database }: House, { ledger }: Home): Promise<readonly Walked[]> {
  const { rows } = await database.pool.query<Walked>(
    `select array_position($1::bigint[], transfer.lane) - 1 as lane, transfer.number::text as transfer, block.recorded_at as at,
       coalesce(event.event_at, block.recorded_at) as event_at, transfer.kind, debit.name as debit, credit.name as credit, transfer.units
     from apportion.transfer
     join apportion.block on block.lane = transfer.lane and transfer.number between block.first_transfer and block.last_transfer
     join apportion.account debit on debit.lane = transfer.lane and debit.number = transfer.debit
     join apportion.account credit on credit.lane = transfer.lane and credit.number = transfer.credit
     left join apportion.event on event.lane = transfer.lane and event.number = transfer.event
     where transfer.lane = any ($1)
     order by block.recorded_at, 1, transfer.number`,
    [ledger.lanes],
  )
  return rows
}
