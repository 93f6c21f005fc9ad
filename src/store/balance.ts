// Balances of accounts, now or as they stood at a past place of each lane: one look-up for an account and a lane. One statement sees
// all lanes at one moment, so sums over them are right while work goes on.

import { overLanes } from './over-lanes.ts'
import { plainArray, type Queryable } from './statement.ts'

/** Beyond every transfer. */
export const LATEST = 2n ** 62n

/**
 * The newest row of an account up to a transfer, as a subquery; the arguments are columns or parameters. Accounts differ: most have a few
 * rows, some have millions. Asked for by equality, an account is taken for an average one, and the planner may read and sort all its rows to
 * give the newest; asked for by its place in the index, the one row there is all that it can read.
 */
export function newestBalance({ lane, account, upTo }: { readonly lane: string; readonly account: string; readonly upTo: string }): string {
  return `select newest.transfer, newest.debits, newest.credits from (
          select account, transfer, debits, credits from apportion.balance
          where balance.lane = ${lane} and (balance.account, balance.transfer) <= (${account}, ${upTo})
          order by account desc, transfer desc
          limit 1
        ) newest where newest.account = ${account}`
}

export type BalanceRow = { readonly name: string; readonly asset: string; readonly debits: bigint; readonly credits: bigint }

/** Names from `first` on, before `end`; both null for all. */
export type NameRange = { readonly first: string | null; readonly end: string | null }

/**
 * Accounts by name and asset, after one of them, each with what was debited and credited to it up to a transfer of each lane, summed over
 * the lanes. Accounts that there were not at that place come with zeros.
 */
export async function listBalances(
  on: Queryable,
  { lanes, upTo, names, after, limit }: {
    lanes: readonly bigint[]
    upTo: readonly bigint[]
    names: NameRange
    after: { readonly name: string; readonly asset: string } | null
    limit: number
  },
): Promise<BalanceRow[]> {
  return await overLanes(on, {
    edge: ['lane bigint', 'transfer bigint'],
    lanes: lanes.length,
    // Each lane gives its first names from an index; so many of all lanes are the first of the ledger.
    part: (edge) => `select account.name, account.asset, coalesce(balance.debits, 0) as debits, coalesce(balance.credits, 0) as credits
      from ${edge}
      cross join lateral (
        select number, name, asset from apportion.account
        where account.lane = edge.lane
          and ($3::text is null or name >= $3) and ($4::text is null or name < $4)
          and ($5::text is null or (name, asset) > ($5, $6::text))
        order by name, asset
        limit $7
      ) account
      left join lateral (
        ${newestBalance({ lane: 'edge.lane', account: 'account.number', upTo: 'edge.transfer' })}
      ) balance on true`,
    whole: (parts) => `select name, asset, sum(debits) as debits, sum(credits) as credits from ${parts} group by name, asset order by name, asset limit $7`,
    values: [
      plainArray(lanes),
      plainArray(upTo),
      names.first,
      names.end,
      after?.name ?? null,
      after?.asset ?? null,
      limit,
    ],
  })
}
