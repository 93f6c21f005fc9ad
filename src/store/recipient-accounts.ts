// What stands in a recipient's accounts without being a payout: carried, or owed. Each with since when something has stood there.

import { balanceRows, newestBalance } from './balance.ts'
import { overLanes } from './over-lanes.ts'
import type { RecipientStanding } from './report.ts'
import { plainArray, type Queryable } from './statement.ts'

const OWN = { lane: 'edge.lane', account: 'account.number' }

/**
 * Of accounts by name: what stands in them, since the account was last empty, and how many postings have moved it since then. `units` are
 * above zero on either side; `state` is the account's name.
 */
export async function accountsSince(on: Queryable, lanes: readonly bigint[], names: readonly string[]): Promise<RecipientStanding[]> {
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    part: (edge) => `select account.name, account.asset, moved.postings, newest.credits - newest.debits as units, block.recorded_at as since
      from ${edge}
      join apportion.account on account.lane = edge.lane and account.name = any ($2::text[])
      cross join lateral (${newestBalance(OWN)}) newest
      cross join lateral (
        select coalesce(max(transfer), 0) as transfer from (${balanceRows({ ...OWN, where: 'debits = credits', direction: 'desc', limit: '1' })}) emptied
      ) empty
      cross join lateral (select count(*) as postings, min(transfer) as first from (${balanceRows({ ...OWN, above: 'empty.transfer' })}) since) moved
      cross join lateral (
        select recorded_at from apportion.block
        where block.lane = edge.lane and block.last_transfer >= moved.first
        order by block.last_transfer, block.number limit 1
      ) block
      where newest.debits <> newest.credits`,
    whole: (parts) => `select name as state, null as reason, asset, sum(postings) as payouts, abs(sum(units)) as units, min(since) as since
      from ${parts} group by name, asset order by name, asset`,
    values: [plainArray(lanes), names],
  })
}
