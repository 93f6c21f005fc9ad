// A range of one lane's blocks: every number, line, balance and hash worked out anew from the stored rows, in one pass over blocks, events,
// transfers and balances side by side. Memory does not grow with history.

import { isInChart, TRANSFER_KINDS, type TransferKind } from '../../core/account.ts'
import { instantText } from '../../core/canonical.ts'
import { GENESIS_HASH, startBlock, type OpenBlock } from '../../core/journal.ts'
import { blocksOf, eventOf, eventPages, NO_BOUNDS, transferPages, type Snapshot, type StoredBlock } from '../../store/verify.ts'
import type { PlanVersionRow } from '../../store/ledger.ts'
import { statesAfter, type StateRow } from '../../store/rule-state.ts'
import { newestAnnouncement } from '../../store/verify-approvals.ts'
import type { Ledger } from '../ledger.ts'
import { openBooks, type Books } from './books.ts'
import type { EventReading } from './event-reading.ts'
import { closeEvent, meetTransfer, openEvent, type OpenEvent } from './events.ts'
import { feedOf, type Feed } from './feed.ts'
import { createFindings, type Found } from './findings.ts'
import { checkPlans } from './plans.ts'
import type { Range } from './ranges.ts'
import { instantOf } from './stored.ts'

/** What is needed to check ranges of a ledger in one snapshot. */
export type RangeReading = {
  readonly snapshot: Snapshot
  readonly ledger: Ledger
  readonly versions: readonly PlanVersionRow[]
  readonly maxBreaks: number
  /** Told the number of the last transfer that was read, after each block. */
  readonly onProgress: (transfer: bigint) => void
}

/** What was found in a range, and the last numbers that it came to. All of it may pass from one thread to another. */
export type RangeFound = Walked & { readonly findings: Found }

type Walked = { readonly blocks: bigint; readonly events: bigint; readonly transfers: bigint }

/** Checks a range: each is checked by itself, from what is stored of the block before it. */
export async function findInRange({ snapshot, ledger, versions, maxBreaks, onProgress }: RangeReading, range: Range): Promise<RangeFound> {
  const findings = createFindings(maxBreaks)
  // What is wrong with the plans is named once, for the whole ledger.
  const plans = checkPlans(versions, createFindings(0))
  const { lane, position } = range
  const before = range.opening === null ? [] : await snapshot.rows<StateRow>(statesAfter(lane, range.opening.event))
  const remembered = new Map(before.map(({ key, value }) => [key, value]))
  const walked = await checkRange({ lane, position, snapshot, findings, ledger, plans, remembered, onProgress }, range)
  return { ...walked, findings: findings.taken() }
}

type JournalReading = EventReading & Pick<RangeReading, 'onProgress'>

/** Where the walk stands: the last numbers seen, and the hashes from which the chain may go on. */
type Walk = {
  readonly books: Books
  readonly blocks: Feed<StoredBlock>
  /** Events and transfers as lines, read when their turn comes. */
  readonly events: Feed<string>
  readonly transfers: Feed<string>
  block: bigint
  event: bigint
  transfer: bigint
  recordedAt: Temporal.Instant | null
  /** After a block whose hash is wrong: the stored one (if its content was changed) and the true one (if the hash was). Empty: unknown. */
  hashes: readonly Uint8Array[]
}

async function checkRange(reading: JournalReading, { opening, end, checkAccounts }: Range): Promise<Walked> {
  const { lane, snapshot, findings } = reading
  const transfers = { after: opening?.transfer ?? NO_BOUNDS.after, upTo: end.seam?.transfer ?? NO_BOUNDS.upTo }
  const events = { after: opening?.event ?? NO_BOUNDS.after, upTo: end.seam?.event ?? NO_BOUNDS.upTo }
  const lastBlock = end.seam?.block ?? NO_BOUNDS.upTo
  // One more than the last: where it begins is where the last one ends.
  const blocks = { after: opening?.block ?? NO_BOUNDS.after, upTo: end.seam === null ? lastBlock : lastBlock + 1n }
  const walk: Walk = {
    books: await openBooks(reading, { bounds: transfers, whole: opening === null, checkAccounts }),
    blocks: feedOf(snapshot.pages<StoredBlock>(blocksOf(lane, blocks))),
    events: feedOf(eventPages(snapshot, lane, events)),
    transfers: feedOf(transferPages(snapshot, lane, transfers)),
    block: opening?.block ?? 0n,
    event: opening?.event ?? 0n,
    transfer: opening?.transfer ?? 0n,
    recordedAt: opening === null ? null : instantOf(opening.recordedAt),
    hashes: [opening?.hash ?? GENESIS_HASH],
  }
  for (let block = await nextOf(walk.blocks); block !== undefined && block.number <= lastBlock && findings.room() > 0; block = await nextOf(walk.blocks)) {
    walk.blocks.skip()
    const following = await nextOf(walk.blocks)
    await checkBlock(reading, walk, block, following)
    reading.onProgress(walk.transfer)
  }
  if (findings.room() > 0) await checkEnd(reading, walk, end)
  await Promise.all([walk.blocks.end(), walk.events.end(), walk.transfers.end(), walk.books.close()])
  return { blocks: walk.block, events: walk.event, transfers: walk.transfer }
}

