// Balances of accounts, now or as they stood at a past place of each lane: one look-up for an account and a lane. One statement sees
// all lanes at one moment (spread over machines, each lane at one of its own), so sums over them are right while work goes on.

import { overLanes } from './over-lanes.ts'
import { plainArray, type Queryable } from './statement.ts'

/** Beyond every transfer. */
export const LATEST = 2n ** 62n

/** The era that a transfer falls into, as the table's own column says it: eras are 4,194,304 transfers of a lane. */
const eraOf = (transfer: string): string => `((${transfer}) >> 22)`

/** Holds for all rows after a transfer and up to another, and for none of another era. */
export const erasBetween = (after: bigint, upTo: bigint): string => `era >= ${eraOf(String(after))} and era <= ${eraOf(String(upTo))}`

/** What tells rows of one account; all are columns, parameters or expressions in SQL. */
type Rows = {
  readonly lane: string
  readonly account: string
  /** After this transfer: all without it. */
  readonly above?: string
  /** Up to this transfer: all without it. */
  readonly upTo?: string
  readonly where?: string
  readonly direction?: 'asc' | 'desc'
  readonly limit?: string
}

/**
 * Transfer, debits and credits of an account's rows, in the order of the journal or against it, as a subquery. It goes from era to era and
 * stops at its limit: the ordinals say the order, for which nothing is sorted then. Accounts differ: most have a few rows, some have millions.
 * Asked for by equality, an account is taken for an average one, and the planner may read and sort all its rows to give the newest; asked
 * for by its place in the index, what stands there is all that it can read.
 */
export function balanceRows({ lane, account, above = '0', upTo = String(LATEST), where, direction = 'asc', limit }: Rows): string {
  const first = eraOf(above)
  // A lane without rows has no era. Without the word for that, `least` would take none for no bound.
  const last = `least(${eraOf(upTo)}, (select coalesce(max(newest.era), -1) from apportion.balance newest where newest.lane = ${lane}))`
  const eras = direction === 'asc' ? `${first}, ${last}, 1` : `${last}, ${first}, -1`
  // One row an era stands in order already; to sort would read some thirty eras first.
  const order = limit === '1' ? 'era.place' : `era.place, own.transfer ${direction}`
  const limited = limit === undefined ? '' : `limit ${limit}`
  return `select own.transfer, own.debits, own.credits
        from generate_series(${eras}) with ordinality as era (number, place)
        cross join lateral (
          select transfer, debits, credits from apportion.balance
          where balance.lane = ${lane} and balance.era = era.number
            and (balance.account, balance.transfer) > (${account}, ${above}) and (balance.account, balance.transfer) <= (${account}, ${upTo})
            ${where === undefined ? '' : `and ${where}`}
          order by account ${direction}, transfer ${direction}
          ${limited}
        ) own
        order by ${order}
        ${limited}`
}

/** The newest row of an account, up to a transfer if one is named: its balance at that place. */
export function newestBalance(of: Pick<Rows, 'lane' | 'account' | 'upTo'>): string {
  return balanceRows({ ...of, direction: 'desc', limit: '1' })
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
