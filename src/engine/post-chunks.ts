// Posts the chunks of a large distribution: under the lane's lock, or, while the lane is this process' own, one after the other without
// waiting for answers, so that the next chunk is decided while the database writes this one. Shares, place and chunk are one transaction.

import { accountKey } from '../core/account.ts'
import type { GivenCut } from '../core/allocate/extras.ts'
import type { Integers } from '../core/allocate/words.ts'
import { assert, present } from '../core/assert.ts'
import { decideChunk, type Standing } from '../core/chunk.ts'
import { stepOfPart } from '../core/part.ts'
import type { Head, Known } from '../core/posting.ts'
import { insertChunk, moveDistribution, runningDistribution, standingBetween, type DistributionRow, type DistributionStep } from '../store/distribution.ts'
import { postRemembered, runOnLane } from '../store/posting.ts'
import { rows, type Statement } from '../store/statement.ts'
import { startChunkText } from '../store/write-chunk.ts'
import type { WrittenBlock } from '../store/write-batch.ts'
import type { Entries } from './divide-snapshot.ts'
import type { Desk } from './world.ts'

/** A chunk worked out: who gets how much. */
export type Ready = Omit<Entries, 'weights'> & { readonly units: Integers; readonly tiesBefore: number; readonly cut: GivenCut | null }

/** The recipients' accounts as they stood at a head of the lane. */
type Read = { readonly hash: string; readonly standing: ReadonlyMap<string, Standing> }

export type ChunkPoster = {
  /**
   * Posts chunks in order, as `next` gives them until it gives none, and answers the distribution as it stands then. Null: another process
   * has moved it meanwhile, and where it stands is to be looked up.
   */
  readonly post: (row: DistributionRow, next: () => Promise<Ready | null>) => Promise<DistributionRow | null>
}

/** A chunk sent and not answered; its answer is null when it was not posted, because something came between. */
type Flight = { readonly ready: Ready; readonly answer: Promise<true | null> }

/** Sent and not answered at once: while one is written, the next is decided. */
const MAX_FLIGHTS = 2
/** Heads of its own that a poster remembers: what was read at any of them still stands, for each chunk has other accounts. */
const MAX_HEADS = 8

export function createChunkPoster({ store, now }: Pick<Desk, 'store' | 'now'>): ChunkPoster {
  /** Hashes of heads in a row that this poster's own chunks made, the newest last. Empty: somebody else may have posted. */
  let heads: string[] = []
  const moved = (head: Head): void => {
    heads = [...heads.slice(1 - MAX_HEADS), head.hash.toHex()]
  }
  return {
    post: async (given, next) => {
      let row = given
      const flights: Flight[] = []
      const underLock = async (ready: Ready): Promise<boolean> => {
        const posted = await postUnderLock({ store, now }, row, ready)
        heads = []
        if (posted === null) return false
        row = posted.row
        moved(posted.head)
        return true
      }
      /** Waits for the oldest flights; those that did not land are posted again, in order. */
      const land = async (most: number): Promise<boolean> => {
        while (flights.length > most) {
          const first = present(flights.shift(), 'flight')
          if ((await first.answer) !== null) continue
          const lost = [first, ...flights.splice(0)]
          for (const { answer } of lost) await answer
          row = { ...row, ...placeBefore(row, lost.map(({ ready }) => ready)) }
          for (const { ready } of lost) if (!(await underLock(ready))) return false
        }
        return true
      }
      for (let ready = await next(); ready !== null; ready = await next()) {
        const read = heads.length === 0 ? null : await readStanding(store.pool, row, ready)
        if (!(await land(MAX_FLIGHTS - 1))) return null
        const sent = read === null ? null : await send({ store, now }, row, { ready, read, heads: () => heads })
        if (sent === null) {
          if (!(await land(0)) || !(await underLock(ready))) return null
        } else {
          row = sent.row
          moved(sent.head)
          flights.push({ ready, answer: sent.answer })
        }
      }
      return (await land(0)) ? row : null
    },
  }
}

/** The row before chunks that were counted in and not posted. */
function placeBefore(row: DistributionRow, lost: readonly Ready[]): Pick<DistributionRow, 'next_place'> {
  // Everything else of it is read under the lock.
  return { next_place: row.next_place - lost.reduce((all, { recipients }) => all + recipients.length, 0) }
}

/** The account of what large distributions have taken and not given out yet. */
const HOLDER = 'distributing'

type Decided = { readonly row: DistributionRow; readonly head: Head; readonly write: WrittenBlock | null; readonly after: readonly Statement[] }

