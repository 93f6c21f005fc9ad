// Carries large distributions on, some chunks at a time: shares are worked out anew from the snapshot and the place that was reached, so that
// it may stop anywhere and go on in another process.

import { assert, present } from '../core/assert.ts'
import type { Division } from '../core/allocate/division.ts'
import type { Rounding } from '../core/allocate/rounding.ts'
import { stepOfPart } from '../core/part.ts'
import { runningDistribution, type DistributionRow } from '../store/distribution.ts'
import { asking, maybeRow } from '../store/statement.ts'
import { beginDivision, type Entries } from './divide-snapshot.ts'
import { newestPlan, planVersion, refreshNewPlans, type Ledger } from './ledger.ts'
import { createChunkPoster, type ChunkPoster, type Ready } from './post-chunks.ts'
import type { Desk } from './world.ts'

/** A distribution being worked on by this process: the place that its division has come to. */
type Open = {
  readonly event: bigint
  readonly division: Division
  readonly entries: AsyncGenerator<Entries, undefined>
  next: number
  /** The chunk after the last one posted, worked out while that one was written. */
  ahead: Promise<Ready> | null
  usedAt: Temporal.Instant
}

/** Chunks posted in one step: whoever stops the worker waits for them. */
const STEP_CHUNKS = 8
/** Weights of so many are kept at once, 80 MB each for ten million; lanes beyond wait until one is complete, or idle for this long. */
const MAX_OPEN = 4
const IDLE_AFTER = { seconds: 30 }

export type Distributor = {
  /** Posts the next chunks of a lane's first running distribution. Null: there is none, or as many as may be are worked on. */
  readonly step: (ledger: Ledger, lane: bigint, chunks?: number) => Promise<DistributionProgress | null>
}

export type DistributionProgress = { readonly event: bigint; readonly place: number; readonly recipients: number; readonly state: DistributionRow['state'] }

export function createDistributor(desk: Pick<Desk, 'store' | 'now'>): Distributor {
  const opened = new Map<bigint, Open>()
  const posters = new Map<bigint, ChunkPoster>()
  /** Whether there is room for one more: those that nobody works on any more make some. */
  const hasRoom = (lane: bigint): boolean => {
    const idle = desk.now().subtract(IDLE_AFTER)
    for (const [other, { usedAt }] of opened) if (other !== lane && Temporal.Instant.compare(usedAt, idle) < 0) opened.delete(other)
    return opened.has(lane) || opened.size < MAX_OPEN
  }
  return {
    step: async (ledger, lane, chunks = STEP_CHUNKS) => {
      const row = await maybeRow<DistributionRow>(desk.store.pool, runningDistribution(lane))
      if (row === null) opened.delete(lane)
      if (row === null || !hasRoom(lane)) return null
      const known = opened.get(lane)
      // Until it has gone well, it is not known where the division stands.
      opened.delete(lane)
      const open = known?.event === row.event && known.next === row.next_place ? known : await openAt(desk, ledger, row)
      const poster = posters.getOrInsertComputed(lane, () => createChunkPoster(desk))
      const posted = await poster.post(row, chunksOf(open, row, chunks))
      const { next_place: place, state } = posted ?? row
      if (posted !== null && state === 'running') opened.set(lane, Object.assign(open, { next: place, usedAt: desk.now() }))
      if (state === 'complete') open.division.end()
      return { event: row.event, place, recipients: row.recipients, state }
    },
  }
}

/** So many chunks from where the division stands; while one is posted the one after it is worked out, of the next step too. */
function chunksOf(open: Open, { next_place: place, recipients }: DistributionRow, chunks: number): () => Promise<Ready | null> {
  let [left, at] = [chunks, place]
  return async () => {
    if (left === 0 || at === recipients) return null
    left -= 1
    const ready = await (open.ahead ?? readyOf(open))
    at += ready.recipients.length
    open.ahead = at === recipients ? null : readyOf(open)
    open.ahead?.catch(() => {})
    return ready
  }
}

/** Reads all weights as often as the rounding needs, then tells the shares up to the place reached, so that those after it are the same. */
async function openAt({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, row: DistributionRow): Promise<Open> {
  const { division, weighed } = await beginDivision(asking(store.pool), { rounding: await roundingOf({ store }, ledger, row), ledger: ledger.id, row })
  const entries = weighed(0)
  let next = 0
  while (next < row.next_place) {
    const told = present((await entries.next()).value ?? undefined, 'chunk of the snapshot')
    division.shares(told.weights)
    next += told.recipients.length
  }
  assert(next === row.next_place, `the distribution of event ${row.event} stands at place ${row.next_place}, within a chunk`)
  return { event: row.event, division, entries, next, ahead: null, usedAt: now() }
}

async function roundingOf(desk: Pick<Desk, 'store'>, ledger: Ledger, { plan, part }: Pick<DistributionRow, 'plan' | 'part'>): Promise<Rounding> {
  const { version } = newestPlan(ledger)
  if (plan > version) await refreshNewPlans(desk, ledger, version)
  const { rounding } = present(planVersion(ledger, plan).steps[stepOfPart(part)], 'step of the distribution')
  assert(rounding !== 'none', 'a step by snapshot rounds')
  return rounding
}

async function readyOf({ division, entries }: Open): Promise<Ready> {
  const { weights, ...told } = present((await entries.next()).value ?? undefined, 'chunk of the snapshot')
  const tiesBefore = division.cut()?.given ?? 0
  const { units } = division.shares(weights)
  return { ...told, units, tiesBefore, cut: division.cut() }
}
