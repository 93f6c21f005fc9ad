// One node of the sandbox network as its callers meet it: answers a request body, through the fault knobs. Pure of
// sockets and timers: a delay or a lost connection is told to the host, which carries it out.
import { happens, within } from './generator.ts'
import { viewOf, type View } from './history.ts'
import { countCrash } from './network.ts'
import { dispatch, isOwn, readEnvelope, type Envelope } from './rpc/dispatch.ts'
import type { Host } from './rpc/method.ts'
import type { Network } from './state.ts'

/** Bytes of a request body, as real nodes limit them. */
export const MAX_BODY_BYTES = 50 * 1024

export type Node = {
  network: Network
  readonly host: Host
  /** The slot in which `requestsInSlot` requests came. */
  limitedSlot: number
  requestsInSlot: number
}

export type Reply =
  | { readonly kind: 'answer'; readonly status: 200 | 429; readonly body: string; readonly delayMs: number }
  /** The connection breaks without an answer. */
  | { readonly kind: 'lost'; readonly delayMs: number }
  /** The node died: the host ends the process, or drops the network and opens it again from its store. */
  | { readonly kind: 'crash' }

export function createNode(network: Network, effects: Pick<Host, 'now' | 'report'>): Node {
  return { network, host: { ...effects, dying: false }, limitedSlot: 0, requestsInSlot: 0 }
}

/** Milliseconds until a request that was sent now arrives, and shall be answered. */
export function travelMs({ network: { knobs, counters, generator } }: Node, body: string): number {
  const { requestDelayMs } = knobs
  if (requestDelayMs[1] === 0) return 0
  const envelope = readEnvelope(body)
  if (envelope !== null && isOwn(envelope)) return 0
  const delayMs = within(generator, requestDelayMs)
  if (delayMs > 0) counters.requestsDelayed += 1
  return delayMs
}

/** Answers one HTTP body (a request or a batch). */
export function answer(node: Node, body: string): Reply {
  const { network } = node
  network.counters.requests += 1
  const envelope = readEnvelope(body)
  if (envelope !== null && isOwn(envelope)) return ownAnswer(node, envelope)
  return faultyAnswer(node, envelope)
}

function ownAnswer(node: Node, envelope: Envelope): Reply {
  const body = dispatch(node.network, viewOf(node.network, 0, null), node.host, envelope)
  return node.host.dying ? crash(node) : { kind: 'answer', status: 200, body, delayMs: 0 }
}

function faultyAnswer(node: Node, envelope: Envelope | null): Reply {
  const { knobs, counters, generator } = node.network
  if (isOverLimit(node)) return { kind: 'answer', status: 429, body: TOO_MANY, delayMs: 0 }
  const delayMs = within(generator, knobs.responseDelayMs)
  if (delayMs > 0) counters.responsesDelayed += 1
  const dies = happens(generator, knobs.crashRate)
  if (dies && happens(generator, 0.5)) return crash(node)
  if (happens(generator, knobs.requestLossRate)) {
    counters.requestsLost += 1
    return { kind: 'lost', delayMs }
  }
  const view = chosenView(node.network)
  if (happens(generator, knobs.requestDuplicationRate)) {
    counters.requestsDuplicated += 1
    dispatch(node.network, view, node.host, envelope)
  }
  const body = dispatch(node.network, view, node.host, envelope)
  if (dies || node.host.dying) return crash(node)
  if (happens(generator, knobs.responseLossRate)) {
    counters.responsesLost += 1
    return { kind: 'lost', delayMs }
  }
  return { kind: 'answer', status: 200, body, delayMs }
}

const TOO_MANY = JSON.stringify({
  jsonrpc: '2.0', error: { code: 429, message: 'Too many requests for a specific RPC call' }, id: null,
})

function isOverLimit(node: Node): boolean {
  const { knobs, slot, counters } = node.network
  if (node.limitedSlot !== slot) node.requestsInSlot = 0
  node.limitedSlot = slot
  node.requestsInSlot += 1
  if (knobs.requestsPerSlot === null || node.requestsInSlot <= knobs.requestsPerSlot) return false
  counters.requestsLimited += 1
  return true
}

// A provider's address stands for many nodes: some of them lag, some have forgotten.
function chosenView(network: Network): View {
  const { knobs, counters, generator } = network
  const lags = happens(generator, knobs.lagRate)
  const forgets = happens(generator, knobs.forgetRate)
  if (lags) counters.requestsLagging += 1
  if (forgets) counters.requestsForgetful += 1
  return viewOf(network, lags ? knobs.lagSlots : 0, forgets ? knobs.forgetAfterSlots : null)
}

function crash(node: Node): Reply {
  node.host.dying = true
  countCrash(node.network)
  return { kind: 'crash' }
}
