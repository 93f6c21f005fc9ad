// `plan edit`: writes a draft anew. Approvals of what it said before count no more.

import { editPlan } from '../../../engine/draft-plan.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { actorOf, instantOf } from '../../person.ts'
import { readPlan, showPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  const [draft, file] = [text(words[0]), text(words[1])]
  await editPlan(desk, ledger, person, { draft, content: await readPlan(file, input), effectiveFrom: instantOf(options['from']) })
  showPlan(output, await plan(desk, ledger, draft))
}
