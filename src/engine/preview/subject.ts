// Which plan a preview runs: a draft as it stands now, a version, a plan that nobody has written down yet, or for each event the version it
// was recorded with.

import { present } from '../../core/assert.ts'
import { parsePlan, versionInForce, type PlanVersion } from '../../core/plan.ts'
import type { PreviewedEvent } from '../../core/preview.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Queryable } from '../../store/statement.ts'
import { requireDraft } from '../draft-plan.ts'
import { planVersion, refreshPlans, type Ledger } from '../ledger.ts'
import type { Desk } from '../world.ts'
import type { SubjectDocument } from './document.ts'

export type PlanChoice =
  | { readonly kind: 'draft'; readonly draft: string }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'in_force' }
  /** Each event by the version that it was recorded with. */
  | { readonly kind: 'recorded' }
  | { readonly kind: 'content'; readonly content: unknown }

export type Subject = {
  readonly document: SubjectDocument
  /** All steps that it may use, by all its versions. */
  readonly steps: PlanVersion['steps']
  readonly stepsOf: (event: Pick<PreviewedEvent, 'plan'>) => Pick<PlanVersion, 'steps'>
  /** Whether it stands for what was really done, with the facts that were kept then. */
  readonly asRecorded: boolean
}

/** Refuses `plan_not_found`, `plan_invalid`. */
export async function subjectOf(on: Queryable, { store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, choice: PlanChoice): Promise<Subject> {
  const known = choice.kind === 'version' || choice.kind === 'in_force' || choice.kind === 'recorded'
  if (known) await refreshPlans({ store }, ledger, on)
  switch (choice.kind) {
    case 'draft': {
      const draft = await requireDraft(on, ledger, choice.draft)
      const parsed = parsePlan(draft.content)
      return subject(parsed, { draft: draft.draft, version: draft.version, hash: draft.hash })
    }
    case 'version': {
      const version = ledger.plans.find((plan) => plan.version === choice.version)
      if (version !== undefined) return subject(version, { draft: null, version: version.version, hash: null })
      const newest = present(ledger.plans.at(-1), 'plan version').version
      throw new Refusal('plan_not_found', `the ledger ${ledger.name} has no plan version ${choice.version}: the newest is ${newest}`, { plan: choice.version.toString(), newest })
    }
    case 'in_force': {
      const version = versionInForce(ledger.plans, now())
      return subject(version, { draft: null, version: version.version, hash: null })
    }
    case 'recorded':
      return {
        document: { kind: 'recorded', draft: null, version: null, hash: null, plan_hash: null },
        steps: ledger.plans.flatMap(({ steps }) => steps),
        stepsOf: ({ plan }) => planVersion(ledger, present(plan, 'version of a recorded event')),
        asRecorded: true,
      }
    case 'content':
      return subject(parsePlan(choice.content), { draft: null, version: null, hash: null })
  }
}

type Named = Pick<SubjectDocument, 'draft' | 'version' | 'hash'>

function subject(plan: Pick<PlanVersion, 'steps' | 'hash'>, { draft, version, hash }: Named): Subject {
  const kind = draft !== null ? 'draft' : version !== null ? 'version' : 'content'
  return { document: { kind, draft, version, hash, plan_hash: plan.hash }, steps: plan.steps, stepsOf: () => plan, asRecorded: false }
}
