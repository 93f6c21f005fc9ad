// Creates a snapshot from a stream of lines, in one transaction: everything is checked before anything is kept, in bounded memory. The
// database puts the lines in order; what is kept are blocks of them, as they are hashed.

import type { PoolClient } from 'pg'
import { z } from 'zod'
import { clip, quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import {
  BLOCK_ENTRIES, checkEntry, checkSnapshotName, entryLine, MAX_RECIPIENTS, scaledWeight, startSnapshotHash, weightText, type SnapshotEntry,
} from '../core/snapshot.ts'
import {
  copySnapshotLines, doubledLine, dropSnapshotLines, insertSnapshot, insertSnapshotBlocks, snapshotNamed, sortedLines, type SnapshotBlock, type SnapshotRow,
} from '../store/snapshot.ts'
import { inTransaction } from '../store/statement.ts'
import { requireOriginal, type Ledger } from './ledger.ts'
import { pastInstant } from './span.ts'
import type { Desk } from './world.ts'

/** A line as it was read: its text, or why it has none. */
export type SnapshotLine = { readonly number: number; readonly text: string } | { readonly number: number; readonly problem: string }

/** `csv`: recipient, comma, weight, with or without a first line that says so. `jsonl`: {"recipient": "…", "weight": "…"} a line. */
export const SNAPSHOT_FORMATS = ['csv', 'jsonl'] as const
export type SnapshotFormat = (typeof SNAPSHOT_FORMATS)[number]

/** Longest line: an id of 100 and a weight of 57 characters, as JSON with room to spare. */
export const MAX_LINE_BYTES = 1000

export type SnapshotRequest = {
  readonly name: string
  /** The instant of which it says what everybody held; now when null. */
  readonly recordAt: string | null
  readonly format: SnapshotFormat
  /** Where it came from, for people. */
  readonly source: string
  readonly lines: AsyncIterable<SnapshotLine>
  readonly onProgress?: (progress: { readonly lines: number }) => void
  /** Entries of a block and most entries, smaller in tests. */
  readonly sizes?: { readonly block: number; readonly most: number }
}

export type SnapshotCreated = { readonly state: 'created' | 'duplicate'; readonly snapshot: SnapshotRow }

/**
 * Refuses, naming the line, and keeps nothing: `snapshot_malformed`, `recipient_malformed`, `weight_malformed`, `snapshot_exceeded`,
 * `snapshot_conflict`; `instant_exceeded` and `field_malformed` for a record instant. The same name with the same entries and record instant is answered as before.
 */
export async function createSnapshot({ store, id, now }: Pick<Desk, 'store' | 'id' | 'now'>, ledger: Ledger, request: SnapshotRequest): Promise<SnapshotCreated> {
  requireOriginal(ledger)
  const name = checkSnapshotName(request.name)
  const earlier = await snapshotNamed(store.pool, ledger.id, name)
  const recordAt = request.recordAt === null ? (earlier?.record_at ?? now()) : pastInstant(request.recordAt, 'record_at', now())
  const snapshot = id()
  const { block, most } = request.sizes ?? { block: BLOCK_ENTRIES, most: MAX_RECIPIENTS }
  return await inTransaction(store.pool, async (client) => {
    const seen = { lines: 0, decimals: 0 }
    await copySnapshotLines(client, checkedLines(request, { snapshot, most, seen }))
    if (seen.lines === 0) throw new Refusal('snapshot_malformed', `the snapshot ${name} has no entry: send a line for each recipient`, { lines: 0 })
    const doubled = await doubledLine(client, snapshot)
    if (doubled !== null) throw doubledRefusal(doubled)
    const given = { name, record_at: recordAt, recipients: seen.lines, decimals: seen.decimals }
    // One that is there already is only compared with.
    const keep = earlier === null ? snapshot : null
    const { hash, weights } = await readInOrder(client, { ...given, snapshot, keep, block })
    await dropSnapshotLines(client, snapshot)
    if (earlier !== null) {
      if (earlier.hash === hash.toHex()) return { state: 'duplicate', snapshot: earlier }
      throw conflict(earlier)
    }
    const row = { snapshot, ...given, weights, source: clip(request.source), created_at: now() }
    if (await insertSnapshot(client, { ...row, ledger: ledger.id, hash })) return { state: 'created', snapshot: { ...row, hash: hash.toHex() } }
    throw new Refusal('snapshot_conflict', `a snapshot named ${name} was made while this one was read: send it again to see whether it is the same`, { name })
  })
}

async function* checkedLines(
  { format, lines, onProgress = () => {} }: SnapshotRequest,
  { snapshot, most, seen }: { snapshot: string; most: number; seen: { lines: number; decimals: number } },
): AsyncGenerator<string, undefined> {
  let text = ''
  for await (const line of lines) {
    const entry = readLine(format, line)
    if (entry === null) continue
    seen.lines += 1
    if (seen.lines > most) throw new Refusal('snapshot_exceeded', `line ${line.number} is entry ${seen.lines}: a snapshot has at most ${most}`, { line: line.number, limit: most })
    const point = entry.weight.indexOf('.')
    if (point !== -1) seen.decimals = Math.max(seen.decimals, entry.weight.length - point - 1)
    // Neither field holds anything that COPY would read as something else.
    text += `${snapshot}\t${line.number}\t${entry.recipient}\t${entry.weight}\n`
    if (text.length < COPIED) continue
    yield text
    text = ''
    onProgress({ lines: seen.lines })
  }
  if (text !== '') yield text
  onProgress({ lines: seen.lines })
}

/** Characters written at once. */
const COPIED = 1 << 16

/** Null for a first line that only says what the columns are. */
function readLine(format: SnapshotFormat, line: SnapshotLine): SnapshotEntry | null {
  const { number } = line
  if ('problem' in line) throw malformed(number, `is ${line.problem}`)
  const text = line.text.endsWith('\r') ? line.text.slice(0, -1) : line.text
  const fields = format === 'csv' ? csvFields(text, number) : jsonFields(text, number)
  if (format === 'csv' && number === 1 && fields.recipient === 'recipient' && fields.weight === 'weight') return null
  return checkEntry({ ...fields, line: number })
}

type Fields = { readonly recipient: string; readonly weight: string }

function csvFields(text: string, number: number): Fields {
  const [recipient, weight, ...more] = text.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
  if (recipient === undefined || weight === undefined || more.length > 0) throw malformed(number, `is ${quote(text)}; it must be a recipient, a comma and a weight`)
  return { recipient, weight }
}

function jsonFields(text: string, number: number): Fields {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw malformed(number, `is ${quote(text)}, which is not JSON`)
  }
  const given = shape.safeParse(parsed)
  if (given.success) return given.data
  throw malformed(number, `is ${quote(text)}; it must be such as {"recipient": "ana", "weight": "39.5"}, the weight as text`)
}

