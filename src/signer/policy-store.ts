// What the signer reads to know whether a person was asked: the ledger's settings, its persons, and their approvals.

import type { Pool } from 'pg'
import { approvalsOf, approversOf } from '../store/approval.ts'
import { settingsChangesOf } from '../store/settings.ts'
import { oneRow } from '../store/statement.ts'
import type { Policy } from './policy.ts'
import { refuse } from './check.ts'

/** More changes than the engine writes for one ledger: whoever wrote so many did not ask it. */
const MAX_CHANGES = 2_000

/** Refuses `signing_refused` for more changes than a ledger can have. */
export async function readPolicy(pool: Pool, ledger: string, payouts: readonly string[]): Promise<Policy> {
  const [{ sandbox }, changes, approvers] = await Promise.all([
    oneRow<{ sandbox: boolean }>(pool, { text: `select sandbox from apportion.ledger where ledger = $1`, values: [ledger] }),
    settingsChangesOf(pool, ledger, MAX_CHANGES + 1),
    approversOf(pool, ledger),
  ])
  if (changes.length > MAX_CHANGES) throw refuse('settings_unreadable', `the settings of the ledger have more than ${MAX_CHANGES} changes`)
  const ids = new Set(changes.map(({ change }) => change))
  const approvals = await approvalsOf(pool, [...ids, ...payouts])
  return {
    ledger,
    sandbox,
    changes,
    approvers,
    approvals: approvals.filter(({ subject }) => ids.has(subject)),
    payoutApprovals: approvals.filter(({ subject }) => !ids.has(subject)),
  }
}
