// Blocks of a file put together again: their lines, the accounts as the transfers make them, and the hash, which must be the one that the
// file says. What is answered as a text is what was expected instead.

import { accountKey } from '../../core/account.ts'
import { distribute, stateKeysFor, type Share } from '../../core/distribution.ts'
import type { Json } from '../../core/effects.ts'
import { blockHash, GENESIS_HASH, JOURNAL_FORMAT, type EventLine, type TransferLine } from '../../core/journal.ts'
import { readEvent, readHash, readInstant, readNumber, readRecord, readTransfer, type EventRecord } from '../../core/journal-file.ts'
import type { PlanVersion } from '../../core/plan.ts'
import type { AccountState, BatchWrite, Head, PostedEvent, PostedTransfer } from '../../core/posting.ts'
import { Refusal } from '../../core/refusal.ts'
import { holdingsOf, reversible, statesAfterReversal } from '../../core/reversal.ts'
import type { ChangedState } from '../../core/rules/give-back.ts'

export type OpenBlock = {
  readonly number: bigint
  readonly recordedAt: Temporal.Instant
  readonly events: EventLine[]
  readonly records: Map<bigint, EventRecord>
  readonly transfers: TransferLine[]
}

export type OpenLane = {
  readonly lane: bigint
  /** The head after the last block that was ended. */
  readonly head: () => Head
  readonly open: (fields: readonly string[]) => OpenBlock | string
  readonly accounts: Map<string, Account>
  readonly plans: ReadonlyMap<number, Steps>
  /** What rules remember, by key. */
  readonly remembered: Map<string, Json>
  readonly add: (write: BatchWrite) => void
  /** Transfers of the blocks that wait to be written. */
  readonly waiting: () => number
  readonly take: () => readonly BatchWrite[]
}

/** An event that is reversed, as it was written before: its shares, what it changed of what rules remember, and units reversed before. */
export type Original = { readonly units: bigint; readonly shares: readonly Share[]; readonly changed: readonly ChangedState[]; readonly before: bigint }

/** A plan version that can be read, by which events are divided. */
export type Steps = Pick<PlanVersion, 'steps'>

/** Changed in place: a lane touches the same accounts in block after block. */
type Account = { -readonly [Key in keyof AccountState]: AccountState[Key] }

/** A lane before its first block. Its instant is never before that of its newest plan version. */
export function beginLane(
  lane: bigint,
  { plan, recordedAt, plans }: { plan: number; recordedAt: Temporal.Instant; plans: ReadonlyMap<number, Steps> },
): OpenLane {
  let head: Head = { event: 0n, transfer: 0n, block: 0n, account: 0, plan, hash: GENESIS_HASH, recordedAt }
  let [waiting, transfers]: [BatchWrite[], number] = [[], 0]
  return {
    lane,
    accounts: new Map(),
    plans,
    remembered: new Map(),
    head: () => (Temporal.Instant.compare(head.recordedAt, recordedAt) < 0 ? { ...head, recordedAt } : head),
    open: ([format, text, at]) => {
      const [number, instant] = [readNumber(text), readInstant(at)]
      if (format !== JOURNAL_FORMAT || number !== head.block + 1n || instant === null) return `block ${head.block + 1n} of the format ${JOURNAL_FORMAT}`
      return { number, recordedAt: instant, events: [], records: new Map(), transfers: [] }
    },
    add: (write) => {
      head = write.head
      waiting.push(write)
      transfers += write.transfers.length
    },
    waiting: () => transfers,
    take: () => {
      const taken = waiting
      ;[waiting, transfers] = [[], 0]
      return taken
    },
  }
}

/** Takes in a line of a block. */
export function readBlockLine(block: OpenBlock, type: string, fields: readonly string[]): string | null {
  if (type === 'T') {
    const transfer = readTransfer(fields)
    if (transfer === null) return 'a transfer'
    block.transfers.push(transfer)
    return null
  }
  if (type === 'E') {
    const event = readEvent(fields)
    if (event === null) return 'an event'
    block.events.push(event)
    return null
  }
  const [number, record] = [readNumber(fields[0]), readRecord(fields.slice(1).join('\t'))]
  if (type !== 'R' || number === null || record === null || block.records.has(number)) return 'a line of a block'
  block.records.set(number, record)
  return null
}

/** Numbers of earlier events that a block reverses. */
export function reversedIn({ records }: OpenBlock): readonly bigint[] {
  return [...records.values()].flatMap(({ reverses }) => (reverses === null ? [] : [BigInt(reverses)]))
}

