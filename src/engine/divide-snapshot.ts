// A snapshot's weights read as often as a division needs, and its entries told chunk by chunk, in bounded memory.

import { assert, present } from '../core/assert.ts'
import { createDivision, type Division } from '../core/allocate/division.ts'
import type { Rounding } from '../core/allocate/rounding.ts'
import { WORD, type Integers } from '../core/allocate/words.ts'
import { clip, quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { entriesOf, scaledWeight } from '../core/snapshot.ts'
import type { DistributionRow } from '../store/distribution.ts'
import { blockOfRecipient, snapshotBlocks, snapshotsHashed, type SnapshotRow } from '../store/snapshot.ts'
import { asking, type Ask, type Queryable } from '../store/statement.ts'
import type { Ledger } from './ledger.ts'

/** Blocks of a snapshot read at once: some 300 kB. */
const READ_BLOCKS = 8

export type ChunkSource = Pick<SnapshotRow, 'snapshot' | 'decimals'> & { readonly chunk: number }

export type Entries = { readonly firstPlace: number; readonly recipients: readonly string[]; readonly weights: Integers }

/** The entries of a snapshot chunk by chunk, from the start of one on; without their weights where nobody needs them again. */
export async function* chunksOfSnapshot(ask: Ask, { snapshot, decimals, chunk }: ChunkSource, { from = 0, weighed = true }: { from?: number; weighed?: boolean } = {}): AsyncGenerator<Entries, undefined> {
  let [recipients, texts, first]: [string[], string[], number] = [[], [], from]
  const take = (): Entries => {
    const own = texts.splice(0, chunk)
    const taken = { firstPlace: first, recipients: recipients.splice(0, chunk), weights: weighed ? compactWeights(own.map((text) => scaledWeight(text, decimals))) : [] }
    first += taken.recipients.length
    return taken
  }
  for (let place = from; ; ) {
    const blocks = await snapshotBlocks(ask, snapshot, { from: place, limit: READ_BLOCKS })
    for (const { lines, entries } of blocks) {
      for (let [start, tab] = [0, lines.indexOf('\t')]; tab !== -1; tab = lines.indexOf('\t', start)) {
        const end = lines.indexOf('\n', tab)
        recipients.push(lines.slice(start, tab))
        if (weighed) texts.push(lines.slice(tab + 1, end))
        start = end + 1
      }
      place += entries
      while (recipients.length >= chunk) yield take()
    }
    if (blocks.length < READ_BLOCKS) break
  }
  if (recipients.length > 0) yield take()
  return undefined
}

function compactWeights(weights: readonly bigint[]): Integers {
  return weights.every((weight) => weight < WORD) ? BigUint64Array.from(weights) : weights
}

export type BegunDivision = {
  readonly division: Division
  readonly snapshot: SnapshotRow
  /** The entries chunk by chunk, from the one on that begins at a place. */
  readonly weighed: (from: number) => AsyncGenerator<Entries, undefined>
}

/** A division that has read all weights: it is ready to tell shares from the first place on. */
export async function beginDivision(
  ask: Ask,
  { rounding, ledger, row }: { readonly rounding: Rounding; readonly ledger: string; readonly row: Pick<DistributionRow, 'snapshot' | 'chunk' | 'recipients' | 'units'> },
): Promise<BegunDivision> {
  const [found] = await snapshotsHashed(ask, ledger, [row.snapshot])
  const snapshot = present(found, `snapshot ${row.snapshot}`)
  assert(snapshot.recipients === row.recipients, `the snapshot ${row.snapshot} has ${snapshot.recipients} recipients, not ${row.recipients}`)
  const source = { ...snapshot, chunk: row.chunk }
  const division = createDivision({ pool: row.units, rounding })
  // Weights that fit are kept between the readings: 80 MB for ten million.
  let kept: Integers[] | null = null
  while (division.needsPass()) {
    if (kept !== null) for (const weights of kept) division.read(weights)
    else {
      const read: Integers[] = []
      for await (const { weights } of chunksOfSnapshot(ask, source)) {
        division.read(weights)
        if (weights instanceof BigUint64Array) read.push(weights)
      }
      if (read.length === Math.ceil(row.recipients / row.chunk)) kept = read
    }
    division.endPass()
  }
  const known = kept
  return {
    division,
    snapshot,
    weighed: async function* (from) {
      if (known === null) return yield* chunksOfSnapshot(ask, source, { from })
      for await (const entries of chunksOfSnapshot(ask, source, { from, weighed: false })) yield { ...entries, weights: present(known[entries.firstPlace / row.chunk], 'weights') }
      return undefined
    },
  }
}

/** A recipient in a snapshot: its place and weight, and the sum of the weights before it, as integers of one scale. */
export type SnapshotPlace = { readonly place: number; readonly written: string; readonly weight: bigint; readonly before: bigint; readonly snapshot: SnapshotRow }

/** Where a recipient stands in the snapshot of a distribution, by one look-up. Refuses `recipient_not_found`. */
export async function findInSnapshot(on: Queryable, { ledger, row, recipient }: { ledger: Ledger; row: Pick<DistributionRow, 'snapshot'>; recipient: string }): Promise<SnapshotPlace> {
  const [found] = await snapshotsHashed(asking(on), ledger.id, [row.snapshot])
  const snapshot = present(found, `snapshot ${row.snapshot}`)
  const block = recipient.includes('\0') ? null : await blockOfRecipient(on, snapshot.snapshot, recipient)
  const entries = block === null ? [] : entriesOf(block.lines)
  const index = entries.findIndex((entry) => entry.recipient === recipient)
  const entry = entries[index]
  if (block === null || entry === undefined) {
    throw new Refusal('recipient_not_found', `the snapshot ${snapshot.name} has no recipient ${quote(recipient)}`, { recipient: clip(recipient), snapshot: snapshot.name })
  }
  const before = entries.slice(0, index).reduce((all, { weight }) => all + scaledWeight(weight, snapshot.decimals), block.weights_before)
  return { place: block.first_place + index, written: entry.weight, weight: scaledWeight(entry.weight, snapshot.decimals), before, snapshot }
}

export async function placeOfRecipient(on: Queryable, asked: { ledger: Ledger; row: Pick<DistributionRow, 'snapshot'>; recipient: string }): Promise<number> {
  return (await findInSnapshot(on, asked)).place
}
