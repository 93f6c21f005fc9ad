// `block list`: the blocks of the journal with their hashes.

import { blocks } from '../../../engine/read-blocks.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await blocks(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'LANE', of: ({ lane }) => lane.toString(), right: true },
        { title: 'BLOCK', of: ({ block }) => block, right: true },
        { title: 'RECORDED', of: ({ recorded_at: at }) => at },
        { title: 'EVENTS', of: ({ events }) => events, right: true },
        { title: 'TRANSFERS', of: ({ first_transfer: first, last_transfer: last }) => `${first} to ${last}` },
        { title: 'HASH', of: ({ hash }) => hash },
      ],
      'No block yet.',
    )
    showNext(page, output)
  })
}
