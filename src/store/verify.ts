// Reading a whole ledger for `verify`: everything of one snapshot, in order and page by page, so that memory does not grow with
// history. Nothing is written here, and nothing is judged: questions either stream rows or answer those that break a rule.

import type { PoolClient } from 'pg'
import { erasBetween, newestBalance } from './balance.ts'
import { plainArray, rows as ask, type Statement } from './statement.ts'

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
export function blocksOf(lane: bigint, { after, upTo }: Bounds): string {
  return `select number, first_transfer, last_transfer, first_event, last_event, recorded_at::text as recorded_at, hash
    from apportion.block where lane = ${lane} and number > ${after} and number <= ${upTo} order by number`
}

/** Rows with numbers above the one and up to the other. */
export type Bounds = { readonly after: bigint; readonly upTo: bigint }

/** Beyond every number that a row can have, on both sides. */
export const NO_BOUNDS: Bounds = { after: -(2n ** 63n), upTo: 2n ** 63n - 1n }

/** A place between two blocks, as the block before it says; its events and transfers end where the block after it begins, if there is one. */
export type StoredSeam = {
  readonly block: bigint
  readonly event: bigint
  readonly transfer: bigint
  readonly recorded_at: string
  readonly hash: Uint8Array
}

/** The places after these blocks, or after the last ones before them where they are lost; in order, each once. */
export async function seamsAt(on: Snapshot, lane: bigint, blocks: readonly bigint[]): Promise<StoredSeam[]> {
  return await on.rows({
    text: `select distinct on (own.number) own.number as block, coalesce(following.first_event - 1, own.last_event) as event,
        coalesce(following.first_transfer - 1, own.last_transfer) as transfer, own.recorded_at::text as recorded_at, own.hash
      from unnest($2::bigint[]) as asked (number)
      cross join lateral (
        select number, last_event, last_transfer, recorded_at, hash from apportion.block
        where lane = $1 and block.number <= asked.number order by number desc limit 1
      ) own
      left join lateral (
        select first_event, first_transfer from apportion.block where lane = $1 and block.number = own.number + 1
      ) following on true
      order by own.number`,
    values: [lane, plainArray(blocks)],
  })
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
  readonly facts: unknown
  readonly standing: unknown
  /** What rules remember from it on, by key; null for most. */
  readonly states: unknown
  /** The event that it reverses, and what the database holds of that one; null for all others. */
  readonly reverses: bigint | null
  readonly reversed: unknown
  readonly door: string
  readonly backdated: boolean
  /** What the reference's row says: null when there is none. */
  readonly reference_event: bigint | null
  readonly fingerprint: Uint8Array | null
}

