// `ledger list`: the ledgers of this database.

import { ledgers } from '../../../engine/read-ledger.ts'
import type { Run } from '../../command.ts'

export const run: Run = async (desk, _given, output) => {
  const found = await ledgers(desk)
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'LEDGER', of: ({ name }) => name },
        { title: 'PROGRAM', of: ({ program }) => program },
        { title: 'NETWORK', of: ({ network, rail }) => `${network} ${rail}` },
        { title: 'SCHEMA', of: ({ schema }) => schema ?? '-' },
        { title: 'CREATED', of: ({ created_at: at }) => at },
      ],
      'There is no ledger yet: `npm start` makes one on the sandbox, `apportion ledger create` any other.',
    ),
  )
}
