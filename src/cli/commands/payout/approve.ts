// `payout approve`: a person lets payouts go: those named, or all that wait and are smaller than an amount.

import { formatMoney, parseAmount, parseAsset } from '../../../core/money.ts'
import { Refusal } from '../../../core/refusal.ts'
import { approvePayouts, MAX_DECIDED, type Decided } from '../../../engine/approve-payouts.ts'
import { waitingApprovals, type WaitingDocument } from '../../../engine/read-approvals.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'
import { showDecided } from '../../decided.ts'
import { actorOf, sealed, wordsOf } from '../../person.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const actor = await actorOf(desk, ledger, options)
  const [named, below] = [wordsOf(words[0]), maybeText(options['allBelow'])]
  if ((named.length === 0) === (below === null)) throw new Refusal('field_malformed', 'say which payouts, or --all-below an amount', { field: 'payouts' })
  const asset = parseAsset(maybeText(options['asset']) ?? ledger.asset.name)
  const limit = below === null ? null : parseAmount(below, { field: 'all-below', scale: asset.scale })
  const isMeant = ({ subject, payout }: WaitingDocument): boolean => {
    if (payout === null) return false
    return limit === null ? named.includes(subject) : payout.asset === asset.name && BigInt(payout.units) < limit
  }
  const meant: WaitingDocument[] = []
  for (let cursor: string | null = null, more = true; more; ) {
    const page = await waitingApprovals(desk, ledger, { cursor, limit: MAX_DECIDED })
    meant.push(...page.items.filter(isMeant))
    cursor = page.next
    more = cursor !== null
  }
  const missing = named.filter((id) => !meant.some(({ subject }) => subject === id))
  for (const { payout } of meant) if (payout !== null) output.note(`approving ${formatMoney(BigInt(payout.units), parseAsset(payout.asset))} to ${payout.destination}`)
  // Those that do not wait are asked about as well, so that the answer says why.
  const all = [...meant.map(({ subject, hash }) => ({ subject, hash })), ...missing.map((subject) => ({ subject, hash: '' }))]
  const decided: Decided[] = []
  for (let from = 0; from < all.length; from += MAX_DECIDED) {
    const given = all.slice(from, from + MAX_DECIDED).map(({ subject, hash }) => {
      return { payout: text(subject), approval: sealed(desk, actor, { ledger: ledger.id, kind: 'payout', subject, hash }) }
    })
    decided.push(...(await approvePayouts(desk, ledger, actor.person, given)))
  }
  if (decided.length === 0) return output.result([], () => output.line('No payout waits that is smaller.'))
  showDecided(output, decided, 'approved')
}