/** What a reversal is held against: the reversed event, its shares, and what reversals before this one undid. */
const REVERSED = `(
  select json_build_object('digest', own.digest, 'plan', own.plan, 'asset', own.asset, 'units', own.units::text, 'reverses', own.reverses::text,
    'before', (select coalesce(sum(units), 0)::text from apportion.event earlier
      where earlier.lane = $1 and earlier.reverses = own.number and earlier.number < event.number),
    'shares', (select json_agg(json_build_object('part', part, 'units', units::text,
        'from', (select name from apportion.account where lane = $1 and number = debit),
        'account', (select name from apportion.account where lane = $1 and number = credit)) order by number)
      from (
        select number, part, units, debit, credit from apportion.transfer
        where lane = $1 and number between own.first_transfer and own.first_transfer + own.transfers - 1 and kind = 'share'
        union all
        -- Of a large distribution the shares came later, in blocks of their own.
        select chunk.number, chunk.part, chunk.units, chunk.debit, chunk.credit
        from (
          select from apportion.transfer given join apportion.account on account.lane = $1 and account.number = given.credit and account.name = 'distributing'
          where given.lane = $1 and given.number between own.first_transfer and own.first_transfer + own.transfers - 1 and given.kind = 'share'
            -- What is taken back chunk by chunk is held against its shares elsewhere.
            and not exists (
              select from apportion.transfer passage join apportion.account on account.lane = $1 and account.number = passage.debit and account.name = 'reversing'
              where passage.lane = $1 and passage.number between event.first_transfer and event.first_transfer + event.transfers - 1)
          limit 1
        ) large
        cross join lateral (
          select number, part, units, debit, credit from apportion.transfer
          where lane = $1 and number >= own.first_transfer + own.transfers and number < event.first_transfer and kind = 'distributed' and subject = own.digest
        ) chunk
      ) given),
    'undone', (select json_agg(json_build_object('part', undone.part, 'account', undone.account, 'units', undone.units::text))
      from (
        -- Each account by its key: a join would read all of the lane for each reversal.
        select transfer.part, transfer.units * case transfer.kind when 'reversed' then 1 else -1 end as units,
          (select name from apportion.account where lane = $1 and number = case transfer.kind when 'reversed' then transfer.debit else transfer.credit end) as account
        from apportion.event earlier
        join apportion.transfer on transfer.lane = $1 and transfer.kind in ('reversed', 'restored')
          and transfer.number between earlier.first_transfer and earlier.first_transfer + earlier.transfers - 1
        where earlier.lane = $1 and earlier.reverses = own.number and earlier.number < event.number
      ) undone),
    'changed', (select json_agg(json_build_object('key', key, 'after', value, 'before', (
        select value from apportion.rule_state before where before.lane = $1 and before.key = state.key and before.event < own.number
        order by before.event desc limit 1)) order by key)
      from apportion.rule_state state where state.lane = $1 and state.event = own.number))
  from apportion.event own where own.lane = $1 and own.number = event.reverses
)`

/**
 * Events by number, a page in one text: rows of the driver's cost more than all that is done with them. What may hold any character
 * stands in one JSON list at the end.
 */
export function eventPages(on: Snapshot, lane: bigint, bounds: Bounds): AsyncGenerator<readonly string[], undefined> {
  return linePages(on, { lane, bounds }, `select event.number,
      concat_ws(E'\\t', event.number, event.digest, event.event_at, event.block, event.first_transfer, event.transfers, event.plan, event.units,
        event.backdated, coalesce(reference.event::text, ''), coalesce(encode(reference.fingerprint, 'hex'), '-'),
        json_build_array(event.asset, event.door, event.reference, event.parties, event.claimed, event.details, event.facts, event.standing,
          state.states, event.reverses::text, case when event.reverses is not null then ${REVERSED} end)) as line
    from (
      select * from apportion.event where lane = $1 and number > $2 and number <= $3 order by number limit $4
    ) event
    left join lateral (
      select event, fingerprint from apportion.reference where lane = $1 and digest = event.digest limit 1
    ) reference on true
    left join lateral (
      select jsonb_object_agg(key, value) as states from apportion.rule_state where lane = $1 and rule_state.event = event.number
    ) state on true`)
}

export function eventOf(line: string): EventToVerify {
  const [number = '', digest = '', at = '', block = '', first = '', transfers = '', plan = '', units = '', backdated = '', owner = '', print = '', ...rest] = line.split('\t')
  type Rest = [asset: string, door: string, reference: string, parties: unknown, claimed: unknown, details: unknown, facts: unknown, standing: unknown, states: unknown, reverses: string | null, reversed: unknown]
  const [asset, door, reference, parties, claimed, details, facts, standing, states, reverses, reversed] = JSON.parse(rest.join('\t')) as Rest
  return {
    ...{ number: BigInt(number), digest, event_at: at, block: BigInt(block), first_transfer: BigInt(first), transfers: Number(transfers), plan: Number(plan) },
    ...{ units: /^-?[0-9]+$/.test(units) ? BigInt(units) : units, asset, reference, parties, claimed, details, facts, standing, states, reverses: reverses === null ? null : BigInt(reverses), reversed, door, backdated: backdated === 't' },
    ...{ reference_event: owner === '' ? null : BigInt(owner), fingerprint: print === '-' ? null : Uint8Array.fromHex(print) },
  }
}

