// Whether payouts may go without a person, as a pure function of what the signer read itself. Nobody who can only write as the server
// does can make it say yes: what loosens a ledger's settings, and what lets a payout go, bears a seal that no server holds.

import { isPayoutApproved, payoutHash, type Approval } from '../core/approval.ts'
import { Refusal } from '../core/refusal.ts'
import { foldSettings, type Folding, type Settings } from '../core/settings.ts'
import { refuse, type Batch } from './check.ts'
import type { PayoutRow } from './store.ts'

export type Policy = Folding & {
  /** Of the payouts asked for. */
  readonly payoutApprovals: readonly Approval[]
}

type Read = Policy & { readonly rows: readonly PayoutRow[]; readonly now: Temporal.Instant }

/** Refuses `signing_refused` for a payout above what its ledger pays without asking, unless a person's approval of just that counts now. */
export function checkApprovals({ ledger }: Batch, { rows, now, payoutApprovals, ...folding }: Read): void {
  const { payout_approval_above: limits } = settingsNow(folding, now)
  const bySubject = Map.groupBy(payoutApprovals, ({ subject }) => subject)
  for (const { payout, asset, units, destination } of rows) {
    const above = limits[asset]
    if (above === undefined || units <= BigInt(above)) continue
    const hash = payoutHash({ ledger, payout, asset, units, destination })
    const of = { ledger, kind: 'payout', subject: payout, hash } as const
    if (isPayoutApproved(bySubject.get(payout) ?? [], folding.approvers, { of, at: now })) continue
    throw refuse('approval_missing', `payout ${payout} is ${units} units of ${asset}; above ${above} its ledger asks for a person's approval, and none counts`, {
      payout,
      asset,
      units: units.toString(),
      above,
    })
  }
}

// Who can write a row that nobody can read must not thereby take the limits away.
function settingsNow(folding: Folding, now: Temporal.Instant): Settings {
  try {
    return foldSettings(folding, now).settings
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw refuse('settings_unreadable', `the settings of the ledger cannot be read: ${error.message}`)
  }
}
