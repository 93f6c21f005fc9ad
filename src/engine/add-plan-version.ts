// The short way to a new plan version, where no second person is asked: drafted and adopted in one go, with the draft kept.

import { draftHash } from '../core/approval.ts'
import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { closeDraft } from '../store/plan-draft.ts'
import { lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { adoptPlan } from './adopt-plan.ts'
import { insertNewDraft, type DraftContent } from './draft-plan.ts'
import { refreshPlans, type Ledger } from './ledger.ts'
import { OWNER, requireRight, type Person } from './person.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

/**
 * Adds the next version, in force from `effectiveFrom` (null: as soon as the notice allows).
 * Refuses `plan_invalid` for a plan that is none, an instant before the newest version's or too soon; `approval_missing` where plans are
 * approved by a second person; `permission_missing`.
 */
export async function addPlanVersion(
  desk: Pick<Desk, 'store' | 'now' | 'id'>,
  ledger: Ledger,
  { content, effectiveFrom, person = OWNER }: DraftContent & { readonly person?: Person },
): Promise<PlanVersion> {
  requireRight(person, 'propose')
  const { data, ...parsed } = parsePlan(content)
  const added = await inTransaction(desk.store.pool, async (client) => {
    await lockSettings(client, ledger.id, 'shared')
    const { settings, number } = await readSettings(client, ledger, desk.now())
    const { plan_approvals: needed } = settings
    if (needed > 0) {
      const message = `a plan of ${ledger.name} takes ${needed} approvals: plan draft, then plan approve by another person`
      throw new Refusal('approval_missing', message, { needed, given: 0 })
    }
    const draft = await insertNewDraft(client, desk, ledger, { person, data, effectiveFrom, hash: draftHash({ ledger: ledger.id, plan: data, effectiveFrom }) })
    const { at, ...adopted } = await adoptPlan(client, desk, ledger, { content: data, hash: parsed.hash, effectiveFrom, settings, number })
    await closeDraft(client, draft, { state: 'approved', version: adopted.version, by: person.key, at, reason: null })
    return adopted
  })
  await refreshPlans(desk, ledger)
  return { ...added, data, ...parsed }
}
