// What is stored of attempts and movements, for `verify`: the rows that a rail holds against itself, and those whose instants or
// destinations are not recorded elsewhere. Nothing is written here.

import type { Asked } from './verify-payouts.ts'
import type { Snapshot } from './verify.ts'

export type AttemptToVerify = {
  readonly attempt: string
  readonly asset: string
  readonly state: 'prepared' | 'submitted' | 'unknown' | 'settled' | 'failed' | 'never'
  readonly identity: string
  readonly bytes: Uint8Array
  /** JSON, of any form if it was written by hand. */
  readonly data: unknown
  readonly proof: unknown
  readonly wallet: string
  /** Null when there is no such wallet. */
  readonly address: string | null
  readonly payouts: readonly { readonly id: string; readonly units: string; readonly asset: string; readonly destination: unknown }[]
  readonly costs: readonly { readonly kind: 'fee' | 'rent'; readonly asset: string; readonly units: string }[]
}

/** All attempts of a lane with their payouts in the order of the batch, and what the journal says they cost. */
export function attemptsOf(lane: bigint): string {
  return `select attempt.attempt, attempt.asset, attempt.state, attempt.identity, attempt.bytes, attempt.data, attempt.proof, attempt.wallet,
      wallet.address, coalesce(member.payouts, '[]') as payouts, coalesce(spent.costs, '[]') as costs
    from apportion.attempt
    left join apportion.wallet on wallet.wallet = attempt.wallet
    left join (
      select attempt_payout.attempt, jsonb_agg(jsonb_build_object('id', payout.payout, 'units', payout.units::text, 'asset', payout.asset,
        'destination', payout.destination) order by attempt_payout.position) as payouts
      from apportion.attempt_payout
      join apportion.payout on payout.lane = attempt_payout.lane and payout.payout = attempt_payout.payout
      where attempt_payout.lane = ${lane}
      group by attempt_payout.attempt
    ) member on member.attempt = attempt.attempt
    left join (
      select transfer.subject, jsonb_agg(jsonb_build_object('kind', transfer.kind, 'asset', account.asset, 'units', transfer.units::text)) as costs
      from apportion.transfer
      join apportion.account on account.lane = transfer.lane and account.number = transfer.credit
      where transfer.lane = ${lane} and transfer.kind in ('fee', 'rent')
      group by transfer.subject
    ) spent on spent.subject = attempt.attempt
    where attempt.lane = ${lane}
    order by attempt.prepared_at, attempt.attempt`
}

export type MovementToVerify = {
  readonly movement: string
  readonly identity: string
  readonly asset: string
  readonly direction: 'in' | 'out'
  readonly units: string
  readonly at: string | null
  readonly proof: unknown
  readonly wallet: string
  readonly address: string | null
}

export function movementsOf(lane: bigint): string {
  return `select movement.movement, movement.identity, movement.asset, movement.direction, movement.units::text as units,
      movement.at::text as at, movement.proof, movement.wallet, wallet.address
    from apportion.movement left join apportion.wallet on wallet.wallet = movement.wallet
    where movement.lane = ${lane}
    order by movement.seen_at, movement.movement`
}

/** Payouts that go where their recipient was never said to be paid. */
export async function destinationFaults(
  on: Snapshot,
  { lane, limit }: Asked,
): Promise<{ payout: string; event: bigint; recipient: string; destination: unknown }[]> {
  return await on.rows({
    // Destinations stand where the server connects, a lane perhaps elsewhere.
    text: `with recorded as materialized (
        select recipient, destination from apportion.destination where ledger = (select ledger from apportion.lane where lane = $1)
      ), fault as materialized (
        select payout.payout, payout.event, payout.part, payout.recipient, payout.destination
        from apportion.payout
        where payout.lane = $1 and payout.destination is not null and not exists (
          select from recorded where recorded.recipient = payout.recipient and recorded.destination = payout.destination)
      )
      select payout, event, recipient, destination from fault order by event, part limit $2`,
    values: [lane, limit],
  })
}

/**
 * Settlements that are not of the instant of the block that holds them. A block's instant never goes back, so after a jump of the clock it
 * is that of the block before or of the plan version that was added last, and the settlement's is earlier.
 */
export async function settlementInstantFaults(
  on: Snapshot,
  { lane, limit }: Asked,
): Promise<{ payout: string; attempt: string; transfer: bigint; settled_at: string; recorded_at: string }[]> {
  return await on.rows({
    text: `with astray as materialized (
        select settlement.payout, settlement.attempt, settlement.settled_at, transfer.number
        from apportion.settlement
        join apportion.transfer on transfer.lane = $1 and transfer.kind = 'settled' and transfer.subject = settlement.payout
        where settlement.lane = $1 and not exists (
          select from apportion.block
          where block.lane = $1 and block.recorded_at = settlement.settled_at
            and transfer.number between block.first_transfer and block.last_transfer)
      )
      select astray.payout, astray.attempt, astray.number as transfer, astray.settled_at::text as settled_at,
        holding.recorded_at::text as recorded_at
      from astray
      cross join lateral (
        select number, recorded_at from apportion.block
        where lane = $1 and first_transfer <= astray.number
        order by number desc limit 1
      ) holding
      where not (astray.settled_at < holding.recorded_at and (
        exists (select from apportion.block where lane = $1 and number = holding.number - 1 and recorded_at = holding.recorded_at)
        or exists (
          select from apportion.plan_version join apportion.lane using (ledger)
          where lane.lane = $1 and plan_version.created_at = holding.recorded_at)))
      order by astray.number
      limit $2`,
    values: [lane, limit],
  })
}