const shape = z.strictObject({ recipient: z.string(), weight: z.string() })

function malformed(line: number, problem: string): Refusal {
  return new Refusal('snapshot_malformed', `line ${line} ${problem}`, { line })
}

function doubledRefusal({ recipient, first, second }: { recipient: string; first: number; second: number }): Refusal {
  return new Refusal('snapshot_malformed', `line ${second} names ${recipient} again, who stands in line ${first} already`, { line: second, first, recipient })
}

function conflict({ name, hash }: Pick<SnapshotRow, 'name' | 'hash'>): Refusal {
  return new Refusal('snapshot_conflict', `there is a snapshot named ${name} with other entries or of another instant: choose another name`, { name, hash })
}

type Reading = Pick<SnapshotRow, 'name' | 'record_at' | 'decimals' | 'snapshot'> & { readonly keep: string | null; readonly block: number }

/** Hashes the entries by recipient and, unless there is nothing to keep, writes them as blocks. */
async function readInOrder(client: PoolClient, { name, record_at: recordAt, decimals, snapshot, keep, block }: Reading): Promise<{ readonly hash: Uint8Array; readonly weights: string }> {
  const hash = startSnapshotHash({ name, recordAt })
  let [place, before] = [0, 0n]
  // A page is a whole number of blocks, so that only the last block is a short one.
  for await (const page of sortedLines(client, snapshot, { page: block * PAGE_BLOCKS })) {
    const blocks: SnapshotBlock[] = []
    for (let start = 0; start < page.length; start += block) {
      const entries = page.slice(start, start + block)
      const lines = entries.map(([recipient, weight]) => entryLine({ recipient, weight })).join('')
      hash.add(lines)
      blocks.push({ first_place: place, entries: entries.length, first_recipient: entries[0]?.[0] ?? '', weights_before: before, lines })
      place += entries.length
      for (const [, weight] of entries) before += scaledWeight(weight, decimals)
    }
    if (keep !== null) await insertSnapshotBlocks(client, keep, blocks)
  }
  return { hash: hash.end(), weights: weightText(before, decimals) }
}

/** Blocks read and written at once. */
const PAGE_BLOCKS = 16
