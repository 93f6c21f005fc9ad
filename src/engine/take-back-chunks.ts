// Takes a large distribution back, chunk by chunk: what comes back of each share is worked out from the shares themselves, less what earlier
// reversals took of them, so that it may stop anywhere and go on in another process. Transfers, place and chunk are one transaction.

import { accountKey } from '../core/account.ts'
import type { Division } from '../core/allocate/division.ts'
import { createDivision } from '../core/allocate/division.ts'
import type { GivenCut } from '../core/allocate/extras.ts'
import { WORD, type Integers } from '../core/allocate/words.ts'
import { assert, present } from '../core/assert.ts'
import { payoutStatesBefore } from '../core/payout.ts'
import { REVERSING } from '../core/reversal.ts'
import { decideTakeBack, type StandingShare } from '../core/take-back.ts'
import { chunksOf, insertChunk, lockDistribution, moveDistribution, runningDistribution, type ChunkRow, type DistributionRow } from '../store/distribution.ts'
import { runOnLane } from '../store/posting.ts'
import { lockCursor, lowerPayouts } from '../store/reversal.ts'
import type { Ask } from '../store/statement.ts'
import { deductionRows, leftOfChunk, lockPayoutsOfChunk, readStanding, standingOfChunk, unitsLeftOfChunk, type ChunkStanding, type LeftShare } from '../store/take-back.ts'
import { startChunkText } from '../store/write-chunk.ts'
import { stepBy } from './post-chunks.ts'
import type { Desk } from './world.ts'

/** A distribution that takes another one back. */
export type TakeBackRow = DistributionRow & { readonly reverses: bigint }

export function isTakeBack(row: DistributionRow): row is TakeBackRow {
  return row.reverses !== null
}

/** A part of a distribution that gave, told anew: what is left of its shares, and what comes back of each. `cut`: of the division, after it. */
export type ToldChunk = { readonly chunk: ChunkRow; readonly shares: readonly LeftShare[]; readonly units: Integers; readonly tiesBefore: number; readonly cut: GivenCut | null }

export type BegunTakeBack = {
  readonly division: Division
  /** The chunks in order, each told as it is asked for. */
  readonly told: () => AsyncGenerator<ToldChunk, undefined>
}

/**
 * A reversal that has read what is left of all shares, by largest remainder: it is ready to tell what comes back of each, from the first on.
 * What is left of shares is as it was when it was recorded, however far it has come: its own transfers play no part.
 */
export async function beginTakeBack(ask: Ask, row: TakeBackRow): Promise<BegunTakeBack> {
  const chunks = await chunksOf(ask, { lane: row.lane, event: row.reverses })
  const division = createDivision({ pool: row.units, rounding: 'largest-remainder' })
  // What fits is kept between the readings: 80 MB for ten million.
  const kept: Integers[] = []
  while (division.needsPass()) {
    for (const [index, chunk] of chunks.entries()) {
      const weights = kept[index] ?? weightsOf(await unitsLeftOfChunk(ask, row, chunk))
      division.read(weights)
      if (weights instanceof BigUint64Array) kept[index] = weights
    }
    division.endPass()
  }
  return {
    division,
    told: async function* () {
      for (const chunk of chunks) {
        const shares = await leftOfChunk(ask, row, chunk)
        const tiesBefore = division.cut()?.given ?? 0
        const { units } = division.shares(weightsOf(shares.map(({ left }) => left)))
        yield { chunk, shares, units, tiesBefore, cut: division.cut() }
      }
      return undefined
    },
  }
}

function weightsOf(weights: readonly bigint[]): Integers {
  return weights.every((weight) => weight < WORD) ? BigUint64Array.from(weights) : weights
}

/** Posts the next chunk under the lane's lock and answers the row as it stands then. Null: another process has moved it meanwhile. */
export async function postTakeBack({ store, now }: Pick<Desk, 'store' | 'now'>, row: TakeBackRow, told: ToldChunk): Promise<DistributionRow | null> {
  const { chunk, cut } = told
  const recipients = told.shares.map(({ recipient }) => recipient)
  return await runOnLane<DistributionRow | null>(store, {
    lane: row.lane,
    digests: [],
    accounts: [{ name: REVERSING, asset: row.asset }],
    states: [],
    // Whoever makes payouts, and whoever comes to owe, holds the cursor's lock.
    guards: [runningDistribution(row.lane), lockCursor(row.lane), lockDistribution({ lane: row.lane, event: row.reverses }), lockPayoutsOfChunk(row, chunk), standingOfChunk(row, chunk, recipients)],
    decide: ({ head, known, guarded }) => {
      const [running, , given, , standing] = guarded.map(({ rows }) => rows as unknown[])
      const standsAt = running?.[0] as DistributionRow | undefined
      if (standsAt?.event !== row.event || standsAt.next_place !== chunk.first_place) return { abort: true, result: null }
      const reached = present((given as { transfer: bigint }[])[0], 'distribution').transfer
      const shares = standingOf(told.shares, { standing: readStanding(standing ?? []), reached })
      const holder = present(known.accounts.get(accountKey({ name: REVERSING, asset: row.asset })), REVERSING)
      const text = startChunkText(row.lane, { holder, digest: row.digest, kind: 'taken_back' })
      const decision = decideTakeBack({ asset: row.asset, digest: row.digest, shares, units: told.units }, { head, holder, recordedAt: now() }, text.post)
      const firstTransfer = head.transfer + 1n
      const { given: units, shares: transfers, owed, deductions } = decision
      const step = stepBy(standsAt, { places: chunk.places, given: units, shares: transfers, firstTransfer, cut })
      const write = transfers === 0 ? null : { ...decision, rows: text.end(decision) }
      const after = write?.head ?? head
      const isLast = step.nextPlace === row.recipients
      const placed = { first_place: chunk.first_place, places: chunk.places, account: holder.number, first_transfer: firstTransfer, shares: transfers, units, ties_before: told.tiesBefore, owed }
      const lowered = deductions.flatMap(({ payout, units: taken }) => (payout === null ? [] : [{ payout, units: taken }]))
      const completedAt = isLast ? after.recordedAt : null
      return {
        abort: false,
        write,
        after: [
          ...(deductions.length === 0 ? [] : [deductionRows(row.lane, deductions)]),
          ...(lowered.length === 0 ? [] : [lowerPayouts(row.lane, lowered, now())]),
          insertChunk(row, placed),
          moveDistribution(standsAt, { ...step, completedAt }),
        ],
        result: { ...standsAt, next_place: step.nextPlace, given: step.given, shares: step.shares, state: isLast ? 'complete' : 'running', completed_at: completedAt },
        remembers: 'known',
      }
    },
  })
}

/** `reached`: how far the distribution's shares have become payouts. */
function standingOf(shares: readonly LeftShare[], { standing, reached }: { standing: ChunkStanding; reached: bigint }): readonly StandingShare[] {
  assert(shares.length === standing.shares.length, `${standing.shares.length} shares stand where ${shares.length} were given`)
  return shares.map(({ share, part, recipient }, index) => {
    const { payout, state, left, payable, ...found } = present(standing.shares[index], 'share')
    assert(found.share === share, `share ${found.share} stands where ${share} was given`)
    const isUnpaid = state === null ? share > reached : UNPAID.has(state)
    return { share, part, recipient, payable, owed: standing.owing.get(recipient) ?? null, payout: isUnpaid ? payout : null, unpaid: isUnpaid ? left : 0n }
  })
}

const UNPAID: ReadonlySet<string> = new Set(payoutStatesBefore('cancel'))
