// `plan draft`: writes a plan down, for others to look at and to approve.

import { draftPlan, validatePlan } from '../../../engine/draft-plan.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { actorOf, instantOf } from '../../person.ts'
import { noteUnmet, readPlan, showPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  const given = { content: await readPlan(text(words[0]), input), effectiveFrom: instantOf(options['from']) }
  const found = await validatePlan(desk, ledger, given)
  const draft = await draftPlan(desk, ledger, person, given)
  noteUnmet(output, ledger, found)
  showPlan(output, await plan(desk, ledger, draft))
}
