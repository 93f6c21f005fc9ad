// `plan approve`: agrees to what a draft says, by the hash of what was looked at. The last approval makes it a version.

import { approvePlan } from '../../../engine/approve-plan.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'
import { actorOf, sealed } from '../../person.ts'
import { showPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const actor = await actorOf(desk, ledger, options)
  const [draft, hash] = [text(words[0]), text(options['hash'])]
  // Where no second person is asked, who may propose may adopt without a seal.
  const isPerson = actor.person.rights.has('approve') || (await plan(desk, ledger, draft)).approvals_needed > 0
  const approval = isPerson ? sealed(desk, actor, { ledger: ledger.id, kind: 'plan', subject: draft, hash }, maybeText(options['preview'])) : null
  await approvePlan(desk, ledger, actor.person, { draft, hash, approval })
  showPlan(output, await plan(desk, ledger, draft))
}
