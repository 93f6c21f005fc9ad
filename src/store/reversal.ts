// What reversals read and write besides the journal: what was undone of an event before, and what was taken from shares that are not
// paid yet. A deduction names the share's transfer and the one that took from it, so that a payout's units can be added up.

import { payoutStatesBefore } from '../core/payout.ts'
import { newestBalance } from './balance.ts'
import { plainArray, rows, type Queryable, type Statement } from './statement.ts'

/** Sums of what earlier reversals of an event undid, by part and account: below zero what they gave back. */
export function undoneOf(lane: bigint, event: bigint): Statement {
  return {
    text: `select transfer.part, case transfer.kind when 'reversed' then debit.name else credit.name end as account,
        sum(case transfer.kind when 'reversed' then transfer.units else -transfer.units end) as units
      from apportion.event
      join apportion.transfer on transfer.lane = $1
        and transfer.number between event.first_transfer and event.first_transfer + event.transfers - 1
        and transfer.kind in ('reversed', 'restored')
      join apportion.account debit on debit.lane = $1 and debit.number = transfer.debit
      join apportion.account credit on credit.lane = $1 and credit.number = transfer.credit
      where event.lane = $1 and event.reverses = $2
      group by 1, 2`,
    values: [lane, event],
  }
}

/** Units of an event that were reversed before. */
export function reversedUnitsOf(lane: bigint, event: bigint): Statement {
  return {
    text: `select coalesce(sum(units), 0) as units from apportion.event where lane = $1 and reverses = $2`,
    values: [lane, event],
  }
}

export function lockCursor(lane: bigint): Statement {
  return { text: `select transfer from apportion.payout_cursor where lane = $1 for update`, values: [lane] }
}

/** What was taken already from these shares, by the number of their transfer. */
export function deductedFrom(lane: bigint, shares: readonly bigint[]): Statement {
  return {
    text: `select share, sum(units) as units from apportion.deduction where lane = $1 and share = any ($2::bigint[]) group by share`,
    values: [lane, plainArray(shares)],
  }
}

export type Deduction = { readonly share: bigint; readonly transfer: bigint; readonly units: bigint }

export function insertDeductions(lane: bigint, deductions: readonly Deduction[]): Statement {
  return {
    text: `insert into apportion.deduction (lane, share, transfer, units)
      select $1, * from unnest($2::bigint[], $3::bigint[], $4::numeric[])`,
    values: [
      lane,
      plainArray(deductions.map(({ share }) => share)),
      plainArray(deductions.map(({ transfer }) => transfer)),
      plainArray(deductions.map(({ units }) => units)),
    ],
  }
}

/** Makes unpaid payouts smaller; one of which nothing is left is cancelled and keeps its units, to be seen. Whether a smaller one still waits for a person is asked anew. */
export function lowerPayouts(lane: bigint, lowered: readonly { readonly payout: string; readonly units: bigint }[], at: Temporal.Instant): Statement {
  return {
    text: `update apportion.payout set
        units = case when payout.units = given.units then payout.units else payout.units - given.units end,
        state = case when payout.units = given.units then 'cancelled' when payout.state = 'awaiting_approval' then 'queued' else payout.state end,
        reason = case when payout.units = given.units then null else payout.reason end,
        due_at = case when payout.units = given.units then null when payout.state = 'awaiting_approval' then $4 else payout.due_at end,
        batch = null, changed_at = $4
      from unnest($2::uuid[], $3::numeric[]) as given (payout, units)
      where payout.lane = $1 and payout.payout = given.payout and payout.state = any ($5::text[])`,
    values: [
      lane,
      plainArray(lowered.map(({ payout }) => payout)),
      plainArray(lowered.map(({ units }) => units)),
      at.toString(),
      plainArray(payoutStatesBefore('cancel')),
    ],
  }
}

/** What an event changed of what rules remember: before it and after it. */
export function statesChangedBy(lane: bigint, event: bigint): Statement {
  return {
    text: `select own.key, own.value as after, earlier.value as before
      from apportion.rule_state own
      left join lateral (
        select value from apportion.rule_state where lane = $1 and key = own.key and event < own.event order by event desc limit 1
      ) earlier on true
      where own.lane = $1 and own.event = $2
      order by own.key`,
    values: [lane, event],
  }
}

/** Whether any recipient of a lane owes anything. */
export async function hasOwing(on: Queryable, lane: bigint): Promise<boolean> {
  const found = await rows<{ owing: boolean }>(on, {
    text: `select exists (
        select from apportion.account
        cross join lateral (
          ${newestBalance({ lane: '$1', account: 'account.number' })}
        ) newest
        where account.lane = $1 and account.name >= 'owed_by:' and account.name < 'owed_by;' and newest.debits > newest.credits
      ) as owing`,
    values: [lane],
  })
  return found[0]?.owing ?? false
}

export type ReversalRow = {
  readonly number: bigint
  readonly reference: string
  readonly units: bigint
  readonly recorded_at: Temporal.Instant
  readonly block: bigint
  readonly hash: string
}

/** The reversals of an event, in order. */
export async function reversalsOf(on: Queryable, lane: bigint, event: bigint): Promise<ReversalRow[]> {
  return await rows(on, {
    text: `select event.number, event.reference, event.units, block.recorded_at, event.block, encode(block.hash, 'hex') as hash
      from apportion.event join apportion.block on block.lane = $1 and block.number = event.block
      where event.lane = $1 and event.reverses = $2
      order by event.number`,
    values: [lane, event],
  })
}

/** What was taken from an event's shares before they were paid, by the number of the share's transfer. */
export async function deductionsOf(on: Queryable, lane: bigint, shares: readonly bigint[]): Promise<ReadonlyMap<bigint, bigint>> {
  const found = await rows<{ share: bigint; units: bigint }>(on, deductedFrom(lane, shares))
  return new Map(found.map(({ share, units }) => [share, units]))
}
