// `recipient list`: who is paid where.

import { recipients } from '../../../engine/read-ledger.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await recipients(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'RECIPIENT', of: ({ recipient }) => recipient },
        { title: 'LABEL', of: ({ label }) => label ?? '-' },
        { title: 'DESTINATION', of: ({ destination }) => destination ?? 'none: its payouts wait' },
        { title: 'SINCE', of: ({ effective_from: from }) => from ?? '-' },
      ],
      'No recipient yet.',
    )
    showNext(page, output)
  })
}
