// Posting on a lane: lock its head, read, decide, write, commit, in two round trips (three after somebody else's block) whatever the
// batch's size; in one when nothing needs to be read, and then the next batch is sent before the answer. The decision is the core's;
// here are only the statements. Nothing is answered before its own commit.

import { DatabaseError, type PoolClient, type QueryResult } from 'pg'
import { accountKey, type AccountName } from '../core/account.ts'
import { present } from '../core/assert.ts'
import type { Json } from '../core/effects.ts'
import type { AccountState, BatchWrite, Head, Known } from '../core/posting.ts'
import { newestBalance } from './balance.ts'
import type { BareTransfer, LaneCache } from './lane-cache.ts'
import { joinLine, type Lane } from './lane.ts'
import { plainArray, type Statement } from './statement.ts'
import type { Store } from './store.ts'
import { runUnit, type Step } from './unit.ts'
import { writeBatch, type WrittenBlock } from './write-batch.ts'

/** What a caller does on a lane. Guards run under the lock, before the decision, in the same transaction. */
export type LaneWork<T> = {
  readonly lane: bigint
  readonly digests: readonly string[]
  readonly accounts: readonly AccountName[]
  /** Keys of what rules remember that the decision needs. */
  readonly states: readonly string[]
  readonly guards: readonly Statement[]
  readonly decide: (found: { readonly head: Head; readonly known: Known; readonly guarded: readonly QueryResult[] }) => LaneDecision<T>
}

/** `abort` rolls everything back; otherwise the write (if any) and the statements after it are committed together. */
export type LaneDecision<T> =
  | { readonly abort: true; readonly result: T }
  | {
      readonly abort: false
      readonly write: BatchWrite | WrittenBlock | null
      readonly after: readonly Step[]
      readonly result: T
      /** `known`: accounts that were not remembered before are not worth it. */
      readonly remembers?: 'all' | 'known'
    }

/** Carries out work on a lane in one transaction. Rejects with the database's error; then nothing was written, or nobody knows. */
export async function runOnLane<T>(store: Store, work: LaneWork<T>): Promise<T> {
  const lane = store.lanes.of(work.lane)
  const end = await lane.turns.alone()
  try {
    return await runAlone(store, lane, work)
  } finally {
    end()
  }
}

async function runAlone<T>(store: Store, { cache }: Lane, work: LaneWork<T>): Promise<T> {
  const client = await store.hot.connect()
  let broken: Error | undefined
  try {
    const { head, known, guarded } = await lockAndRead(client, cache, work)
    const decision = work.decide({ head, known, guarded })
    if (decision.abort || (decision.write === null && decision.after.length === 0 && work.guards.length === 0)) {
      await client.query('rollback')
      return decision.result
    }
    const { write, after, remembers } = decision
    await runUnit(client, [...(write === null ? [] : writeBatch(work.lane, write)), ...after, COMMIT])
    if (write !== null) cache.advance(write, remembers)
    return decision.result
  } catch (error) {
    cache.forget()
    await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    client.release(broken)
  }
}

type Remembered<T> = Omit<Extract<LaneDecision<T>, { abort: false }>, 'abort' | 'write'> & { readonly write: BatchWrite | WrittenBlock }

/** What can be decided on what this process remembers, without asking: the write is made only if nothing has changed since. */
export type RememberedWork<T> = Pick<LaneWork<T>, 'lane' | 'accounts'> & {
  /** Null when the decision needs what only the database knows. */
  readonly decide: (found: { readonly head: Head; readonly known: Known }) => Remembered<T> | null
  /** Told when the write is on its way: from then on the next one can be decided on what it will leave. */
  readonly sent: () => void
}

/**
 * Carries out work in one round trip when everything it needs is remembered: the write names the head that it was decided on, and
 * fails whole when the lane has another one by now or a reference is taken. Null: not done, `runOnLane` must do it. Several may be on
 * their way at once: they are sent in the order asked for, each decided on what those before it will leave, and when one fails, those
 * behind it find another head than theirs.
 */
export async function postRemembered<T>(store: Store, work: RememberedWork<T>): Promise<{ readonly result: T } | null> {
  const lane = store.lanes.of(work.lane)
  // Somebody waits for a connection, on another lane: this one's is given back between two postings.
  if (store.hot.waitingCount > 0 && lane.line !== null) (await lane.turns.alone())()
  const end = await lane.turns.together()
  try {
    return await sendRemembered(store, lane, work)
  } finally {
    end()
  }
}

async function sendRemembered<T>(store: Store, lane: Lane, { lane: id, accounts, decide, sent }: RememberedWork<T>): Promise<{ readonly result: T } | null> {
  const { client, breakOff, leave } = await joinLine(store, lane)
  const { cache, failures } = lane
  try {
    const recalled = cache.recall(accounts)
    const decision = recalled === null ? null : decide({ head: recalled.head, known: { references: new Map(), accounts: recalled.accounts, states: new Map() } })
    if (decision === null) return null
    const answer = runUnit(client, [...writeBatch(id, decision.write), ...decision.after])
    cache.advance(decision.write, decision.remembers)
    sent()
    await answer
    return { result: decision.result }
  } catch (error) {
    const isFirst = lane.failures === failures
    if (isFirst) {
      lane.failures += 1
      if (isOvertaken(error)) cache.overtaken()
      else cache.forget()
    }
    if (isConnectionLost(error)) breakOff(error as Error)
    else if (!isFirst || isOvertaken(error)) return null
    throw error
  } finally {
    leave()
  }
}

