// What the checks of one event are given: where they read and note what is broken, and the event's transfers as they come.

import type { TransferKind } from '../../core/account.ts'
import type { Json } from '../../core/effects.ts'
import type { Ledger } from '../ledger.ts'
import type { Reading } from './books.ts'
import type { Plans } from './plans.ts'

/** `remembered`: what the plan's rules remember at this point of the lane, as it was worked out from the events before. */
export type EventReading = Reading & { readonly ledger: Ledger; readonly plans: Plans; readonly remembered: Map<string, Json> }

export type EventTransfer = {
  readonly number: bigint
  readonly kind: TransferKind
  readonly part: number | null
  readonly debit: string
  readonly credit: string
  readonly asset: string
  readonly units: bigint
}
