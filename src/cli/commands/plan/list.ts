// `plan list`: the versions of the rules, and the drafts that may become some.

import { plans } from '../../../engine/read-plans.ts'
import { ledgerOf, type Run } from '../../command.ts'
import { PLAN_COLUMNS } from '../../plan-file.ts'

export const run: Run = async (desk, { options }, output) => {
  const found = await plans(desk, await ledgerOf(desk, options))
  output.result(found, () => output.table(found, PLAN_COLUMNS, 'No plan.'))
}
