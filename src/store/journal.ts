// Reading the journal: heads, blocks and their lines.

import { oneRow, rows, plainArray, type Queryable } from './statement.ts'

/** The newest hash of a lane's chain, in hex. */
export async function headHash(on: Queryable, lane: bigint): Promise<string> {
  const { hash } = await oneRow<{ hash: string }>(on, {
    text: `select encode(hash, 'hex') as hash from apportion.head where lane = $1`,
    values: [lane],
  })
  return hash
}

/** The number of the last transfer of a lane. */
export async function lastTransfer(on: Queryable, lane: bigint): Promise<bigint> {
  const { transfer } = await oneRow<{ transfer: bigint }>(on, { text: `select transfer from apportion.head where lane = $1`, values: [lane] })
  return transfer
}

export type BalanceRow = { readonly name: string; readonly asset: string; readonly debits: bigint; readonly credits: bigint }

/** The balances of these lanes' accounts, of one role or of all, summed over the lanes, by name and asset. */
export async function balancesOf(on: Queryable, lanes: readonly bigint[], role: string | null = null): Promise<BalanceRow[]> {
  return await rows(on, {
    text: `select account.name, account.asset, sum(balance.debits) as debits, sum(balance.credits) as credits
      from apportion.account
      cross join lateral (
        select debits, credits from apportion.balance
        where balance.lane = account.lane and balance.account = account.number
        order by transfer desc
        limit 1
      ) balance
      where account.lane = any ($1::bigint[]) and ($2::text is null or account.name like $2 || ':%')
      group by account.name, account.asset
      order by account.name, account.asset`,
    values: [plainArray(lanes), role],
  })
}
