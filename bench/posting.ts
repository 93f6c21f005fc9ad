// Posting in this process: callers at the recorder, each one event a call or many.

import type { Ledger } from '../src/engine/ledger.ts'
import type { Offer } from '../src/engine/record-event.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import type { Desk } from '../src/engine/world.ts'
import type { Effects } from '../src/core/effects.ts'
import type { Store } from '../src/store/store.ts'
import { runCallers, type Answered } from './callers.ts'
import { benchEvent, type Pattern } from './workload.ts'

export const EVENTS_A_CALL = 1000

/** Where events go, and the number of the next one: no event of a ledger is made twice. */
export type Lane = { readonly effects: Effects; readonly store: Store; readonly ledger: Ledger; readonly pattern: Pattern; next: number }

export type Posted = Answered & { readonly eventsPerSecond: number }

/** Most events a second that any machine is expected to post: so many are made ready for each second. */
const MOST_A_SECOND = 60_000
/** One caller waits for the disk each time. */
const MOST_A_SECOND_ALONE = 10_000

type Round = { readonly callers: number; readonly ms: number; readonly events?: number; readonly calls?: number; readonly nowMs: () => number }

/** Posts for `ms`, or so many calls, by so many callers, `events` in each call. */
export async function post(lane: Lane, { callers, ms, events = 1, calls, nowMs }: Round): Promise<Posted> {
  const { effects, store, ledger } = lane
  const desk: Desk = { ...effects, store, programs: new Map(), rails: {} }
  const recorder = createRecorder(desk)
  const most = callers === 1 && events === 1 ? MOST_A_SECOND_ALONE : MOST_A_SECOND
  const ready = Array.from({ length: calls ?? Math.ceil((most * ms) / 1000 / events) }, () => offersOf(lane, events))
  const answered = await runCallers({ callers, ms, calls: ready, nowMs }, async (offers) => {
    const results = await recorder.record(ledger, offers)
    if (results.some(({ state }) => state !== 'recorded')) throw new Error('an event of the bench was not recorded')
  })
  return { ...answered, eventsPerSecond: answered.perSecond * events }
}

function offersOf(lane: Lane, events: number): readonly Offer[] {
  return Array.from({ length: events }, () => ({ input: benchEvent(lane.pattern, lane.ledger.asset.name, lane.next++), door: 'bench', mayBackdate: false }))
}
