// `distribution show`: one event's distribution, share by share.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { distribution } from '../../../engine/read-distributions.ts'
import { progressLine } from '../../distribution-bar.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await distribution(desk, await ledgerOf(desk, options), text(words[0]))
  const money = (units: string): string => formatMoney(BigInt(units), parseAsset(found.asset))
  output.result(found, () => {
    output.line(`${found.reference}: ${money(found.units)} by plan version ${found.plan_version}`)
    if (found.progress !== null) output.line(progressLine(found.progress, found))
    output.table(
      found.shares,
      [
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'AMOUNT', of: ({ units }) => money(units), right: true },
        { title: 'STATE', of: ({ state, reason }) => (reason === null ? state : `${state} (${reason})`) },
        { title: 'RECIPIENT', of: ({ recipient, account }) => recipient ?? account },
      ],
      'No shares.',
    )
  })
}
