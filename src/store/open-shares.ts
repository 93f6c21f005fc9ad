// Shares of large distributions that are posted, or taken back, and do not count yet, as of a place of each lane. At any place at most one distribution of
// a lane is so: they are posted one after the other. Whoever reads balances, statements or reports leaves these shares out.

import { balanceRows, newestBalance } from './balance.ts'
import { overEdges } from './over-lanes.ts'
import type { Queryable } from './statement.ts'
import type { Edge, Entry } from './history.ts'

/** The distributions that had begun and not ended at `edge.transfer`: a join for a statement with lanes and places as `edge`. */
const OPEN_AT = `join apportion.distribution open on open.lane = edge.lane and open.first_transfer <= edge.transfer
        and (open.state = 'running' or open.last_transfer > edge.transfer)`

/** The kinds of transfers that count when the distribution they belong to is complete: one that gives, and one that takes back. */
const OPEN_KINDS = `('distributed', 'taken_back')`

/**
 * Accounts by number, each with its units that do not count yet, below zero where they were taken from it; linear in the transfers posted,
 * and nothing where none is open.
 */
export const openShares = (edge: string): string => `select edge.lane, case transfer.kind when 'distributed' then transfer.credit else transfer.debit end as account,
        case transfer.kind when 'distributed' then transfer.units else -transfer.units end as units, transfer.kind
      from ${edge} ${OPEN_AT}
      join apportion.transfer on transfer.lane = edge.lane and transfer.kind in ${OPEN_KINDS} and transfer.subject = open.digest
        and transfer.number >= open.first_transfer and transfer.number <= least(edge.transfer, coalesce(open.last_transfer, edge.transfer))`

/** The edges at which a distribution is open; none nearly always, which is all that most readers pay for this. */
export async function openEdges(on: Queryable, edges: readonly Edge[]): Promise<readonly Edge[]> {
  const found = await overEdges<{ place: number }>(on, edges, {
    part: (edge) => `select distinct edge.place::integer as place from ${edge} ${OPEN_AT}`,
    whole: (parts) => `select place from ${parts} order by place`,
  })
  return found.flatMap(({ place }) => edges[place - 1] ?? [])
}

/** When an open share will count, or began to: `null` while nobody knows. */
export type OpenEntry = Entry & { readonly completed_at: Temporal.Instant | null }

/** The shares of some accounts by name in a distribution as `open`, after a transfer: one at most in a lane. A look-up an account. */
const entriesText = (join: string, after: string) => (edge: string): string => `select transfer.lane, transfer.number as transfer, block.recorded_at, transfer.kind, debit.name as debit,
      credit.name as credit, account.asset, transfer.units, transfer.part, transfer.subject, open.event, event.reference, event.event_at, event.plan, open.completed_at
    from ${edge}
    ${join}
    cross join unnest($3::text[]) as wanted (name)
    cross join lateral (select number, name, asset from apportion.account where account.lane = edge.lane and account.name = wanted.name offset 0) account
    cross join lateral (
      -- A chunk touches an account of a recipient's once, so the row's transfer is the share itself.
      ${balanceRows({ lane: 'edge.lane', account: 'account.number', above: after, upTo: 'edge.transfer' })}
    ) touched
    cross join lateral (
      select lane, number, debit, credit, part, units, kind, subject from apportion.transfer
      where transfer.lane = edge.lane and transfer.number = touched.transfer and transfer.kind in ${OPEN_KINDS} and transfer.subject = open.digest
      limit 1
    ) transfer
    cross join lateral (select name from apportion.account holder where holder.lane = edge.lane and holder.number = transfer.debit limit 1) debit
    cross join lateral (select name from apportion.account holder where holder.lane = edge.lane and holder.number = transfer.credit limit 1) credit
    cross join lateral (
      select recorded_at from apportion.block where block.lane = edge.lane and block.last_transfer >= transfer.number order by block.last_transfer, block.number limit 1
    ) block
    join apportion.event on event.lane = edge.lane and event.number = open.event`

const OPEN_ENTRIES = entriesText(OPEN_AT, 'open.first_transfer - 1')
const UNPAID_ENTRIES = entriesText(`join apportion.distribution open on open.lane = edge.lane and open.state = 'complete' and open.reverses is null and open.payout_transfer < open.last_transfer`, 'open.payout_transfer')

const ENTRIES = (parts: string): string => `select * from ${parts}`

/** The open shares of some accounts by name. */
export async function openEntries(on: Queryable, edges: readonly Edge[], accounts: readonly string[]): Promise<readonly OpenEntry[]> {
  const open = accounts.length === 0 ? [] : await openEdges(on, edges)
  if (open.length === 0) return []
  return await overEdges(on, open, { part: OPEN_ENTRIES, whole: ENTRIES, values: [accounts] })
}

/** The shares of some accounts that count and are no payouts yet, of distributions that are complete. */
export async function unpaidEntries(on: Queryable, edges: readonly Edge[], accounts: readonly string[]): Promise<readonly OpenEntry[]> {
  return await overEdges(on, edges, { part: UNPAID_ENTRIES, whole: ENTRIES, values: [accounts] })
}

/** `owed`: of the units of one that takes back, those that recipients owe. */
export type OpenTotal = { readonly lane: bigint; readonly holder: string; readonly asset: string; readonly units: bigint; readonly owed: bigint; readonly gives: boolean }

/** What open distributions have posted so far, of all recipients together. */
export async function openTotals(on: Queryable, edges: readonly Edge[]): Promise<readonly OpenTotal[]> {
  const open = await openEdges(on, edges)
  if (open.length === 0) return []
  return await overEdges(on, open, {
    part: (edge) => `select open.lane, account.name as holder, account.asset, sum(chunk.units) as units, sum(chunk.owed) as owed, open.reverses is null as gives
      from ${edge}
      ${OPEN_AT}
      join apportion.distribution_chunk chunk on chunk.lane = edge.lane and chunk.event = open.event and chunk.first_transfer <= edge.transfer
      join apportion.account on account.lane = edge.lane and account.number = chunk.account
      group by open.lane, account.name, account.asset, gives`,
    // A lane's are of that lane alone.
    whole: ENTRIES,
  })
}

/** By how many more accounts of recipients hold something than would without what is open; by role. Linear in the transfers posted. */
export async function openOnly(on: Queryable, edges: readonly Edge[]): Promise<readonly { readonly role: string; readonly asset: string; readonly accounts: bigint }[]> {
  return await overEdges(on, edges, {
    part: (edge, laneOf) => `select split_part(account.name, ':', 1) as role, account.asset,
        sum((balance.credits <> balance.debits)::integer - (balance.credits - balance.debits <> share.units)::integer) as accounts
      from (${openShares(edge)}) share
      join ${edge} on edge.lane = share.lane
      join apportion.account on account.lane = ${laneOf('share.lane')} and account.number = share.account
      cross join lateral (${newestBalance({ lane: laneOf('share.lane'), account: 'share.account', upTo: 'edge.transfer' })}) balance
      group by role, account.asset`,
    whole: (parts) => `select role, asset, sum(accounts) as accounts from ${parts} group by role, asset`,
  })
}
