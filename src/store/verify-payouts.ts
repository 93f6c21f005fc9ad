// Payouts beside the journal, for `verify`: each question answers the rows of one lane that break a rule, in the order of the journal,
// at most `limit` of them. Nothing is written here.

import type { Snapshot } from './verify.ts'

/**
 * Questions that hardly ever answer anything are asked of a materialized set: a limit would make the planner expect the first rows soon
 * and look up each by itself, which takes three times as long for all of them.
 */
export type Asked = { readonly lane: bigint; readonly limit: number }

/** Shares up to the cursor (of a large distribution: up to its own) that are not drawn on by exactly one payout. */
export async function shareFaults(
  on: Snapshot,
  { lane, cursor, limit }: Asked & { cursor: bigint },
): Promise<{ transfer: bigint; event: bigint | null; units: string; payouts: bigint }[]> {
  return await on.rows({
    text: `select transfer.number as transfer, coalesce(transfer.event, distribution.event) as event, transfer.units::text as units, coalesce(drawn.payouts, 0) as payouts
      from apportion.transfer
      join apportion.account on account.lane = $1 and account.number = transfer.credit and starts_with(account.name, 'payable:')
      left join (
        select payout_share.transfer, count(*) as payouts from apportion.payout_share where lane = $1 group by payout_share.transfer
      ) drawn on drawn.transfer = transfer.number
      left join apportion.distribution
        on transfer.kind = 'distributed' and distribution.lane = transfer.lane and distribution.digest = transfer.subject
      where transfer.lane = $1
        and (transfer.kind = 'share' and transfer.number <= $2 or transfer.kind = 'distributed' and transfer.number <= distribution.payout_transfer)
        and coalesce(drawn.payouts, 0) <> 1
      order by transfer.number
      limit $3`,
    values: [lane, cursor, limit],
  })
}

export type StrayShare = {
  readonly transfer: bigint
  readonly payout: string
  readonly kind: string | null
  readonly transfer_event: bigint | null
  readonly transfer_part: number | null
  readonly account: string | null
  readonly account_asset: string | null
  readonly event: bigint | null
  readonly part: number | null
  readonly recipient: string | null
  readonly asset: string | null
}

/** Payouts that draw on what is no share, on one beyond the cursor, or on somebody else's. `joins`: they may draw on several. */
export async function strayShares(on: Snapshot, { lane, cursor, joins, limit }: Asked & { cursor: bigint; joins: boolean }): Promise<StrayShare[]> {
  return await on.rows({
    text: `with stray as materialized (
        select payout_share.transfer, payout_share.payout, transfer.kind, coalesce(transfer.event, distribution.event) as transfer_event, transfer.part as transfer_part,
          account.name as account, account.asset as account_asset, payout.event, payout.part, payout.recipient, payout.asset
        from apportion.payout_share
        left join apportion.transfer on transfer.lane = payout_share.lane and transfer.number = payout_share.transfer
        left join apportion.distribution
          on transfer.kind = 'distributed' and distribution.lane = transfer.lane and distribution.digest = transfer.subject and distribution.state = 'complete'
        left join apportion.account on account.lane = transfer.lane and account.number = transfer.credit
        left join apportion.payout on payout.lane = payout_share.lane and payout.payout = payout_share.payout
        where payout_share.lane = $1 and not coalesce(
          (transfer.kind = 'share' and transfer.number <= $2 and (payout.event = transfer.event and payout.part = transfer.part or $4 and exists (
              -- It stands under another of its shares.
              select from apportion.payout_share first
              join apportion.transfer head on head.lane = $1 and head.number = first.transfer
              where first.lane = $1 and first.payout = payout.payout and head.event = payout.event and head.part = payout.part))
            or transfer.kind = 'distributed' and transfer.number <= distribution.payout_transfer and payout.event = distribution.event and payout.part = transfer.part)
          and account.name = 'payable:' || payout.recipient and account.asset = payout.asset, false)
      )
      select transfer, payout, kind, transfer_event, transfer_part, account, account_asset, event, part, recipient, asset
      from stray order by transfer limit $3`,
    values: [lane, cursor, limit, joins],
  })
}

