// Makes a plan the next version of its ledger: numbered, immutable, in force from an instant. Every lane learns of it under its lock.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import type { Settings } from '../core/settings.ts'
import { announcePlanVersion, insertPlanVersion, lockHeads, planVersionsOf, type PlanVersionRow } from '../store/ledger.ts'
import { requireOriginal, type Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

export type Adopted = { readonly version: number; readonly effectiveFrom: Temporal.Instant; readonly at: Temporal.Instant }

/**
 * Adds the next version. All lanes are locked meanwhile: its instant is after everything recorded without the version, whatever this
 * process' clock says, and nobody else adds one. `effectiveFrom` null: as soon as the notice allows.
 * Refuses `plan_invalid` for an instant before the newest version's or too soon, `ledger_copy_forbidden`.
 */
export async function adoptPlan(
  client: PoolClient,
  desk: Pick<Desk, 'now'>,
  ledger: Ledger,
  { content, hash, effectiveFrom, settings, number }: {
    content: unknown
    hash: string
    effectiveFrom: Temporal.Instant | null
    settings: Settings
    /** Of the change that made the settings what they are. */
    number: number
  },
): Promise<Adopted> {
  requireOriginal(ledger)
  const recorded = await lockHeads(client, ledger.id)
  const at = laterOf(desk.now(), recorded.add({ microseconds: 1 }))
  const newest = present((await planVersionsOf(client, ledger.id)).at(-1), 'plan version')
  const version = newest.version + 1
  const from = effectiveFrom ?? earliestEffect(newest, settings, at)
  requireNotice(from, { newest, settings, at })
  await insertPlanVersion(client, { ledger: ledger.id, version, effectiveFrom: from, content, hash, settings: number, at })
  await announcePlanVersion(client, { ledger: ledger.id, version, at })
  return { version, effectiveFrom: from, at }
}

type Standing = { readonly newest: PlanVersionRow; readonly settings: Settings; readonly at: Temporal.Instant }

/** Refuses `plan_invalid` for an instant from which a version that came to be now may not be in force. */
export function requireNotice(from: Temporal.Instant, { newest, settings, at }: Standing): void {
  const earliest = earliestEffect(newest, settings, at)
  if (Temporal.Instant.compare(from, earliest) >= 0) return
  const notice = settings.plan_notice_seconds === 0 ? '' : ` with ${settings.plan_notice_seconds} seconds of notice`
  throw new Refusal('plan_invalid', `version ${newest.version + 1} would be in force from ${from.toString()}; the earliest${notice} is ${earliest.toString()}`, {
    field: 'effective_from',
    value: from.toString(),
    earliest: earliest.toString(),
  })
}

/** A later number wins at equal instants, so a version may begin when the newest does, and not before it. */
export function earliestEffect({ effective_from: last }: PlanVersionRow, { plan_notice_seconds: seconds }: Settings, at: Temporal.Instant): Temporal.Instant {
  const noticed = at.add({ seconds })
  return last === null ? noticed : laterOf(last, noticed)
}

function laterOf(one: Temporal.Instant, other: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(one, other) > 0 ? one : other
}
