// Adds a plan version to a ledger: immutable, numbered, in force from an instant. Events keep the version of their own instant.

import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { announcePlanVersion, insertPlanVersion } from '../store/ledger.ts'
import { inTransaction } from '../store/statement.ts'
import { newestPlan, refreshPlans, type Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** Real money gets at least this notice before its division changes. */
const NOTICE = { minutes: 10 }

/**
 * Adds the next version, in force from `effectiveFrom` (null: from now on). Every lane learns of it under its lock.
 * Refuses `plan_invalid` for a plan that is none, an instant before the newest version's or too soon.
 */
export async function addPlanVersion(
  desk: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  { content, effectiveFrom }: { content: unknown; effectiveFrom: Temporal.Instant | null },
): Promise<PlanVersion> {
  const { data, step, hash } = parsePlan(content)
  await refreshPlans(desk, ledger)
  const newest = newestPlan(ledger)
  const now = desk.now()
  const from = effectiveFrom ?? now
  const earliest = ledger.row.sandbox ? now : now.add(NOTICE)
  const floor = newest.effectiveFrom !== null && Temporal.Instant.compare(newest.effectiveFrom, earliest) > 0 ? newest.effectiveFrom : earliest
  if (Temporal.Instant.compare(from, floor) < 0) {
    throw new Refusal('plan_invalid', `version ${newest.version + 1} would be in force from ${from.toString()}; the earliest is ${floor.toString()}`, {
      field: 'effective_from',
      value: from.toString(),
      earliest: floor.toString(),
    })
  }
  const version = newest.version + 1
  await inTransaction(desk.store.pool, async (client) => {
    await insertPlanVersion(client, { ledger: ledger.id, version, effectiveFrom: from, content: data, hash, at: now })
    await announcePlanVersion(client, ledger.id, version)
  })
  await refreshPlans(desk, ledger)
  return { version, effectiveFrom: from, data, step, hash }
}
