// What `explain` reads beside the event itself: the block that holds it, its transfers, and what became of its payouts in the ledger.

import type { TransferKind } from '../core/account.ts'
import { maybeRow, plainArray, rows, type Queryable } from './statement.ts'

export type EventProof = {
  readonly block: bigint
  readonly hash: string
  readonly digest: string
  /** As the reference's row keeps it, in hex; null when there is no such row. */
  readonly fingerprint: string | null
}

/** Where an event stands in the chain, and the fingerprint that guards its reference. */
export async function proofOfEvent(on: Queryable, lane: bigint, event: bigint): Promise<EventProof | null> {
  return await maybeRow(on, {
    text: `select event.block, encode(block.hash, 'hex') as hash, event.digest, encode(reference.fingerprint, 'hex') as fingerprint
      from apportion.event
      join apportion.block on block.lane = event.lane and block.number = event.block
      left join apportion.reference on reference.lane = event.lane and reference.digest = event.digest
      where event.lane = $1 and event.number = $2`,
    values: [lane, event],
  })
}

export type NamedTransfer = {
  readonly number: bigint
  readonly kind: TransferKind
  readonly part: number | null
  readonly subject: string | null
  readonly debit: string
  readonly credit: string
  readonly asset: string
  readonly units: bigint
}

/** The transfers that an event says are its own, in order. */
export async function transfersOfEvent(on: Queryable, lane: bigint, event: bigint): Promise<NamedTransfer[]> {
  return await rows(on, {
    text: `select transfer.number, transfer.kind, transfer.part, transfer.subject, debit.name as debit, credit.name as credit, credit.asset,
        transfer.units
      from apportion.event
      join apportion.transfer on transfer.lane = event.lane
        and transfer.number between event.first_transfer and event.first_transfer + event.transfers - 1
      join apportion.account debit on debit.lane = transfer.lane and debit.number = transfer.debit
      join apportion.account credit on credit.lane = transfer.lane and credit.number = transfer.credit
      where event.lane = $1 and event.number = $2
      order by transfer.number`,
    values: [lane, event],
  })
}

/** The transfers of one part of a large distribution; of one that takes back there may be two. Only its chunk is looked through. */
export async function transfersOfPart(
  on: Queryable,
  { lane, digest }: { readonly lane: bigint; readonly digest: string },
  { first_transfer: first, shares }: { readonly first_transfer: bigint; readonly shares: number },
  part: number,
): Promise<NamedTransfer[]> {
  return await rows(on, {
    text: `select transfer.number, transfer.kind, transfer.part, transfer.subject, debit.name as debit, credit.name as credit, credit.asset, transfer.units
      from apportion.transfer
      join apportion.account debit on debit.lane = transfer.lane and debit.number = transfer.debit
      join apportion.account credit on credit.lane = transfer.lane and credit.number = transfer.credit
      where transfer.lane = $1 and transfer.number >= $2 and transfer.number < $3 and transfer.kind in ('distributed', 'taken_back') and transfer.subject = $4 and transfer.part = $5
      order by transfer.number`,
    values: [lane, first, first + BigInt(shares), digest, part],
  })
}

export type Move = NamedTransfer & { readonly block: bigint; readonly hash: string; readonly recorded_at: Temporal.Instant }

/**
 * Movements of payouts and attempts, in order, found in the first `blocks` blocks recorded at or after each instant: there is no index
 * of subjects (it would cost each posting a tenth), but a movement is posted with the instant of its attempt, or soon after.
 */
export async function movesNear(
  on: Queryable,
  lane: bigint,
  { subjects, instants, blocks }: { subjects: readonly string[]; instants: readonly Temporal.Instant[]; blocks: number | null },
): Promise<Move[]> {
  return await rows(on, {
    text: `with near as (
        select distinct block.number, block.first_transfer, block.last_transfer, block.hash, block.recorded_at
        from unnest($3::timestamptz[]) as instant
        cross join lateral (
          select number, first_transfer, last_transfer, hash, recorded_at from apportion.block
          where block.lane = $1 and block.recorded_at >= instant
          order by block.recorded_at, block.number
          limit $4
        ) block
      )
      select transfer.number, transfer.kind, transfer.part, transfer.subject, debit.name as debit, credit.name as credit, credit.asset,
        transfer.units, near.number as block, encode(near.hash, 'hex') as hash, near.recorded_at
      from near
      join apportion.transfer on transfer.lane = $1 and transfer.number between near.first_transfer and near.last_transfer
        and transfer.subject = any ($2::uuid[])
      join apportion.account debit on debit.lane = transfer.lane and debit.number = transfer.debit
      join apportion.account credit on credit.lane = transfer.lane and credit.number = transfer.credit
      order by transfer.number`,
    values: [lane, plainArray(subjects), plainArray(instants.map((instant) => instant.toString())), blocks],
  })
}

/** When payouts were proven paid, and by which attempt. */
export async function settlementsOf(
  on: Queryable,
  lane: bigint,
  payouts: readonly string[],
): Promise<{ payout: string; attempt: string; settled_at: Temporal.Instant }[]> {
  return await rows(on, {
    text: `select payout, attempt, settled_at from apportion.settlement where lane = $1 and payout = any ($2::uuid[])`,
    values: [lane, plainArray(payouts)],
  })
}

/** How many payouts each of these attempts carries. */
export async function sizesOfAttempts(on: Queryable, lane: bigint, attempts: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = await rows<{ attempt: string; payouts: number }>(on, {
    text: `select attempt, count(*)::integer as payouts from apportion.attempt_payout
      where lane = $1 and attempt = any ($2::uuid[]) group by attempt`,
    values: [lane, plainArray(attempts)],
  })
  return new Map(found.map(({ attempt, payouts }) => [attempt, payouts]))
}
