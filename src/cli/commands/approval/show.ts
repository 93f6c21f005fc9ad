// `approval show`: the approvals ever given for a draft, a payout or a change of settings, with what was signed.

import { approvalsGiven } from '../../../engine/read-approvals.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await approvalsGiven(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'BY', of: ({ by }) => by },
        { title: 'AT', of: ({ at }) => at },
        { title: 'OF', of: ({ kind }) => kind },
        { title: 'HASH', of: ({ hash }) => hash.slice(0, 16) },
      ],
      'Nobody has approved it.',
    ),
  )
}
