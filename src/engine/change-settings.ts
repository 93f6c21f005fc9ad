// Changes what a ledger asks for. What asks for more counts at once; what asks for less waits for other persons where there are any to ask.

import type { PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { approvalsToLoosen, changeHash, isLoosening, parseSettings } from '../core/settings.ts'
import { approversOf, insertApprovals } from '../store/approval.ts'
import { releaseUnasked } from '../store/await-payouts.ts'
import { closeSettingsChange, insertSettingsChange, lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { namesOfKeys } from './api-key.ts'
import { checkApproval, type GivenApproval } from './check-approval.ts'
import { checkReason } from './reason.ts'
import type { Ledger } from './ledger.ts'
import { requireRight, type Person } from './person.ts'
import { areEqual, MAX_CHANGES, patched, readSettings, requireApprovers, settingsDocument, type LedgerSettings, type SettingsDocument, type SettingsPatch } from './settings.ts'
import type { Desk } from './world.ts'

type Changing = Pick<Desk, 'store' | 'now' | 'id'>

/** `id`: of the change, for whoever may ask for it again; the same id has the same content, and is recorded once. */
type ProposedChange = SettingsPatch & { readonly id?: string | null }

/**
 * Proposes a change of some parts. It is recorded, and in force as far as it asks for more; the rest is `pending` until it was approved.
 * Refuses `settings_invalid`, `permission_missing`, `approver_missing`, `settings_exceeded`.
 */
export async function changeSettings(desk: Changing, ledger: Ledger, person: Person, { id = null, ...patch }: ProposedChange): Promise<SettingsDocument> {
  requireRight(person, 'administer')
  return await underLock(desk, ledger, async (client, read) => {
    const { settings, pending, changes } = read
    if (changes.some(({ change }) => change === id)) return
    const wanted = parseSettings(patched(settings, patch), ledger.row)
    for (const asset of Object.keys(wanted.payout_approval_above)) {
      if (!ledger.assets.has(asset)) throw new Refusal('asset_not_found', `the ledger ${ledger.name} has no asset ${asset}`, { field: 'payout_approval_above', value: asset })
    }
    if (pending === null && areEqual(settings, wanted)) return
    requireApprovers(await approversOf(client, ledger.id), { current: settings, wanted })
    // Somebody must be who proposed it, so that somebody else can be who approves it.
    if (isLoosening(settings, wanted) && approvalsToLoosen(settings) > 0 && person.key === null) {
      throw new Refusal('permission_missing', 'asking for less takes a person here: say who you are by a key, --key or APPORTION_KEY', { right: 'administer' })
    }
    const last = changes.at(-1)
    if (changes.length >= MAX_CHANGES) {
      throw new Refusal('settings_exceeded', `the settings of ${ledger.name} were changed ${MAX_CHANGES} times, which is all a ledger can`, { limit: MAX_CHANGES })
    }
    const number = (last?.number ?? 0) + 1
    // After the change before it, whatever this process' clock says: the order of the numbers is the order of the instants.
    const now = desk.now()
    const at = last !== undefined && Temporal.Instant.compare(now, last.at) <= 0 ? last.at.add({ microseconds: 1 }) : now
    await insertSettingsChange(client, { ledger: ledger.id, change: id ?? desk.id(), number, content: wanted, proposedBy: person.key, at })
  })
}

/**
 * Approves the change that waits. Refuses `settings_not_found`, `settings_locked` when it waits no more, and as `checkApproval` does.
 */
export async function approveSettings(
  desk: Changing,
  ledger: Ledger,
  person: Person,
  { change: id, approval: given }: { change: string; approval: GivenApproval },
): Promise<SettingsDocument> {
  requireRight(person, 'approve')
  return await underLock(desk, ledger, async (client, read) => {
    const { change, wanted } = requirePending(ledger, read, id)
    const { approvals, approvers } = read.folding
    const of = { ledger: ledger.id, kind: 'settings', subject: change.change, hash: changeHash(ledger.id, change, wanted) } as const
    const except = new Set(change.proposedBy === null ? [] : [change.proposedBy])
    await insertApprovals(client, [checkApproval(desk, { person, of, given, except, approvals, approvers })])
  })
}

/** Takes back the change that waits; what it tightened stays. Refuses `settings_not_found`, `settings_locked`, `field_malformed`. */
export async function withdrawSettings(
  desk: Changing,
  ledger: Ledger,
  person: Person,
  { change: id, reason }: { change: string; reason: string | null },
): Promise<SettingsDocument> {
  requireRight(person, person.rights.has('approve') ? 'approve' : 'administer')
  const why = checkReason(reason)
  return await underLock(desk, ledger, async (client, read) => {
    const { change } = requirePending(ledger, read, id)
    await closeSettingsChange(client, change.change, { by: person.key, at: desk.now(), reason: why })
  })
}

/** Does something with the settings to itself, and answers what they are then. */
async function underLock(
  desk: Changing,
  ledger: Ledger,
  work: (client: PoolClient, read: LedgerSettings) => Promise<void>,
): Promise<SettingsDocument> {
  return await inTransaction(desk.store.pool, async (client) => {
    await lockSettings(client, ledger.id, 'alone')
    const before = await readSettings(client, ledger, desk.now())
    await work(client, before)
    const at = before.changes.at(-1)?.at
    const now = desk.now()
    const after = await readSettings(client, ledger, at !== undefined && Temporal.Instant.compare(at, now) > 0 ? at : now)
    // What waited only because less was allowed before goes on.
    await releaseUnasked(client, { lanes: ledger.lanes, above: after.settings.payout_approval_above, at: now })
    return settingsDocument(ledger, after, await namesOfKeys(client, ledger))
  })
}

function requirePending(ledger: Ledger, { changes, pending }: LedgerSettings, id: string): NonNullable<LedgerSettings['pending']> {
  const found = changes.find(({ change }) => change === id)
  if (found === undefined) {
    throw new Refusal('settings_not_found', `the ledger ${ledger.name} has no change of settings ${JSON.stringify(id.slice(0, 80))}`, { change: id.slice(0, 80) })
  }
  if (pending?.change.change === id) return present(pending, 'pending change')
  const later = changes.at(-1)?.number ?? 0
  const why = later > found.number ? `change ${later} came after it` : found.closedAt === null ? 'it is in force' : 'it was withdrawn'
  throw new Refusal('settings_locked', `change ${found.number} of the settings waits for nothing: ${why}`, { change: id, number: found.number })
}
