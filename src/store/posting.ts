// Posting on a lane: lock its head, read, decide, write, commit, in two round trips (three after somebody else's block) whatever the
// batch's size; in one when nothing needs to be read. The decision is the core's; here are only the statements. Nothing is answered
// before the commit.

import { DatabaseError, type PoolClient, type QueryResult } from 'pg'
import { accountKey, type AccountName } from '../core/account.ts'
import { assert, present } from '../core/assert.ts'
import { instantText } from '../core/canonical.ts'
import type { JsonObject } from '../core/effects.ts'
import { claimedJson } from '../core/event.ts'
import type { AccountState, BatchWrite, Head, Known } from '../core/posting.ts'
import { createLaneCache, type LaneCache } from './lane-cache.ts'
import { bytesArray, plainArray, type Statement } from './statement.ts'
import type { Store } from './store.ts'

/** What a caller does on a lane. Guards run under the lock, before the decision, in the same transaction. */
export type LaneWork<T> = {
  readonly lane: bigint
  readonly digests: readonly string[]
  readonly accounts: readonly AccountName[]
  readonly guards: readonly Statement[]
  readonly decide: (found: { readonly head: Head; readonly known: Known; readonly guarded: readonly QueryResult[] }) => LaneDecision<T>
}

/** `abort` rolls everything back; otherwise the write (if any) and the statements after it are committed together. */
export type LaneDecision<T> =
  | { readonly abort: true; readonly result: T }
  | { readonly abort: false; readonly write: BatchWrite | null; readonly after: readonly Statement[]; readonly result: T }

/** Carries out work on a lane in one transaction. Rejects with the database's error; then nothing was written, or nobody knows. */
export async function runOnLane<T>(store: Store, work: LaneWork<T>): Promise<T> {
  const cache = store.lanes.getOrInsertComputed(work.lane, createLaneCache)
  const client = await store.hot.connect()
  let broken: Error | undefined
  let open = true
  try {
    const { head, known, guarded } = await lockAndRead(client, cache, work)
    const decision = work.decide({ head, known, guarded })
    if (decision.abort || (decision.write === null && decision.after.length === 0 && work.guards.length === 0)) {
      await client.query('rollback')
      return decision.result
    }
    open = false
    await writeAndCommit(client, cache, { ...decision, lane: work.lane, before: [] })
    return decision.result
  } catch (error) {
    cache.forget()
    if (open) await client.query('rollback').catch((failure: Error) => (broken = failure))
    else broken = afterCommit(error)
    throw error
  } finally {
    client.release(broken)
  }
}

/** What can be decided on what this process remembers, without asking: the write is made only if nothing has changed since. */
export type RememberedWork<T> = Pick<LaneWork<T>, 'lane' | 'accounts'> & {
  /** Null when the decision needs what only the database knows. */
  readonly decide: (found: { readonly head: Head; readonly known: Known }) => { readonly write: BatchWrite; readonly after: readonly Statement[]; readonly result: T } | null
}

/**
 * Carries out work in one round trip when everything it needs is remembered: the write names the head that it was decided on, and
 * fails whole when the lane has another one by now or a reference is taken. Null: not done, `runOnLane` must do it.
 */
export async function postRemembered<T>(store: Store, { lane, accounts, decide }: RememberedWork<T>): Promise<{ readonly result: T } | null> {
  const cache = store.lanes.getOrInsertComputed(lane, createLaneCache)
  const client = await store.hot.connect()
  let broken: Error | undefined
  try {
    const recalled = cache.recall(accounts)
    const decision = recalled === null ? null : decide({ head: recalled.head, known: { references: new Map(), accounts: recalled.accounts } })
    if (decision === null) return null
    await writeAndCommit(client, cache, { ...decision, lane, before: [BEGIN] })
    return { result: decision.result }
  } catch (error) {
    broken = afterCommit(error)
    if (isOvertaken(error)) {
      cache.overtaken()
      return null
    }
    cache.forget()
    throw error
  } finally {
    client.release(broken)
  }
}

type LastWords = Pick<LaneWork<unknown>, 'lane'> & {
  readonly before: readonly Statement[]
  readonly write: BatchWrite | null
  readonly after: readonly Statement[]
}

/** Sends all that is left of a transaction with its commit, and remembers the lane as it stands then. */
async function writeAndCommit(client: PoolClient, cache: LaneCache, { lane, before, write, after }: LastWords): Promise<void> {
  const results = await pipelined(client, [...before, ...(write === null ? [] : [writeBatch(lane, write)]), ...after, COMMIT])
  assert(results.at(-1)?.command === 'COMMIT', `the commit answered ${results.at(-1)?.command ?? 'nothing'}`)
  if (write !== null) cache.advance(write)
}

