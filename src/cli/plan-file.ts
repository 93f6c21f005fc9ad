// A plan as it stands in a file, and plans as they are shown.

import { Refusal } from '../core/refusal.ts'
import type { ValidPlan } from '../engine/draft-plan.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { PlanDocument } from '../engine/read-plans.ts'
import type { Given } from './command.ts'
import type { Column, Output } from './output.ts'
import { readInput } from './read-input.ts'

/** The content of a plan file; of standard input for `-`. Refuses `plan_invalid` for what is no JSON. */
export async function readPlan(file: string, input: Given['input']): Promise<unknown> {
  const content = await readInput(file, 'file', input)
  try {
    return JSON.parse(content) as unknown
  } catch (error) {
    throw new Refusal('plan_invalid', `${file} holds no plan: ${error instanceof Error ? error.message : String(error)}`, { field: 'file' })
  }
}

const rulesOf = (plan: unknown): string => {
  const { steps = [] } = plan as { readonly steps?: readonly { readonly rule: string }[] }
  return steps.map(({ rule }) => rule).join(', ')
}

export const PLAN_COLUMNS: readonly Column<PlanDocument>[] = [
  { title: 'VERSION', of: ({ version }) => version?.toString() ?? '-' },
  { title: 'STATE', of: ({ state }) => state.replaceAll('_', ' ') },
  { title: 'FROM', of: ({ effective_from: from, version }) => from ?? (version === null ? 'as soon as the notice allows' : 'the beginning') },
  { title: 'RULE', of: ({ plan }) => rulesOf(plan) },
  { title: 'DRAFTED BY', of: ({ drafted_by: by }) => by },
  { title: 'APPROVED BY', of: ({ approvals }) => approvals.filter(({ counts }) => counts).map(({ by }) => by).join(', ') || '-' },
  { title: 'DRAFT', of: ({ draft }) => draft ?? '-' },
]

/** Shows one plan, with what to do next. */
export function showPlan(output: Output, plan: PlanDocument): void {
  const { version, draft, state, hash, approvals, approvals_needed: needed, effective_from: from } = plan
  output.result(plan, () => {
    output.line(version === null ? `Draft ${draft}, ${state}, by ${plan.drafted_by}.` : `Version ${version}, ${state.replaceAll('_', ' ')}, drafted by ${plan.drafted_by}.`)
    output.line(from === null ? (version === null ? 'In force as soon as the notice allows.' : 'In force from the beginning.') : `In force from ${from}.`)
    if (hash !== null) output.line(`Hash ${hash}`)
    for (const { by, at, counts, preview } of approvals) output.line(`Approved by ${by} at ${at}${preview === null ? '' : `, after the preview ${preview}`}${counts ? '' : ' (of what it said before: counts no more)'}.`)
    if (state === 'draft') {
      const given = approvals.filter(({ counts }) => counts).length
      output.line(`${given} of ${needed} approvals. Next: apportion plan approve ${draft} --hash ${hash}`)
    }
    if (plan.reason !== null) output.line(`${state} by ${plan.closed_by}: ${plan.reason}`)
    output.line(JSON.stringify(plan.plan, null, 2))
  })
}

/** Tells of names that nobody here has met: what is new is meant so, or has a slip in it. */
export function noteUnmet(output: Output, ledger: Pick<Ledger, 'name'>, { unmet }: Pick<ValidPlan, 'unmet'>): void {
  if (unmet.length === 0 || output.json) return
  const names = unmet.map(({ kind, name }) => `the ${kind} ${name}`).join(', ')
  output.note(`The ledger ${ledger.name} has not met ${names} before: if that is a slip, correct the name.`)
}
