// Which new shares become one payout: each by itself, or, where the ledger's program says so, those of one recipient that go to one
// destination and may be paid from one day on. What is made is made in one pass; a payout never grows afterwards.

import { canonicalJson } from '../core/canonical.ts'
import { payableFrom } from '../core/part.ts'
import type { NewShare } from '../store/payout.ts'
import { planVersion, type Ledger } from './ledger.ts'

/** At least one share each, in the order of the shares. One without a destination stands alone: each gets that of its own event's time. */
export function joinShares(ledger: Ledger, shares: readonly NewShare[]): readonly (readonly NewShare[])[] {
  if (ledger.program.payoutPolicy !== 'per_destination') return shares.map((share) => [share])
  return [...Map.groupBy(shares, (share) => groupOf(ledger, share)).values()]
}

function groupOf(ledger: Ledger, { transfer, plan, part, event_at: at, recipient, asset, destination }: NewShare): string {
  if (destination === null) return transfer.toString()
  const from = payableFrom(planVersion(ledger, plan), part, at)?.toString() ?? ''
  return `${recipient}\t${asset}\t${from}\t${canonicalJson(destination)}`
}
