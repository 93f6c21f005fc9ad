// `payout show`: one payout with every attempt that was made for it.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { payout } from '../../../engine/read-ledger.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { PAYOUT_COLUMNS } from '../../payout-columns.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await payout(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(found, () => {
    output.table([found], PAYOUT_COLUMNS, '')
    if (found.shares > 1) {
      output.table(
        found.draws_on,
        [
          { title: 'DRAWS ON', of: ({ reference }) => reference },
          { title: 'ROLE', of: ({ role }) => role },
          { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
        ],
        '',
      )
      if (found.shares > found.draws_on.length) output.line(`and ${found.shares - found.draws_on.length} more shares`)
    }
    if (found.detail !== null) output.line(found.detail)
    if (found.state === 'held' && found.due_at !== null) output.line(`It is tried again at ${found.due_at}.`)
    output.table(
      found.attempts,
      [
        { title: 'ATTEMPT', of: ({ attempt }) => attempt },
        { title: 'STATE', of: ({ state }) => state },
        { title: 'SENT', of: ({ submits }) => `${submits} ×`, right: true },
        { title: 'PREPARED', of: ({ prepared_at: at }) => at },
        { title: 'IDENTITY', of: ({ identity }) => identity },
      ],
      'No attempt yet.',
    )
  })
}
