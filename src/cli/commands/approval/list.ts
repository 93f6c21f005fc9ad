// `approval list`: what waits for a person, the longest first.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { waitingApprovals } from '../../../engine/read-approvals.ts'
import { ageText } from '../../age-text.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await waitingApprovals(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'KIND', of: ({ kind }) => kind },
        { title: 'SUBJECT', of: ({ subject }) => subject },
        { title: 'AMOUNT', of: ({ payout }) => (payout === null ? '-' : formatMoney(BigInt(payout.units), parseAsset(payout.asset))), right: true },
        { title: 'TO', of: ({ payout }) => payout?.destination ?? '-' },
        { title: 'WAITS', of: ({ age_seconds: age }) => ageText(age), right: true },
      ],
      'Nothing waits for a person.',
    )
    showNext(page, output)
  })
}
