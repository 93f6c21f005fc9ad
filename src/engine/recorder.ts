// The recorder: callers' events wait in one bounded queue a lane and are posted together while the commit before them is in flight.
// Nobody is answered before the commit, and nobody's refusal takes others down.

import { DatabaseError, type QueryResult } from 'pg'
import { present } from '../core/assert.ts'
import { listedShares, type Share } from '../core/distribution.ts'
import { partyOf } from '../core/account.ts'
import { accountsOf, decideBatch, stateKeysOf, type EventMember, type Outcome, type PostedEvent } from '../core/posting.ts'
import { roleOfPart } from '../core/part.ts'
import { Refusal } from '../core/refusal.ts'
import type { FactSets } from '../core/rules/rule.ts'
import { eventsByNumber, type StoredEvent } from '../store/event.ts'
import { insertInboxRows, readAdopted, type PATIENCE } from '../store/inbox.ts'
import { postRemembered, runOnLane } from '../store/posting.ts'
import type { Statement } from '../store/statement.ts'
import { isDatabaseLost } from './database.ts'
import { laneOf, newestPlan, planVersion, refreshNewPlans, requireOriginal, type Ledger } from './ledger.ts'
import { nameSnapshots, withSnapshots } from './name-snapshots.ts'
import { claimRefusal, conflictRefusal, eventMember, type Offer } from './record-event.ts'
import { standingFactsOf } from './standing-facts.ts'
import type { Desk } from './world.ts'

/** An event's answer: the same for the first caller and for every later one with the same reference and content. */
export type RecordedEvent = {
  readonly lane: bigint
  readonly number: bigint
  readonly reference: string
  readonly eventAt: Temporal.Instant
  readonly recordedAt: Temporal.Instant
  readonly asset: string
  readonly units: bigint
  readonly parties: Readonly<Record<string, string>>
  readonly facts: FactSets
  /** Facts that the ledger kept, as they were for this event. */
  readonly standing: FactSets
  readonly plan: number
  readonly backdated: boolean
  /** Number of the event that it reverses; null for all others. */
  readonly reverses: bigint | null
  readonly shares: readonly Share[]
}

export type RecordResult =
  | { readonly state: 'recorded' | 'duplicate'; readonly event: RecordedEvent }
  | { readonly state: 'refused'; readonly refusal: Refusal }

export type Recorder = {
  /** Records events of one ledger; answers in the order given. Rejects with `queue_exceeded` when too many wait already. */
  readonly record: (ledger: Ledger, offers: readonly Offer[]) => Promise<readonly RecordResult[]>
}

/** Events in one posting that reads under the lane's lock: more would hold the lane and everybody behind it for too long. */
const MAX_BATCH = 1000
/**
 * Postings on their way at once, where nothing must be read: while PostgreSQL writes one, the next is decided, and a third may lie
 * ready. What waits is halved, so that both work at the same time (thirds cost each a tenth more). Above the largest nothing more is
 * saved; below the smallest, a commit is made for too few.
 */
const MAX_IN_FLIGHT = 3
const HALVES = 2
const MAX_SENT_BATCH = 256
const MIN_SENT_BATCH = 8
/** Events that wait in one lane. At the slowest pace measured this is a few seconds of work; more callers are told to come back. */
const MAX_WAITING = 20_000
/** About 8 MB. A reference that is repeated later than this is found by the key that holds it. */
const MAX_RECENT = 50_000

/** One call of `record`: its answers as they come in, and how many are still to come. */
type Call = {
  readonly results: RecordResult[]
  left: number
  readonly resolve: (results: readonly RecordResult[]) => void
  readonly reject: (error: Error) => void
}

type Waiting = { readonly offer: Offer; readonly call: Call; readonly place: number }