function decide(row: DistributionRow, { recipients, units, firstPlace, tiesBefore, cut }: Ready, found: { head: Head; known: Known; standing: ReadonlyMap<string, Standing>; at: Temporal.Instant }): Decided {
  const { head, known, standing, at } = found
  const holder = present(known.accounts.get(accountKey({ name: HOLDER, asset: row.asset })), HOLDER)
  const text = startChunkText(row.lane, { holder, digest: row.digest, kind: 'distributed' })
  const chunk = { asset: row.asset, digest: row.digest, step: stepOfPart(row.part), firstPlace, recipients, units }
  const decision = decideChunk(chunk, { head, holder, standing, recordedAt: at }, text.post)
  const { given, shares } = decision
  const firstTransfer = head.transfer + 1n
  const step = stepBy(row, { places: recipients.length, given, shares, firstTransfer, cut })
  const write = shares === 0 ? null : { ...decision, rows: text.end(decision) }
  const after = write?.head ?? head
  const isLast = step.nextPlace === row.recipients
  const completedAt = isLast ? after.recordedAt : null
  const placed = { first_place: firstPlace, places: recipients.length, account: holder.number, first_transfer: firstTransfer, shares, units: given, ties_before: tiesBefore, owed: 0n }
  return {
    row: {
      ...row,
      ...{ next_place: step.nextPlace, given: step.given, shares: step.shares, first_transfer: step.firstTransfer, last_transfer: step.lastTransfer },
      ...{ state: isLast ? ('complete' as const) : ('running' as const), completed_at: completedAt },
    },
    head: after,
    write,
    after: [insertChunk(row, placed), moveDistribution(row, { ...step, completedAt })],
  }
}

async function postUnderLock({ store, now }: Pick<Desk, 'store' | 'now'>, row: DistributionRow, ready: Ready): Promise<Pick<Decided, 'row' | 'head'> | null> {
  return await runOnLane<Pick<Decided, 'row' | 'head'> | null>(store, {
    lane: row.lane,
    digests: [],
    accounts: [{ name: HOLDER, asset: row.asset }],
    states: [],
    guards: [runningDistribution(row.lane), standingBetween(row.lane, { asset: row.asset, recipients: ready.recipients })],
    decide: ({ head, known, guarded: [running, between] }) => {
      const standsAt = running?.rows[0] as DistributionRow | undefined
      // Another process was here meanwhile.
      if (standsAt?.event !== row.event || standsAt.next_place !== ready.firstPlace) return { abort: true, result: null }
      const standing = standingOf((between?.rows[0] as { lines: string | null } | undefined)?.lines ?? null)
      const { write, after, ...result } = decide(standsAt, ready, { head, known, standing, at: now() })
      return { abort: false, write, after, result, remembers: 'known' }
    },
  })
}

type Sent = Pick<Decided, 'row' | 'head'> & { readonly answer: Promise<true | null> }

/** Sends a chunk decided on what is remembered. Null: not sent, because something that it needs may not be so any more. */
async function send({ store, now }: Pick<Desk, 'store' | 'now'>, row: DistributionRow, { ready, read, heads }: { ready: Ready; read: Read; heads: () => readonly string[] }): Promise<Sent | null> {
  const { promise: sent, resolve } = Promise.withResolvers<Pick<Decided, 'row' | 'head'> | null>()
  let decided: Decided | null = null
  const answer = postRemembered<true>(store, {
    lane: row.lane,
    accounts: [{ name: HOLDER, asset: row.asset }],
    decide: ({ head, known }) => {
      const own = heads()
      // What was read stands as long as nobody but this poster has posted since.
      if (own.at(-1) !== head.hash.toHex() || !own.includes(read.hash)) return null
      decided = decide(row, ready, { head, known, standing: read.standing, at: now() })
      return decided.write === null ? null : { write: decided.write, after: decided.after, result: true, remembers: 'known' }
    },
    sent: () => resolve(decided),
  }).then((posted) => posted?.result ?? null)
  answer.then(() => resolve(null), () => resolve(null))
  const way = await sent
  // What it failed of is told here when it was never sent.
  if (way === null) return (await answer, null)
  answer.catch(() => {})
  return { ...way, answer }
}

async function readStanding(pool: Desk['store']['pool'], row: DistributionRow, ready: Ready): Promise<Read> {
  const { text, values } = standingBetween(row.lane, { asset: row.asset, recipients: ready.recipients })
  const [found] = await rows<{ hash: string; lines: string | null }>(pool, {
    name: 'standing-at-head',
    text: `select encode(head.hash, 'hex') as hash, (${text}) as lines from apportion.head where head.lane = $1`,
    values,
  })
  return { hash: found?.hash ?? '', standing: standingOf(found?.lines ?? null) }
}

/** A distribution after a chunk. */
export function stepBy(
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