/** Payouts whose units are not the sum of the shares they draw on. */
export async function payoutUnitFaults(
  on: Snapshot,
  { lane, limit }: Asked,
): Promise<{ payout: string; event: bigint; units: string; shares: string }[]> {
  return await on.rows({
    text: `with fault as materialized (
        select payout.payout, payout.event, payout.part, payout.units, coalesce(drawn.shares, 0) as shares
        from apportion.payout
        left join (
          select payout_share.payout, sum(transfer.units - coalesce(deducted.units, 0)) as shares
          from apportion.payout_share
          join apportion.transfer on transfer.lane = payout_share.lane and transfer.number = payout_share.transfer
          left join (
            select share, sum(units) as units from apportion.deduction where lane = $1 group by share
          ) deducted on deducted.share = payout_share.transfer
          where payout_share.lane = $1
          group by payout_share.payout
        ) drawn on drawn.payout = payout.payout
        where payout.lane = $1 and coalesce(drawn.shares, 0) <> case payout.state when 'cancelled' then 0 else payout.units end
      )
      select payout, event, units::text as units, shares::text as shares from fault order by event, part, payout limit $2`,
    values: [lane, limit],
  })
}

/** The roles that payouts have by plan version and part, with the first event of each. */
export async function payoutRoles(
  on: Snapshot,
  lane: bigint,
): Promise<{ plan: number; part: number; role: string; payouts: bigint; event: bigint }[]> {
  return await on.rows({
    text: `select event.plan, payout.part, payout.role, count(*) as payouts, min(payout.event) as event
      from apportion.payout join apportion.event on event.lane = payout.lane and event.number = payout.event
      where payout.lane = $1
      group by event.plan, payout.part, payout.role
      order by min(payout.event), payout.part, payout.role`,
    values: [lane],
  })
}

export type PayoutStateFault = {
  readonly payout: string
  readonly event: bigint
  readonly state: string
  readonly reserved: bigint
  readonly released: bigint
  readonly settled: bigint
  readonly settlements: bigint
  /** State of the attempt that the payout says is its live one, when it is a member of it. */
  readonly live: string | null
}

/** Payouts whose state says something else than their transfers, their settlement and their live attempt. */
export async function payoutStateFaults(on: Snapshot, { lane, limit }: Asked): Promise<PayoutStateFault[]> {
  return await on.rows({
    text: `with moved as (
        select subject, count(*) filter (where kind = 'reserved') as reserved, count(*) filter (where kind = 'released') as released,
          count(*) filter (where kind = 'settled') as settled
        from apportion.transfer
        where lane = $1 and subject is not null
        group by subject
      ), proven as (
        select payout, count(*) as settlements from apportion.settlement where lane = $1 group by payout
      ), stated as (
        select payout.payout, payout.event, payout.part, payout.state, coalesce(moved.reserved, 0) as reserved,
          coalesce(moved.released, 0) as released, coalesce(moved.settled, 0) as settled, coalesce(proven.settlements, 0) as settlements,
          case when attempt_payout.payout is not null then attempt.state end as live
        from apportion.payout
        left join moved on moved.subject = payout.payout
        left join proven on proven.payout = payout.payout
        left join apportion.attempt on attempt.lane = payout.lane and attempt.attempt = payout.live_attempt and attempt.ended_at is null
        left join apportion.attempt_payout
          on attempt_payout.lane = payout.lane and attempt_payout.attempt = attempt.attempt and attempt_payout.payout = payout.payout
        where payout.lane = $1
      )
      select payout, event, state, reserved, released, settled, settlements, live from stated
      where not case state
        when 'reserved' then reserved = released + 1 and settled = 0 and settlements = 0 and live is not null
        when 'settled' then reserved = released + 1 and settled = 1 and settlements = 1 and live is null
        else reserved = released and settled = 0 and settlements = 0 and live is null
      end
      order by event, part, payout
      limit $2`,
    values: [lane, limit],
  })
}

