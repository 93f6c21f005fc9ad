// `payout follow`: shows progress until everything that can be paid is paid.

import { ledgerOf, type Run } from '../../command.ts'
import { followPayouts } from '../../follow.ts'

export const run: Run = async (desk, { options }, output) => {
  await followPayouts(desk, await ledgerOf(desk, options), null, output)
}
