// The shares that payouts draw on, where one may draw on several: which payouts a share's event has, and which shares a payout has.

import { PAYOUT_COLUMNS, type PayoutRow } from './payout.ts'
import { plainArray, rows, type Queryable, type Statement } from './statement.ts'

/** A payout as one of its shares has it: `event` and `part` are the share's, by the plan version that made it. */
export type JoinedPayout = PayoutRow & { readonly plan: number }

/** Payouts that draw on shares of events and stand under the first of their other shares. */
export async function joinedPayoutsOf(on: Queryable, lane: bigint, events: readonly bigint[]): Promise<JoinedPayout[]> {
  return await rows(on, {
    text: `select ${PAYOUT_COLUMNS.replace('payout.event, payout.part', 'transfer.event, transfer.part')}, event.plan
      from unnest($2::bigint[]) as asked (event)
      join apportion.event on event.lane = $1 and event.number = asked.event
      join apportion.payout_share on payout_share.lane = $1
        and payout_share.transfer >= event.first_transfer and payout_share.transfer < event.first_transfer + event.transfers
      join apportion.transfer on transfer.lane = $1 and transfer.number = payout_share.transfer
      join apportion.payout on payout.lane = $1 and payout.payout = payout_share.payout
      where (payout.event, payout.part) <> (transfer.event, transfer.part)
      order by transfer.number`,
    values: [lane, plainArray(events)],
  })
}

export type DrawnShare = {
  readonly payout: string
  readonly reference: string
  readonly event: bigint
  readonly plan: number
  readonly part: number
  /** Less what was taken from it before it was paid. */
  readonly units: bigint
  /** How many shares the payout draws on. */
  readonly shares: bigint
}

/** The shares of payouts in order, of each so many at most. */
export async function drawnShares(on: Queryable, { lane, payouts, limit }: { lane: bigint; payouts: readonly string[]; limit: number }): Promise<DrawnShare[]> {
  return await rows(on, {
    text: `select payout, reference, event, plan, part, units, shares from (
        select payout_share.payout, event.reference, event.number as event, event.plan, transfer.part,
          transfer.units - (select coalesce(sum(units), 0) from apportion.deduction where lane = $1 and share = transfer.number) as units,
          count(*) over (partition by payout_share.payout) as shares,
          row_number() over (partition by payout_share.payout order by payout_share.transfer) as place
        from apportion.payout_share
        join apportion.payout on payout.lane = $1 and payout.payout = payout_share.payout
        join apportion.transfer on transfer.lane = $1 and transfer.number = payout_share.transfer
        join apportion.event on event.lane = $1 and event.number = coalesce(transfer.event, payout.event)
        where payout_share.lane = $1 and payout_share.payout = any ($2::uuid[])
      ) drawn
      where place <= $3
      order by payout, place`,
    values: [lane, plainArray(payouts), limit],
  })
}

export type SharePayout = { readonly payout: string; readonly part: number; readonly state: string; readonly units: bigint }

/** The payouts that draw on shares of an event, once for each share, locked: a reservation must wait for what becomes of them. */
export function lockPayoutsOf(lane: bigint, event: bigint): Statement {
  return {
    text: `select payout.payout, transfer.part, payout.state, payout.units
      from apportion.event
      join apportion.payout_share on payout_share.lane = $1
        and payout_share.transfer >= event.first_transfer and payout_share.transfer < event.first_transfer + event.transfers
      join apportion.transfer on transfer.lane = $1 and transfer.number = payout_share.transfer
      join apportion.payout on payout.lane = $1 and payout.payout = payout_share.payout
      where event.lane = $1 and event.number = $2
      order by payout.payout for update of payout`,
    values: [lane, event],
  }
}

/** The payouts of a large distribution, each of one share, locked. Others of its event are among them, under the first of their shares. */
export function lockLargePayouts(lane: bigint, event: bigint): Statement {
  return {
    text: `select payout, part, state, units from apportion.payout where lane = $1 and event = $2 order by payout for update`,
    values: [lane, event],
  }
}

/** Of transfers that are shares: the payout that draws on each. */
export async function payoutsDrawing(on: Queryable, places: readonly { readonly lane: bigint; readonly transfer: bigint }[]): Promise<{ lane: bigint; transfer: bigint; payout: string }[]> {
  if (places.length === 0) return []
  return await rows(on, {
    text: `select lane, transfer, payout from apportion.payout_share
      join unnest($1::bigint[], $2::bigint[]) as asked (lane, transfer) using (lane, transfer)`,
    values: [plainArray(places.map(({ lane }) => lane)), plainArray(places.map(({ transfer }) => transfer))],
  })
}
