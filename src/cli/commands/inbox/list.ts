// `inbox list`: rows of SQL inserts that are no events yet, or never will be, with the reason.

import { inboxEntries } from '../../../engine/read-ledger.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await inboxEntries(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(found, () => {
    output.table(
      found.items,
      [
        { title: 'REFERENCE', of: ({ reference }) => reference },
        { title: 'STATE', of: ({ state }) => state },
        { title: 'REASON', of: ({ reason }) => reason ?? '-' },
        { title: 'SINCE', of: ({ queued_at: at }) => at },
      ],
      'Nothing waits and nothing was refused.',
    )
    showNext(found, output)
  })
}
