// What counts of the journal at a place: everything but the shares of large distributions that were not complete there, and what was taken
// back of such shares by a reversal that was not. It counts from the last chunk on, so it stands in the span in which that was posted,
// wherever its own transfer stands.

import { flowsOf, sumsAt, type Edge, type Flow, type Range, type Sums } from '../store/history.ts'
import { openEntries, type OpenEntry } from '../store/open-shares.ts'
import type { Queryable } from '../store/statement.ts'

/** As `sumsAt`. */
export async function countedSums(on: Queryable, edges: readonly Edge[], accounts: readonly string[]): Promise<readonly Sums[]> {
  return withoutOpen(await sumsAt(on, edges, accounts), await openEntries(on, edges, accounts))
}

export function withoutOpen(sums: readonly Sums[], open: readonly OpenEntry[]): readonly Sums[] {
  if (open.length === 0) return sums
  return sums.map((row) => {
    const own = open.filter(({ asset }) => asset === row.asset)
    const of = (side: 'debit' | 'credit'): bigint => own.reduce((all, entry) => (entry[side] === row.name ? all + entry.units : all), 0n)
    return { ...row, debits: row.debits - of('debit'), credits: row.credits - of('credit') }
  })
}

type FlowsAsked = { readonly range: Range; readonly accounts: readonly string[]; readonly span: { readonly from: Temporal.Instant; readonly to: Temporal.Instant } | null }

/** As `flowsOf`. */
export async function countedFlows(on: Queryable, asked: FlowsAsked): Promise<readonly Flow[]> {
  const { range, accounts, span } = asked
  const [flows, before, after] = [await flowsOf(on, asked), await openEntries(on, range.low, accounts), await openEntries(on, range.high, accounts)]
  const periodOf = ({ event_at: at }: OpenEntry): Flow['period'] => {
    if (span === null || at === null) return 'within'
    return Temporal.Instant.compare(at, span.from) < 0 ? 'before' : Temporal.Instant.compare(at, span.to) >= 0 ? 'after' : 'within'
  }
  const flowOf = (entry: OpenEntry, sign: 1n | -1n): Flow => {
    const [into, outOf] = accounts.includes(entry.credit) ? [entry.units, 0n] : [0n, entry.units]
    return { kind: entry.kind, asset: entry.asset, period: periodOf(entry), entries: sign, into: sign * into, out_of: sign * outOf, since: entry.completed_at ?? entry.recorded_at }
  }
  return [...flows, ...before.map((entry) => flowOf(entry, 1n)), ...after.map((entry) => flowOf(entry, -1n))]
}

/** What differs, for lines of a statement, between the journal between two places and what counts between them. */
export type CountedLines = { readonly hidden: readonly OpenEntry[]; readonly added: readonly OpenEntry[]; readonly before: readonly OpenEntry[] }

/** `hidden` do not count at the end; `added` stand before the beginning and count since; `before` did not count at the beginning. */
export async function countedLines(on: Queryable, { low, high }: Range, accounts: readonly string[]): Promise<CountedLines> {
  const [before, hidden] = [await openEntries(on, low, accounts), await openEntries(on, high, accounts)]
  return { hidden, before, added: before.filter((entry) => !isAmong(hidden, entry)) }
}

export function isAmong(open: readonly OpenEntry[], { lane, transfer }: { readonly lane: bigint; readonly transfer: bigint }): boolean {
  return open.some((one) => one.lane === lane && one.transfer === transfer)
}
