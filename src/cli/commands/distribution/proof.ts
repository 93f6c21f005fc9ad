// `distribution proof`: what shows an outsider that a share is part of a distribution by snapshot. It is checked before it is shown.

import { assert } from '../../../core/assert.ts'
import { checkProof } from '../../../core/merkle.ts'
import { formatMoney, parseAsset } from '../../../core/money.ts'
import { proof } from '../../../engine/prove-shares.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const found = await proof(desk, await ledgerOf(desk, options), { reference: text(words[0]), recipient: text(words[1]) })
  assert(checkProof(found), `the proof does not lead to the root ${found.root}: \`npx apportion verify\` says where it is broken`)
  output.result(found, () => {
    output.line(`${found.recipient} has ${formatMoney(BigInt(found.units), parseAsset(found.asset))} of ${found.reference}: leaf ${found.place + 1} of ${found.leaves}`)
    for (const hash of found.path) output.line(hash)
    output.line(`root ${found.root}`)
  })
}
