// `key revoke`: takes a key's rights away for good.

import { revokeKey } from '../../../engine/api-key.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const revoked = await revokeKey(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(revoked, () => output.line(`${revoked.name} is revoked; servers notice within seconds.`))
}
