// The signer without a process of its own, for simulations and tests alone: the same messages, the same code, and its caller holds the
// master key. A server never imports it.

import { createPerformer } from './answer.ts'
import { callsOver, parseRequest } from './protocol.ts'
import type { Signer, SignerWorld } from './signer.ts'

/** A signer on a pool with the signer's role. What is no Refusal is thrown as it is; the pool stays the caller's. */
export function inProcessSigner(world: SignerWorld): Signer {
  const perform = createPerformer(world)
  return {
    ...callsOver((sent) => perform(parseRequest({ ...sent, id: 1 }))),
    stop: () => Promise.resolve(),
    onExit: () => {},
  }
}
