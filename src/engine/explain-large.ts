// Explains one share of a large distribution by look-ups: the recipient's entry in the snapshot, the sums there, and where the units left over
// end. Nothing but its own chunk is read.

import type { PoolClient } from 'pg'
import { accountName, partyOf } from '../core/account.ts'
import type { Rounding } from '../core/allocate/rounding.ts'
import { formatRounding, policyOf } from '../core/allocate/rounding.ts'
import { assert, present } from '../core/assert.ts'
import { partOf, placeOf, stepOfPart } from '../core/part.ts'
import type { PlanVersion } from '../core/plan.ts'
import { formatRatio, ratio } from '../core/ratio.ts'
import { Refusal } from '../core/refusal.ts'
import { scaledWeight, weightText } from '../core/snapshot.ts'
import { distributionsOf, type DistributionRow } from '../store/distribution.ts'
import { chunkOfPlace } from '../store/distribution-root.ts'
import type { StoredEvent } from '../store/event.ts'
import { transfersOfPart, type NamedTransfer } from '../store/explain.ts'
import { asking } from '../store/statement.ts'
import { chunksOfSnapshot, findInSnapshot, type SnapshotPlace } from './divide-snapshot.ts'
import type { ExplainedPart } from '../core/distribution.ts'
import type { Ledger } from './ledger.ts'

/** A share worked out anew, and the transfer that holds it. */
export type ExplainedLargeShare = { readonly share: ExplainedPart; readonly transfer: NamedTransfer | null; readonly isComplete: boolean }

/** The distribution by snapshot of an event; null for nearly all. */
export async function largeOf(client: PoolClient, { lane, number, shares }: StoredEvent): Promise<DistributionRow | null> {
  if (!shares.some(({ account }) => account === 'distributing')) return null
  return (await distributionsOf(client, lane, [number]))[0] ?? null
}

/** The recipient that a share is asked for by: its role and id, or its id alone. */
export function recipientAsked(asked: string): string {
  return asked.startsWith(`${ROLE}:`) ? asked.slice(ROLE.length + 1) : asked
}

const ROLE = 'share'

/** The recipient of a part of a large distribution, as the transfer says; null for a part of another step. */
export async function recipientOfPart(client: PoolClient, row: DistributionRow, part: number): Promise<string | null> {
  if (stepOfPart(part) !== stepOfPart(row.part) || part === row.part) return null
  const chunk = await chunkOfPlace(client, row, placeOf(part))
  const [transfer] = chunk === null ? [] : await transfersOfPart(client, row, chunk, part)
  return transfer === undefined ? null : partyOf('payable', transfer.credit)
}

/** Refuses `recipient_not_found`, and `distribution_locked` for a share whose turn has not come. */
export async function explainLargeShare(
  client: PoolClient,
  { ledger, plan, row, recipient }: { ledger: Ledger; plan: Pick<PlanVersion, 'steps'>; row: DistributionRow; recipient: string },
): Promise<ExplainedLargeShare> {
  const found = await findInSnapshot(client, { ledger, row, recipient })
  const { place, snapshot } = found
  if (place >= row.next_place) {
    const message = `the share of ${recipient} is number ${place + 1} of ${row.recipients}, of which ${row.next_place} are posted: ask again in a while`
    throw new Refusal('distribution_locked', message, { recipient, place, posted: row.next_place, recipients: row.recipients })
  }
  const step = present(plan.steps[stepOfPart(row.part)], 'step of the distribution')
  assert(step.rounding !== 'none', 'a step by snapshot rounds')
  const total = scaledWeight(snapshot.weights, snapshot.decimals)
  const { floor, remainder, units, inputs } = step.rounding === 'prefix' ? byPrefix(row, found, total) : await byRemainder(client, row, found, total)
  const part = partOf(stepOfPart(row.part), place)
  const chunk = present((await chunkOfPlace(client, row, place)) ?? undefined, 'chunk of the place')
  const [transfer = null] = await transfersOfPart(client, row, chunk, part)
  const share: ExplainedPart = {
    ...{ part, step: step.name, from: 'distributing', account: accountName('payable', recipient), recipient, rounding: formatRounding(step.rounding), role: ROLE, changedBy: null },
    ...{ grounds: `${found.written} of ${snapshot.weights} in the snapshot ${snapshot.name}`, formula: `${row.units} × ${found.weight} ÷ ${total}` },
    inputs: {
      ...{ pool: row.units.toString(), snapshot: row.snapshot, subject: recipient, place: place.toString(), weight: found.written, weights: snapshot.weights },
      ...{ of: formatRatio(ratio(found.weight, total)), ...inputs },
    },
    ...{ quota: formatRatio(ratio(row.units * found.weight, total)), floor: floor.toString(), remainder: `${remainder}/${total}` },
    ...{ extra: (units - floor).toString(), units: units.toString(), note: noteOf(step.rounding, { extra: units - floor, remainder }) },
  }
  return { share, transfer, isComplete: row.state === 'complete' }
}

function noteOf(rounding: Rounding, { extra, remainder }: { extra: bigint; remainder: bigint }): string {
  const { notes } = policyOf(rounding)
  return extra > 0n ? notes.up : remainder === 0n ? notes.exact : notes.down
}

type Worked = { readonly floor: bigint; readonly remainder: bigint; readonly units: bigint; readonly inputs: Readonly<Record<string, string>> }

/** Between the floors of the running totals before and after. */
function byPrefix({ units: pool }: DistributionRow, { weight, before, snapshot }: SnapshotPlace, total: bigint): Worked {
  const product = pool * weight
  const units = ((before + weight) * pool) / total - (before * pool) / total
  return { floor: product / total, remainder: product % total, units, inputs: { weights_before: weightText(before, snapshot.decimals) } }
}

/** One more than the floor where the remainder is above the cut, or among the first of those at it. */
async function byRemainder(client: PoolClient, row: DistributionRow, found: SnapshotPlace, total: bigint): Promise<Worked> {
  const product = row.units * found.weight
  const [floor, remainder] = [product / total, product % total]
  if (row.threshold === null || row.ties === null) return { floor, remainder, units: floor, inputs: {} }
  const threshold = BigInt(row.threshold)
  const cut = { cut: `${threshold}/${total}`, ties: row.ties.toString() }
  if (remainder !== threshold) return { floor, remainder, units: remainder > threshold ? floor + 1n : floor, inputs: cut }
  const rank = await rankAmongTies(client, row, found, { total, threshold })
  return { floor, remainder, units: rank < row.ties ? floor + 1n : floor, inputs: { ...cut, rank: (rank + 1).toString() } }
}

/** How many before it stand at the cut too: those of earlier chunks were counted, those of its own are now. */
async function rankAmongTies(client: PoolClient, row: DistributionRow, { place, snapshot }: SnapshotPlace, { total, threshold }: { total: bigint; threshold: bigint }): Promise<number> {
  const chunk = present((await chunkOfPlace(client, row, place)) ?? undefined, 'chunk of the place')
  const { value } = await chunksOfSnapshot(asking(client), { ...snapshot, chunk: row.chunk }, { from: chunk.first_place }).next()
  const { weights } = present(value ?? undefined, 'chunk of the snapshot')
  let rank = chunk.ties_before
  for (let index = 0; index < place - chunk.first_place; index += 1) if (((weights[index] as bigint) * row.units) % total === threshold) rank += 1
  return rank
}
