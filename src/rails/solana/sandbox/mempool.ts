// Where transactions wait for a block. Being here promises nothing: they can be dropped, expire, or be lost with the
// process.
import type { Key } from './bytes.ts'
import { happens, within } from './generator.ts'
import { MEMPOOL_LIMIT } from './chain.ts'
import type { Network } from './state.ts'
import { identityOf, type Wire } from './wire.ts'

/** Takes a transaction in, or drops it silently (a knob, or a full queue). Returns its signature. */
export function accept(network: Network, wire: Wire): Key {
  const signature = identityOf(wire)
  const { counters, generator, knobs } = network
  counters.transactionsAccepted += 1
  if (happens(generator, knobs.transactionDropRate) || network.mempool.size >= MEMPOOL_LIMIT) {
    counters.transactionsDropped += 1
    return signature
  }
  const delay = within(generator, knobs.inclusionDelaySlots)
  if (delay > 0) counters.inclusionsDelayed += 1
  enqueue(network, wire, { delaySlots: delay, own: false })
  return signature
}

/** Puts a transaction into the queue unless it is there already or has landed. */
export function enqueue(network: Network, wire: Wire, options: { readonly delaySlots: number; readonly own: boolean }): void {
  const signature = identityOf(wire)
  if (network.recent.has(signature) || network.mempool.has(signature)) return
  network.mempool.set(signature, { wire, readyAt: network.slot + 1 + options.delaySlots, own: options.own, underpriced: false })
}
