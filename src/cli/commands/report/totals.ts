// `report totals`: what stands in all accounts of each role.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { totals } from '../../../engine/read-reports.ts'
import { ledgerOf, maybeText, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await totals(desk, await ledgerOf(desk, options), { at: maybeText(options['at']) })
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'TOTAL', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
        { title: 'ACCOUNTS THAT HOLD ANY', of: ({ accounts }) => accounts, right: true },
      ],
      'No transfer yet.',
    ),
  )
}