type Queue = {
  readonly ledger: Ledger
  readonly lane: bigint
  /** Digests that this process has posted lately: those that come again are looked up instead of being tried. */
  readonly recent: Set<string>
  readonly waiting: Waiting[]
  /** Postings that were not answered, and the events in them. */
  flights: number
  inFlight: number
  /** Whether one is being decided or waits for its turn: the next one is decided on what that one will leave. */
  deciding: boolean
  /** Whether the last posting needed no lock: the next one will hardly need it either, and does not wait for it. */
  remembered: boolean
}

export function createRecorder(desk: Desk): Recorder {
  const queues = new Map<bigint, Queue>()
  const recent = new Set<string>()
  const queueOf = (ledger: Ledger, lane: bigint): Queue =>
    queues.getOrInsertComputed(lane, () => ({ ledger, lane, recent, waiting: [], flights: 0, inFlight: 0, deciding: false, remembered: true }))
  return {
    record: async (ledger, given) => {
      if (given.length === 0) return []
      requireOriginal(ledger)
      const offers = nameSnapshots(given) ? await withSnapshots(desk, ledger, given) : given
      const lanes = offers.map(({ input }) => laneOf(ledger, input.reference))
      const { promise, resolve, reject } = Promise.withResolvers<readonly RecordResult[]>()
      const call: Call = { results: [], left: offers.length, resolve, reject }
      const byLane = Map.groupBy(offers.map((offer, place): Waiting => ({ offer, call, place })), ({ place }) => present(lanes[place], 'lane'))
      for (const [lane, members] of byLane) requireRoom(queues.get(lane), members.length)
      for (const [lane, members] of byLane) {
        const queue = queueOf(ledger, lane)
        for (const one of members) queue.waiting.push(one)
        // Whoever asks in the same breath goes along.
        queueMicrotask(() => pump(desk, queue))
      }
      return await promise
    },
  }
}

function requireRoom(queue: Queue | undefined, given: number): void {
  const waiting = queue?.waiting.length ?? 0
  if (waiting + given <= MAX_WAITING) return
  throw new Refusal('queue_exceeded', `${waiting} events wait already and ${MAX_WAITING} is the limit: send this again in a second`, {
    waiting,
    given,
    limit: MAX_WAITING,
  })
}

/** Sends the next posting if there is one to send now. Called whenever something waits, is on its way or was answered. */
function pump(desk: Desk, queue: Queue): void {
  const size = nextBatch(queue)
  if (size === 0) return
  const batch = queue.waiting.splice(0, size)
  queue.deciding = true
  queue.flights += 1
  queue.inFlight += batch.length
  let isSent = false
  const sent = (): void => {
    if (isSent) return
    isSent = true
    queue.deciding = false
    // Not at once: this is called in the middle of the sending.
    queueMicrotask(() => pump(desk, queue))
  }
  const landed = (): void => {
    queue.flights -= 1
    queue.inFlight -= batch.length
    pump(desk, queue)
  }
  answerBatch(desk, queue, batch, sent).then(landed, landed)
}

/** How many events go now; 0: none yet. */
function nextBatch({ waiting, flights, inFlight, deciding, remembered }: Queue): number {
  if (deciding || waiting.length === 0) return 0
  if (!remembered) return flights === 0 ? Math.min(waiting.length, MAX_BATCH) : 0
  if (flights >= MAX_IN_FLIGHT) return 0
  const pending = waiting.length + inFlight
  const share = pending < 2 * MIN_SENT_BATCH ? pending : Math.min(Math.ceil(pending / HALVES), MAX_SENT_BATCH)
  return flights > 0 && waiting.length < share ? 0 : Math.min(waiting.length, share)
}

async function answerBatch(desk: Desk, queue: Queue, batch: readonly Waiting[], sent: () => void): Promise<void> {
  try {
    const results = await recordBatch({ desk, queue, sent }, batch.map(({ offer }) => offer))
    for (const [index, { call, place }] of batch.entries()) {
      call.results[place] = present(results[index], 'result')
      call.left -= 1
      if (call.left === 0) call.resolve(call.results)
    }
  } catch (error) {
    for (const { call } of batch) call.reject(asUnavailable(error))
  } finally {
    sent()
  }
}

