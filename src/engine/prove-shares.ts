// The Merkle tree of a large distribution, made a chunk at a time once its shares are payable, and proofs from it: one chunk and the roots of
// all are read for one, never all shares.

import { present } from '../core/assert.ts'
import { leafHash, merklePath, merkleRoot, shareLeaf } from '../core/merkle.ts'
import { clip, quote } from '../core/money.ts'
import { partOf, stepOfPart } from '../core/part.ts'
import { Refusal } from '../core/refusal.ts'
import { distributionsOf, type ChunkRow, type DistributionRow } from '../store/distribution.ts'
import { chunkOfPlace, insertRoot, rootlessChunk, rootlessDistribution, rootsOf, setRoot, unitsOfChunk } from '../store/distribution-root.ts'
import { snapshotsHashed } from '../store/snapshot.ts'
import { asking, inSnapshot, type Queryable } from '../store/statement.ts'
import { chunksOfSnapshot, placeOfRecipient } from './divide-snapshot.ts'
import { amountDocument, type AmountDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { storedEvent } from './read-ledger.ts'
import type { Desk } from './world.ts'

/** Makes the root of the next chunk, or of the whole. False: nothing is left to do in this lane. */
export async function growTree({ store: { pool } }: Pick<Desk, 'store'>, ledger: Ledger, lane: bigint): Promise<boolean> {
  const row = await rootlessDistribution(pool, lane)
  if (row === null) return false
  const chunk = await rootlessChunk(pool, row)
  if (chunk === null) await setRoot(pool, row, merkleRoot(await rootsOf(pool, row)))
  else await insertRoot(pool, row, { place: chunk.first_place, root: merkleRoot((await leavesOf(pool, ledger, row, chunk)).map(leafHash)) })
  return true
}

/** The leaves of a chunk, in order: those of shares that are zero too. */
async function leavesOf(on: Queryable, ledger: Ledger, row: DistributionRow, chunk: ChunkRow): Promise<readonly string[]> {
  const ask = asking(on)
  const [snapshot] = await snapshotsHashed(ask, ledger.id, [row.snapshot])
  const units = await unitsOfChunk(on, row, chunk)
  const source = { ...present(snapshot, `snapshot ${row.snapshot}`), chunk: row.chunk }
  const { value } = await chunksOfSnapshot(ask, source, { from: chunk.first_place, weighed: false }).next()
  const { recipients } = present(value ?? undefined, 'chunk of the snapshot')
  const step = stepOfPart(row.part)
  return recipients.map((recipient, index) => shareLeaf({ recipient, units: units.get(partOf(step, chunk.first_place + index)) ?? 0n }))
}

/** What an outsider needs, beside the root, to see that a share is part of a distribution (docs/reference/merkle.md). */
export type ProofDocument = AmountDocument & {
  readonly reference: string
  readonly recipient: string
  /** Recipient, tab, units, line feed: the bytes of the leaf. */
  readonly leaf: string
  /** Its place among the leaves, from 0. */
  readonly place: number
  readonly leaves: number
  /** Hashes of the siblings, from the leaf up. */
  readonly path: readonly string[]
  readonly root: string
  readonly snapshot: string
}

/** Refuses `event_not_found`, `distribution_not_found`, `distribution_locked` while the tree is not made, `recipient_not_found`. */
export async function proof(reader: Pick<Desk, 'store' | 'rails'>, ledger: Ledger, { reference, recipient }: { reference: string; recipient: string }): Promise<ProofDocument> {
  const { lane, number } = await storedEvent(reader, ledger, reference)
  return await inSnapshot(reader.store.pool, async (client) => {
    const [row] = await distributionsOf(client, lane, [number])
    if (row === undefined) throw new Refusal('distribution_not_found', `the event ${quote(reference)} was not divided by a snapshot: it has no tree`, { reference: clip(reference) })
    if (row.root === null) {
      throw new Refusal('distribution_locked', `the tree of ${quote(reference)} is not made yet: ${row.next_place} of ${row.recipients} recipients were given their share; ask again when it is`, { reference: clip(reference), place: row.next_place, recipients: row.recipients })
    }
    const place = await placeOfRecipient(client, { ledger, row, recipient })
    const chunk = present((await chunkOfPlace(client, row, place)) ?? undefined, 'chunk of the place')
    const leaves = await leavesOf(client, ledger, row, chunk)
    const own = place - chunk.first_place
    const leaf = present(leaves[own], 'leaf')
    const path = [...merklePath(leaves.map(leafHash), own), ...merklePath(await rootsOf(client, row), chunk.first_place / row.chunk)]
    const units = BigInt(leaf.slice(leaf.indexOf('\t') + 1, -1))
    return {
      ...{ reference, recipient, ...amountDocument(units, row.asset), leaf, place, leaves: row.recipients },
      ...{ path: path.map((hash) => hash.toHex()), root: row.root, snapshot: row.snapshot },
    }
  })
}
