// Ends a draft without a version: rejected by somebody who might have approved it, or withdrawn by who may propose.

import { closeDraft } from '../store/plan-draft.ts'
import { inTransaction } from '../store/statement.ts'
import { holdOpenDraft } from './draft-plan.ts'
import type { Ledger } from './ledger.ts'
import { requireRight, type Person } from './person.ts'
import { checkReason } from './reason.ts'
import type { Desk } from './world.ts'

type Ending = { readonly draft: string; readonly reason: string | null }

/** Refuses `plan_not_found`, `plan_locked`, `permission_missing`, `field_malformed`. */
export async function rejectPlan(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, person: Person, ending: Ending): Promise<void> {
  requireRight(person, 'approve')
  await close(desk, ledger, person, { ...ending, state: 'rejected' })
}

/** Refuses `plan_not_found`, `plan_locked`, `permission_missing`, `field_malformed`. */
export async function withdrawPlan(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, person: Person, ending: Ending): Promise<void> {
  requireRight(person, 'propose')
  await close(desk, ledger, person, { ...ending, state: 'withdrawn' })
}

async function close(
  { store, now }: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  person: Person,
  { draft, reason, state }: Ending & { readonly state: 'rejected' | 'withdrawn' },
): Promise<void> {
  const why = checkReason(reason)
  await inTransaction(store.pool, async (client) => {
    await holdOpenDraft(client, ledger, draft)
    await closeDraft(client, draft, { state, version: null, by: person.key, at: now(), reason: why })
  })
}
