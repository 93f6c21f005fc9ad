// `event show`: one event with its shares.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { event } from '../../../engine/read-ledger.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await event(desk, await ledgerOf(desk, options), text(words[0]))
  const money = (units: string): string => formatMoney(BigInt(units), parseAsset(found.asset))
  output.result(found, () => {
    output.line(`${found.reference}: ${money(found.units)}, occurred ${found.event_at}, recorded ${found.recorded_at}, plan version ${found.plan_version}`)
    output.table(
      found.shares,
      [
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'AMOUNT', of: ({ units }) => money(units), right: true },
        { title: 'RECIPIENT', of: ({ recipient, account }) => recipient ?? account },
      ],
      'No shares.',
    )
  })
}
