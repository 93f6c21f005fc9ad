// What recipients owe, kept back from their new shares in the transaction that makes payouts of them: a transfer for each, and a smaller payout.

import { accountKey, accountName, balanceOf } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { decideBatch, type Known, type Leg } from '../core/posting.ts'
import { insertPayouts, type NewPayout, type NewShare } from '../store/payout.ts'
import { runOnLane } from '../store/posting.ts'
import { deductedFrom, insertDeductions } from '../store/reversal.ts'
import type { Statement } from '../store/statement.ts'
import { uncountedDebts } from '../store/take-back.ts'
import { joinShares } from './join-shares.ts'
import type { Ledger } from './ledger.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

export type Keeping = {
  readonly shares: readonly NewShare[]
  /** How far shares had become payouts when these were read. The last of the guards answers how far they have, as `transfer`. */
  readonly place: bigint
  readonly guards: readonly Statement[]
  /** Moves that place past these shares. */
  readonly move: Statement
  readonly payoutOfShares: (shares: readonly NewShare[], left: { readonly payout: string; readonly units: bigint }) => NewPayout
}

/** Keeps back as much of each share as the ledger's settings say, and makes payouts of the rest. `again`: others made them meanwhile. */
export async function postKept(
  desk: Pick<Desk, 'store' | 'now' | 'id'>,
  { ledger, lane }: { readonly ledger: Ledger; readonly lane: bigint },
  { shares, place, guards, move, payoutOfShares }: Keeping,
): Promise<number | 'again'> {
  if (shares.length === 0) return 'again'
  const now = desk.now()
  const { settings } = await readSettings(desk.store.pool, ledger, now)
  const accounts = shares.flatMap(({ recipient, asset }) => [{ name: accountName('payable', recipient), asset }, { name: accountName('owed_by', recipient), asset }])
  return await runOnLane<number | 'again'>(desk.store, {
    ...{ lane, digests: [], states: [], accounts },
    guards: [deductedFrom(lane, shares.map(({ transfer }) => transfer)), uncountedDebts(lane, accounts.map(({ name }) => name)), ...guards],
    decide: ({ head, known, guarded }) => {
      const [taken, uncounted, ...locked] = guarded.map(({ rows }) => rows as unknown[])
      const [reached] = locked.at(-1) as { transfer: bigint }[]
      if (reached?.transfer !== place) return { abort: true, result: 'again' }
      const deducted = new Map((taken as { share: bigint; units: bigint }[]).map(({ share, units }) => [share, units]))
      const ids = new Map(joinShares(ledger, shares).flatMap((joined) => {
        const payout = desk.id()
        return joined.map(({ transfer }) => [transfer, payout] as const)
      }))
      const left = shares.map((share) => ({ share, payout: present(ids.get(share.transfer), 'payout'), units: share.units - (deducted.get(share.transfer) ?? 0n) }))
      const debts = new Map((uncounted as { name: string; asset: string; units: bigint }[]).map((debt) => [accountKey(debt), debt.units]))
      const kept = keepBack(left, { known, uncounted: debts, percent: settings.recoup_percent })
      const legs = kept.flatMap(({ leg }) => leg ?? [])
      const { outcomes, write } = decideBatch(head, known, legs.length === 0 ? [] : [{ type: 'move', legs }], now)
      const [outcome] = outcomes
      if (outcome?.state === 'refused') throw outcome.refusal
      const first = outcome?.state === 'posted' ? outcome.firstTransfer : 0n
      const deductions = kept
        .flatMap(({ share, leg }) => (leg === null ? [] : [{ share: share.transfer, units: leg.units }]))
        .map((each, index) => ({ ...each, transfer: first + BigInt(index) }))
      const payouts = [...Map.groupBy(kept, ({ payout }) => payout)].map(([payout, joined]) => {
        return payoutOfShares(joined.map(({ share }) => share), { payout, units: joined.reduce((all, { units }) => all + units, 0n) })
      })
      return { abort: false, write, after: [insertPayouts(lane, payouts, now), insertDeductions(lane, deductions), move], result: shares.length }
    },
  })
}

type Left = { readonly share: NewShare; readonly payout: string; readonly units: bigint }

/** `uncounted`: debts by reversals that are not complete, by account: they are kept back of nothing yet. */
type Debts = { readonly known: Known; readonly uncounted: ReadonlyMap<string, bigint>; readonly percent: number }

/** What is kept back of each share (null: nothing), and what is left of it to be paid. */
function keepBack(left: readonly Left[], { known, uncounted, percent }: Debts): readonly (Left & { readonly leg: Leg | null })[] {
  const owed = new Map<string, bigint>()
  return left.map(({ share, payout, units }) => {
    const { recipient, asset } = share
    const account = { name: accountName('owed_by', recipient), asset }
    const found = known.accounts.get(accountKey(account))
    const owing = owed.getOrInsertComputed(accountKey(account), () => (found === undefined ? 0n : balanceOf(account.name, found)) - (uncounted.get(accountKey(account)) ?? 0n))
    // Rounded down for the one who is paid: a unit more is kept back from the next share.
    const most = (units * BigInt(percent)) / 100n
    const kept = owing < most ? owing : most
    if (kept <= 0n) return { share, payout, units, leg: null }
    owed.set(accountKey(account), owing - kept)
    const leg: Leg = { kind: 'recouped', debit: accountName('payable', recipient), credit: account.name, asset, units: kept, part: null, subject: payout }
    return { share, payout, units: units - kept, leg }
  })
}