async function checkBlock(reading: JournalReading, walk: Walk, block: StoredBlock, following: StoredBlock | undefined): Promise<void> {
  const { findings, position } = reading
  const where = { lane: position, block: block.number }
  findings.looked('block')
  if (block.number !== walk.block + 1n) {
    findings.broken('block', where, { expected: `block ${walk.block + 1n}`, found: `block ${block.number}` })
    // What stands between belongs to blocks that are lost; it is summed up, so that what comes after can be checked.
    await passOver(walk, block)
  }
  const recordedAt = checkBlockRow(reading, walk, block)
  const last = checkSeam(reading, block, following)
  const open = walk.hashes.map((hash) => startBlock(hash, { number: block.number, recordedAt }))
  const events = await takeEvents(reading, walk, { block, recordedAt, last: last.event })
  for (const { line } of events.values()) for (const one of open) one.addEvent(line)
  await takeTransfers(reading, walk, { block, open, events, last: last.transfer })
  for (const event of events.values()) closeEvent(reading, event)
  await walk.books.closeBlock(block.number, last.transfer)
  const hashes = open.map((one) => one.hash())
  const [hash] = hashes
  const holds = hashes.some((each) => Buffer.compare(each, block.hash) === 0)
  if (hash !== undefined) findings.looked('block_hash')
  if (hash !== undefined && !holds) findings.broken('block_hash', where, { expected: hash.toHex(), found: block.hash.toHex() })
  walk.hashes = hash === undefined || holds ? [block.hash] : [block.hash, hash]
  walk.block = block.number
  walk.recordedAt = recordedAt
}

/** A block ends where the next one begins. Answers its last numbers: of two ends the one that leaves no gap. */
function checkSeam({ findings, position }: JournalReading, block: StoredBlock, following: StoredBlock | undefined): { event: bigint; transfer: bigint } {
  const own = { event: block.last_event, transfer: block.last_transfer }
  if (following === undefined || following.number !== block.number + 1n) return own
  const next = { event: following.first_event - 1n, transfer: following.first_transfer - 1n }
  if (own.event === next.event && own.transfer === next.transfer) return own
  findings.broken('block', { lane: position, block: block.number }, {
    expected: `an end at event ${next.event} and transfer ${next.transfer}, where block ${following.number} goes on`,
    found: `an end at event ${own.event} and transfer ${own.transfer}`,
  })
  return next
}

function checkBlockRow({ findings, position }: JournalReading, walk: Walk, block: StoredBlock): Temporal.Instant {
  const where = { lane: position, block: block.number }
  // Between two blocks the seam is looked at once, with the first of them.
  if (block.number === 1n && (block.first_transfer !== 1n || block.first_event !== 1n)) {
    findings.broken('block', where, { expected: 'event 1 and transfer 1 first', found: `event ${block.first_event} and transfer ${block.first_transfer}` })
  }
  const isEmpty = block.last_transfer < block.first_transfer && block.last_event < block.first_event
  if (isEmpty || block.last_transfer < block.first_transfer - 1n || block.last_event < block.first_event - 1n) {
    const found = `transfers ${block.first_transfer} to ${block.last_transfer}, events ${block.first_event} to ${block.last_event}`
    findings.broken('block', where, { expected: 'an event or a transfer at least', found })
  }
  const recordedAt = instantOf(block.recorded_at)
  if (recordedAt !== null && (walk.recordedAt === null || Temporal.Instant.compare(recordedAt, walk.recordedAt) >= 0)) return recordedAt
  const expected = walk.recordedAt === null ? 'an instant' : `an instant not before ${instantText(walk.recordedAt)}`
  findings.broken('block', where, { expected, found: block.recorded_at })
  return recordedAt ?? walk.recordedAt ?? Temporal.Instant.fromEpochNanoseconds(0n)
}

