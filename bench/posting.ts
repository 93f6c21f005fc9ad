// Posting: one event a call by one and many callers, and a thousand events a call.

import type { Effects } from '../src/core/effects.ts'
import type { Ledger } from '../src/engine/ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import type { Desk } from '../src/engine/world.ts'
import type { Store } from '../src/store/store.ts'
import { percentile } from './report.ts'
import { benchEvent, type Pattern } from './workload.ts'

export type Posted = { readonly perSecond: number; readonly medianMs: number; readonly p99Ms: number }

const BATCH = 1000

/** Posts for `ms` by so many callers, each one event (or `events`) a call, waiting for each answer. */
export async function post(
  { effects, store, ledger }: { effects: Effects; store: Store; ledger: Ledger },
  { pattern, callers, ms, from, events = 1 }: { pattern: Pattern; callers: number; ms: number; from: number; events?: number },
): Promise<Posted & { readonly next: number }> {
  const desk: Desk = { ...effects, store, programs: new Map(), rails: {} }
  const recorder = createRecorder(desk)
  const times: number[] = []
  let next = from
  let done = 0
  const began = performance.now()
  const until = began + ms
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const asked = performance.now()
      const offers = Array.from({ length: events }, () => ({ input: benchEvent(pattern, ledger.asset.name, next++), door: 'bench', mayBackdate: false }))
      const results = await recorder.record(ledger, offers)
      if (results.some(({ state }) => state !== 'recorded')) throw new Error('an event of the bench was not recorded')
      times.push(performance.now() - asked)
      done += events
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const sorted = times.toSorted((a, b) => a - b)
  const perSecond = (done * 1000) / (performance.now() - began)
  return { perSecond, medianMs: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), next }
}

export const EVENTS_A_CALL = BATCH
