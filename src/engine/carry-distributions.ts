// Carries large distributions on, a chunk at a time: shares are worked out anew from the snapshot and the place that was reached, so that
// it may stop anywhere and go on in another process. What is posted, the place and the chunk's root are one transaction.

import { assert, present } from '../core/assert.ts'
import type { Division } from '../core/allocate/division.ts'
import type { GivenCut } from '../core/allocate/extras.ts'
import type { Rounding } from '../core/allocate/rounding.ts'
import type { Integers } from '../core/allocate/words.ts'
import { decideChunk, type Standing } from '../core/chunk.ts'
import { stepOfPart } from '../core/part.ts'
import { insertChunk, moveDistribution, runningDistribution, standingBetween, type DistributionRow, type DistributionStep } from '../store/distribution.ts'
import { runOnLane } from '../store/posting.ts'
import { asking, maybeRow } from '../store/statement.ts'
import { startChunkText } from '../store/write-chunk.ts'
import { beginDivision, type Entries } from './divide-snapshot.ts'
import { newestPlan, planVersion, refreshNewPlans, type Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/** A distribution being worked on by this process: the place that its division has come to. */
type Open = {
  readonly event: bigint
  readonly division: Division
  readonly entries: AsyncGenerator<Entries, undefined>
  next: number
  /** The chunk worked out last and not posted for certain. */
  ready: Promise<Ready> | null
}

type Ready = Omit<Entries, 'weights'> & { readonly units: Integers; readonly tiesBefore: number; readonly cut: GivenCut | null }

export type Distributor = {
  /** Posts the next chunk of a lane's first running distribution. Null: there is none. */
  readonly step: (ledger: Ledger, lane: bigint) => Promise<DistributionProgress | null>
}

export type DistributionProgress = { readonly event: bigint; readonly place: number; readonly recipients: number; readonly state: DistributionRow['state'] }

export function createDistributor(desk: Pick<Desk, 'store' | 'now'>): Distributor {
  const opened = new Map<bigint, Open>()
  return {
    step: async (ledger, lane) => {
      const row = await maybeRow<DistributionRow>(desk.store.pool, runningDistribution(lane))
      if (row === null) {
        opened.delete(lane)
        return null
      }
      const known = opened.get(lane)
      try {
        const open = known?.event === row.event && known.next === row.next_place ? known : await openAt(desk, ledger, row)
        opened.set(lane, open)
        return await postNext(desk, row, { open, step: stepOfPart(row.part) })
      } catch (error) {
        // Whatever it was, what stands in the database is where to go on.
        opened.delete(lane)
        throw error
      }
    },
  }
}

/** Reads all weights as often as the rounding needs, then tells the shares up to the place reached, so that those after it are the same. */
async function openAt({ store }: Pick<Desk, 'store'>, ledger: Ledger, row: DistributionRow): Promise<Open> {
  const { division, weighed } = await beginDivision(asking(store.pool), { rounding: await roundingOf({ store }, ledger, row), ledger: ledger.id, row })
  const entries = weighed(0)
  let next = 0
  while (next < row.next_place) {
    const told = present((await entries.next()).value ?? undefined, 'chunk of the snapshot')
    division.shares(told.weights)
    next += told.recipients.length
  }
  assert(next === row.next_place, `the distribution of event ${row.event} stands at place ${row.next_place}, within a chunk`)
  return { event: row.event, division, entries, next, ready: null }
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

type Working = { readonly open: Open; readonly step: number }

async function postNext({ store, now }: Pick<Desk, 'store' | 'now'>, row: DistributionRow, { open, step }: Working): Promise<DistributionProgress> {
  const ready = await (open.ready ?? readyOf(open))
  const { recipients, units, firstPlace, tiesBefore, cut } = ready
  const [first, last] = [present(recipients[0], 'recipient'), present(recipients.at(-1), 'recipient')]
  const posting = runOnLane<DistributionProgress | null>(store, {
    lane: row.lane,
    digests: [],
    accounts: [{ name: HOLDER, asset: row.asset }],
    states: [],
    guards: [runningDistribution(row.lane), standingBetween(row.lane, { asset: row.asset, first, last })],
    decide: ({ head, known, guarded: [running, between] }) => {
      const standsAt = running?.rows[0] as DistributionRow | undefined
      // Another process was here meanwhile.
      if (standsAt?.event !== row.event || standsAt.next_place !== firstPlace) return { abort: true, result: null }
      const holder = present([...known.accounts.values()].find(({ name }) => name === HOLDER), HOLDER)
      const standing = standingOf((between?.rows[0] as { lines: string | null } | undefined)?.lines ?? null)
      const text = startChunkText(row.lane, { holder, digest: row.digest })
      const decision = decideChunk({ asset: row.asset, digest: row.digest, step, firstPlace, recipients, units }, { head, holder, standing, recordedAt: now() }, text.post)
      const { given, shares } = decision
      const moved = movedBy(standsAt, { places: recipients.length, given, shares, firstTransfer: head.transfer + 1n, cut })
      const isLast = moved.nextPlace === row.recipients
      const placed = { first_place: firstPlace, places: recipients.length, account: holder.number, first_transfer: head.transfer + 1n, shares, units: given, ties_before: tiesBefore }
      const write = shares === 0 ? null : { ...decision, rows: text.end(decision) }
      const after = [insertChunk(row, placed), moveDistribution(standsAt, { ...moved, completedAt: isLast ? (write ?? { head }).head.recordedAt : null })]
      return { abort: false, write, after, result: { event: row.event, place: moved.nextPlace, recipients: row.recipients, state: isLast ? 'complete' : 'running' }, remembers: 'known' }
    },
  })
  // While the database writes this chunk, the next one is worked out.
  const isLast = firstPlace + recipients.length === row.recipients
  open.ready = isLast ? null : readyOf(open)
  open.ready?.catch(() => {})
  const progress = await posting
  if (progress === null) {
    open.next = NOWHERE
    return { event: row.event, place: row.next_place, recipients: row.recipients, state: 'running' }
  }
  open.next = progress.place
  if (progress.state === 'complete') open.division.end()
  return progress
}

/** The account of what large distributions have taken and not given out yet. */
const HOLDER = 'distributing'
/** No distribution stands here: it is opened anew. */
const NOWHERE = -1

function movedBy(
  { next_place: place, given: before, shares: count, units, first_transfer: first, last_transfer: last, recipients }: DistributionRow,
  { places, given, shares, firstTransfer, cut }: { places: number; given: bigint; shares: number; firstTransfer: bigint; cut: GivenCut | null },
): Omit<DistributionStep, 'completedAt'> {
  const nextPlace = place + places
  assert(nextPlace < recipients ? before + given <= units : before + given === units, `${before + given} units were given out of ${units}, with ${recipients - nextPlace} recipients to come`)
  return {
    nextPlace,
    given: before + given,
    shares: count + shares,
    firstTransfer: first ?? (shares > 0 ? firstTransfer : null),
    lastTransfer: shares > 0 ? firstTransfer + BigInt(shares) - 1n : last,
    cut,
  }
}

function standingOf(lines: string | null): ReadonlyMap<string, Standing> {
  if (lines === null) return new Map()
  return new Map(
    lines.split('\n').map((line) => {
      const [recipient = '', number, debits = '', credits = ''] = line.split('\t')
      return [recipient, { number: Number(number), debits: BigInt(debits), credits: BigInt(credits) }]
    }),
  )
}
