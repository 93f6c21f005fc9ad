// `payout list`: payouts, newest first.

import { payouts } from '../../../engine/read-ledger.ts'
import { ledgerOf, maybeText, pageOf, showNext, type Run } from '../../command.ts'
import { PAYOUT_COLUMNS } from '../../payout-columns.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await payouts(desk, await ledgerOf(desk, options), { state: maybeText(options['state']), ...pageOf(options) })
  output.result(page, () => {
    output.table(page.items, PAYOUT_COLUMNS, 'No payout.')
    showNext(page, output)
  })
}
