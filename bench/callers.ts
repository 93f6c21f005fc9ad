// Callers: so many at once, each sending its next call when the one before was answered. What they send is made before the clock starts,
// as a real caller brings it ready.

import { percentile } from './report.ts'

export type Answered = {
  /** Calls that were answered. */
  readonly calls: number
  readonly perSecond: number
  readonly medianMs: number
  readonly p99Ms: number
  /** The longest time in which nobody was answered. */
  readonly longestGapMs: number
  /** Of this process, in all its threads, as a share of one core. */
  readonly ownCpu: number
}

type Round<Call> = {
  readonly callers: number
  /** No call begins later than this. Fewer calls end it earlier. */
  readonly ms: number
  readonly calls: Iterable<Call>
  readonly nowMs: () => number
}

/** Makes the calls. Rejects with the first call's error. */
export async function runCallers<Call>({ callers, ms, calls, nowMs }: Round<Call>, call: (one: Call) => Promise<void>): Promise<Answered> {
  const supply = calls[Symbol.iterator]()
  const times: number[] = []
  const cpu = process.cpuUsage()
  const began = nowMs()
  let last = began
  let longestGapMs = 0
  const caller = async (): Promise<void> => {
    for (let asked = nowMs(); asked - began < ms; ) {
      const next = supply.next()
      if (next.done === true) return
      await call(next.value)
      const now = nowMs()
      times.push(now - asked)
      longestGapMs = Math.max(longestGapMs, now - last)
      last = now
      asked = now
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const elapsed = nowMs() - began
  const { user, system } = process.cpuUsage(cpu)
  return {
    calls: times.length,
    perSecond: (times.length * 1000) / elapsed,
    medianMs: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    longestGapMs,
    ownCpu: (user + system) / 1000 / elapsed,
  }
}