/** Transfers by number. Fields: number, event, debit, credit, part, units, subject, kind. Kind is last, since it alone is free text. */
export function transferPages(on: Snapshot, lane: bigint, bounds: Bounds): AsyncGenerator<readonly string[], undefined> {
  return linePages(on, { lane, bounds }, `select number, concat(number, E'\\t', event, E'\\t', debit, E'\\t', credit, E'\\t', part, E'\\t', units, E'\\t', subject, E'\\t',
      translate(kind, E'\\n', ' ')) as line
    from apportion.transfer where lane = $1 and number > $2 and number <= $3 order by number limit $4`)
}

/** Larger pages outlive the collector's young space and make everything slower. */
const PAGE_LINES = 2000

/**
 * Lines by number, a page in one text; the next page is on its way while the last one is worked on. `lines` selects number and line by lane
 * ($1), bounds ($2, $3), limit ($4), and whatever more it was given.
 */
export async function* linePages(
  on: Snapshot,
  { lane, bounds: { after, upTo }, more = [] }: { lane: bigint; bounds: Bounds; more?: readonly string[] },
  lines: string,
): AsyncGenerator<readonly string[], undefined> {
  type Page = { readonly lines: string | null; readonly last: bigint | null; readonly count: number }
  const text = `select string_agg(line, E'\\n' order by number) as lines, max(number) as last, count(*)::integer as count from (${lines}) page`
  const ask = (from: bigint): Promise<Page[]> => {
    const page = on.rows<Page>({ text, values: [lane, from, upTo, PAGE_LINES, ...more] })
    // Its failure is met when the page is asked for, which may be later.
    page.catch(() => {})
    return page
  }
  let next = ask(after)
  for (;;) {
    const [page] = await next
    if (page === undefined || page.lines === null || page.last === null) return undefined
    if (page.count === PAGE_LINES) next = ask(page.last)
    yield page.lines.split('\n')
    if (page.count < PAGE_LINES) return undefined
  }
}

/** A row as one text, its fields between tabs: read in a third of the time of parsed columns. */
export type Line = { readonly line: string }

/** Fields: transfer, account, debits, credits; in the order of the journal, which no index has. */
export function balanceRowsOf(lane: bigint, { after, upTo }: Bounds): string {
  return `select concat(transfer, E'\\t', account, E'\\t', debits, E'\\t', credits) as line
    from apportion.balance where lane = ${lane} and ${erasBetween(after, upTo)} and transfer > ${after} and transfer <= ${upTo} order by transfer, account`
}

export type StoredBalance = StoredAccount & { readonly debits: bigint | string; readonly credits: bigint | string; readonly transfer: bigint }

/** The balances as they stood after a transfer: of each account the last row up to it. */
export function balancesAt(lane: bigint, transfer: bigint): string {
  return `select account.number, account.name, account.asset, balance.debits, balance.credits, balance.transfer
    from apportion.account
    cross join lateral (
      ${newestBalance({ lane: `${lane}`, account: 'account.number', upTo: `${transfer}` })}
    ) balance
    where account.lane = ${lane}
    order by account.number`
}

/** Sums over a lane of five million transfers are one statement of ten to twenty seconds, of a hundred million twenty times that: more than others may take. */
const WHOLE_TABLE_TIMEOUT_MS = 3_600_000

/**
 * Questions after this are about all rows of large tables. Without figures about a table (of a ledger that was filled just now) the planner
 * takes it for a small one and looks up each row by itself: 200,000 transfers then took 50 s instead of 2. Where a question looks something
 * up for each row all the same, it does so without a join, which would then read the other table whole each time.
 */
export async function expectWholeTables(client: PoolClient): Promise<void> {
  await client.query(`set local enable_nestloop = off; set local jit = off; set local work_mem = '64MB'; set local statement_timeout = ${WHOLE_TABLE_TIMEOUT_MS}`)
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
