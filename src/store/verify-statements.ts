// The statements of all recipients of a lane at once, for `verify`: what stood in their accounts at the middle of the journal, what moved
// since, and what stands there now. Nothing is written here.

import { newestBalance } from './balance.ts'
import type { Snapshot } from './verify.ts'

export type StatementFault = {
  readonly recipient: string
  readonly asset: string
  readonly opening: bigint
  readonly earned: bigint
  readonly adjusted: bigint
  readonly fees: bigint
  readonly paid: bigint
  readonly closing: bigint
}

/** The last transfer of the block in the middle of a lane's journal, 0 where there are fewer than two. */
export async function middleOf(on: Snapshot, lane: bigint): Promise<bigint> {
  const [found] = await on.rows<{ last_transfer: bigint }>({
    text: `select last_transfer from apportion.block
      where lane = $1 and number <= (select max(number) / 2 from apportion.block where lane = $1)
      order by number desc
      limit 1`,
    values: [lane],
  })
  return found?.last_transfer ?? 0n
}

export type StatementsAsked = {
  readonly lane: bigint
  /** The statements begin after this transfer. */
  readonly after: bigint
  readonly roles: readonly string[]
  /** What each kind is called on a statement; a kind that is not named changes no statement. */
  readonly names: readonly { readonly kind: string; readonly line: string }[]
  readonly limit: number
}

/** Recipients whose statement does not lead from its opening to its closing. */
export async function statementFaults(on: Snapshot, { lane, after, roles, names, limit }: StatementsAsked): Promise<StatementFault[]> {
  return await on.rows({
    text: `with account as materialized (
        select number, asset, substr(name, strpos(name, ':') + 1) as recipient
        from apportion.account where lane = $1 and split_part(name, ':', 1) = any ($3::text[]) and strpos(name, ':') > 0
      ), standing as (
        select account.recipient, account.asset, sum(coalesce(opening.credits - opening.debits, 0)) as opening,
          sum(coalesce(closing.credits - closing.debits, 0)) as closing
        from account
        left join lateral (${newestBalance({ lane: '$1', account: 'account.number', upTo: '$2::bigint' })}) opening on true
        left join lateral (${newestBalance({ lane: '$1', account: 'account.number' })}) closing on true
        group by account.recipient, account.asset
      ), moved as (
        select credit as account, kind, sum(units) as units from apportion.transfer where lane = $1 and number > $2 group by credit, kind
        union all
        select debit, kind, -sum(units) from apportion.transfer where lane = $1 and number > $2 group by debit, kind
      ), told as (
        select account.recipient, account.asset, sum(moved.units) filter (where named.line = 'earned') as earned,
          sum(moved.units) filter (where named.line = 'adjusted') as adjusted, -sum(moved.units) filter (where named.line = 'fee') as fees,
          -sum(moved.units) filter (where named.line = 'paid') as paid
        from moved
        join account on account.number = moved.account
        join unnest($4::text[], $5::text[]) as named (kind, line) on named.kind = moved.kind
        group by account.recipient, account.asset
      ), summed as (
        select recipient, asset, opening, coalesce(earned, 0) as earned, coalesce(adjusted, 0) as adjusted, coalesce(fees, 0) as fees,
          coalesce(paid, 0) as paid, closing
        from standing left join told using (recipient, asset)
      )
      select recipient, asset, opening, earned, adjusted, fees, paid, closing from summed
      where opening + earned + adjusted - fees - paid <> closing
      order by recipient collate "C", asset collate "C"
      limit $6`,
    values: [lane, after, roles, names.map(({ kind }) => kind), names.map(({ line }) => line), limit],
  })
}
