// A ledger's journal as a file of lines: those that were hashed, as they were hashed, and beside them what is needed to read them. It holds
// no address, no label, and nothing of payouts, attempts and wallets but their ids.

import type { PoolClient } from 'pg'
import { canonicalJson, isDeeperThan } from '../core/canonical.ts'
import type { Json } from '../core/effects.ts'
import { recordDigest, type Recorded } from '../core/event.ts'
import { GENESIS_HASH, JOURNAL_FORMAT } from '../core/journal.ts'
import { fileDigests, JOURNAL_FILE, type FileHeader } from '../core/journal-file.ts'
import { Refusal } from '../core/refusal.ts'
import { blockLines, planLines, recordedPages, type BlockLine } from '../store/journal.ts'
import { inSnapshot } from '../store/statement.ts'
import { accountsOf, balancesAt, headOf, NO_BOUNDS, seamsAt, snapshotOf, transferPages, type Snapshot, type StoredAccount, type StoredBalance } from '../store/verify.ts'
import type { Ledger } from './ledger.ts'
import { feedOf, type Feed } from './verify/feed.ts'
import type { Desk } from './world.ts'

export type ExportOptions = {
  /** Blocks of one lane alone; `from` and `to` count. The whole journal when left out. */
  readonly span?: { readonly lane: number; readonly from: bigint; readonly to: bigint | null } | undefined
  /** False leaves out what was recorded with the events: references, parties, claims and details. It cannot be imported then. */
  readonly records?: boolean
  readonly onProgress?: (progress: { readonly transfers: bigint; readonly of: bigint }) => void
}

export type Exported = { readonly lanes: readonly { readonly position: number; readonly blocks: bigint; readonly transfers: bigint; readonly head: string }[] }

/** What is written at once, in characters. */
const CHUNK = 1 << 16

type Writing = {
  readonly snapshot: Snapshot
  readonly ledger: Ledger
  readonly records: boolean
  /** Resolves when there is room for more. */
  readonly put: (line: string) => Promise<void> | undefined
  readonly told: (transfers: bigint) => void
}

/** A place between two blocks: the last numbers before it, in digits as a line has them, and the hash in hex. */
type Edge = { readonly block: bigint; readonly event: bigint; readonly transfer: bigint; readonly recordedAt: string; readonly hash: string }

const BEGINNING: Edge = { block: 0n, event: 0n, transfer: 0n, recordedAt: '', hash: GENESIS_HASH.toHex() }

/**
 * Writes a ledger's journal, of one instant, while others go on recording. What is stored is written as it is: whether it is sound is for
 * those who read it to find out. Refuses `field_malformed` for a span that the lane has not.
 */
export async function exportJournal(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, options: ExportOptions, write: Write): Promise<Exported> {
  return await inSnapshot(desk.store.pool, async (client) => await exportWithin(client, desk, ledger, options, write))
}

type Write = (text: string) => Promise<void>

/** The same as an open transaction sees it. */
export async function exportWithin(
  client: PoolClient,
  { now }: Pick<Desk, 'now'>,
  ledger: Ledger,
  { span, records = true, onProgress = () => {} }: ExportOptions,
  write: Write,
): Promise<Exported> {
  const snapshot = snapshotOf(client)
  const lanes = await lanesToWrite(snapshot, ledger, span)
  const of = lanes.reduce((all, { from, to }) => all + to.transfer - from.transfer, 0n)
  let [text, done] = ['', 0n]
  const flush = async (): Promise<void> => {
    const chunk = text
    text = ''
    await write(chunk)
  }
  const put = (line: string): Promise<void> | undefined => {
    text += line
    return text.length < CHUNK ? undefined : flush()
  }
  const told = (transfers: bigint): void => onProgress({ transfers: (done += transfers), of })
  const { program, name, asset, row } = ledger
  const header: FileHeader = {
    ...{ asset: asset.name, exported_at: now().toString(), lanes: ledger.lanes.length, ledger: name, program: program.name },
    program_file: row.program_file === null ? null : fileDigests(row.program_file),
    ...{ records, span: span !== undefined, transfers: of.toString() },
  }
  await put(`${JOURNAL_FILE.name}\t${JOURNAL_FILE.format}\t${canonicalJson(header)}\n`)
  for (const { version, effective_from: from, added_at: added, hash, content } of await planLines(snapshot, ledger.id)) {
    await put(`P\t${version}\t${from ?? ''}\t${added}\t${hash}\t${canonicalJson(content as Json)}\n`)
  }
  for (const lane of lanes) await writeLane({ snapshot, ledger, records, put, told }, lane)
  await flush()
  return { lanes: lanes.map(({ position, to }) => ({ position, blocks: to.block, transfers: to.transfer, head: to.hash })) }
}

