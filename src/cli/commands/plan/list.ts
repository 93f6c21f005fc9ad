// `plan list`: the versions of the rules, and which is in force.

import { versionInForce } from '../../../core/plan.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const { plans } = await ledgerOf(desk, options)
  const current = versionInForce(plans, desk.now()).version
  const shown = plans.map(({ version, effectiveFrom, hash, data }) => {
    return { version, in_force: version === current, effective_from: effectiveFrom?.toString() ?? null, hash, plan: data }
  })
  output.result(shown, () =>
    output.table(
      shown,
      [
        { title: 'VERSION', of: ({ version, in_force: now }) => `${version}${now ? ' (in force)' : ''}` },
        { title: 'FROM', of: ({ effective_from: from }) => from ?? 'the beginning' },
        { title: 'RULE', of: ({ plan }) => plan.steps.map(({ rule }) => rule).join(', ') },
        { title: 'HASH', of: ({ hash }) => hash.slice(0, 16) },
      ],
      'No plan.',
    ),
  )
}