/** A posting on its way: `sent` is called when the next one may be decided. */
type Flight = { readonly desk: Desk; readonly queue: Queue; readonly sent: () => void }

type Patience = keyof typeof PATIENCE

async function recordBatch(flight: Flight, offers: readonly Offer[], patience: Patience = 'first'): Promise<readonly RecordResult[]> {
  try {
    return await postBatch(flight, offers, patience)
  } catch (error) {
    const refuse = rowRefusal(error)
    if (refuse === null) throw error
    // The inbox table did not take one of the rows: halving finds it, and only that event is refused for it.
    if (offers.length > 1) {
      const middle = Math.ceil(offers.length / 2)
      const first = await recordBatch(flight, offers.slice(0, middle), 'again')
      return [...first, ...(await recordBatch(flight, offers.slice(middle), 'again'))]
    }
    return [{ state: 'refused', refusal: refuse(present(offers[0], 'offer').input.reference) }]
  }
}

type Posted = { readonly outcomes: readonly Outcome[]; readonly events: readonly PostedEvent[]; readonly recordedAt: Temporal.Instant | null }

async function postBatch(flight: Flight, offers: readonly Offer[], patience: Patience): Promise<readonly RecordResult[]> {
  const { desk, queue } = flight
  const { ledger, lane } = queue
  const now = desk.now()
  // Others may read newer versions while this waits for its lane: what counts is what the members were made of.
  const newest = newestPlan(ledger).version
  const standing = await standingFactsOf(desk, ledger, offers, now)
  const members = offers.map((offer, index) => eventMember(ledger, offer, { now, standing: present(standing[index], 'standing facts') }))
  const draft = { ledger, lane, members, now, newest, patience }
  // A write that meets a taken reference fails, and the database's log says so at length: where one is likely, it is looked up.
  const repeated = members.some(({ digest, door }) => door === SQL_DOOR || queue.recent.has(digest))
  const remembered = repeated ? null : await postFromMemory(flight, draft)
  const posted = remembered ?? (await postUnderLock(desk, draft))
  if (posted === 'new plan') {
    await refreshNewPlans(desk, ledger, newest)
    return await postBatch(flight, offers, patience)
  }
  if (remembered === null) remember(queue, posted.events)
  queue.remembered = remembered !== null
  return await answers(desk, queue, members, posted)
}

type Draft = Pick<Queue, 'ledger' | 'lane'> & {
  readonly members: readonly EventMember[]
  readonly now: Temporal.Instant
  /** The newest plan version that the members were made by. */
  readonly newest: number
  readonly patience: Patience
}

/**
 * The ordinary case in one round trip: all accounts are remembered and all members are new. The write fails whole when the lane has
 * moved on, has a newer plan, or knows one of the references; then nothing was done, and the lock decides.
 */
async function postFromMemory({ desk, queue, sent }: Flight, { ledger, lane, members, now, newest, patience }: Draft): Promise<Posted | null> {
  if (ledger.adopted || members.some((member) => stateKeysOf(member).length > 0)) return null
  const posted = await postRemembered<Posted>(desk.store, {
    lane,
    accounts: members.flatMap((member) => accountsOf(member)),
    decide: ({ head, known }) => {
      if (head.plan !== newest) return null
      const { outcomes, write } = decideBatch(head, known, members, now)
      if (write === null || outcomes.some(({ state }) => state !== 'posted')) return null
      const { events, head: next } = write
      remember(queue, events)
      return { write, after: inboxStatements(ledger, events, patience), result: { outcomes, events, recordedAt: next.recordedAt } }
    },
    sent,
  })
  return posted?.result ?? null
}

function remember({ recent }: Queue, events: readonly PostedEvent[]): void {
  if (recent.size > MAX_RECENT) recent.clear()
  for (const { digest } of events) recent.add(digest)
}

