// Sending what is due of a lane: while the attempts of one pass are committed and on their way to the network, those of the next are packed
// and signed. The order of the law is that of each attempt: it is sent when it is committed, and not before.

import { commitAttempts, signDue, type SendingLane, type SignedQueue } from './prepare-attempts.ts'
import { submitAttempts, type Pace } from './submit-attempts.ts'
import type { World } from './world.ts'

/** Passes of one step, so that whoever wants the worker to stop, or the lane for itself, waits for a few. */
const MAX_PASSES = 4

/** Prepares and sends. Answers whether there was anything; there may be more. Refuses as `signDue` does. */
export async function sendPayouts(world: World, at: SendingLane, pace: Pace): Promise<boolean> {
  let signed = await signDue(world, at, [])
  const hadAny = signed.length > 0
  for (let pass = 1; signed.length > 0; pass += 1) {
    const next: Promise<readonly SignedQueue[]> = pass < MAX_PASSES ? signDue(world, at, signed) : Promise.resolve([])
    // Should one of them fail, the other is waited for. What was committed and not sent is due for a look, which sends it.
    const [sent, found] = await Promise.allSettled([commitAndSubmit(world, at, { signed, pace }), next])
    if (sent.status === 'rejected') throw sent.reason
    if (found.status === 'rejected') throw found.reason
    signed = found.value
  }
  return hadAny
}

async function commitAndSubmit(world: World, { lane, rail }: SendingLane, { signed, pace }: { signed: readonly SignedQueue[]; pace: Pace }): Promise<void> {
  const attempts = await commitAttempts(world, lane, signed)
  await submitAttempts(world, rail, { lane, attempts, pace })
}