/** The commit at the end of the pipeline has ended the transaction; a connection that did not even answer is of no more use. */
function afterCommit(error: unknown): Error | undefined {
  return error instanceof DatabaseError ? undefined : (error as Error)
}

const DIVISION_BY_ZERO = '22012'
const UNIQUE_VIOLATION = '23505'
const DEADLOCK = '40P01'

/** Whether a write failed only because it was decided on a head, or without a reference, that is not so any more. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  return error.code === DIVISION_BY_ZERO || error.code === DEADLOCK || (error.code === UNIQUE_VIOLATION && error.schema === 'apportion')
}

const BEGIN: Statement = { text: 'begin', values: [] }
const COMMIT: Statement = { text: 'commit', values: [] }

type Found = { readonly head: Head; readonly known: Known; readonly guarded: readonly QueryResult[] }

/** Locks the head and reads what the decision needs: in one round trip when this process posted the block before, else in two. */
async function lockAndRead(client: PoolClient, cache: LaneCache, work: Pick<LaneWork<unknown>, 'lane' | 'digests' | 'accounts' | 'guards'>): Promise<Found> {
  const { lane, digests, accounts, guards } = work
  const missing = cache.missing(accounts)
  const [, locked, references, first, ...guarded] = await pipelined(client, [
    BEGIN,
    lockHead(lane),
    readReferences(lane, digests),
    readAccounts(lane, missing),
    ...guards,
  ])
  const head = headOf(present(locked, 'head'))
  const read = [...accountsOf(present(first, 'accounts'))]
  const asked = new Set(missing.map(accountKey))
  for (;;) {
    // Somebody else posted meanwhile: what is remembered is old. Whoever shares the cache may also have emptied it.
    if (!cache.holds(head.hash)) cache.forget()
    const unread = cache.missing(accounts).filter((account) => !asked.has(accountKey(account)))
    if (unread.length === 0) break
    for (const account of unread) asked.add(accountKey(account))
    const [again] = await pipelined(client, [readAccounts(lane, unread)])
    read.push(...accountsOf(present(again, 'accounts')))
  }
  return { head, known: { references: referencesOf(present(references, 'references')), accounts: cache.take(head, accounts, read) }, guarded }
}

/** Writes all statements at once and waits for all answers; throws the first failure. */
async function pipelined(client: PoolClient, statements: readonly Statement[]): Promise<readonly QueryResult[]> {
  const answers = await Promise.allSettled(statements.map(({ name, text, values }) => client.query({ ...(name !== undefined && { name }), text, values: [...values] })))
  const failed = answers.find((answer) => answer.status === 'rejected')
  if (failed !== undefined) throw failed.reason as Error
  return answers.map((answer) => (answer as PromiseFulfilledResult<QueryResult>).value)
}

function lockHead(lane: bigint): Statement {
  return {
    name: 'lock-head',
    text: `select event, transfer, block, account, plan, hash, recorded_at from apportion.head where lane = $1 for update`,
    values: [lane],
  }
}

function headOf({ rows: [row] }: QueryResult): Head {
  const found = present(row as (Omit<Head, 'recordedAt'> & { recorded_at: Temporal.Instant }) | undefined, 'head of the lane')
  const { event, transfer, block, account, plan, hash, recorded_at: recordedAt } = found
  return { event, transfer, block, account, plan, hash: new Uint8Array(hash), recordedAt }
}

function readReferences(lane: bigint, digests: readonly string[]): Statement {
  return {
    name: 'read-references',
    text: `select digest, event, fingerprint from apportion.reference where lane = $1 and digest = any ($2::uuid[])`,
    values: [lane, plainArray(digests)],
  }
}

function referencesOf({ rows }: QueryResult): Known['references'] {
  return new Map((rows as { digest: string; event: bigint; fingerprint: Uint8Array }[]).map(({ digest, ...found }) => [digest, found]))
}

function readAccounts(lane: bigint, accounts: readonly AccountName[]): Statement {
  return {
    name: 'read-accounts',
    text: `select account.number, wanted.name, wanted.asset, balance.transfer, balance.debits, balance.credits
      from unnest($2::text[], $3::text[]) as wanted (name, asset)
      cross join lateral (
        select number from apportion.account
        where lane = $1 and name = wanted.name and asset = wanted.asset
        limit 1
      ) account
      cross join lateral (
        select transfer, debits, credits from apportion.balance
        where lane = $1 and account = account.number
        order by transfer desc
        limit 1
      ) balance`,
    values: [lane, accounts.map(({ name }) => name), accounts.map(({ asset }) => asset)],
  }
}

function accountsOf({ rows }: QueryResult): readonly AccountState[] {
  return rows as AccountState[]
}

