// `event list`: events, newest first.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { events } from '../../../engine/read-ledger.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await events(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'REFERENCE', of: ({ reference }) => reference },
        { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
        { title: 'SHARES', of: ({ shares, asset }) => shares.map(({ role, units }) => `${role} ${formatMoney(BigInt(units), parseAsset(asset))}`).join(', ') },
        { title: 'PLAN', of: ({ plan_version: version }) => String(version), right: true },
        { title: 'OCCURRED', of: ({ event_at: at }) => at },
      ],
      'No event yet.',
    )
    showNext(page, output)
  })
}
