// Checkpoints of `verify`: added when a lane was found sound, never changed.

import { rows, type Queryable } from './statement.ts'
import type { Snapshot } from './verify.ts'

export type StoredCheckpoint = {
  readonly block: bigint
  readonly hash: Uint8Array
  readonly standing: Uint8Array
  readonly verified_at: Temporal.Instant
  /** What the block's hash is now; null when there is no such block. */
  readonly now: Uint8Array | null
}

/** The checkpoints of a lane by block, each beside its block as it stands now. */
export async function checkpointsOf(on: Snapshot, lane: bigint): Promise<StoredCheckpoint[]> {
  return await on.rows({
    text: `select checkpoint.block, checkpoint.hash, checkpoint.standing, checkpoint.verified_at, block.hash as now
      from apportion.checkpoint
      left join apportion.block on block.lane = checkpoint.lane and block.number = checkpoint.block
      where checkpoint.lane = $1
      order by checkpoint.block`,
    values: [lane],
  })
}

export type NewCheckpoint = { readonly lane: bigint; readonly block: bigint; readonly hash: Uint8Array; readonly standing: Uint8Array }

/** Keeps a checkpoint; one of the same block stays as it is. */
export async function insertCheckpoint(on: Queryable, { lane, block, hash, standing, at }: NewCheckpoint & { readonly at: Temporal.Instant }): Promise<void> {
  await rows(on, {
    text: `insert into apportion.checkpoint (lane, block, hash, standing, verified_at) values ($1, $2, $3, $4, $5) on conflict (lane, block) do nothing`,
    values: [lane, block, Buffer.from(hash), Buffer.from(standing), at.toString()],
  })
}
