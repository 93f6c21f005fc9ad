// A lane cut into ranges of blocks that are checked each by itself: the hash, the numbers and the balances stored before a range are
// where it begins, and the range before it looks at those. Where the cuts are follows from the ledger alone, so that a report does too.

import { seamsAt, type Snapshot, type StoredHead, type StoredSeam } from '../../store/verify.ts'

/** What is stored of the place between two blocks. */
export type Seam = {
  readonly block: bigint
  readonly event: bigint
  readonly transfer: bigint
  /** As the database prints it: one that was written by hand may be none. */
  readonly recordedAt: string
  readonly hash: Uint8Array
}

export type Range = {
  readonly lane: bigint
  /** The lane's position within its ledger. */
  readonly position: number
  /** Null before the first block. */
  readonly opening: Seam | null
  /** The seam after its last block, or the end of the lane with its head (null when it has lost it). */
  readonly end: { readonly seam: Seam; readonly head: null } | { readonly seam: null; readonly head: StoredHead | null }
  /** Whether the lane's accounts are looked at with this range. */
  readonly checkAccounts: boolean
}

/** How a lane is cut. A smaller range would spend more on its beginning than on its blocks. */
export type RangeSize = {
  /** Transfers of a range at least. */
  readonly transfers: bigint
  /** And so many for each account of the lane: a range begins by reading all balances. */
  readonly transfersAnAccount: bigint
  /** Ranges of a lane at most: each reads past the balance rows of all others, which no index has in this order. */
  readonly ranges: bigint
}

const RANGE_SIZE: RangeSize = { transfers: 250_000n, transfersAnAccount: 4n, ranges: 16n }

/** Cuts what comes after a seam, evenly by number of block. */
export async function rangesOf(
  snapshot: Snapshot,
  { lane, position, head, from }: { lane: bigint; position: number; head: StoredHead | null; from: Seam | null },
  size: RangeSize = RANGE_SIZE,
): Promise<readonly Range[]> {
  const [firstBlock, firstTransfer] = [from?.block ?? 0n, from?.transfer ?? 0n]
  const blocks = (head?.block ?? 0n) - firstBlock
  const least = max(size.transfers, size.transfersAnAccount * BigInt(head?.account ?? 0))
  const ranges = min(min(size.ranges, ((head?.transfer ?? 0n) - firstTransfer) / least), blocks)
  const cuts = Array.from({ length: Math.max(0, Number(ranges) - 1) }, (_, cut) => firstBlock + (blocks * BigInt(cut + 1)) / ranges)
  const seams = (cuts.length === 0 ? [] : await seamsAt(snapshot, lane, cuts)).map(seamOf).filter(({ block }) => block > firstBlock)
  return [...seams, null].map((seam, index): Range => {
    const opening = seams[index - 1] ?? from
    return { lane, position, opening, end: seam === null ? { seam, head } : { seam, head: null }, checkAccounts: index === 0 }
  })
}

export function seamOf({ recorded_at: recordedAt, ...seam }: StoredSeam): Seam {
  return { ...seam, recordedAt }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
