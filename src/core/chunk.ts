// A chunk of a large distribution as a posting: one transfer to each recipient with a share above zero. Lean, because it runs for ten million
// shares: rows are handed on one by one, and nothing of a recipient is kept. What it asserts is what a batch's decision asserts.

import { accountName, balanceOf } from './account.ts'
import { assert } from './assert.ts'
import type { Integers } from './allocate/words.ts'
import { startBlock } from './journal.ts'
import { MAX_UNITS, type AssetName } from './money.ts'
import { partOf } from './part.ts'
import type { AccountState, BatchWrite, Head } from './posting.ts'

/** What a recipient's account is, where there is one. */
export type Standing = Pick<AccountState, 'number' | 'debits' | 'credits'>

export type Chunk = {
  readonly asset: AssetName
  /** The digest of the event's reference, which stands in each transfer. */
  readonly digest: string
  /** Index of the plan's step. */
  readonly step: number
  readonly firstPlace: number
  readonly recipients: readonly string[]
  readonly units: Integers
}

/** A share as it is posted, with its account as it stands after it. */
export type ChunkShare = { readonly account: AccountState; readonly isNew: boolean; readonly part: number; readonly units: bigint }

export type ChunkDecision = Pick<BatchWrite, 'before' | 'head' | 'block' | 'touched'> & { readonly given: bigint; readonly shares: number }

/** A chunk's block, which is one without events: its transfers are added in order, then it ends with the head as it stands after it. */
export function openChunk(head: Head, recordedAt: Temporal.Instant) {
  const instant = Temporal.Instant.compare(recordedAt, head.recordedAt) < 0 ? head.recordedAt : recordedAt
  const block = head.block + 1n
  const { addTransfer, hash } = startBlock(head.hash, { number: block, recordedAt: instant })
  return {
    addTransfer,
    end: (last: Pick<Head, 'transfer' | 'account'>): Pick<BatchWrite, 'before' | 'head' | 'block'> => ({
      before: head,
      head: { ...head, ...last, block, hash: hash(), recordedAt: instant },
      block: { firstTransfer: head.transfer + 1n, firstEvent: head.event + 1n },
    }),
  }
}

/**
 * Decides a chunk. `holder` is the account of what was not given out yet; `standing` are the recipients' accounts that there are, by
 * recipient. Each share is handed to `post`, in order. Nothing is refused here: what could be was refused when the event was recorded.
 */
export function decideChunk(
  { asset, digest, step, firstPlace, recipients, units }: Chunk,
  { head, holder, standing, recordedAt }: { readonly head: Head; readonly holder: AccountState; readonly standing: ReadonlyMap<string, Standing>; readonly recordedAt: Temporal.Instant },
  post: (share: ChunkShare) => void,
): ChunkDecision {
  assert(recipients.length === units.length, `${units.length} shares for ${recipients.length} recipients`)
  const open = openChunk(head, recordedAt)
  const touched: AccountState[] = []
  let [number, lastAccount, given, shares] = [head.transfer, head.account, 0n, 0]
  for (let index = 0; index < recipients.length; index += 1) {
    const share = units[index] as bigint
    if (share === 0n) continue
    number += 1n
    given += share
    shares += 1
    const recipient = recipients[index] as string
    const name = accountName('payable', recipient)
    const found = standing.get(recipient)
    const account: AccountState = {
      ...{ name, asset, transfer: number, number: found?.number ?? (lastAccount += 1) },
      ...{ debits: found?.debits ?? 0n, credits: (found?.credits ?? 0n) + share },
    }
    // All of it came through `received`, which was refused what it could not hold.
    assert(account.credits <= MAX_UNITS, 'an account would pass 39 digits')
    if (found !== undefined) touched.push(account)
    const part = partOf(step, firstPlace + index)
    open.addTransfer({ number, event: null, kind: 'distributed', part, subject: digest, debit: holder.name, credit: name, asset, units: share })
    post({ account, isNew: found === undefined, part, units: share })
  }
  const held = { ...holder, debits: holder.debits + given, transfer: number }
  assert(balanceOf(held.name, held) >= 0n, `a chunk gives out ${given} units, more than stands in ${held.name}`)
  touched.push(held)
  return { ...open.end({ transfer: number, account: lastAccount }), touched, given, shares }
}
