// `balance list`: what stands in each account, now or at a past instant.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { balances } from '../../../engine/read-accounts.ts'
import { ledgerOf, maybeText, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const { at, role, account } = options
  const asked = { at: maybeText(at), role: maybeText(role), account: maybeText(account), ...pageOf(options) }
  const page = await balances(desk, await ledgerOf(desk, options), asked)
  const money = (units: string, asset: string): string => formatMoney(BigInt(units), parseAsset(asset))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'ACCOUNT', of: ({ account: name }) => name },
        { title: 'BALANCE', of: ({ units, asset }) => money(units, asset), right: true },
        { title: 'DEBITS', of: ({ debits, asset }) => money(debits, asset), right: true },
        { title: 'CREDITS', of: ({ credits, asset }) => money(credits, asset), right: true },
      ],
      asked.at === null ? 'No transfer yet.' : 'No transfer by then.',
    )
    showNext(page, output)
  })
}
