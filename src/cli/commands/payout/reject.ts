// `payout reject`: a person turns payouts away. They are held, owed as before, until somebody approves them after all.

import { rejectPayouts } from '../../../engine/approve-payouts.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { showDecided } from '../../decided.ts'
import { actorOf, wordsOf } from '../../person.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  showDecided(output, await rejectPayouts(desk, ledger, person, { payouts: wordsOf(words[0]), reason: text(options['reason']) }), 'rejected')
}
