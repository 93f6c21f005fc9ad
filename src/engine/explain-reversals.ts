// The reversals of an event in its explanation: what each took back from where, and what is left of the shares' payouts.

import type { PoolClient } from 'pg'
import { placeOf } from '../core/part.ts'
import { referenceDigest } from '../core/reference.ts'
import { chunkOfPlace } from '../store/distribution-root.ts'
import { transfersOfEvent, transfersOfPart } from '../store/explain.ts'
import { deductionsOf, reversalsOf } from '../store/reversal.ts'
import type { StoredEvent } from '../store/event.ts'
import { amountDocument } from './documents.ts'
import { transferDocument, type Explanation } from './explain-document.ts'

export type Undoings = {
  readonly reversals: Explanation['reversals']
  /** Units that reversals and recoupments took from shares that were not paid, by the share's transfer. */
  readonly deducted: ReadonlyMap<bigint, bigint>
}

/** `large`: a share of a large distribution, whose transfer is none of the event's own. Of its others, which may be thousands, nothing is told. */
export async function undoingsOf(client: PoolClient, event: StoredEvent, large: { readonly share: { readonly part: number }; readonly transfer: { readonly number: bigint } | null } | null): Promise<Undoings> {
  const { lane, asset } = event
  const found = await reversalsOf(client, lane, event.number)
  const reversals: Explanation['reversals'] = []
  const parts = new Set([...event.shares.map(({ part }) => part), large?.share.part])
  for (const { number, reference, units, recorded_at: recordedAt, block, hash } of found) {
    const chunk = large === null ? null : await chunkOfPlace(client, { lane, event: number }, placeOf(large.share.part))
    // Of a reversal chunk by chunk the transfers that take back are none of its own event's.
    const own = chunk === null || large === null ? [] : await transfersOfPart(client, { lane, digest: referenceDigest(reference) }, chunk, large.share.part)
    const transfers = [...(await transfersOfEvent(client, lane, number)), ...own]
    reversals.push({
      reference,
      number: number.toString(),
      ...amountDocument(units, asset),
      block: { number: block.toString(), hash, recorded_at: recordedAt.toString() },
      transfers: transfers.filter(({ part }) => part === null || parts.has(part)).map((transfer) => ({ part: transfer.part, ...transferDocument(transfer) })),
    })
  }
  const shares = [...event.shares.map(({ transfer }) => transfer), ...(large?.transfer?.number === undefined ? [] : [large.transfer.number])]
  return { reversals, deducted: await deductionsOf(client, lane, shares) }
}
