// Reading a whole ledger for `verify`: everything of one snapshot, in order and page by page, so that memory does not grow with
// history. Nothing is written here, and nothing is judged: questions either stream rows or answer those that break a rule.

import type { PoolClient } from 'pg'
import { rows as ask, type Statement } from './statement.ts'

/** One snapshot's connection. Questions are asked one after the other, however many readers wait. */
export type Snapshot = {
  readonly rows: <Row extends object>(statement: Statement) => Promise<Row[]>
  /** A large question in pages, in order. The next page is on its way while the last one is worked on. */
  readonly pages: <Row extends object>(text: string) => AsyncGenerator<readonly Row[], undefined>
}

/** Two pages of each stream are in memory at once. Larger ones outlive the collector's young space and make everything slower. */
const PAGE_ROWS = 2000

export function snapshotOf(client: PoolClient): Snapshot {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return await mine
  }
  let cursors = 0
  const rows = async <Row extends object>(statement: Statement): Promise<Row[]> => await inTurn(async () => await ask<Row>(client, statement))
  return {
    rows,
    pages: async function* <Row extends object>(text: string) {
      const name = `apportion_${(cursors += 1)}`
      const fetch = { text: `fetch ${PAGE_ROWS} from ${name}`, values: [] }
      await rows({ text: `declare ${name} no scroll cursor for ${text}`, values: [] })
      const ahead = (): Promise<Row[]> => {
        const page = rows<Row>(fetch)
        // Its failure is met when the page is asked for, which may be later.
        page.catch(() => {})
        return page
      }
      let next = ahead()
      try {
        for (;;) {
          const page = await next
          if (page.length === 0) return undefined
          next = ahead()
          yield page
        }
      } finally {
        await next.catch(() => {})
        // After a failed statement the transaction is over, and its cursors with it.
        await rows({ text: `close ${name}`, values: [] }).catch(() => {})
      }
    },
  }
}

// A cursor's declaration takes no parameters. A lane is a number we gave, and prints as digits alone.

export type StoredBlock = {
  readonly number: bigint
  readonly first_transfer: bigint
  readonly last_transfer: bigint
  readonly first_event: bigint
  readonly last_event: bigint
  readonly recorded_at: string
  readonly hash: Uint8Array
}

/** Instants come as text: one that was written by hand may be none (`infinity`). */
export function blocksOf(lane: bigint): string {
  return `select number, first_transfer, last_transfer, first_event, last_event, recorded_at::text as recorded_at, hash
    from apportion.block where lane = ${lane} order by number`
}

export type EventToVerify = {
  readonly number: bigint
  readonly digest: string
  readonly event_at: string
  readonly block: bigint
  readonly first_transfer: bigint
  readonly transfers: number
  readonly plan: number
  readonly units: bigint | string
  readonly asset: string
  readonly reference: string
  /** JSON, of any form if it was written by hand. */
  readonly parties: unknown
  readonly claimed: unknown
  readonly details: unknown
  readonly door: string
  readonly backdated: boolean
  /** What the reference's row says: null when there is none. */
  readonly reference_event: bigint | null
  readonly fingerprint: Uint8Array | null
}

export function eventsOf(lane: bigint): string {
  return `select event.number, event.digest, event.event_at::text as event_at, event.block, event.first_transfer, event.transfers,
      event.plan, event.units, event.asset, event.reference, event.parties, event.claimed, event.details, event.door, event.backdated,
      reference.event as reference_event, reference.fingerprint
    from apportion.event
    left join apportion.reference on reference.lane = event.lane and reference.digest = event.digest
    where event.lane = ${lane}
    order by event.number`
}

/** A row as one text, its fields between tabs: read in a third of the time of parsed columns. */
export type Line = { readonly line: string }

/** Fields: number, event, debit, credit, part, units, subject, kind. Kind is last, since it alone is free text. */
export function transfersOf(lane: bigint): string {
  return `select concat(number, E'\\t', event, E'\\t', debit, E'\\t', credit, E'\\t', part, E'\\t', units, E'\\t', subject, E'\\t', kind) as line
    from apportion.transfer where lane = ${lane} order by number`
}

/** Fields: transfer, account, debits, credits; in the order of the journal, which no index has. */
export function balanceRowsOf(lane: bigint): string {
  return `select concat(transfer, E'\\t', account, E'\\t', debits, E'\\t', credits) as line
    from apportion.balance where lane = ${lane} order by transfer, account`
}

export type StoredAccount = { readonly number: number; readonly name: string; readonly asset: string }

export function accountsOf(lane: bigint): string {
  return `select number, name, asset from apportion.account where lane = ${lane} order by number`
}

/** Names that more than one account has. */
export async function doubleAccounts(on: Snapshot, lane: bigint, limit: number): Promise<{ name: string; asset: string; accounts: bigint }[]> {
  return await on.rows({
    text: `select name, asset, count(*) as accounts from apportion.account where lane = $1
      group by name, asset having count(*) > 1 order by min(number) limit $2`,
    values: [lane, limit],
  })
}

export type StoredHead = {
  readonly event: bigint
  readonly transfer: bigint
  readonly block: bigint
  readonly account: number
  readonly plan: number
  readonly hash: Uint8Array
  readonly recorded_at: string
  /** How far shares have become payouts; null when the lane has lost its cursor. */
  readonly payout_cursor: bigint | null
}

export async function headOf(on: Snapshot, lane: bigint): Promise<StoredHead | null> {
  const [head] = await on.rows<StoredHead>({
    text: `select head.event, head.transfer, head.block, head.account, head.plan, head.hash, head.recorded_at::text as recorded_at,
        payout_cursor.transfer as payout_cursor
      from apportion.head left join apportion.payout_cursor using (lane) where head.lane = $1`,
    values: [lane],
  })
  return head ?? null
}

/** References that no event of their digest answers to. */
export async function strayReferences(on: Snapshot, lane: bigint, limit: number): Promise<{ digest: string; event: bigint }[]> {
  return await on.rows({
    text: `select reference.digest, reference.event
      from apportion.reference
      left join apportion.event on event.lane = reference.lane and event.number = reference.event and event.digest = reference.digest
      where reference.lane = $1 and event.number is null
      order by reference.event, reference.digest
      limit $2`,
    values: [lane, limit],
  })
}