async function takeEvents(
  reading: JournalReading,
  walk: Walk,
  { block, recordedAt, last }: { block: StoredBlock; recordedAt: Temporal.Instant; last: bigint },
): Promise<ReadonlyMap<bigint, OpenEvent>> {
  const events = new Map<bigint, OpenEvent>()
  const { findings, position } = reading
  // Awaits only at the end of a page.
  for (let line = await nextOf(walk.events); line !== undefined; line = walk.events.peek() ?? (await walk.events.load())) {
    const row = eventOf(line)
    if (row.number > last) break
    walk.events.skip()
    if (row.number !== walk.event + 1n) {
      const where = { lane: position, block: block.number, event: row.number, reference: row.reference }
      findings.broken('event', where, { expected: `event ${walk.event + 1n}`, found: `event ${row.number}` })
    }
    walk.event = row.number
    events.set(row.number, openEvent(reading, row, { number: block.number, recordedAt }))
  }
  if (walk.event < last) {
    findings.broken('event', { lane: position, block: block.number, event: last }, { expected: `events up to ${last}`, found: `none after ${walk.event}` })
    walk.event = last
  }
  return events
}

type Transfer = {
  readonly number: bigint
  readonly event: bigint | null
  readonly debit: number
  readonly credit: number
  readonly part: number | null
  readonly units: bigint
  readonly subject: string | null
  readonly kind: string
}

async function takeTransfers(
  reading: JournalReading,
  walk: Walk,
  { block, open, events, last }: { block: StoredBlock; open: readonly OpenBlock[]; events: ReadonlyMap<bigint, OpenEvent>; last: bigint },
): Promise<void> {
  const { findings, position } = reading
  let read = 0
  // Awaits only at the end of a page: this loop runs for every transfer there ever was.
  for (let row = await nextOf(walk.transfers); row !== undefined; row = walk.transfers.peek() ?? (await walk.transfers.load())) {
    const transfer = transferOf(row)
    if (transfer.number > last) break
    walk.transfers.skip()
    read += 1
    if (transfer.number !== walk.transfer + 1n) {
      const where = { lane: position, block: block.number, transfer: transfer.number }
      findings.broken('transfer', where, { expected: `transfer ${walk.transfer + 1n}`, found: `transfer ${transfer.number}` })
    }
    walk.transfer = transfer.number
    walk.books.post(transfer)
    checkTransfer(reading, walk, { transfer, open, events, block: block.number })
  }
  findings.looked('transfer', read)
  if (walk.transfer < last) {
    const where = { lane: position, block: block.number, transfer: last }
    findings.broken('transfer', where, { expected: `transfers up to ${last}`, found: `none after ${walk.transfer}` })
    walk.transfer = last
  }
}

function checkTransfer(
  reading: JournalReading,
  { books }: Walk,
  { transfer, open, events, block }: { transfer: Transfer; open: readonly OpenBlock[]; events: ReadonlyMap<bigint, OpenEvent>; block: bigint },
): void {
  const { findings, position } = reading
  const { number, event, part, units, subject } = transfer
  const where = { lane: position, block, transfer: number }
  const [debit, credit] = [books.account(transfer.debit), books.account(transfer.credit)]
  if (debit === undefined || credit === undefined) {
    const missing = debit === undefined ? transfer.debit : transfer.credit
    findings.broken('transfer', where, { expected: 'accounts that exist', found: `account number ${missing}, which does not` })
    return
  }
  const kind = transfer.kind as TransferKind
  const problem = chartProblem(transfer, debit, credit)
  if (problem !== null) findings.broken('transfer', { ...where, event }, problem)
  const line = { number, event, kind, part, subject, debit: debit.name, credit: credit.name, asset: credit.asset, units }
  for (const one of open) one.addTransfer(line)
  if (event === null) return
  const owner = events.get(event)
  if (owner === undefined) {
    findings.broken('transfer', { ...where, event }, { expected: 'an event of the same block', found: `event ${event}, which is not in it` })
  } else meetTransfer(reading, owner, line)
}

type Named = { readonly name: string; readonly asset: string }

/** What the chart of accounts has against a transfer, or null. */
function chartProblem({ kind, units, event, subject }: Transfer, debit: Named, credit: Named): { expected: string; found: string } | null {
  const said = (): string => `${kind} of ${units} units of ${credit.asset} from ${debit.name} to ${credit.name}`
  const allowed = Object.hasOwn(TRANSFER_KINDS, kind) ? TRANSFER_KINDS[kind as TransferKind] : undefined
  if (allowed === undefined) return { expected: `one of ${Object.keys(TRANSFER_KINDS).join(', ')}`, found: said() }
  if (!isInChart(kind as TransferKind, { debit: debit.name, credit: credit.name })) {
    return { expected: `${kind} from ${allowed.debit.join(' or ')} to ${allowed.credit.join(' or ')}`, found: said() }
  }
  if (units <= 0n) return { expected: 'more than zero units', found: said() }
  if (debit.asset !== credit.asset) return { expected: 'one asset on both sides', found: `${said()}, from an account of ${debit.asset}` }
  const { event: ofEvent } = allowed
  if (ofEvent ? event !== null && subject === null : event === null && subject !== null) return null
  return { expected: ofEvent ? 'a transfer of an event' : 'a movement of a payout or wallet', found: `${said()}, of event ${event ?? 'none'} and subject ${subject ?? 'none'}` }
}

