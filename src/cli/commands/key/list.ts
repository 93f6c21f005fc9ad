// `key list`: the keys of a ledger's API, without their secrets.

import { listKeys } from '../../../engine/api-key.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await listKeys(desk, await ledgerOf(desk, options))
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'NAME', of: ({ name }) => name },
        { title: 'ROLE', of: ({ role }) => role ?? '-' },
        { title: 'RIGHTS', of: ({ rights }) => rights.join(', ') },
        { title: 'CREATED', of: ({ created_at: at }) => at },
        { title: 'REVOKED', of: ({ revoked_at: at }) => at ?? '-' },
      ],
      'No key yet: `apportion key create <name>` makes one.',
    ),
  )
}
