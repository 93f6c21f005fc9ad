// Carries large distributions, and what takes them back, on, some chunks at a time: shares are worked out anew from the snapshot (what comes
// back, from the shares) and the place that was reached, so that it may stop anywhere and go on in another process.

import { assert, present } from '../core/assert.ts'
import type { Division } from '../core/allocate/division.ts'
import type { Rounding } from '../core/allocate/rounding.ts'
import { stepOfPart } from '../core/part.ts'
import { runningDistribution, type DistributionRow } from '../store/distribution.ts'
import { asking, maybeRow } from '../store/statement.ts'
import { beginDivision, type Entries } from './divide-snapshot.ts'
import { newestPlan, planVersion, refreshNewPlans, type Ledger } from './ledger.ts'
import { createChunkPoster, type ChunkPoster, type Ready } from './post-chunks.ts'
import { beginTakeBack, isTakeBack, postTakeBack, type TakeBackRow, type ToldChunk } from './take-back-chunks.ts'
import type { Desk } from './world.ts'

/** A distribution being worked on by this process: the place that its division has come to. */
type Open = {
  readonly event: bigint
  readonly division: Division
  /** Posts so many chunks from there on. Null: another process has moved it meanwhile. */
  readonly post: (row: DistributionRow, chunks: number) => Promise<Pick<DistributionRow, 'next_place' | 'state'> | null>
  next: number
  usedAt: Temporal.Instant
}

/** One that gives, as `Open` has it. */
type Giving = {
  readonly division: Division
  readonly entries: AsyncGenerator<Entries, undefined>
  /** The chunk after the last one posted, worked out while that one was written. */
  ahead: Promise<Ready> | null
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
      const poster = posters.getOrInsertComputed(lane, () => createChunkPoster(desk))
      const openAt = async (): Promise<Open> => (isTakeBack(row) ? await openTakeBack(desk, row) : await openGiving(desk, { ledger, row, poster }))
      const open = known?.event === row.event && known.next === row.next_place ? known : await openAt()
      const posted = await open.post(row, chunks)
      const { next_place: place, state } = posted ?? row
      if (posted !== null && state === 'running') opened.set(lane, Object.assign(open, { next: place, usedAt: desk.now() }))
      if (state === 'complete') open.division.end()
      return { event: row.event, place, recipients: row.recipients, state }
    },
  }
}

/** So many chunks from where the division stands; while one is posted the one after it is worked out, of the next step too. */
function chunksOf(open: Giving, { next_place: place, recipients }: DistributionRow, chunks: number): () => Promise<Ready | null> {
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
async function openGiving({ store, now }: Pick<Desk, 'store' | 'now'>, { ledger, row, poster }: { ledger: Ledger; row: DistributionRow; poster: ChunkPoster }): Promise<Open> {
  const { division, weighed } = await beginDivision(asking(store.pool), { rounding: await roundingOf({ store }, ledger, row), ledger: ledger.id, row })
  const entries = weighed(0)
  let next = 0
  while (next < row.next_place) {
    const told = present((await entries.next()).value ?? undefined, 'chunk of the snapshot')
    division.shares(told.weights)
    next += told.recipients.length
  }
  assertPlace(row, next)
  const giving: Giving = { division, entries, ahead: null }
  return { event: row.event, division, post: async (standing, chunks) => await poster.post(standing, chunksOf(giving, standing, chunks)), next, usedAt: now() }
}

/** The same of what is left of the shares that it takes back. */
async function openTakeBack(desk: Pick<Desk, 'store' | 'now'>, row: TakeBackRow): Promise<Open> {
  const { division, told } = await beginTakeBack(asking(desk.store.pool), row)
  const chunks = told()
  let next = 0
  const tell = async (): Promise<ToldChunk> => present((await chunks.next()).value ?? undefined, 'chunk of the distribution')
  while (next < row.next_place) next += (await tell()).chunk.places
  assertPlace(row, next)
  /** The chunk after the last one posted, told while that one is posted. */
  let ahead: Promise<ToldChunk> | null = null
  const post: Open['post'] = async (_, count) => {
    let posted: DistributionRow | null = row
    for (let left = count; left > 0 && posted !== null && posted.state === 'running'; left -= 1) {
      const told: ToldChunk = await (ahead ?? tell())
      const { first_place: place, places } = told.chunk
      ahead = place + places === row.recipients ? null : tell()
      ahead?.catch(() => {})
      posted = await postTakeBack(desk, row, told)
    }
    return posted
  }
  return { event: row.event, division, post, next, usedAt: desk.now() }
}

function assertPlace({ event, next_place: place }: DistributionRow, next: number): void {
  assert(next === place, `the distribution of event ${event} stands at place ${place}, within a chunk`)
}

async function roundingOf(desk: Pick<Desk, 'store'>, ledger: Ledger, { plan, part }: Pick<DistributionRow, 'plan' | 'part'>): Promise<Rounding> {
  const { version } = newestPlan(ledger)
  if (plan > version) await refreshNewPlans(desk, ledger, version)
  const { rounding } = present(planVersion(ledger, plan).steps[stepOfPart(part)], 'step of the distribution')
  assert(rounding !== 'none', 'a step by snapshot rounds')
  return rounding
}

async function readyOf({ division, entries }: Giving): Promise<Ready> {
  const { weights, ...told } = present((await entries.next()).value ?? undefined, 'chunk of the snapshot')
  const tiesBefore = division.cut()?.given ?? 0
  const { units } = division.shares(weights)
  return { ...told, units, tiesBefore, cut: division.cut() }
}
