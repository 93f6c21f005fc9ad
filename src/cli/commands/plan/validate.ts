// `plan validate`: reads a plan as a draft would be read, and writes nothing.

import { validatePlan } from '../../../engine/draft-plan.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { instantOf } from '../../person.ts'
import { noteUnmet, readPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const found = await validatePlan(desk, ledger, { content: await readPlan(text(words[0]), input), effectiveFrom: instantOf(options['from']) })
  output.result(found, () => {
    output.line(`It is a plan. It can be in force from ${found.earliest_effect} at the earliest.`)
    noteUnmet(output, ledger, found)
  })
}
