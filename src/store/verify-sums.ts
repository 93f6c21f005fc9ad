// Sums over one lane for `verify`: what the journal says of recipients and wallets beside what their own tables say. Nothing is
// written here.

import { present } from '../core/assert.ts'
import { newestBalance } from './balance.ts'
import type { Asked } from './verify-payouts.ts'
import type { Snapshot } from './verify.ts'

export type RecipientFault = {
  readonly recipient: string
  readonly asset: string
  /** By the journal: all shares, those beyond the payout cursor, what was settled, and the balances that wait and are in flight. */
  readonly shares: bigint
  readonly unmade: bigint
  readonly settled: bigint
  readonly payable: bigint
  readonly in_flight: bigint
  /** By the payouts. */
  readonly paid: bigint
  readonly reserved: bigint
  readonly waiting: bigint
}

/** Recipients whose shares are not what waits, is in flight and was settled, or whose payouts say otherwise. */
export async function recipientFaults(on: Snapshot, { lane, cursor, limit }: Asked & { cursor: bigint }): Promise<RecipientFault[]> {
  return await on.rows({
    text: `with account as materialized (
        select number, asset, split_part(name, ':', 1) as role, substr(name, strpos(name, ':') + 1) as recipient
        from apportion.account where lane = $1 and (name like 'payable:%' or name like 'in\\_flight:%')
      ), standing as (
        select account.recipient, account.asset, sum(newest.credits - newest.debits) filter (where role = 'payable') as payable,
          sum(newest.credits - newest.debits) filter (where role = 'in_flight') as in_flight
        from account
        cross join lateral (
          ${newestBalance({ lane: '$1', account: 'account.number' })}
        ) newest
        group by account.recipient, account.asset
      ), lost as materialized (
        -- Shares of large distributions become payouts by a place of their own.
        select deduction.transfer, distribution.payout_transfer
        from apportion.deduction
        join apportion.transfer on transfer.lane = $1 and transfer.number = deduction.share and transfer.kind = 'distributed'
        join apportion.distribution on distribution.lane = $1 and distribution.digest = transfer.subject
        where deduction.lane = $1
      ), moved as (
        -- Shares less what reversals and recoupments took from them. What is kept back is kept back of shares that are payouts.
        select account.recipient, account.asset,
          sum(case when kind in ('share', 'distributed') then transfer.units else -transfer.units end) filter (where kind <> 'settled') as shares,
          sum(case when kind in ('share', 'distributed') then transfer.units else -transfer.units end) filter (where kind = 'share' and transfer.number > $2
            or kind = 'distributed' and transfer.number > coalesce(distribution.payout_transfer, 0)
            or kind in ('reversed', 'taken_back') and deduction.share > coalesce(lost.payout_transfer, $2)) as unmade,
          sum(transfer.units) filter (where kind = 'settled') as settled
        from apportion.transfer
        join account on account.number = case when transfer.kind in ('share', 'distributed') then transfer.credit else transfer.debit end
        left join apportion.distribution
          on transfer.kind = 'distributed' and distribution.lane = transfer.lane and distribution.digest = transfer.subject
        left join apportion.deduction on transfer.kind in ('reversed', 'taken_back') and deduction.lane = $1 and deduction.transfer = transfer.number
        left join lost on lost.transfer = deduction.transfer
        where transfer.lane = $1 and transfer.kind in ('share', 'distributed', 'settled', 'reversed', 'taken_back', 'recouped')
          and account.role = case transfer.kind when 'settled' then 'in_flight' else 'payable' end
        group by account.recipient, account.asset
      ), paid as (
        select recipient, asset, sum(units) filter (where state = 'settled') as paid, sum(units) filter (where state = 'reserved') as reserved,
          sum(units) filter (where state in ('queued', 'awaiting_approval', 'held')) as waiting
        from apportion.payout where lane = $1 group by recipient, asset
      ), summed as (
        select recipient, asset, coalesce(shares, 0) as shares, coalesce(unmade, 0) as unmade, coalesce(settled, 0) as settled,
          coalesce(payable, 0) as payable, coalesce(in_flight, 0) as in_flight, coalesce(paid, 0) as paid,
          coalesce(reserved, 0) as reserved, coalesce(waiting, 0) as waiting
        from standing full join moved using (recipient, asset) full join paid using (recipient, asset)
      )
      select recipient, asset, shares, unmade, settled, payable, in_flight, paid, reserved, waiting from summed
      where shares <> payable + in_flight + settled or paid <> settled or reserved <> in_flight or waiting + unmade <> payable
      order by recipient collate "C", asset collate "C"
      limit $3`,
    values: [lane, cursor, limit],
  })
}