/** Ends a block: with the hash of its lines it becomes one that waits to be written. `reversed`: the events that it reverses, by number. */
export function endBlock(lane: OpenLane, block: OpenBlock, { stored, reversed }: { stored: string; reversed: ReadonlyMap<bigint, Original> }): string | null {
  const before = lane.head()
  const { number, recordedAt, events, transfers } = block
  const hash = blockHash(lane.head().hash, { number, recordedAt, events, transfers })
  if (Buffer.compare(hash, readHash(stored) ?? new Uint8Array()) !== 0) return `the hash ${hash.toHex()} of the lines of block ${number}`
  const [lastEvent, lastTransfer] = [before.event + BigInt(events.length), before.transfer + BigInt(transfers.length)]
  if (events.some((event, index) => event.number !== before.event + BigInt(index + 1))) return `events ${before.event + 1n} to ${lastEvent}, in their order`
  if (transfers.length + events.length === 0 || transfers.some((transfer, index) => transfer.number !== before.transfer + BigInt(index + 1))) {
    return `transfers ${before.transfer + 1n} to ${lastTransfer}, in their order`
  }
  const { posted, touched } = post(lane.accounts, transfers)
  const ended = endEvents(block, before.transfer)
  if (typeof ended === 'string') return ended
  const states = ended.flatMap((event) => (event.reverses === null ? statesAfter(lane, event) : statesReversed(lane, event, { original: reversed.get(event.reverses), transfers })))
  lane.add({
    before,
    head: { ...before, event: lastEvent, transfer: lastTransfer, block: number, account: lane.accounts.size, hash, recordedAt },
    block: { firstTransfer: before.transfer + 1n, firstEvent: before.event + 1n },
    events: ended,
    transfers: posted,
    states,
    newAccounts: touched.filter((account) => account.number > before.account),
    touched,
  })
  return null
}

/** Posts transfers to the accounts, which are numbered as they first appear. */
function post(accounts: OpenLane['accounts'], transfers: readonly TransferLine[]): { posted: PostedTransfer[]; touched: AccountState[] } {
  const touched = new Set<Account>()
  const open = (name: string, asset: string): Account => {
    const account = accounts.getOrInsertComputed(accountKey({ name, asset }), () => ({ name, asset, number: accounts.size + 1, debits: 0n, credits: 0n, transfer: 0n }))
    touched.add(account)
    return account
  }
  const posted = transfers.map((transfer): PostedTransfer => {
    const [debit, credit] = [open(transfer.debit, transfer.asset), open(transfer.credit, transfer.asset)]
    debit.debits += transfer.units
    credit.credits += transfer.units
    debit.transfer = credit.transfer = transfer.number
    return { ...transfer, debitNumber: debit.number, creditNumber: credit.number }
  })
  return { posted, touched: [...touched].map((account) => ({ ...account })) }
}

/** The events with what was recorded with them, and the transfers that are theirs; one of zero units has none. */
function endEvents({ events, records, transfers }: OpenBlock, before: bigint): PostedEvent[] | string {
  const own = Map.groupBy(transfers, ({ event }) => event)
  const ended: PostedEvent[] = []
  let last = before
  for (const line of events) {
    const [record, theirs = []] = [records.get(line.number), own.get(line.number)]
    if (record === undefined || (theirs.length === 0 && line.units > 0n)) return `the record and the transfers of event ${line.number}`
    const { reference, parties, claimed, details, door, backdated } = record
    const [facts, standing] = [record.facts ?? {}, record.standing ?? {}]
    const { asset, units, eventAt, digest, fingerprint, plan, planHash } = line
    const claims = claimed === null ? null : Object.fromEntries(Object.entries(claimed).map(([role, amount]) => [role, BigInt(amount)]))
    const input = { reference, asset, units, parties, eventAt, claimed: claims, details, facts }
    const member = { type: 'event', input, digest, fingerprint, plan, planHash, door, backdated, standing, shares: [] } as const
    const reverses = record.reverses === null ? null : BigInt(record.reverses)
    ended.push({ ...line, member, shares: [], reverses, firstTransfer: theirs[0]?.number ?? last + 1n, transfers: theirs.length })
    last = theirs.at(-1)?.number ?? last
  }
  return ended
}

/** What rules remember from an event on: no file says it, since the events do. One that cannot be divided is found when all is verified. */
function statesAfter({ plans, remembered }: OpenLane, { number, plan, member }: PostedEvent): BatchWrite['states'] {
  const version = plans.get(plan)
  const { input, standing } = member
  const event = { ...input, facts: { ...input.facts, ...standing } }
  try {
    if (version === undefined || stateKeysFor(event, version).length === 0) return []
    const { state } = distribute(event, version, { state: remembered })
    for (const [key, value] of state) remembered.set(key, value)
    return [...state].map(([key, value]) => ({ event: number, key, value }))
  } catch (error) {
    if (error instanceof Refusal) return []
    throw error
  }
}

/** What rules remember from a reversal on: it gives back of what the reversed event had changed. */
function statesReversed(
  { plans, remembered }: OpenLane,
  { number, plan, asset, units }: PostedEvent,
  { original, transfers }: { original: Original | undefined; transfers: readonly TransferLine[] },
): BatchWrite['states'] {
  const version = plans.get(plan)
  if (version === undefined || original === undefined) return []
  const { changed, before, shares } = original
  const of = reversible(holdingsOf(shares), original.units)
  // One that takes more than there was is found when all is verified.
  if (units > of - before) return []
  const carried = new Map<string, bigint>()
  const move = (account: string, by: bigint): void => void (account.startsWith('carried:') && carried.set(account, (carried.get(account) ?? 0n) + by))
  for (const { event, kind, debit, credit, units: moved } of transfers) {
    if (event === number && kind === 'reversed') move(debit, -moved)
    if (event === number && kind === 'restored') move(credit, moved)
  }
  const state = statesAfterReversal({ plan: version, asset, changed }, { now: remembered, portion: { units, of, before }, carried })
  for (const [key, value] of state) remembered.set(key, value)
  return [...state].map(([key, value]) => ({ event: number, key, value }))
}
