// The real machine's effects, for tests that need PostgreSQL, processes or the network. Never a fixed wait: poll with a deadline.

import { machineEffects } from '../src/world.ts'

/** Silent: what a test wants to know it asks for. */
export const machine = machineEffects(() => {})

/** Looks every few milliseconds until `look` gives something, and fails with `what` after the deadline: far behind what a machine with ten times
 * as much to do as it has processors needs, and before Vitest's own. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>, limitMs = 90_000): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`)
    await machine.sleep(5)
  }
}
