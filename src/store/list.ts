// Lists and sums that people ask for: wallets with their balances, shares by state.

import { plainArray, rows, type Queryable } from './statement.ts'

export type WalletBalance = { readonly wallet: string; readonly asset: string; readonly units: bigint }

/** What the ledger says each wallet holds: money seen coming in, less payouts, costs and the owner's withdrawals. */
export async function walletBalances(on: Queryable, lanes: readonly bigint[]): Promise<WalletBalance[]> {
  return await rows(on, {
    text: `select substr(account.name, 8) as wallet, account.asset, sum(balance.debits - balance.credits) as units
      from apportion.account
      cross join lateral (
        select debits, credits from apportion.balance
        where balance.lane = account.lane and balance.account = account.number
        order by transfer desc
        limit 1
      ) balance
      where account.lane = any ($1::bigint[]) and account.name like 'wallet:%'
      group by account.name, account.asset
      order by account.name, account.asset`,
    values: [plainArray(lanes)],
  })
}