export type SubjectFault = {
  readonly transfer: bigint
  readonly kind: string
  readonly subject: string | null
  readonly units: string
  readonly debit: string
  readonly credit: string
  readonly asset: string
  /** What the payout, attempt or movement of that id says; null when there is none. */
  readonly owner_units: string | null
  readonly owner_asset: string | null
  readonly recipient: string | null
  readonly wallet: string | null
  readonly state: string | null
}

/** Movements of payouts and wallets that do not agree with the payout, attempt or movement they name. */
export async function subjectFaults(on: Snapshot, { lane, limit }: Asked): Promise<SubjectFault[]> {
  return await on.rows({
    // Written out before they are limited: asked for the first few, the planner looks up each transfer's owners one by one, and nearly always
    // there are none to find. What a payout was made of is looked up where it has become smaller, and nowhere else.
    text: `with moved as (
        select transfer.number as transfer, transfer.kind, transfer.subject, transfer.units, debit.name as debit, credit.name as credit,
          credit.asset, coalesce(deduction.units, payout.units, movement.units) as owner_units,
          case when transfer.kind in ('reserved', 'released') and transfer.units <> payout.units then (
            select sum((select units from apportion.transfer share where share.lane = $1 and share.number = payout_share.transfer))
            from apportion.payout_share
            where payout_share.lane = $1 and payout_share.payout = payout.payout
          ) end as share_units,
          coalesce(payout.asset, movement.asset) as owner_asset, payout.recipient,
          coalesce(payout.wallet, attempt.wallet, movement.wallet) as wallet,
          coalesce(payout.state, attempt.state, movement.direction) as state, attempt.ended_at
        from apportion.transfer
        join apportion.account debit on debit.lane = transfer.lane and debit.number = transfer.debit
        join apportion.account credit on credit.lane = transfer.lane and credit.number = transfer.credit
        left join apportion.payout
          on transfer.kind in ('reserved', 'released', 'settled', 'recouped') and payout.lane = transfer.lane and payout.payout = transfer.subject
        left join apportion.deduction on transfer.kind = 'recouped' and deduction.lane = transfer.lane and deduction.transfer = transfer.number
        left join apportion.attempt
          on transfer.kind in ('fee', 'rent') and attempt.lane = transfer.lane and attempt.attempt = transfer.subject
        left join apportion.movement
          on transfer.kind in ('funded', 'withdrawn') and movement.lane = transfer.lane and movement.movement = transfer.subject
        where transfer.lane = $1 and transfer.kind in ('reserved', 'released', 'settled', 'recouped', 'fee', 'rent', 'funded', 'withdrawn')
      ), fault as materialized (
        select transfer, kind, subject, units::text as units, debit, credit, asset, owner_units::text as owner_units, owner_asset, recipient,
          wallet, state
        from moved
        where not coalesce(
          case when kind in ('fee', 'rent') then ended_at is not null else asset = owner_asset and (
            -- A payout that was released may have become smaller by a reversal since.
            units = owner_units or kind in ('reserved', 'released') and units between owner_units and share_units
          ) end
          and case kind
            when 'reserved' then debit = 'payable:' || recipient and credit = 'in_flight:' || recipient
            when 'released' then debit = 'in_flight:' || recipient and credit = 'payable:' || recipient
            when 'recouped' then debit = 'payable:' || recipient and credit = 'owed_by:' || recipient
            when 'settled' then debit = 'in_flight:' || recipient and credit = 'wallet:' || wallet
            when 'funded' then state = 'in' and debit = 'wallet:' || wallet
            when 'withdrawn' then state = 'out' and credit = 'wallet:' || wallet
            else credit = 'wallet:' || wallet
          end, false)
      )
      select transfer, kind, subject, units, debit, credit, asset, owner_units, owner_asset, recipient, wallet, state from fault
      order by transfer
      limit $2`,
    values: [lane, limit],
  })
}