/** Sums up what stands before a block and is in none. */
async function passOver(walk: Walk, block: StoredBlock): Promise<void> {
  for (let line = await nextOf(walk.events); line !== undefined && eventOf(line).number < block.first_event; line = await nextOf(walk.events)) walk.events.skip()
  for (let row = await nextOf(walk.transfers); row !== undefined; row = await nextOf(walk.transfers)) {
    const transfer = transferOf(row)
    if (transfer.number >= block.first_transfer) break
    walk.transfers.skip()
    walk.books.post(transfer)
  }
  await walk.books.passOver(block.first_transfer - 1n)
  walk.event = block.first_event - 1n
  walk.transfer = block.first_transfer - 1n
  walk.hashes = []
}

/** After the last block: nothing may be left, and at the end of the lane the head must say the same. */
async function checkEnd(reading: JournalReading, walk: Walk, { head }: Range['end']): Promise<void> {
  const { position, findings, plans, snapshot, ledger } = reading
  const line = await nextOf(walk.events)
  if (line !== undefined) {
    const { number, reference } = eventOf(line)
    const where = { lane: position, event: number, reference }
    findings.broken('event', where, { expected: `no event after ${walk.event}, the last of block ${walk.block}`, found: `event ${number}` })
  }
  const row = await nextOf(walk.transfers)
  if (row !== undefined) {
    const { number, kind, units } = transferOf(row)
    const expected = `no transfer after ${walk.transfer}, the last of block ${walk.block}`
    findings.broken('transfer', { lane: position, transfer: number }, { expected, found: `${kind} of ${units} units` })
  }
  await walk.books.end()
  if (head === null) return
  findings.looked('head')
  const added = plans.addedAt
  const [seen, at] = [walk.recordedAt, instantOf(head.recorded_at)]
  const posted = added === null || (seen !== null && Temporal.Instant.compare(seen, added) > 0) ? seen : added
  const newest = (await isAnnounced(snapshot, ledger, { at, after: posted })) ? at : posted
  const expected = [walk.block, walk.event, walk.transfer, walk.books.last, plans.newest, newest === null ? '' : instantText(newest), walk.hashes[0]?.toHex() ?? '']
  const found = [head.block, head.event, head.transfer, head.account, head.plan, at === null ? head.recorded_at : instantText(at), head.hash.toHex()]
  if (expected.join() !== found.join()) {
    findings.broken('head', { lane: position }, { expected: headText(expected), found: headText(found) })
  }
}

/** Whether a head stands where announcing a fact may have moved it. */
async function isAnnounced(
  snapshot: Snapshot,
  { id }: Ledger,
  { at, after }: { at: Temporal.Instant | null; after: Temporal.Instant | null },
): Promise<boolean> {
  if (at === null || after === null || Temporal.Instant.compare(at, after) <= 0) return false
  const announced = await newestAnnouncement(snapshot, id)
  return announced !== null && Temporal.Instant.compare(at, announced) <= 0
}

function headText([block, event, transfer, account, plan, at, hash]: readonly (bigint | number | string)[]): string {
  return `block ${block}, event ${event}, transfer ${transfer}, account ${account}, plan version ${plan}, at ${at}, hash ${hash}`
}

async function nextOf<Row>(feed: Feed<Row>): Promise<Row | undefined> {
  return feed.peek() ?? (await feed.load())
}

/** One number is read for every field of every transfer there ever was: no pattern is matched and no list is made that is not needed. */
function transferOf(line: string): Transfer {
  const fields = line.split('\t')
  const [number = '', event = '', debit = '', credit = '', part = '', units = '', subject = '', kind = ''] = fields
  return {
    number: BigInt(number),
    event: event === '' ? null : BigInt(event),
    debit: Number(debit),
    credit: Number(credit),
    part: part === '' ? null : Number(part),
    // NaN is a numeric too, and so is what has a point.
    units: isWhole(units) ? BigInt(units) : 0n,
    subject: subject === '' ? null : subject,
    kind: fields.length === 8 ? kind : fields.slice(7).join('\t'),
  }
}

function isWhole(text: string): boolean {
  for (let place = 0; place < text.length; place += 1) {
    const digit = text.charCodeAt(place)
    if (digit < 48 || digit > 57) return false
  }
  return text.length > 0
}
