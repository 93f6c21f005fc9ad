// `report ageing`: how old what waits and what is on its way is.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { ageing } from '../../../engine/read-reports.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await ageing(desk, await ledgerOf(desk, options))
  const rows = found.flatMap(({ state, reason, asset, ages }) => ages.filter(({ payouts }) => payouts !== '0').map((age) => ({ ...age, state, reason, asset })))
  output.result(found, () =>
    output.table(
      rows,
      [
        { title: 'STATE', of: ({ state }) => state },
        { title: 'REASON', of: ({ reason }) => reason ?? '-' },
        { title: 'DAYS', of: ({ from_days: from, to_days: to }) => (to === null ? `${from} and more` : `${from} to ${to}`), right: true },
        { title: 'PAYOUTS', of: ({ payouts }) => payouts, right: true },
        { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
      ],
      'Nothing waits.',
    ),
  )
}
