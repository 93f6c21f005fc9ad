// `settings show`: what the ledger asks for, and what waits.

import { settings } from '../../../engine/settings.ts'
import { ledgerOf, type Run } from '../../command.ts'
import { showSettings } from '../../settings-lines.ts'

export const run: Run = async (desk, { options }, output) => {
  showSettings(output, await settings(desk, await ledgerOf(desk, options)))
}
