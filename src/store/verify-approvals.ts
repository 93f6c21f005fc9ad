// What had to be approved, for `verify`: the payouts that were ever offered to a network, with the settings they were let through by.

import { plainArray } from './statement.ts'
import type { Snapshot } from './verify.ts'

export type OfferedPayout = {
  readonly payout: string
  readonly event: bigint
  readonly attempt: string
  readonly asset: string
  readonly units: bigint
  readonly destination: unknown
  readonly settings: number
  readonly prepared_at: Temporal.Instant
}

/** Payouts of more units than `above` by asset that were ever in an attempt, from after a place on. */
export async function offeredPayouts(
  on: Snapshot,
  { lane, above, after, limit }: {
    lane: bigint
    above: Readonly<Record<string, bigint>>
    after: { attempt: string; payout: string } | null
    limit: number
  },
): Promise<OfferedPayout[]> {
  return await on.rows({
    text: `select payout.payout, payout.event, attempt.attempt, payout.asset, payout.units, payout.destination, attempt.settings, attempt.prepared_at
      from unnest($2::text[], $3::numeric[]) as asked (asset, above)
      join apportion.payout on payout.lane = $1 and payout.asset = asked.asset and payout.units > asked.above
      join apportion.attempt_payout on attempt_payout.lane = $1 and attempt_payout.payout = payout.payout
      join apportion.attempt on attempt.lane = $1 and attempt.attempt = attempt_payout.attempt
      where $4::uuid is null or (attempt.attempt, payout.payout) > ($4, $5::uuid)
      order by attempt.attempt, payout.payout
      limit $6`,
    values: [lane, Object.keys(above), plainArray(Object.values(above)), after?.attempt ?? null, after?.payout ?? null, limit],
  })
}

/** When the newest fact of a ledger was announced: the heads of its lanes were moved there. */
export async function newestAnnouncement(on: Snapshot, ledger: string): Promise<Temporal.Instant | null> {
  const [found] = await on.rows<{ at: Temporal.Instant | null }>({
    text: `select max(announced_at) as at from apportion.fact where ledger = $1`,
    values: [ledger],
  })
  return found?.at ?? null
}
