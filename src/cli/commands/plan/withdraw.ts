// `plan withdraw`: takes a draft back.

import { withdrawPlan } from '../../../engine/close-plan.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'
import { actorOf } from '../../person.ts'
import { showPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  await withdrawPlan(desk, ledger, person, { draft: text(words[0]), reason: maybeText(options['reason']) })
  showPlan(output, await plan(desk, ledger, text(words[0])))
}
