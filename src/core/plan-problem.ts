// Where in a written plan the fault is that a refusal names: so that a file's line can be shown.

import type { Json } from './effects.ts'
import type { Refusal } from './refusal.ts'

/** The path, within the plan, of what `plan_invalid` is about; empty when it is the whole of it. */
export function placeInPlan(plan: Json, { details }: Refusal): readonly PropertyKey[] {
  const { step, field } = details
  const fields = typeof field === 'string' && field !== '' ? field.split('.') : []
  if (typeof step !== 'string') return fields
  const steps: unknown = typeof plan === 'object' && plan !== null && 'steps' in plan ? plan['steps'] : null
  // The later one where two have the same name: it is the one that was refused.
  const index = Array.isArray(steps) ? steps.findLastIndex((each: unknown) => typeof each === 'object' && each !== null && 'name' in each && each.name === step) : -1
  if (index === -1) return ['steps']
  const [first = ''] = fields
  return ['steps', index, ...(OWN_FIELDS.has(first) ? fields : ['parameters', ...fields])]
}

/** Fields of a step itself; what else a refusal names stands among its parameters. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['name', 'from', 'rule', 'rounding', 'lock'])
