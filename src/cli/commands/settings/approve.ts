// `settings approve`: agrees to a change that asks for less.

import { approveSettings } from '../../../engine/change-settings.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { actorOf, sealed } from '../../person.ts'
import { showSettings } from '../../settings-lines.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const actor = await actorOf(desk, ledger, options)
  const [change, hash] = [text(words[0]), text(options['hash'])]
  const approval = sealed(desk, actor, { ledger: ledger.id, kind: 'settings', subject: change, hash })
  showSettings(output, await approveSettings(desk, ledger, actor.person, { change, approval }))
}
