// Adds a plan version to a ledger: immutable, numbered, in force from an instant. Events keep the version of their own instant.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import { announcePlanVersion, insertPlanVersion, lockHeads, planVersionsOf } from '../store/ledger.ts'
import { inTransaction } from '../store/statement.ts'
import { refreshPlans, type Ledger } from './ledger.ts'
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
  const { data, steps, hash } = parsePlan(content)
  const added = await inTransaction(desk.store.pool, async (client) => {
    const { version, now, earliest } = await nextVersion(client, desk, ledger)
    const from = effectiveFrom ?? now
    if (Temporal.Instant.compare(from, earliest) < 0) {
      throw new Refusal('plan_invalid', `version ${version} would be in force from ${from.toString()}; the earliest is ${earliest.toString()}`, {
        field: 'effective_from',
        value: from.toString(),
        earliest: earliest.toString(),
      })
    }
    await insertPlanVersion(client, { ledger: ledger.id, version, effectiveFrom: from, content: data, hash, at: now })
    await announcePlanVersion(client, { ledger: ledger.id, version, at: now })
    return { version, effectiveFrom: from }
  })
  await refreshPlans(desk, ledger)
  return { ...added, data, steps, hash }
}

/**
 * The number of the next version, the instant at which it is added, and the earliest from which it may be in force. All lanes are locked
 * by now: the instant is after everything recorded without the version, whatever this process' clock says, and nobody else adds one.
 */
async function nextVersion(
  client: PoolClient,
  desk: Pick<Desk, 'now'>,
  ledger: Ledger,
): Promise<{ version: number; now: Temporal.Instant; earliest: Temporal.Instant }> {
  const recorded = await lockHeads(client, ledger.id)
  const now = laterOf(desk.now(), recorded.add({ microseconds: 1 }))
  const newest = present((await planVersionsOf(client, ledger.id)).at(-1), 'plan version')
  const noticed = ledger.row.sandbox ? now : now.add(NOTICE)
  const earliest = newest.effective_from === null ? noticed : laterOf(newest.effective_from, noticed)
  return { version: newest.version + 1, now, earliest }
}

function laterOf(one: Temporal.Instant, other: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(one, other) > 0 ? one : other
}
