// Where a verification may begin: at the first block, at one that somebody names, or at the last one up to which the lane was found sound
// before, if it still is what it was.

import { createHash } from 'node:crypto'
import { canonicalJson } from '../../core/canonical.ts'
import { Refusal } from '../../core/refusal.ts'
import { checkpointsOf, type NewCheckpoint } from '../../store/checkpoint.ts'
import { statesAfter, type StateRow } from '../../store/rule-state.ts'
import { balancesAt, seamsAt, type StoredBalance, type StoredHead } from '../../store/verify.ts'
import type { Reading } from './books.ts'
import { seamOf, type Seam } from './ranges.ts'

/** `checkpoint`: at the last checkpoint, or at the first block where there is none that holds. */
export type Beginning = 'first block' | 'checkpoint' | { readonly block: bigint }

/**
 * The seam from which to go on; null for the first block. Every checkpoint is held against its block: a chain that was worked out anew is
 * sound in itself, and not the one that was verified. Refuses `field_malformed` for a block that the lane has not.
 */
export async function openingOf(reading: Reading, beginning: Beginning): Promise<Seam | null> {
  const { lane, position, snapshot, findings } = reading
  const checkpoints = await checkpointsOf(snapshot, lane)
  let holds = true
  for (const { block, hash, now, verified_at: at } of checkpoints) {
    findings.looked('checkpoint')
    if (now !== null && Buffer.compare(hash, now) === 0) continue
    holds = false
    findings.broken('checkpoint', { lane: position, block }, { expected: `the hash ${hash.toHex()}, with which it was verified at ${at.toString()}`, found: now?.toHex() ?? 'no such block' })
  }
  if (typeof beginning === 'object') return await seamBefore(reading, beginning.block)
  const last = checkpoints.at(-1)
  if (beginning === 'first block' || last === undefined || !holds) return null
  const seam = await seamAt(reading, last.block)
  if (seam === null) return null
  const standing = await standingAfter(reading, seam)
  if (Buffer.compare(standing, last.standing) === 0) return seam
  const expected = `balances and rule states with the digest ${last.standing.toHex()}, as they were verified at ${last.verified_at.toString()}`
  findings.broken('checkpoint', { lane: position, block: last.block }, { expected, found: `the digest ${standing.toHex()}` })
  return null
}

async function seamBefore(reading: Reading, block: bigint): Promise<Seam | null> {
  if (block === 1n) return null
  const seam = block < 1n ? null : await seamAt(reading, block - 1n)
  if (seam !== null) return seam
  throw new Refusal('field_malformed', `the lane has no block ${block - 1n} after which to begin`, { field: 'from_block', value: block.toString() })
}

async function seamAt({ snapshot, lane }: Reading, block: bigint): Promise<Seam | null> {
  const [seam] = await seamsAt(snapshot, lane, [block])
  return seam?.block === block ? seamOf(seam) : null
}

/** A digest over what stands in each account and what each rule remembers after a block. */
async function standingAfter({ snapshot, lane }: Pick<Reading, 'snapshot' | 'lane'>, { transfer, event }: Pick<Seam, 'transfer' | 'event'>): Promise<Uint8Array> {
  const digest = createHash('sha256')
  for await (const page of snapshot.pages<StoredBalance>(balancesAt(lane, transfer))) {
    digest.update(page.map(({ name, asset, debits, credits }) => `${name}\t${asset}\t${debits}\t${credits}\n`).join(''))
  }
  const states = await snapshot.rows<StateRow>(statesAfter(lane, event))
  const lines = states.map(({ key, value }) => `${key}\t${canonicalJson(value)}\n`)
  return new Uint8Array(digest.update(lines.toSorted().join('')).digest())
}

/** A lane as it stands at its head, for a checkpoint; null before its first block. */
export async function checkpointAt(reading: Pick<Reading, 'snapshot' | 'lane'>, head: StoredHead | null): Promise<NewCheckpoint | null> {
  if (head === null || head.block === 0n) return null
  return { lane: reading.lane, block: head.block, hash: head.hash, standing: await standingAfter(reading, head) }
}
