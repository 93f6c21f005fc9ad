// The short way to a new plan version, where no second person is asked: drafted and adopted in one go, with the draft kept.

import type { PoolClient } from 'pg'
import { draftHash } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { closeDraft, findDraft } from '../store/plan-draft.ts'
import { lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { adoptPlan } from './adopt-plan.ts'
import { insertNewDraft, type DraftContent } from './draft-plan.ts'
import { planVersion, refreshPlans, type Ledger } from './ledger.ts'
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
  { content, effectiveFrom, id = null, person = OWNER }: DraftContent & { readonly person?: Person },
): Promise<PlanVersion> {
  requireRight(person, 'propose')
  const { data, hash: planHash } = parsePlan(content)
  const version = await inTransaction(desk.store.pool, async (client) => {
    // Before anything is checked: what was added under this id stays so, although the same might be refused by now.
    const before = await versionMade(client, ledger, id)
    if (before !== null) return before
    await lockSettings(client, ledger.id, 'shared')
    const { settings, number } = await readSettings(client, ledger, desk.now())
    const { plan_approvals: needed } = settings
    if (needed > 0) {
      const message = `a plan of ${ledger.name} takes ${needed} approvals: plan draft, then plan approve by another person`
      throw new Refusal('approval_missing', message, { needed, given: 0 })
    }
    const hash = draftHash({ ledger: ledger.id, plan: data, effectiveFrom })
    const { draft, isNew } = await insertNewDraft(client, desk, ledger, { id, person, data, effectiveFrom, hash })
    if (!isNew) return present(await versionMade(client, ledger, draft), 'version of a draft that was added at the same moment')
    const { at, ...adopted } = await adoptPlan(client, desk, ledger, { content: data, hash: planHash, effectiveFrom, settings, number })
    await closeDraft(client, draft, { state: 'approved', version: adopted.version, by: person.key, at, reason: null })
    return adopted.version
  })
  await refreshPlans(desk, ledger)
  return planVersion(ledger, version)
}

async function versionMade(client: PoolClient, ledger: Ledger, id: string | null): Promise<number | null> {
  return id === null ? null : ((await findDraft(client, ledger.id, id))?.version ?? null)
}
