// Pages of lists: the cursor of the next page is a place, written so that neither shell nor address changes it. A cursor never carries
// figures: what is shown is read from the ledger alone.

import { Refusal } from '../core/refusal.ts'
import type { Ledger } from './ledger.ts'

/** A page of a list with the cursor of the next one; null when this was the last. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null }

export type PageRequest = { readonly cursor: string | null; readonly limit: number }

/** The cursor after the last row, or null when fewer than a page were found. */
export function nextCursor<T>(found: readonly T[], limit: number, of: (row: T) => string): string | null {
  const last = found.at(-1)
  return found.length < limit || last === undefined ? null : of(last)
}

export function malformedCursor(cursor: string): Refusal {
  return new Refusal('cursor_malformed', `the cursor ${JSON.stringify(cursor.slice(0, 80))} is none of ours: take it from the page before`, { field: 'cursor' })
}

/** A number in a lane: each lane counts for itself. */
export type LanePlace = { readonly number: bigint; readonly lane: bigint }

export function lanePlaceText({ lanes }: Ledger, { number, lane }: LanePlace): string {
  return `${number}-${lanes.indexOf(lane)}`
}

/** Refuses `cursor_malformed`. */
export function lanePlaceOf({ lanes }: Ledger, cursor: string): LanePlace {
  const [, number, position] = /^([1-9][0-9]{0,17})-([0-9]{1,3})$/.exec(cursor) ?? []
  const lane = lanes[Number(position)]
  if (number === undefined || lane === undefined) throw malformedCursor(cursor)
  return { number: BigInt(number), lane }
}
