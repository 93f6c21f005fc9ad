// Writing the journal of another ledger into an empty one, as the owner and in one transaction: whole blocks as they were decided there.

import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { instantText } from '../core/canonical.ts'
import type { BatchWrite, Head } from '../core/posting.ts'
import { insertLanes } from './ledger.ts'
import { rows } from './statement.ts'
import type { CopyRows } from './unit.ts'
import { batchRows } from './write-batch.ts'

/** Whether anything was ever recorded in a ledger, or its plan changed. Its lanes must be locked. */
export async function hasHistory(client: PoolClient, ledger: string): Promise<boolean> {
  const [found] = await rows<{ history: boolean }>(client, {
    text: `select exists (select 1 from apportion.head join apportion.lane using (lane) where lane.ledger = $1 and head.block > 0)
      or exists (select 1 from apportion.plan_version where ledger = $1 and version > 1) as history`,
    values: [ledger],
  })
  return found?.history ?? true
}

/**
 * Gives an empty ledger other lanes, and takes away its plan. A process that had opened it before knows only the old lanes: it can never
 * record anything beside what is copied.
 */
export async function replaceLanes(
  client: PoolClient,
  { ledger, ...lanes }: { ledger: string; lanes: readonly bigint[]; hash: Uint8Array; at: Temporal.Instant },
): Promise<void> {
  await client.query({ text: `delete from apportion.head using apportion.lane where head.lane = lane.lane and lane.ledger = $1`, values: [ledger] })
  await client.query({ text: `delete from apportion.payout_cursor using apportion.lane where payout_cursor.lane = lane.lane and lane.ledger = $1`, values: [ledger] })
  await client.query({ text: `delete from apportion.lane where ledger = $1`, values: [ledger] })
  await client.query({ text: `delete from apportion.plan_version where ledger = $1`, values: [ledger] })
  await insertLanes(client, { ledger, ...lanes })
}

/** Writes blocks of one lane, in order, a table at a time. */
export async function copyBlocks(client: PoolClient, lane: bigint, writes: readonly BatchWrite[]): Promise<void> {
  const tables = Map.groupBy([...writes.map((write) => blockRow(lane, write)), ...writes.flatMap((write) => batchRows(lane, write))], ({ copy }) => copy)
  for (const [copy, parts] of tables) await pipeline(Readable.from(parts.map(({ lines }) => lines)), client.query(copyFrom(copy)))
}

function blockRow(lane: bigint, { head, block }: BatchWrite): CopyRows {
  const numbers = `${lane}\t${head.block}\t${block.firstTransfer}\t${head.transfer}\t${block.firstEvent}\t${head.event}`
  return {
    name: 'copy-block',
    copy: 'copy apportion.block (lane, number, first_transfer, last_transfer, first_event, last_event, recorded_at, hash) from stdin',
    lines: `${numbers}\t${instantText(head.recordedAt)}\t\\\\x${head.hash.toHex()}\n`,
  }
}

/** Beyond every number that a transfer can have: no share of the lane becomes a payout, ever. */
const BEYOND_ALL = 2n ** 63n - 1n

/** Sets a lane's head after its last block, and its cursor so that nothing in it is ever paid. */
export async function closeLane(client: PoolClient, lane: bigint, { event, transfer, block, account, plan, hash, recordedAt }: Head): Promise<void> {
  await client.query({
    text: `update apportion.head set event = $2, transfer = $3, block = $4, account = $5, plan = $6, hash = $7, recorded_at = $8 where lane = $1`,
    values: [lane, event, transfer, block, account, plan, Buffer.from(hash), instantText(recordedAt)],
  })
  await client.query({ text: `update apportion.payout_cursor set transfer = $2 where lane = $1`, values: [lane, BEYOND_ALL] })
}

export async function markCopied(client: PoolClient, ledger: string, at: Temporal.Instant): Promise<void> {
  await client.query({ text: `update apportion.ledger set copied_at = $2 where ledger = $1`, values: [ledger, at.toString()] })
}

/** Figures about the tables for the planner, which knows nothing of rows that were written in this transaction. */
export async function analyzeJournal(client: PoolClient): Promise<void> {
  await client.query('analyze apportion.event, apportion.reference, apportion.account, apportion.transfer, apportion.block, apportion.balance')
}
