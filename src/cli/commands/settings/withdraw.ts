// `settings withdraw`: takes back a change that waits.

import { withdrawSettings } from '../../../engine/change-settings.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'
import { actorOf } from '../../person.ts'
import { showSettings } from '../../settings-lines.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  showSettings(output, await withdrawSettings(desk, ledger, person, { change: text(words[0]), reason: maybeText(options['reason']) }))
}
