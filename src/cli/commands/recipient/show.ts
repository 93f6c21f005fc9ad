// `recipient show`: where a recipient is paid, and what has become of its shares.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { recipient } from '../../../engine/read-recipient.ts'
import { ageText } from '../../age-text.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await recipient(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(found, () => {
    output.line(`${found.recipient}${found.label === null ? '' : ` (${found.label})`}: ${found.destination ?? 'no destination: its payouts wait'}`)
    output.table(
      found.standing,
      [
        { title: 'STATE', of: ({ state }) => state },
        { title: 'REASON', of: ({ reason }) => reason ?? '-' },
        { title: 'COUNT', of: ({ payouts }) => payouts, right: true },
        { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
        { title: 'SINCE', of: ({ since }) => since },
        { title: 'AGE', of: ({ age_seconds: age }) => ageText(age), right: true },
      ],
      'No share yet.',
    )
  })
}