// The head must be the one that the batch was decided on, to the hash and the plan: else the division fails, and with it everything.
const WRITE_BATCH = `with
  moved_head as (
    update apportion.head
    set event = $3, transfer = $4, block = $5, account = $6, hash = $7, recorded_at = $8
    where lane = $1 and block = $2 and hash = $39 and plan = $40
    returning lane
  ),
  block as (
    insert into apportion.block (lane, number, first_transfer, last_transfer, first_event, last_event, recorded_at, hash)
    select lane, $5, $9, $4, $10, $3, $8, $7 from moved_head
  ),
  account as (
    insert into apportion.account (lane, number, name, asset)
    select $1, * from unnest($11::integer[], $12::text[], $13::text[])
  ),
  balance as (
    insert into apportion.balance (lane, account, transfer, debits, credits)
    select $1, * from unnest($14::integer[], $15::bigint[], $16::numeric[], $17::numeric[])
  ),
  transfer as (
    insert into apportion.transfer (lane, number, event, debit, credit, part, units, kind, subject)
    select $1, $9 - 1 + row.place, row.event, row.debit, row.credit, row.part, row.units, row.kind, row.subject
    from unnest($18::bigint[], $19::integer[], $20::integer[], $21::smallint[], $22::numeric[], $23::text[], $24::uuid[])
      with ordinality as row (event, debit, credit, part, units, kind, subject, place)
  ),
  reference as (
    insert into apportion.reference (lane, digest, event, fingerprint)
    select $1, row.digest, $10 - 1 + row.place, row.fingerprint
    from unnest($25::uuid[], $26::bytea[]) with ordinality as row (digest, fingerprint, place)
  ),
  event as (
    insert into apportion.event (lane, number, digest, event_at, block, first_transfer, transfers, plan, backdated, units, asset, door,
      reference, parties, claimed, details)
    select $1, $10 - 1 + row.place, row.digest, row.event_at, $5, row.first_transfer, row.transfers, row.plan, row.backdated, row.units,
      row.asset, row.door, row.reference, row.parties, row.claimed, row.details
    from unnest($25::uuid[], $27::timestamptz[], $28::bigint[], $29::integer[], $30::integer[], $31::boolean[], $32::numeric[],
      $33::text[], $34::text[], $35::text[], $36::jsonb[], $37::jsonb[], $38::jsonb[])
      with ordinality as row (digest, event_at, first_transfer, transfers, plan, backdated, units, asset, door, reference, parties,
        claimed, details, place)
  )
  select 1 / count(*) as moved from moved_head`

function writeBatch(lane: bigint, { head, before, block, events, transfers, newAccounts, touched }: BatchWrite): Statement {
  // In the order of their keys, neighbours in the index are written one after the other.
  const balances = touched.toSorted((a, b) => a.number - b.number)
  const json = (value: JsonObject | null): string | null => (value === null ? null : JSON.stringify(value))
  return {
    name: 'write-batch',
    text: WRITE_BATCH,
    values: [
      lane,
      before.block,
      head.event,
      head.transfer,
      head.block,
      head.account,
      Buffer.from(head.hash),
      instantText(head.recordedAt),
      block.firstTransfer,
      block.firstEvent,
      plainArray(newAccounts.map(({ number }) => number)),
      newAccounts.map(({ name }) => name),
      newAccounts.map(({ asset }) => asset),
      plainArray(balances.map(({ number }) => number)),
      plainArray(balances.map(({ transfer }) => transfer)),
      plainArray(balances.map(({ debits }) => debits)),
      plainArray(balances.map(({ credits }) => credits)),
      plainArray(transfers.map(({ event }) => event)),
      plainArray(transfers.map(({ debitNumber }) => debitNumber)),
      plainArray(transfers.map(({ creditNumber }) => creditNumber)),
      plainArray(transfers.map(({ part }) => part)),
      plainArray(transfers.map(({ units }) => units)),
      plainArray(transfers.map(({ kind }) => kind)),
      plainArray(transfers.map(({ subject }) => subject)),
      plainArray(events.map(({ digest }) => digest)),
      bytesArray(events.map(({ fingerprint }) => fingerprint)),
      plainArray(events.map(({ eventAt }) => instantText(eventAt))),
      plainArray(events.map(({ firstTransfer }) => firstTransfer)),
      plainArray(events.map(({ transfers: count }) => count)),
      plainArray(events.map(({ plan }) => plan)),
      plainArray(events.map(({ member }) => member.backdated)),
      plainArray(events.map(({ units }) => units)),
      plainArray(events.map(({ asset }) => asset)),
      plainArray(events.map(({ member }) => member.door)),
      events.map(({ member }) => member.input.reference),
      events.map(({ member }) => JSON.stringify(member.input.parties)),
      events.map(({ member }) => json(claimedJson(member.input.claimed))),
      events.map(({ member }) => json(member.input.details)),
      Buffer.from(before.hash),
      before.plan,
    ],
  }
}
