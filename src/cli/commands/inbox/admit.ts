// `inbox admit`: lets rows in that waited for an operator because they lie in the past.

import { z } from 'zod'
import { Refusal } from '../../../core/refusal.ts'
import { admitRows } from '../../../engine/admit-rows.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const references = z.array(z.string()).parse(words[0])
  const admitted = await admitRows(desk, await ledgerOf(desk, options), references)
  if (admitted.length === 0) throw new Refusal('event_not_found', 'none of these rows waits: `apportion inbox list` shows those that do')
  output.result({ admitted }, () => output.line(`admitted: ${admitted.join(', ')}`))
}
