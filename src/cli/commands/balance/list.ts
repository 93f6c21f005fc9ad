// `balance list`: what stands in each account.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { balances } from '../../../engine/read-ledger.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await balances(desk, await ledgerOf(desk, options))
  const money = (units: string, asset: string): string => formatMoney(BigInt(units), parseAsset(asset))
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'ACCOUNT', of: ({ account }) => account },
        { title: 'BALANCE', of: ({ units, asset }) => money(units, asset), right: true },
        { title: 'DEBITS', of: ({ debits, asset }) => money(debits, asset), right: true },
        { title: 'CREDITS', of: ({ credits, asset }) => money(credits, asset), right: true },
      ],
      'No transfer yet.',
    ),
  )
}