type LaneToWrite = { readonly lane: bigint; readonly position: number; readonly from: Edge; readonly to: Edge; readonly whole: boolean }

async function lanesToWrite(snapshot: Snapshot, ledger: Ledger, span: ExportOptions['span']): Promise<readonly LaneToWrite[]> {
  const found: LaneToWrite[] = []
  for (const [position, lane] of ledger.lanes.entries()) {
    if (span !== undefined && span.lane !== position) continue
    const head = await headOf(snapshot, lane)
    const end: Edge = head === null ? BEGINNING : { ...head, recordedAt: '', hash: head.hash.toHex() }
    if (span === undefined) found.push({ lane, position, from: BEGINNING, to: end, whole: true })
    else found.push({ lane, position, ...(await spanOf(snapshot, lane, span, end)), whole: false })
  }
  if (found.length > 0) return found
  throw new Refusal('field_malformed', `the ledger has lanes 0 to ${ledger.lanes.length - 1}`, { field: 'lane', value: span?.lane ?? null })
}

async function spanOf(snapshot: Snapshot, lane: bigint, { from, to }: NonNullable<ExportOptions['span']>, end: Edge): Promise<{ from: Edge; to: Edge }> {
  const last = to ?? end.block
  if (from < 1n || last < from || last > end.block) {
    throw new Refusal('field_malformed', `the lane has blocks 1 to ${end.block}, not ${from} to ${last}`, { field: 'from_block', value: from.toString() })
  }
  const seams = await seamsAt(snapshot, lane, [from - 1n, last])
  const edgeOf = (block: bigint): Edge => {
    const seam = seams.find((each) => each.block === block)
    return seam === undefined ? BEGINNING : { ...seam, recordedAt: instantOfRow(seam.recorded_at), hash: seam.hash.toHex() }
  }
  return { from: edgeOf(from - 1n), to: edgeOf(last) }
}

/** An instant as the database prints it, with six decimals and a Z. One written by hand may be none, and stays as it is. */
function instantOfRow(text: string): string {
  try {
    return Temporal.Instant.from(text).toString({ fractionalSecondDigits: 6 })
  } catch {
    return text
  }
}

/** The blocks that are asked for; undefined for the whole journal. Refuses `field_malformed` where lanes have blocks of their own and none is named. */
export function journalSpan(ledger: Ledger, { lane, from, to }: { readonly lane: bigint | null; readonly from: bigint | null; readonly to: bigint | null }): ExportOptions['span'] {
  if (lane === null && from === null && to === null) return undefined
  if (lane === null && ledger.lanes.length > 1) {
    throw new Refusal('field_malformed', `the ledger has ${ledger.lanes.length} lanes, each with blocks of its own: say which lane`, { field: 'lane' })
  }
  return { lane: Number(lane ?? 0n), from: from ?? 1n, to }
}

type Account = Pick<StoredAccount, 'name' | 'asset'>

