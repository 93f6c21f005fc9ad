// `plan show`: one version or draft, with its approvals.

import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { showPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options }, output) => {
  showPlan(output, await plan(desk, await ledgerOf(desk, options), text(words[0])))
}