/** Settlements without the attempt that proves them: it must be settled, hold the payout, and have ended when it was settled. */
export async function settlementFaults(
  on: Snapshot,
  { lane, limit }: Asked,
): Promise<{ payout: string; event: bigint | null; attempt: string; payout_state: string | null; attempt_state: string | null; member: boolean; at_its_end: boolean }[]> {
  return await on.rows({
    text: `select settlement.payout, payout.event, settlement.attempt, payout.state as payout_state, attempt.state as attempt_state,
        attempt_payout.payout is not null as member, coalesce(settlement.settled_at = attempt.ended_at, false) as at_its_end
      from apportion.settlement
      left join apportion.payout on payout.lane = settlement.lane and payout.payout = settlement.payout
      left join apportion.attempt on attempt.lane = settlement.lane and attempt.attempt = settlement.attempt
      left join apportion.attempt_payout on attempt_payout.lane = settlement.lane and attempt_payout.attempt = settlement.attempt
        and attempt_payout.payout = settlement.payout
      where settlement.lane = $1
        and not coalesce(payout.state = 'settled' and attempt.state = 'settled' and attempt_payout.payout is not null
          and settlement.settled_at = attempt.ended_at, false)
      order by payout.event, payout.part, settlement.payout
      limit $2`,
    values: [lane, limit],
  })
}

export type AttemptFault = {
  readonly attempt: string
  readonly state: string
  readonly payout: string | null
  readonly payout_state: string | null
  readonly live_attempt: string | null
  readonly settled_by: string | null
}

/** Attempts whose payouts do not stand as the attempt's state says, or belong to another wallet or asset. */
export async function attemptFaults(on: Snapshot, { lane, limit }: Asked): Promise<AttemptFault[]> {
  return await on.rows({
    text: `select attempt.attempt, attempt.state, attempt_payout.payout, payout.state as payout_state, payout.live_attempt,
        settlement.attempt as settled_by
      from apportion.attempt
      left join apportion.attempt_payout on attempt_payout.lane = attempt.lane and attempt_payout.attempt = attempt.attempt
      left join apportion.payout on payout.lane = attempt.lane and payout.payout = attempt_payout.payout
      left join apportion.settlement on settlement.lane = attempt.lane and settlement.payout = attempt_payout.payout
      where attempt.lane = $1 and not coalesce(
        payout.wallet = attempt.wallet and payout.asset = attempt.asset
        and case
          when attempt.ended_at is null then payout.state = 'reserved' and payout.live_attempt = attempt.attempt
          when attempt.state = 'settled' then settlement.attempt = attempt.attempt
          else payout.live_attempt is distinct from attempt.attempt and settlement.attempt is distinct from attempt.attempt
        end, false)
      order by attempt.prepared_at, attempt.attempt, attempt_payout.position
      limit $2`,
    values: [lane, limit],
  })
}

/** Wallet movements that the journal does not hold in exactly one transfer. */
export async function movementFaults(
  on: Snapshot,
  { lane, limit }: Asked,
): Promise<{ movement: string; wallet: string; identity: string; asset: string; units: string; transfers: bigint }[]> {
  return await on.rows({
    text: `select movement.movement, movement.wallet, movement.identity, movement.asset, movement.units::text as units,
        coalesce(posted.transfers, 0) as transfers
      from apportion.movement
      left join (
        select subject, count(*) as transfers from apportion.transfer where lane = $1 and kind in ('funded', 'withdrawn') group by subject
      ) posted on posted.subject = movement.movement
      where movement.lane = $1 and coalesce(posted.transfers, 0) <> 1
      order by movement.seen_at, movement.movement
      limit $2`,
    values: [lane, limit],
  })
}
