// `payout list`: payouts, newest first.

import { PAYOUT_TRANSITIONS, type PayoutState } from '../../../core/payout.ts'
import { Refusal } from '../../../core/refusal.ts'
import { payouts } from '../../../engine/read-ledger.ts'
import { ledgerOf, maybeText, pageOf, showNext, type Run } from '../../command.ts'
import { PAYOUT_COLUMNS } from '../../payout-columns.ts'

export const run: Run = async (desk, { options }, output) => {
  const page = await payouts(desk, await ledgerOf(desk, options), { state: stateOf(maybeText(options['state'])), ...pageOf(options) })
  output.result(page, () => {
    output.table(page.items, PAYOUT_COLUMNS, 'No payout.')
    showNext(page, output)
  })
}

function stateOf(given: string | null): PayoutState['state'] | null {
  if (given === null) return null
  const found = (Object.keys(PAYOUT_TRANSITIONS) as PayoutState['state'][]).find((state) => state === given)
  if (found !== undefined) return found
  const states = Object.keys(PAYOUT_TRANSITIONS).join(', ')
  throw new Refusal('field_malformed', `--state takes one of ${states}, not ${JSON.stringify(given.slice(0, 60))}`, { field: 'state' })
}