async function postUnderLock(desk: Desk, { ledger, lane, members, now, newest, patience }: Draft): Promise<Posted | 'new plan'> {
  return await runOnLane<Posted | 'new plan'>(desk.store, {
    lane,
    digests: [...new Set(members.map(({ digest }) => digest))],
    accounts: members.flatMap((member) => accountsOf(member)),
    states: [...new Set(members.flatMap((member) => stateKeysOf(member)))],
    guards: ledger.adopted ? [readAdopted(ledger.id, members.map(({ input }) => input.reference))] : [],
    decide: ({ head, known, guarded }) => {
      // The version is chosen under the lane's lock: a newer one than those known before must be read first.
      if (head.plan > newest) return { abort: true, result: 'new plan' }
      const { outcomes, write } = decideBatch(head, known, withoutAdopted(members, guarded[0]), now)
      const events = write?.events ?? []
      const result = { outcomes, events, recordedAt: write?.head.recordedAt ?? null }
      return { abort: false, write, after: inboxStatements(ledger, events, patience), result }
    },
  })
}

/** Rows of the inbox table for events that did not come from it. */
function inboxStatements(ledger: Ledger, events: readonly PostedEvent[], patience: Patience): readonly Statement[] {
  const { inbox } = ledger.program
  const schema = ledger.row.inbox_schema
  if (inbox === null || schema === null) return []
  const given = events.filter(({ member }) => member.door !== SQL_DOOR)
  if (given.length === 0) return []
  return insertInboxRows({ schema, inbox }, ledger.id, given.map(({ member, shares }) => inbox.toRow(member.input, shares)), patience)
}

/** The door of rows that people insert into an inbox table themselves. */
export const SQL_DOOR = 'sql'

async function answers(desk: Desk, { ledger, lane }: Queue, members: readonly EventMember[], posted: Posted): Promise<readonly RecordResult[]> {
  const fresh = new Map(posted.events.map((event) => [event.number, event]))
  const earlier = posted.outcomes.flatMap((outcome) => {
    return (outcome.state === 'duplicate' || outcome.state === 'conflict') && !fresh.has(outcome.event) ? [outcome.event] : []
  })
  const found = earlier.length === 0 ? [] : await eventsByNumber(desk.store.pool, lane, [...new Set(earlier)])
  const stored = new Map(found.map((event) => [event.number, recordedFromStore(ledger, event)]))
  const eventOf = (number: bigint): RecordedEvent => {
    const event = fresh.get(number)
    return event === undefined
      ? present(stored.get(number), `event ${number}`)
      : recordedNow({ ledger, lane }, event, present(posted.recordedAt, 'instant of the block'))
  }
  return posted.outcomes.map((outcome, index): RecordResult => {
    switch (outcome.state) {
      case 'posted':
        return { state: 'recorded', event: eventOf(present(outcome.event, 'event')) }
      case 'duplicate': {
        const event = eventOf(outcome.event)
        const refusal = claimRefusal(ledger, present(members[index], 'member').input, event)
        return refusal === null ? { state: 'duplicate', event } : { state: 'refused', refusal }
      }
      case 'conflict':
        return { state: 'refused', refusal: conflictRefusal(ledger, present(members[index], 'member').input, eventOf(outcome.event)) }
      case 'refused':
        return outcome
    }
  })
}

function recordedNow({ ledger, lane }: Pick<Queue, 'ledger' | 'lane'>, { number, member, eventAt, asset, units, plan, shares, reverses }: PostedEvent, recordedAt: Temporal.Instant): RecordedEvent {
  const { reference, parties, facts } = member.input
  const { standing, backdated } = member
  return { lane, number, reference, eventAt, recordedAt, asset, units, parties, facts, standing, plan, backdated, reverses, shares: shownShares(ledger, { plan, parties }, shares) }
}

