// A chunk of a reversal of a large distribution as a posting: what is not paid yet is taken from each share, and for the rest its
// recipient owes. Lean, as the chunks that give out are. What it asserts is what a batch's decision asserts.

import { accountName, balanceOf } from './account.ts'
import type { Integers } from './allocate/words.ts'
import { assert } from './assert.ts'
import { openChunk, type ChunkDecision, type Standing } from './chunk.ts'
import type { AccountState, Head } from './posting.ts'

/** A share of the chunk, as it stands: `unpaid` is what of it can be taken without owing. */
export type StandingShare = {
  /** The number of its transfer. */
  readonly share: bigint
  readonly part: number
  readonly recipient: string
  readonly unpaid: bigint
  /** The payout that waits with it; null where none was made of it. */
  readonly payout: string | null
  readonly payable: Standing
  /** Null where the recipient never owed anything. */
  readonly owed: Standing | null
}

/** Units taken from an account, with the account as it stands after it. */
export type Taking = { readonly account: AccountState; readonly isNew: boolean; readonly part: number; readonly units: bigint }

export type TakeBackDecision = ChunkDecision & {
  /** Of what is given back, units that are owed from now on. */
  readonly owed: bigint
  /** What shares that are not paid have lost. */
  readonly deductions: readonly { readonly share: bigint; readonly transfer: bigint; readonly units: bigint; readonly payout: string | null }[]
}

export type TakeBack = {
  readonly asset: string
  /** The digest of the reversal's reference, which stands in each transfer. */
  readonly digest: string
  readonly shares: readonly StandingShare[]
  /** Of each share, what comes back of it. */
  readonly units: Integers
}

/**
 * Decides a chunk. `holder` is the account of what was not taken back yet. Each transfer is handed to `post`, in order. Nothing is refused
 * here: a recipient can always owe.
 */
export function decideTakeBack(
  { asset, digest, shares, units }: TakeBack,
  { head, holder, recordedAt }: { readonly head: Head; readonly holder: AccountState; readonly recordedAt: Temporal.Instant },
  post: (taking: Taking) => void,
): TakeBackDecision {
  assert(shares.length === units.length, `${units.length} parts for ${shares.length} shares`)
  const open = openChunk(head, recordedAt)
  const touched: AccountState[] = []
  const deductions: TakeBackDecision['deductions'][number][] = []
  let [number, lastAccount, given, owed] = [head.transfer, head.account, 0n, 0n]
  const take = (account: Omit<AccountState, 'transfer' | 'asset'>, own: { readonly part: number; readonly units: bigint; readonly isNew: boolean }): void => {
    number += 1n
    given += own.units
    const after: AccountState = { ...account, asset, transfer: number, debits: account.debits + own.units }
    assert(balanceOf(after.name, after) >= 0n, `${after.name} would stand below zero`)
    if (!own.isNew) touched.push(after)
    open.addTransfer({ number, event: null, kind: 'taken_back', part: own.part, subject: digest, debit: after.name, credit: holder.name, asset, units: own.units })
    post({ account: after, ...own })
  }
  for (let index = 0; index < shares.length; index += 1) {
    const due = units[index] as bigint
    if (due === 0n) continue
    const { share, part, recipient, unpaid, payout, payable, owed: standing } = shares[index] as StandingShare
    const taken = due < unpaid ? due : unpaid
    if (taken > 0n) {
      take({ ...payable, name: accountName('payable', recipient) }, { part, units: taken, isNew: false })
      deductions.push({ share, transfer: number, units: taken, payout })
    }
    if (taken === due) continue
    owed += due - taken
    const account = standing ?? { number: (lastAccount += 1), debits: 0n, credits: 0n }
    take({ ...account, name: accountName('owed_by', recipient) }, { part, units: due - taken, isNew: standing === null })
  }
  const held = { ...holder, credits: holder.credits + given, transfer: number }
  assert(balanceOf(held.name, held) >= 0n, `a chunk takes back ${given} units, more than stands in ${held.name}`)
  touched.push(held)
  return { ...open.end({ transfer: number, account: lastAccount }), touched, given, shares: Number(number - head.transfer), owed, deductions }
}
