// A ledger with a history: events recorded in bulk by the recorder itself, until so many transfers are stored.

import { createRecorder } from '../src/engine/recorder.ts'
import type { Ledger } from '../src/engine/ledger.ts'
import type { Desk } from '../src/engine/world.ts'
import type { EventInput } from '../src/core/event.ts'
import type { Effects } from '../src/core/effects.ts'
import type { Store } from '../src/store/store.ts'
import { benchEvent, type Pattern } from './workload.ts'

/** Events a call: as many as the recorder posts at once. */
const CALL = 1000
/** Calls under way: while one is committed the next is made ready. */
const CALLS = 3
/** An event of the bench is one transfer in and four shares. */
const TRANSFERS_AN_EVENT = 5

export type Filling = {
  /** Of the bench's own ledger; or of any other the event of an index, with four shares of which each makes a transfer. */
  readonly pattern: Pattern | ((index: number) => EventInput)
  /** Stored at least; rounded up to whole calls. */
  readonly transfers: number
  /** Index of the first event, where others were recorded before. */
  readonly from?: number
  readonly onProgress?: (transfers: number) => void
}

/** Records events in a ledger; answers the index of the next one. */
export async function fillLedger(
  { effects, store, ledger }: { effects: Effects; store: Store; ledger: Ledger },
  { pattern, transfers, from = 0, onProgress = () => {} }: Filling,
): Promise<number> {
  const desk: Desk = { ...effects, store, programs: new Map(), rails: {} }
  const recorder = createRecorder(desk)
  const event = typeof pattern === 'string' ? (index: number) => benchEvent(pattern, ledger.asset.name, index) : pattern
  const calls = Math.ceil(transfers / (CALL * TRANSFERS_AN_EVENT))
  let [begun, ended] = [0, 0]
  const caller = async (): Promise<void> => {
    while (begun < calls) {
      const first = from + begun * CALL
      begun += 1
      const offers = Array.from({ length: CALL }, (_, place) => {
        return { input: event(first + place), door: 'bench', mayBackdate: false }
      })
      const results = await recorder.record(ledger, offers)
      if (results.some(({ state }) => state !== 'recorded')) throw new Error(`an event from ${first} on was not recorded`)
      ended += 1
      onProgress(ended * CALL * TRANSFERS_AN_EVENT)
    }
  }
  await Promise.all(Array.from({ length: CALLS }, caller))
  return from + calls * CALL
}