const DIVISION_BY_ZERO = '22012'
const UNIQUE_VIOLATION = '23505'
const DEADLOCK = '40P01'

/** Whether a write failed only because it was decided on a head, or without a reference, that is not so any more. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  return error.code === DIVISION_BY_ZERO || error.code === DEADLOCK || (error.code === UNIQUE_VIOLATION && error.schema === 'apportion')
}

/** Whether the connection is of no more use: it did not even answer, or said that it ends. */
function isConnectionLost(error: unknown): boolean {
  return !(error instanceof DatabaseError) || error.severity === 'FATAL'
}

const BEGIN: Statement = { name: 'begin', text: 'begin', values: [] }
const COMMIT: Statement = { name: 'commit', text: 'commit', values: [] }

type Found = { readonly head: Head; readonly known: Known; readonly guarded: readonly QueryResult[] }

/** Locks the head and reads what the decision needs: in one round trip when this process posted the block before, else in two. */
async function lockAndRead(client: PoolClient, cache: LaneCache, work: Pick<LaneWork<unknown>, 'lane' | 'digests' | 'accounts' | 'states' | 'guards'>): Promise<Found> {
  const { lane, digests, accounts, states, guards } = work
  const missing = cache.missing(accounts)
  const [, locked, references, first, ...others] = await pipelined(client, [
    BEGIN,
    lockHead(lane),
    readReferences(lane, digests),
    readAccounts(lane, missing),
    ...guards,
    // Few plans have rules that remember.
    ...(states.length === 0 ? [] : [readStates(lane, states)]),
  ])
  const head = headOf(present(locked, 'head'))
  const read = [...accountsOf(present(first, 'accounts'))]
  const asked = new Set(missing.map(accountKey))
  const place = cache.place()
  if (place !== null && !cache.holds(head.hash)) {
    const [since] = await pipelined(client, [readSince(lane, place)])
    const { hash, transfers } = sinceOf(present(since, 'transfers'))
    cache.catchUp(head, hash, transfers)
  }
  for (;;) {
    // Whoever shares the room for what is remembered may have emptied it meanwhile.
    if (!cache.holds(head.hash)) cache.forget()
    const unread = cache.missing(accounts).filter((account) => !asked.has(accountKey(account)))
    if (unread.length === 0) break
    for (const account of unread) asked.add(accountKey(account))
    const [again] = await pipelined(client, [readAccounts(lane, unread)])
    read.push(...accountsOf(present(again, 'accounts')))
  }
  const known = {
    references: referencesOf(present(references, 'references')),
    accounts: cache.take(head, accounts, read),
    states: statesOf(others[guards.length]),
  }
  return { head, known, guarded: others.slice(0, guards.length) }
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

/** More than so many transfers since are not applied one by one: then the accounts that are wanted are read anew. */
const MAX_CATCH_UP = 10_000

/** What was posted after a place, with the hash of the block there, by which one knows that the lane went on from it. */
function readSince(lane: bigint, { block, transfer }: Pick<Head, 'block' | 'transfer'>): Statement {
  return {
    name: 'read-since',
    text: `select block.hash, transfer.number, transfer.debit, transfer.credit, transfer.units
      from apportion.block
      left join lateral (
        select number, debit, credit, units from apportion.transfer
        where transfer.lane = $1 and transfer.number > $3
        order by number
        limit $4
      ) transfer on true
      where block.lane = $1 and block.number = $2`,
    values: [lane, block, transfer, MAX_CATCH_UP],
  }
}

function sinceOf({ rows }: QueryResult): { readonly hash: Uint8Array; readonly transfers: readonly BareTransfer[] } {
  const found = rows as ({ readonly hash: Uint8Array } & (BareTransfer | { readonly number: null }))[]
  const transfers = found.flatMap((row) => (row.number === null ? [] : [row]))
  return { hash: found[0]?.hash ?? new Uint8Array(), transfers }
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
        ${newestBalance({ lane: '$1', account: 'account.number' })}
      ) balance`,
    values: [lane, accounts.map(({ name }) => name), accounts.map(({ asset }) => asset)],
  }
}

function accountsOf({ rows }: QueryResult): readonly AccountState[] {
  return rows as AccountState[]
}

function readStates(lane: bigint, keys: readonly string[]): Statement {
  return {
    name: 'read-states',
    text: `select wanted.key, found.value
      from unnest($2::text[]) as wanted (key)
      cross join lateral (
        select value from apportion.rule_state
        where lane = $1 and key = wanted.key
        order by event desc
        limit 1
      ) found`,
    values: [lane, [...keys]],
  }
}

function statesOf(remembered: QueryResult | undefined): Known['states'] {
  return new Map(((remembered?.rows ?? []) as { key: string; value: Json }[]).map(({ key, value }) => [key, value]))
}