/** The answer from what is stored: every share that the plan lists, those of zero units too. */
export function recordedFromStore(ledger: Ledger, event: StoredEvent): RecordedEvent {
  const { lane, number, reference, eventAt, recordedAt, asset, units, parties, facts, standing, plan, backdated, reverses } = event
  const recorded = { lane, number, reference, eventAt, recordedAt, asset, units, parties, facts, standing, plan, backdated, reverses }
  if (reverses !== null) return { ...recorded, shares: [] }
  const version = planVersion(ledger, plan)
  const held = event.shares.map(({ part, from, account, units: share }): Share => {
    const role = present(roleOfPart(version, part), `role of part ${part}`)
    return { part, role, from, account, recipient: partyOf('payable', account) ?? partyOf('carried', account), units: share }
  })
  return { ...recorded, shares: withListed(ledger, { plan, parties }, held) }
}

type Divided = Pick<StoredEvent, 'plan' | 'parties'>

/** The same of shares that were just worked out, in whatever order: those that come again must be answered as they were first. */
function shownShares(ledger: Ledger, divided: Divided, shares: readonly Share[]): readonly Share[] {
  const held = shares.filter(({ units }) => units > 0n)
  // Whatever the plan lists was worked out: nothing is missing where nothing is zero.
  return held.length === shares.length ? inOrder(held) : withListed(ledger, divided, held)
}

function withListed(ledger: Ledger, { plan, parties }: Divided, held: readonly Share[]): readonly Share[] {
  const known = new Set(held.map(({ part }) => part))
  return inOrder([...held, ...listedShares(planVersion(ledger, plan), { parties }).filter(({ part }) => !known.has(part))])
}

function inOrder(shares: readonly Share[]): readonly Share[] {
  return shares.toSorted((one, other) => one.part - other.part)
}

/** References that were in the table when it was adopted were paid by the system before us: they never become events. */
function withoutAdopted(members: readonly EventMember[], adopted: QueryResult | undefined): readonly EventMember[] {
  const paid = new Set((adopted?.rows as { reference: string }[] | undefined)?.map(({ reference }) => reference))
  if (paid.size === 0) return members
  return members.map((member) => {
    const { reference } = member.input
    if (!paid.has(reference)) return member
    const message = `${reference} stood in the table when it was adopted and was paid by the system before: it is never paid again`
    return { ...member, shares: new Refusal('reference_conflict', message, { field: 'reference', value: reference }) }
  })
}

const LOCK_TIMEOUT = '55P03'
const INTEGRITY_CLASS = '23'
const RAISED = 'P0001'

/** Why an inbox table did not take a row, as the refusal for it; null for errors that are none of the table's. */
function rowRefusal(error: unknown): ((reference: string) => Refusal) | null {
  if (!(error instanceof DatabaseError) || error.code === undefined) return null
  if (error.code === LOCK_TIMEOUT) {
    return (reference) => {
      const message = `another open transaction holds ${reference} or its whole table: send it again when that one has ended`
      return new Refusal('reference_locked', message, { field: 'reference', value: reference })
    }
  }
  const foreign = error.code === RAISED || (error.code.startsWith(INTEGRITY_CLASS) && error.schema !== OWN_SCHEMA)
  if (!foreign) return null
  return (reference) => {
    const details = { reference, table: error.table ?? null, constraint: error.constraint ?? null }
    return new Refusal('inbox_row_forbidden', `the table of this ledger's events does not take ${reference}: ${error.message}`, details)
  }
}

/** Its tables are ours alone: what they refuse is a fault of ours. */
const OWN_SCHEMA = 'apportion'

/** A lost database says nothing about the commit: the caller sends the same reference again and learns from the answer. */
function asUnavailable(error: unknown): Error {
  if (!isDatabaseLost(error)) return error instanceof Error ? error : new Error(String(error))
  return new Refusal('database_unavailable', 'the database did not answer: send the same reference again to learn whether it was recorded')
}
