// The blocks of a ledger's journal as people ask for them. Reads only.

import { listBlocks } from '../store/journal.ts'
import type { Ledger } from './ledger.ts'
import { lanePlaceOf, lanePlaceText, nextCursor, type Page, type PageRequest } from './page.ts'
import type { Desk } from './world.ts'

export type BlockDocument = {
  /** The lane's position within the ledger. */
  readonly lane: number
  readonly block: string
  readonly recorded_at: string
  readonly first_transfer: string
  readonly last_transfer: string
  readonly events: string
  readonly hash: string
}

/** Blocks, newest first: by number, at equal numbers by lane. Refuses `cursor_malformed`. */
export async function blocks({ store }: Pick<Desk, 'store'>, ledger: Ledger, { cursor, limit }: PageRequest): Promise<Page<BlockDocument>> {
  const found = await listBlocks(store.pool, { lanes: ledger.lanes, after: cursor === null ? null : lanePlaceOf(ledger, cursor), limit })
  const items = found.map((row) => ({
    lane: ledger.lanes.indexOf(row.lane),
    block: row.number.toString(),
    recorded_at: row.recorded_at.toString(),
    first_transfer: row.first_transfer.toString(),
    last_transfer: row.last_transfer.toString(),
    events: (row.last_event - row.first_event + 1n).toString(),
    hash: row.hash,
  }))
  return { items, next: nextCursor(found, limit, (place) => lanePlaceText(ledger, place)) }
}
