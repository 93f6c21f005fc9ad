// Where the shares of an event are now: each payout with its attempts, what the network took for them, its movements in the ledger, and
// the proof that it was paid.

import type { PoolClient } from 'pg'
import type { JsonObject } from '../core/effects.ts'
import { attemptsOfPayouts, type AttemptRow } from '../store/attempt.ts'
import type { StoredEvent } from '../store/event.ts'
import { movesNear, settlementsOf, sizesOfAttempts, type Move } from '../store/explain.ts'
import { payoutOfPart, type PayoutRow } from '../store/payout.ts'
import { amountDocument, attemptDocument } from './documents.ts'
import { drawnBy, drawsOnOne, payoutsByShare } from './drawn-shares.ts'
import { transferDocument, type ExplainedPayout, type Standing } from './explain-document.ts'
import type { Ledger } from './ledger.ts'

export type Followed = { readonly payout: ExplainedPayout; readonly now: Standing }

type Describe = (destination: JsonObject) => string

/** The payouts of an event by part; of a large distribution that of one part alone. */
export async function followPayouts(
  client: PoolClient,
  { ledger, event, part, describe }: { ledger: Ledger; event: StoredEvent; part: number | null; describe: Describe | null },
): Promise<ReadonlyMap<number, Followed>> {
  const own = part === null ? null : await payoutOfPart(client, { lane: event.lane, event: event.number, part })
  const payouts = [...(await payoutsByShare(client, ledger, event.lane, [event.number])), ...(own === null ? [] : [own])]
  if (payouts.length === 0) return new Map()
  const ids = [...new Set(payouts.map(({ payout }) => payout))]
  const drawn = await drawnBy(client, ledger, event.lane, payouts)
  const attempts = await attemptsOfPayouts(client, event.lane, ids)
  const settlements = new Map((await settlementsOf(client, event.lane, ids)).map((settlement) => [settlement.payout, settlement]))
  const sizes = await sizesOfAttempts(client, event.lane, [...new Set(attempts.map(({ attempt }) => attempt))])
  const moves = await movesOf(client, event.lane, { payouts: ids, attempts })
  return new Map(
    payouts.map((row) => {
      const tried = attempts.filter(({ payout }) => payout === row.payout)
      const payout = {
        payout: row.payout,
        ...amountDocument(row.units, row.asset),
        destination: row.destination === null || describe === null ? null : describe(row.destination),
        ...(drawn.get(row.payout) ?? drawsOnOne(row, event.reference)),
        tries: row.tries,
        created_at: row.created_at.toString(),
        attempts: tried.map((attempt) => {
          const costs = moves.filter(({ subject }) => subject === attempt.attempt).map(transferDocument)
          const { proof, ...document } = attemptDocument(attempt)
          return { ...document, proof: proof as ExplainedPayout['attempts'][number]['proof'], payouts: sizes.get(attempt.attempt) ?? 0, costs }
        }),
        moves: moves
          .filter(({ subject }) => subject === row.payout)
          .map((move) => ({ ...transferDocument(move), block: { number: move.block.toString(), hash: move.hash, recorded_at: move.recorded_at.toString() } })),
      }
      return [row.part, { payout, now: standingOf(row, tried, settlements.get(row.payout)) }]
    }),
  )
}

function standingOf(
  row: PayoutRow,
  attempts: readonly AttemptRow[],
  settlement: { readonly attempt: string; readonly settled_at: Temporal.Instant } | undefined,
): Standing {
  const since = row.changed_at.toString()
  const dueAt = row.due_at?.toString() ?? null
  switch (row.state) {
    case 'queued':
      return { state: 'queued', since, due_at: dueAt, locked_until: row.locked_until?.toString() ?? null }
    case 'awaiting_approval':
      return { state: 'awaiting_approval', since }
    case 'held':
      return { state: 'held', reason: row.reason ?? 'unknown', detail: row.detail, since, retry_at: dueAt }
    case 'reserved': {
      const live = attempts.find(({ attempt }) => attempt === row.live_attempt)
      return { state: 'in_flight', attempt: row.live_attempt ?? '', identity: live?.identity ?? '', attempt_state: live?.state ?? 'missing', since }
    }
    case 'cancelled':
      return { state: 'cancelled', since }
    case 'settled': {
      const paid = attempts.find(({ attempt }) => attempt === settlement?.attempt)
      const proof = (paid?.proof ?? null) as Extract<Standing, { state: 'paid' }>['proof']
      return { state: 'paid', attempt: settlement?.attempt ?? '', identity: paid?.identity ?? '', proof, settled_at: settlement?.settled_at.toString() ?? since }
    }
  }
}

// How many blocks after an instant are searched for what was posted then: usually the first holds it, and under load one of the next.
const SEARCHES = [16, 512, 16_384, null] as const

/** Movements of payouts and of their attempts. Each attempt reserves its payouts once, and settles or releases them once it has ended. */
async function movesOf(
  client: PoolClient,
  lane: bigint,
  { payouts, attempts }: { payouts: readonly string[]; attempts: readonly (AttemptRow & { readonly payout: string })[] },
): Promise<readonly Move[]> {
  if (attempts.length === 0) return []
  const subjects = [...new Set([...payouts, ...attempts.map(({ attempt }) => attempt)])]
  const ends = attempts.flatMap(({ ended_at: ended }) => ended ?? [])
  const instants = [...new Map([...attempts.map((attempt) => attempt.prepared_at), ...ends].map((instant) => [instant.toString(), instant])).values()]
  let moves: readonly Move[] = []
  for (const blocks of SEARCHES) {
    moves = await movesNear(client, lane, { subjects, instants, blocks })
    const found = moves.filter(({ subject }) => subject !== null && payouts.includes(subject)).length
    if (found >= attempts.length + ends.length) break
  }
  return moves
}
