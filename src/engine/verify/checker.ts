// Who checks the ranges of a journal: this process one after the other, or whoever else is given the job. Each reads the same snapshot.

import type { PlanVersionRow } from '../../store/ledger.ts'
import { inSnapshotOf } from '../../store/statement.ts'
import type { Store } from '../../store/store.ts'
import { snapshotOf } from '../../store/verify.ts'
import type { Ledger } from '../ledger.ts'
import { findInRange, type RangeFound } from './journal.ts'
import type { Range } from './ranges.ts'

export type RangeJob = {
  readonly ledger: Ledger
  readonly versions: readonly PlanVersionRow[]
  /** Name of the snapshot to read in. */
  readonly snapshot: string
  readonly range: Range
  readonly maxBreaks: number
  /** False when so much was found before this range that nothing of it would be told. */
  readonly isNeeded: () => boolean
  readonly onProgress: (transfer: bigint) => void
}

/** Rejects only when the database cannot be read. */
export type RangeChecker = (job: RangeJob) => Promise<RangeFound>

/** What is found in a range that nobody looks at. */
export const NOTHING_FOUND: RangeFound = { blocks: 0n, events: 0n, transfers: 0n, findings: { breaks: [], counts: new Map() } }

export function checkInTurn(store: Pick<Store, 'pool'>): RangeChecker {
  let last: Promise<unknown> = Promise.resolve()
  return async (job) => {
    const work = async (): Promise<RangeFound> => {
      if (!job.isNeeded()) return NOTHING_FOUND
      return await inSnapshotOf(store.pool, job.snapshot, async (client) => await findInRange({ ...job, snapshot: snapshotOf(client) }, job.range))
    }
    const mine = last.then(work, work)
    last = mine
    return await mine
  }
}
