// Sending what is due of a lane: while the attempts of one pass are on their way to the network, the next ones are prepared. The order of
// the law is that of each attempt: it is sent when it is committed, and not before.

import type { Rail } from '../rails/rail.ts'
import type { Ledger } from './ledger.ts'
import { prepareAttempts, type ReadyAttempt } from './prepare-attempts.ts'
import { submitAttempts, type Pace } from './submit-attempts.ts'
import type { World } from './world.ts'

/** Passes of one step, so that whoever wants the worker to stop, or the lane for itself, waits for a few. */
const MAX_PASSES = 4

/** Prepares and sends. Answers whether there was anything; there may be more. Refuses as `prepareAttempts` does. */
export async function sendPayouts(world: World, ledger: Ledger, { lane, rail, pace }: { lane: bigint; rail: Rail; pace: Pace }): Promise<boolean> {
  let ready = await prepareAttempts(world, ledger, lane, rail)
  const hadAny = ready.length > 0
  for (let pass = 1; ready.length > 0; pass += 1) {
    const prepared: Promise<readonly ReadyAttempt[]> = pass < MAX_PASSES ? prepareAttempts(world, ledger, lane, rail) : Promise.resolve([])
    // Should one of them fail, the other is waited for. What was committed and not sent is due for a look, which sends it.
    const [sent, next] = await Promise.allSettled([submitAttempts(world, rail, { lane, attempts: ready, pace }), prepared])
    if (sent.status === 'rejected') throw sent.reason
    if (next.status === 'rejected') throw next.reason
    ready = next.value
  }
  return hadAny
}
