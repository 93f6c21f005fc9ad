// `snapshot show`: one snapshot.

import { snapshot } from '../../../engine/read-snapshots.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await snapshot(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(found, () => {
    output.line(`${found.name}: ${found.recipients} recipients, weights of ${found.weights} together, as of ${found.record_at}`)
    output.line(`hash ${found.hash}`)
    output.line(`from ${found.source}, kept since ${found.created_at}`)
  })
}
