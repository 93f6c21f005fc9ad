// `plan add`: a new version of the rules in one go, where no second person is asked. Events keep the version of their own instant.

import { addPlanVersion } from '../../../engine/add-plan-version.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { actorOf, instantOf } from '../../person.ts'
import { readPlan } from '../../plan-file.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  const [content, from] = [await readPlan(text(words[0]), input), instantOf(options['from'])]
  const { version, effectiveFrom, hash } = await addPlanVersion(desk, ledger, { content, effectiveFrom: from, person })
  output.result({ version, effective_from: effectiveFrom?.toString() ?? null, hash }, () =>
    output.line(`Version ${version} is in force from ${effectiveFrom?.toString() ?? 'the beginning'}.`),
  )
}
