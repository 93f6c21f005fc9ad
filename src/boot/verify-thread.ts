// A thread that checks ranges of journals for `verify`: it has connections of its own, reads the snapshot it is told, and writes nothing.

import { parentPort, workerData } from 'node:worker_threads'
import { present } from '../core/assert.ts'
import { createLedgers } from '../engine/ledger.ts'
import { findInRange, type RangeFound } from '../engine/verify/journal.ts'
import type { Range } from '../engine/verify/ranges.ts'
import { programs } from '../programs/index.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { inSnapshotOf } from '../store/statement.ts'
import { openStore } from '../store/store.ts'
import { snapshotOf } from '../store/verify.ts'

export type ThreadSettings = { readonly url: string }

/** What a thread is sent. */
export type SentJob = { readonly ledger: string; readonly snapshot: string; readonly range: Range; readonly maxBreaks: number }

/** What it answers: how far it is, what it found, or why it could not. */
export type ThreadAnswer = { readonly transfer: bigint } | { readonly found: RangeFound } | { readonly failed: Error }

/** Telling of every block would cost as much as checking small ones. */
const TELL_EVERY = 5_000n

const port = present(parentPort ?? undefined, 'the thread that started this one')
const store = openStore((workerData as ThreadSettings).url, 'apportion verify')
const ledgers = createLedgers({ store, programs })
port.on('message', (job: SentJob) => void answer(job))

async function answer(job: SentJob): Promise<void> {
  const tell = (message: ThreadAnswer): void => port.postMessage(message)
  try {
    tell({ found: await check(job, (transfer) => tell({ transfer })) })
  } catch (error) {
    tell({ failed: error instanceof Error ? error : new Error(String(error)) })
  }
}

async function check({ ledger: name, snapshot, range, maxBreaks }: SentJob, tell: (transfer: bigint) => void): Promise<RangeFound> {
  const ledger = await ledgers.open(name)
  let told = 0n
  return await inSnapshotOf(store.pool, snapshot, async (client) => {
    const versions = await planVersionsOf(client, ledger.id)
    const onProgress = (transfer: bigint): void => {
      if (transfer < told + TELL_EVERY) return
      told = transfer
      tell(transfer)
    }
    return await findInRange({ snapshot: snapshotOf(client), ledger, versions, maxBreaks, onProgress }, range)
  })
}