async function writeLane(writing: Writing, { lane, position, from, to, whole }: LaneToWrite): Promise<void> {
  const { snapshot, ledger, put, told } = writing
  const accounts = new Map<number, Account>()
  for await (const page of snapshot.pages<StoredAccount>(accountsOf(lane))) for (const account of page) accounts.set(account.number, account)
  await put(`L\t${position}\t${from.block}\t${from.event}\t${from.transfer}\t${from.recordedAt}\t${from.hash}\n`)
  if (!whole) await writeBalances(writing, { lane, transfer: from.transfer })
  const upTo = (bound: bigint): bigint => (whole ? NO_BOUNDS.upTo : bound)
  const after = (bound: bigint): bigint => (whole ? NO_BOUNDS.after : bound)
  const events = feedOf(recordedPages(snapshot, { ledger: ledger.id, lane, bounds: { after: after(from.event), upTo: upTo(to.event) } }))
  const transfers = feedOf(transferPages(snapshot, lane, { after: after(from.transfer), upTo: upTo(to.transfer) }))
  for await (const page of snapshot.pages<BlockLine>(blockLines(lane, { after: after(from.block), upTo: upTo(to.block) }))) {
    for (const { number, recorded_at: recordedAt, last_event: lastEvent, last_transfer: lastTransfer, hash } of page) {
      await put(`B\t${JOURNAL_FORMAT}\t${number}\t${recordedAt}\n`)
      await writeEvents(writing, events, lastEvent)
      told(await writeTransfers(writing, transfers, { last: lastTransfer, accounts }))
      await put(`H\t${hash}\n`)
    }
  }
  // What stands in no block stands in no block of the file.
  await writeEvents(writing, events, NO_BOUNDS.upTo)
  await writeTransfers(writing, transfers, { last: NO_BOUNDS.upTo, accounts })
  await put(`Z\t${to.block}\t${to.event}\t${to.transfer}\t${to.hash}\n`)
}

async function writeBalances({ snapshot, put }: Writing, { lane, transfer }: { lane: bigint; transfer: bigint }): Promise<void> {
  for await (const page of snapshot.pages<StoredBalance>(balancesAt(lane, transfer))) {
    for (const { name, asset, debits, credits } of page) await put(`A\t${name}\t${asset}\t${debits}\t${credits}\n`)
  }
}

/** Levels of objects and lists in what is recorded with an event: what walks them must not run out of stack. */
const MAX_DEPTH = 500

async function writeEvents({ put, records }: Writing, events: Feed<string>, last: bigint): Promise<void> {
  for (let line = events.peek() ?? (await events.load()); line !== undefined; line = events.peek() ?? (await events.load())) {
    const fields = line.split('\t', 8)
    const number = fields[0] ?? ''
    if (BigInt(number) > last) return
    events.skip()
    const content = fields.join('\t')
    const json = line.slice(content.length + 1)
    const { backdated, claimed, details, door, standing, reverses } = JSON.parse(json) as Recorded
    const record = isDeeperThan(MAX_DEPTH, [claimed, details, standing]) ? '' : recordDigest({ backdated, claimed, details, door, standing, reverses })
    const full = put(`E\t${content}\t${record}\n${records ? `R\t${number}\t${json}\n` : ''}`)
    if (full !== undefined) await full
  }
}

async function writeTransfers({ put }: Writing, transfers: Feed<string>, { last, accounts }: { last: bigint; accounts: ReadonlyMap<number, Account> }): Promise<bigint> {
  let written = 0n
  for (let line = transfers.peek() ?? (await transfers.load()); line !== undefined; line = transfers.peek() ?? (await transfers.load())) {
    const [number = '', event = '', debit = '', credit = '', part = '', units = '', subject = '', kind = ''] = line.split('\t')
    if (BigInt(number) > last) break
    transfers.skip()
    written += 1n
    // An account that there is not is no account by name.
    const [from, to] = [accounts.get(Number(debit)), accounts.get(Number(credit))]
    const full = put(`T\t${number}\t${event}\t${kind}\t${part}\t${subject}\t${from?.name ?? ''}\t${to?.name ?? ''}\t${to?.asset ?? ''}\t${units}\n`)
    if (full !== undefined) await full
  }
  return written
}
