// What stands in a recipient's accounts without being a payout: carried, or owed. Each with since when something has stood there.

import { balanceRows, newestBalance } from './balance.ts'
import type { RecipientStanding } from './report.ts'
import { plainArray, rows, type Queryable } from './statement.ts'

const OWN = { lane: 'account.lane', account: 'account.number' }

/**
 * Of accounts by name: what stands in them, since the account was last empty, and how many postings have moved it since then. `units` are
 * above zero on either side; `state` is the account's name.
 */
export async function accountsSince(on: Queryable, lanes: readonly bigint[], names: readonly string[]): Promise<RecipientStanding[]> {
  return await rows(on, {
    text: `select account.name as state, null as reason, account.asset, sum(moved.postings) as payouts,
        abs(sum(newest.credits - newest.debits)) as units, min(block.recorded_at) as since
      from apportion.account
      cross join lateral (${newestBalance(OWN)}) newest
      cross join lateral (
        select coalesce(max(transfer), 0) as transfer from (${balanceRows({ ...OWN, where: 'debits = credits', direction: 'desc', limit: '1' })}) emptied
      ) empty
      cross join lateral (select count(*) as postings, min(transfer) as first from (${balanceRows({ ...OWN, above: 'empty.transfer' })}) since) moved
      cross join lateral (
        select recorded_at from apportion.block
        where block.lane = account.lane and block.last_transfer >= moved.first
        order by block.last_transfer, block.number limit 1
      ) block
      where account.lane = any ($1::bigint[]) and account.name = any ($2::text[]) and newest.debits <> newest.credits
      group by account.name, account.asset
      order by account.name, account.asset`,
    values: [plainArray(lanes), names],
  })
}
