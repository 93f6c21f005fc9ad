// `snapshot list`: the snapshots of a ledger, by name.

import { snapshots } from '../../../engine/read-snapshots.ts'
import { ledgerOf, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await snapshots(desk, await ledgerOf(desk, options), pageOf(options))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'NAME', of: ({ name }) => name },
        { title: 'AS OF', of: ({ record_at: at }) => at },
        { title: 'RECIPIENTS', of: ({ recipients }) => recipients, right: true },
        { title: 'WEIGHTS', of: ({ weights }) => weights, right: true },
        { title: 'HASH', of: ({ hash }) => hash },
      ],
      'No snapshot yet.',
    )
    showNext(page, output)
  })
}
