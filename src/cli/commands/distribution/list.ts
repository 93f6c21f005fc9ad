// `distribution list`: distributions, newest first, with how far each share is.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { distributions } from '../../../engine/read-distributions.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await distributions(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'EVENT', of: ({ reference }) => reference },
        { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
        { title: 'SHARES', of: ({ shares }) => shares.map(({ role, state, reason }) => `${role} ${reason ?? state}`).join(', ') },
        { title: 'RECORDED', of: ({ recorded_at: at }) => at },
      ],
      'No distribution yet.',
    )
    showNext(page, output)
  })
}
