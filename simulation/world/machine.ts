// The machine's clock, immediates and WebCrypto, taken over while a history runs: libraries read the clock and sign in other threads, and
// both would make one history differ from another. Gives everything back; only one history runs in a thread at a time.

import { assert } from '../../src/core/assert.ts'
import { instantSubtle } from './subtle.ts'

export type Machine = {
  /** Resolves when nothing is left that runs by itself: no microtask, no immediate, nothing of what `begin` said is under way. */
  readonly quiet: () => Promise<void>
  /** Work that is really outside, such as a real server's answer; the answer ends it. */
  readonly outside: () => () => void
  readonly release: () => void
}

/** What a timer can be set to. */
const LONGEST_MS = 2 ** 31 - 1

let taken = false

/** Until released, the machine's clock says `now` (milliseconds). */
export function takeMachine(now: () => number): Machine {
  assert(!taken, 'one history runs in a thread at a time')
  taken = true
  const machine = { now: Date.now, immediate: globalThis.setImmediate, timeout: globalThis.setTimeout }
  let waiting = 0
  let outside = 0
  let wake: (() => void) | null = null
  const counting = ((call: (...given: unknown[]) => void, ...given: unknown[]) => {
    waiting += 1
    return machine.immediate(() => {
      waiting -= 1
      call(...given)
    })
  }) as typeof setImmediate
  Date.now = () => Math.floor(now())
  // The machine's timers measure another time: none of them ends within a history. PostgreSQL in this process sets some.
  const endless = (): NodeJS.Timeout => machine.timeout(() => {}, LONGEST_MS).unref()
  globalThis.setTimeout = Object.assign(endless, { __promisify__: machine.timeout.__promisify__ }) as typeof setTimeout
  globalThis.setImmediate = Object.assign(counting, { __promisify__: machine.immediate.__promisify__ })
  Object.defineProperty(globalThis.crypto, 'subtle', { value: instantSubtle, configurable: true })
  const turn = (): Promise<void> => new Promise((resolve) => void machine.immediate(resolve))
  return {
    quiet: async () => {
      // Microtasks end before an immediate runs; what one begins is seen by the next round.
      do {
        while (outside > 0) await new Promise<void>((resolve) => (wake = resolve))
        await turn()
      } while (waiting > 0 || outside > 0)
    },
    outside: () => {
      outside += 1
      let ended = false
      return () => {
        if (ended) return
        ended = true
        outside -= 1
        if (outside === 0) {
          wake?.()
          wake = null
        }
      }
    },
    release: () => {
      Date.now = machine.now
      globalThis.setImmediate = machine.immediate
      globalThis.setTimeout = machine.timeout
      Reflect.deleteProperty(globalThis.crypto, 'subtle')
      taken = false
    },
  }
}