export type WalletFault = {
  readonly wallet: string
  readonly asset: string
  /** By the journal. */
  readonly balance: bigint
  readonly costs: bigint
  /** By the movements seen and the settlements proven. */
  readonly received: bigint
  readonly withdrawn: bigint
  readonly settled: bigint
}

/** Wallets whose balance is not what came in, less what was taken out, settled, and spent on costs. */
export async function walletFaults(on: Snapshot, { lane, limit }: Asked): Promise<WalletFault[]> {
  return await on.rows({
    text: `with account as materialized (
        select number, asset, substr(name, 8) as wallet from apportion.account where lane = $1 and name like 'wallet:%'
      ), standing as (
        select account.wallet, account.asset, newest.debits - newest.credits as balance
        from account
        cross join lateral (
          ${newestBalance({ lane: '$1', account: 'account.number' })}
        ) newest
      ), spent as (
        select account.wallet, account.asset, sum(transfer.units) as costs
        from apportion.transfer join account on account.number = transfer.credit
        where transfer.lane = $1 and transfer.kind in ('fee', 'rent')
        group by account.wallet, account.asset
      ), seen as (
        select wallet::text as wallet, asset, sum(units) filter (where direction = 'in') as received,
          sum(units) filter (where direction = 'out') as withdrawn
        from apportion.movement where lane = $1 group by wallet, asset
      ), proven as (
        select attempt.wallet::text as wallet, payout.asset, sum(payout.units) as settled
        from apportion.settlement
        join apportion.payout on payout.lane = settlement.lane and payout.payout = settlement.payout
        join apportion.attempt on attempt.lane = settlement.lane and attempt.attempt = settlement.attempt
        where settlement.lane = $1
        group by attempt.wallet, payout.asset
      ), summed as (
        select wallet, asset, coalesce(balance, 0) as balance, coalesce(costs, 0) as costs, coalesce(received, 0) as received,
          coalesce(withdrawn, 0) as withdrawn, coalesce(settled, 0) as settled
        from standing full join spent using (wallet, asset) full join seen using (wallet, asset) full join proven using (wallet, asset)
      )
      select wallet, asset, balance, costs, received, withdrawn, settled from summed
      where balance <> received - withdrawn - settled - costs
      order by wallet, asset collate "C"
      limit $2`,
    values: [lane, limit],
  })
}

/** How much of each kind a lane has, for the counts of a report. */
export type PayoutTotals = {
  readonly shares: bigint
  /** What reversals and recoupments took from shares. */
  readonly deductions: bigint
  readonly payouts: bigint
  readonly attempts: bigint
  readonly settlements: bigint
  readonly movements: bigint
  /** Movements of payouts and wallets in the journal. */
  readonly moves: bigint
  readonly recipients: bigint
  readonly wallets: bigint
}

export async function payoutTotals(on: Snapshot, lane: bigint): Promise<PayoutTotals> {
  const [totals] = await on.rows<PayoutTotals>({
    text: `select (select count(*) from apportion.payout_share where lane = $1) as shares,
      (select count(*) from apportion.deduction where lane = $1) as deductions,
      (select count(*) from apportion.payout where lane = $1) as payouts,
      (select count(*) from apportion.attempt where lane = $1) as attempts,
      (select count(*) from apportion.settlement where lane = $1) as settlements,
      (select count(*) from apportion.movement where lane = $1) as movements,
      (select count(*) from apportion.transfer where lane = $1 and event is null and kind not in ('distributed', 'taken_back')) as moves,
      (select count(*) from apportion.account where lane = $1 and name like 'payable:%') as recipients,
      (select count(*) from apportion.account where lane = $1 and name like 'wallet:%') as wallets`,
    values: [lane],
  })
  return present(totals, 'totals')
}
