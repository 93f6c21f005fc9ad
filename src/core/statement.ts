// What a recipient's statement says of transfers, as pure sums: opening + earned + adjusted − fees − paid = closing, for each asset.

import { TRANSFER_KINDS, type StatementLine, type TransferKind } from './account.ts'
import { assert } from './assert.ts'

/** What moved by transfers of one kind: into the recipient's accounts, out of them, and between them. */
export type KindFlow = { readonly kind: string; readonly into: bigint; readonly outOf: bigint }

/** Units; each is above zero in the ordinary case, `adjusted` with its sign. */
export type StatementSums = { readonly earned: bigint; readonly adjusted: bigint; readonly fees: bigint; readonly paid: bigint }

/** What a transfer is on a statement: `moved` where it only goes from one of the recipient's accounts to another. */
export function lineOf(kind: string, { leaves, enters }: { readonly leaves: boolean; readonly enters: boolean }): StatementLine | 'moved' {
  if (leaves && enters) return 'moved'
  const line = statementLine(kind)
  assert((leaves || enters) && line !== null, `a transfer of the kind ${kind} changes what is owed to a recipient, and has no name on a statement`)
  return line
}

/** The sums of a span. Every flow that changes anything has a name, so nothing can be left out. */
export function sumLines(flows: readonly KindFlow[]): StatementSums {
  const sums: Record<StatementLine, bigint> = { earned: 0n, adjusted: 0n, fee: 0n, paid: 0n }
  for (const { kind, into, outOf } of flows) {
    if (into === 0n && outOf === 0n) continue
    const line = statementLine(kind)
    assert(line !== null, `transfers of the kind ${kind} change what is owed to a recipient, and have no name on a statement`)
    sums[line] += into - outOf
  }
  return { earned: sums.earned, adjusted: sums.adjusted, fees: -sums.fee, paid: -sums.paid }
}

export function closingOf(opening: bigint, { earned, adjusted, fees, paid }: StatementSums): bigint {
  return opening + earned + adjusted - fees - paid
}

function statementLine(kind: string): StatementLine | null {
  assert(Object.hasOwn(TRANSFER_KINDS, kind), `${kind} is no kind of transfer`)
  return TRANSFER_KINDS[kind as TransferKind].statement
}
