// What stands in a recipient's accounts without being a payout: carried, or owed. Each with since when something has stood there.

import { LATEST, newestBalance } from './balance.ts'
import type { RecipientStanding } from './report.ts'
import { plainArray, rows, type Queryable } from './statement.ts'

/**
 * Of accounts by name: what stands in them, since the account was last empty, and how many postings have moved it since then. `units` are
 * above zero on either side; `state` is the account's name.
 */
export async function accountsSince(on: Queryable, lanes: readonly bigint[], names: readonly string[]): Promise<RecipientStanding[]> {
  return await rows(on, {
    text: `select account.name as state, null as reason, account.asset, sum(moved.postings) as payouts,
        abs(sum(newest.credits - newest.debits)) as units, min(block.recorded_at) as since
      from apportion.account
      cross join lateral (${newestBalance({ lane: 'account.lane', account: 'account.number', upTo: '$3' })}) newest
      cross join lateral (
        select count(*) as postings, min(balance.transfer) as first from apportion.balance
        where balance.lane = account.lane and balance.account = account.number and balance.transfer > coalesce((
          select empty.transfer from apportion.balance empty
          where empty.lane = account.lane and empty.account = account.number and empty.debits = empty.credits
          order by empty.transfer desc limit 1), 0)
      ) moved
      cross join lateral (
        select recorded_at from apportion.block
        where block.lane = account.lane and block.last_transfer >= moved.first
        order by block.last_transfer, block.number limit 1
      ) block
      where account.lane = any ($1::bigint[]) and account.name = any ($2::text[]) and newest.debits <> newest.credits
      group by account.name, account.asset
      order by account.name, account.asset`,
    values: [plainArray(lanes), names, LATEST],
  })
}
