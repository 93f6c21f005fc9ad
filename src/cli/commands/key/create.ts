// `key create`: a key of the API for one ledger, shown once.

import { createKey } from '../../../engine/api-key.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const made = await createKey(desk, ledger, { name: text(words[0]), rights: text(options['rights']).split(',').map((right) => right.trim()) })
  output.result(made, () => {
    output.line(made.key)
    output.note('This key is shown once. Send it as `authorization: Bearer <key>`.')
  })
}
