// The plan versions of a ledger as they are stored: numbered, in order, each with the content that its hash was made of.

import { parsePlan, versionInForce, type PlanVersion } from '../../core/plan.ts'
import { Refusal } from '../../core/refusal.ts'
import type { PlanVersionRow } from '../../store/ledger.ts'
import type { Findings } from './findings.ts'

export type Plans = {
  /** The version of a number, or undefined when there is none that can be read. */
  readonly version: (version: number) => PlanVersion | undefined
  /** The version in force at an instant, of those that were there when a block was recorded. */
  readonly inForce: (at: Temporal.Instant, recordedAt: Temporal.Instant) => PlanVersion | undefined
  /** Hash of a version's content as it stands now, in hex; what stands for one that cannot be read is its stored hash. */
  readonly hash: (version: number) => string
  readonly newest: number
  /** When the newest version was added; the heads of all lanes were moved to that instant. */
  readonly addedAt: Temporal.Instant | null
}

type Version = { readonly plan: PlanVersion; readonly addedAt: Temporal.Instant }

export function checkPlans(rows: readonly PlanVersionRow[], findings: Findings): Plans {
  const versions: Version[] = []
  let [last, from] = [0, null as Temporal.Instant | null]
  for (const row of rows) {
    findings.looked('plan')
    const where = { plan_version: row.version }
    if (row.version !== last + 1) findings.broken('plan', where, { expected: `version ${last + 1}`, found: `version ${row.version}` })
    if (from !== null && (row.effective_from === null || Temporal.Instant.compare(row.effective_from, from) < 0)) {
      const found = row.effective_from === null ? 'in force from the beginning' : `in force from ${row.effective_from.toString()}`
      findings.broken('plan', where, { expected: `in force from ${from.toString()} or later, like the version before`, found })
    }
    const plan = readPlan(row, findings)
    if (plan !== null) versions.push({ plan, addedAt: row.created_at })
    last = row.version
    from = row.effective_from
  }
  if (rows.length === 0) findings.broken('plan', {}, { expected: 'a plan version', found: 'none' })
  const hashes = new Map(rows.map(({ version, hash }) => [version, hash]))
  for (const { plan } of versions) hashes.set(plan.version, plan.hash)
  const byNumber = new Map(versions.map(({ plan }) => [plan.version, plan]))
  return {
    version: (version) => byNumber.get(version),
    hash: (version) => hashes.get(version) ?? '',
    newest: last,
    addedAt: rows.at(-1)?.created_at ?? null,
    inForce: (at, recordedAt) => {
      const [only] = versions
      if (only !== undefined && versions.length === 1 && only.plan.effectiveFrom === null) return only.plan
      const known = versions.filter(({ addedAt }) => Temporal.Instant.compare(addedAt, recordedAt) <= 0).map(({ plan }) => plan)
      return known.some(({ effectiveFrom }) => effectiveFrom === null) ? versionInForce(known, at) : undefined
    },
  }
}

function readPlan(row: PlanVersionRow, findings: Findings): PlanVersion | null {
  const where = { plan_version: row.version }
  try {
    const parsed = parsePlan(row.content)
    if (parsed.hash !== row.hash) {
      findings.broken('plan', where, { expected: `content with the hash ${row.hash}`, found: `content with the hash ${parsed.hash}` })
    }
    return { version: row.version, effectiveFrom: row.effective_from, ...parsed }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    findings.broken('plan', where, { expected: `the plan with the hash ${row.hash}`, found: `no plan: ${error.message}` })
    return null
  }
}
